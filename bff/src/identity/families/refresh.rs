//! A refresh: the current token for the next pair, by compare-and-swap; a spent one for the pair it was taken for, or
//! for the end of the family.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    Family, RefreshError, TokenPair,
    access::{Mint, Minted},
    record::TokenStatus,
    state::Inner,
    token::RefreshToken,
};
use crate::{
    identity::{IdentityError, Session, SessionKey, SessionKind},
    store::{Space, StoreError},
};

/// How often a refresh begins again when the record changes under it. Each time somebody else has succeeded.
const TRIES: usize = 8;

/// After a refresh that lost every race, the next one may come so soon.
const CONTENDED_RETRY_MS: u64 = 1000;

/// How a pair came about.
pub(super) enum Done {
    Rotated,
    Repeated,
    /// Repeated after the retry window, because the first answer has never arrived.
    RepeatedLate,
}

impl Inner {
    pub(super) async fn refresh(
        &self,
        presented: &str,
        cookie: bool,
        now_ms: u64,
    ) -> Result<(Done, TokenPair), RefreshError> {
        let token = RefreshToken::parse(presented).ok_or(RefreshError::Invalid)?;
        let key = token.family();
        for _ in 0..TRIES {
            let found = self.load(&key, now_ms).await?.filter(|(family, _)| family.cookie == cookie);
            let (family, version) = found.ok_or(RefreshError::Invalid)?;
            match family.token_status(&token, now_ms, self.policy.retry) {
                TokenStatus::Current => {
                    if let Some(pair) = self.rotate(&key, &family, version, &token, now_ms).await? {
                        return Ok((Done::Rotated, pair));
                    }
                }
                TokenStatus::Retried { successor, rotation } => {
                    let issue = Issue { generation: successor.generation(), jti: &rotation.jti };
                    let again = mint(&key, &family, &issue, rotation.at_ms);
                    let minted = self.access.mint_again(&rotation.kid, &again)?;
                    let session = Arc::new(family.session(key, version));
                    return Ok((Done::Repeated, pair(&successor, minted, session)));
                }
                TokenStatus::Unanswered { successor } => {
                    // The access token of that time may have expired. Nothing is written: what decides is the record,
                    // and it stays as it is until the successor, or an access token given out with it, is used.
                    let jti = new_jti()?;
                    let issue = Issue { generation: successor.generation(), jti: &jti };
                    let minted = self.access.mint(&mint(&key, &family, &issue, now_ms))?;
                    let session = Arc::new(family.session(key, version));
                    return Ok((Done::RepeatedLate, pair(&successor, minted, session)));
                }
                TokenStatus::Unknown if family.has_outlived(&token) && token.is_genuine(&self.secrets) => {
                    tracing::warn!("a spent refresh token was presented: its family ends");
                    self.sessions.end_family(&key, family.user.id()).await?;
                    return Err(RefreshError::Reused);
                }
                TokenStatus::Unknown => return Err(RefreshError::Invalid),
            }
        }
        // That often in a row somebody else was first, each time for good.
        Err(RefreshError::TooFast { retry_ms: CONTENDED_RETRY_MS })
    }

    /// The family under `key` and the version of its record, if it is live.
    pub(super) async fn load(
        &self,
        key: &SessionKey,
        now_ms: u64,
    ) -> Result<Option<(Family, u64)>, StoreError> {
        let Some(record) = self.sessions.inner.store.get(Space::RefreshFamilies, key).await? else {
            return Ok(None);
        };
        match Family::of(&record) {
            Ok(family) => Ok(family.is_live(now_ms).then_some((family, record.version))),
            // Not to be ended: it may be the record of a later release, which can read it.
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "record of a family is ignored");
                Ok(None)
            }
        }
    }

    /// Takes the current token for the next one. Nothing, when the record has changed since it was read: also when it
    /// was deleted, which nothing undoes.
    async fn rotate(
        &self,
        key: &SessionKey,
        family: &Family,
        version: u64,
        spent: &RefreshToken,
        now_ms: u64,
    ) -> Result<Option<TokenPair>, RefreshError> {
        if let Some(retry_ms) = family.full_for(now_ms, self.policy.retry) {
            return Err(RefreshError::TooFast { retry_ms });
        }
        let (successor, jti) = (spent.next(&self.secrets)?, new_jti()?);
        let issue = Issue { generation: successor.generation(), jti: &jti };
        let minted = self.access.mint(&mint(key, family, &issue, now_ms))?;
        let next = family.rotated(spent, &successor, (&jti, &minted.kid), now_ms, self.policy.retry);
        let store = &self.sessions.inner.store;
        let written = store.put_if(Space::RefreshFamilies, key, Some(version), next.entry()?).await?;
        // For the requests that are about to bear the new access token.
        self.sessions.inner.cache_sync.refetcher.refetch(SessionKind::App, *key);
        Ok(written.map(|version| pair(&successor, minted, Arc::new(next.session(*key, version)))))
    }

    /// Notes that an access token of `generation` is used: from now on its refresh token's parent is a spent token like
    /// any other. By compare-and-swap, so that it neither brings an ended family back nor undoes a rotation.
    pub(super) async fn note_arrival(
        &self,
        key: &SessionKey,
        generation: u32,
        now_ms: u64,
    ) -> Result<(), IdentityError> {
        let store = &self.sessions.inner.store;
        for _ in 0..TRIES {
            let Some((family, version)) = self.load(key, now_ms).await? else { return Ok(()) };
            let Some(next) = family.arrived(generation) else { return Ok(()) };
            if store.put_if(Space::RefreshFamilies, key, Some(version), next.entry()?).await?.is_some() {
                self.sessions.inner.cache_sync.refetcher.refetch(SessionKind::App, *key);
                return Ok(());
            }
        }
        Ok(())
    }
}

/// What tells an access token from the others of its family.
pub(super) struct Issue<'a> {
    /// Of the refresh token that is given out with it.
    pub(super) generation: u32,
    pub(super) jti: &'a str,
}

pub(super) fn mint<'a>(key: &'a SessionKey, family: &'a Family, issue: &Issue<'a>, at_ms: u64) -> Mint<'a> {
    Mint {
        family: key,
        user: family.user.id(),
        generation: issue.generation,
        jti: issue.jti,
        at_ms,
        absolute_end_ms: family.absolute_end_ms,
    }
}

pub(super) fn pair(token: &RefreshToken, minted: Minted, session: Arc<Session>) -> TokenPair {
    TokenPair {
        access_token: minted.token,
        refresh_token: token.text(),
        expires_in_s: minted.expires_in_s,
        absolute_end_ms: session.absolute_end_ms,
        session,
    }
}

/// 128 random bits as base64url.
pub(super) fn new_jti() -> Result<String, IdentityError> {
    let mut bits = [0_u8; 16];
    getrandom::fill(&mut bits).map_err(IdentityError::Randomness)?;
    Ok(URL_SAFE_NO_PAD.encode(bits))
}
