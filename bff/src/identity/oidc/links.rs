//! Which of our sessions a provider's session or subject has, so that a sign-out there ends them here; and what of a
//! sign-in or sign-out was used already. All of it is in the store: any replica may be the one that is told.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::{Attempt, IdToken, LogoutToken};
use crate::{
    identity::{IdentityError, Session, SessionKey},
    store::{Entry, Space, Store},
};

/// A sign-out is remembered for those sign-ins that are under way.
const SIGNED_OUT_MS: u64 = 10 * 60 * 1000;
/// A used token is remembered a little beyond its end, as it is taken a little beyond its end.
const GRACE: Duration = Duration::from_secs(60);

/// The records. Cloning is cheap.
#[derive(Clone)]
pub struct ProviderSessions {
    store: Arc<dyn Store>,
}

impl std::fmt::Debug for ProviderSessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProviderSessions").finish_non_exhaustive()
    }
}

/// Both ways in which a provider names whom it signs out.
#[derive(Clone, Copy)]
enum Named<'a> {
    Session(&'a str),
    Subject(&'a str),
}

impl Named<'_> {
    /// Under what a link to `session` is kept: a session has one of each kind.
    fn link(self, session: &SessionKey) -> [u8; 33] {
        let mut key = [0; 33];
        key[0] = match self {
            Self::Session(_) => b's',
            Self::Subject(_) => b'u',
        };
        key[1..].copy_from_slice(session);
        key
    }

    /// No provider can name another one's: the issuer is in it.
    fn hash(self, issuer: &str) -> [u8; 32] {
        match self {
            Self::Session(sid) => hash("oidc sid v1", issuer, sid),
            Self::Subject(subject) => hash("oidc sub v1", issuer, subject),
        }
    }

    fn owner(self, issuer: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.hash(issuer))
    }
}

impl ProviderSessions {
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// Uses `attempt` up; says whether it was unused. Its answer counts once, on whichever replica it arrives.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn spend(&self, attempt: &Attempt) -> Result<bool, IdentityError> {
        let key = hash("oidc state v1", "", attempt.state());
        self.remember(&key, attempt.expires_ms()).await
    }

    /// Ties `session` to the provider's session and subject, for as long as it can last. Says whether they are
    /// signed in there still, as far as is known: the provider's order to sign out may have come before this, while
    /// somebody was on the way of `attempt`.
    ///
    /// # Errors
    /// [`IdentityError::Store`]: it may be tied to neither or to one.
    pub async fn link(
        &self,
        issuer: &str,
        token: &IdToken,
        attempt: &Attempt,
        session: &Session,
    ) -> Result<bool, IdentityError> {
        let subject = Some(Named::Subject(&token.subject));
        let names = [token.sid.as_deref().map(Named::Session), subject];
        for named in names.into_iter().flatten() {
            let owner = Some(named.owner(issuer).into());
            let entry = Entry { value: Bytes::new(), owner, expires_at_ms: session.absolute_end_ms };
            self.store.put(Space::OidcLinks, &named.link(&session.key), entry).await?;
        }
        for named in names.into_iter().flatten() {
            let ended = self.store.get(Space::Revocations, &tombstone(issuer, named)).await?;
            if ended
                .and_then(|record| SignedOut::read(&record.value))
                .is_some_and(|out| out.ends(token, attempt))
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether `token` was used before.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn is_used(&self, issuer: &str, token: &LogoutToken) -> Result<bool, IdentityError> {
        Ok(self.store.get(Space::Revocations, &used(issuer, token)).await?.is_some())
    }

    /// From now on `token` is used.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn use_up(&self, issuer: &str, token: &LogoutToken) -> Result<(), IdentityError> {
        let grace_ms = u64::try_from(GRACE.as_millis()).unwrap_or(u64::MAX);
        let until_ms = token.expires_s.saturating_mul(1000).saturating_add(grace_ms);
        self.remember(&used(issuer, token), until_ms).await.map(|_| ())
    }

    /// The sessions that are to end: those of the provider's session where it names one, else all of the subject.
    /// Those that are being made right now find out by themselves: see [`Self::link`].
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn sign_out(
        &self,
        issuer: &str,
        token: &LogoutToken,
        now_ms: u64,
    ) -> Result<Vec<SessionKey>, IdentityError> {
        let session = token.sid.as_deref().map(Named::Session);
        let Some(named) = session.or(token.subject.as_deref().map(Named::Subject)) else {
            return Ok(Vec::new());
        };
        // First this, then the look: a sign-in writes its links first and then looks for this.
        let value = SignedOut { issued_s: token.issued_s, heard_ms: now_ms }.write();
        let entry = Entry { value, owner: None, expires_at_ms: now_ms.saturating_add(SIGNED_OUT_MS) };
        self.store.put(Space::Revocations, &tombstone(issuer, named), entry).await?;
        let links = self.store.list_owned(Space::OidcLinks, &named.owner(issuer)).await?;
        Ok(links.iter().filter_map(|(key, _)| key.get(1..)?.try_into().ok()).collect())
    }

    /// Forgets the links of a session that has ended.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn unlink(&self, session: &SessionKey) -> Result<(), IdentityError> {
        for named in [Named::Session(""), Named::Subject("")] {
            self.store.delete(Space::OidcLinks, &named.link(session)).await?;
        }
        Ok(())
    }

    /// Says whether it was not remembered before.
    async fn remember(&self, key: &[u8], until_ms: u64) -> Result<bool, IdentityError> {
        let entry = Entry { value: Bytes::new(), owner: None, expires_at_ms: until_ms };
        Ok(self.store.put_if(Space::Revocations, key, None, entry).await?.is_some())
    }
}

/// A provider's order to sign out, as sign-ins under way find it.
struct SignedOut {
    issued_s: u64,
    heard_ms: u64,
}

impl SignedOut {
    /// Whether the sign-in that `token` is for was over by then. One that began here only when the order had been
    /// heard was not, though a token of the same second does not show it: people sign in again at once.
    fn ends(&self, token: &IdToken, attempt: &Attempt) -> bool {
        token.issued_s <= self.issued_s && attempt.begun_ms() <= self.heard_ms
    }

    fn write(&self) -> Bytes {
        [self.issued_s, self.heard_ms].map(u64::to_be_bytes).concat().into()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (issued_s, heard_ms) = bytes.split_first_chunk()?;
        Some(Self {
            issued_s: u64::from_be_bytes(*issued_s),
            heard_ms: u64::from_be_bytes(heard_ms.try_into().ok()?),
        })
    }
}

fn used(issuer: &str, token: &LogoutToken) -> [u8; 32] {
    hash("oidc logout token v1", issuer, &token.jti)
}

fn tombstone(issuer: &str, named: Named<'_>) -> [u8; 32] {
    Sha256::new().chain_update(b"oidc signed out v1").chain_update(named.hash(issuer)).finalize().into()
}

/// Of both texts, kept apart by the length of the first.
fn hash(label: &str, issuer: &str, text: &str) -> [u8; 32] {
    let length = u64::try_from(issuer.len()).unwrap_or(u64::MAX).to_be_bytes();
    let parts = [label.as_bytes(), &[0], &length, issuer.as_bytes(), text.as_bytes()];
    parts.into_iter().fold(Sha256::new(), Digest::chain_update).finalize().into()
}
