//! The way in for the handlers: sign-ins of apps are made, refreshed, revoked and looked up here.

use std::{sync::Arc, time::Duration};

use clients::KeyRing;

use super::{
    Family, RefreshError, TokenPair, TokenPolicy,
    access::AccessTokens,
    record::{SignIn, TokenStatus},
    refresh::{Done, Issue, mint, new_jti, pair},
    state::Inner,
    token::RefreshToken,
};
use crate::{
    identity::{IdentityError, ProfileDocument, Secrets, Session, SessionKey, SessionKind, Sessions},
    store::{Space, StoreError},
    telemetry::Metrics,
};

/// How long a request waits until it is written that its access token is in use. The write goes on.
const ARRIVAL_WAIT: Duration = Duration::from_millis(250);

/// What [`AppTokens`] work with.
pub struct AppTokensParts {
    pub sessions: Sessions,
    /// Signs and verifies access tokens.
    pub ring: Arc<KeyRing>,
    /// Tells refresh tokens that were given out from inventions.
    pub secrets: Arc<Secrets>,
    /// `iss` of access tokens.
    pub issuer: String,
    pub policy: TokenPolicy,
    /// Counts refreshes by outcome.
    pub metrics: Arc<Metrics>,
}

/// The sign-ins of apps. Cloning is cheap; all clones are the same.
#[derive(Clone)]
pub struct AppTokens {
    pub(super) inner: Arc<Inner>,
}

impl AppTokens {
    #[must_use]
    pub fn new(parts: AppTokensParts) -> Self {
        let AppTokensParts { sessions, ring, secrets, issuer, policy, metrics } = parts;
        let entries = sessions.inner.policy.near_entries;
        let access = AccessTokens::new(ring, issuer, &policy, entries);
        Self { inner: Arc::new(Inner { sessions, access, secrets, policy, metrics }) }
    }

    /// Signs `user` in: a new family and its first pair. The family is durable when this returns. Where the user is signed
    /// in too often by it, the oldest sign-ins end, as in [`Sessions::create`].
    ///
    /// `client` and `address` are kept for display as they are. `cookie` says that the refresh token will travel in one:
    /// it is then taken from there alone.
    ///
    /// # Errors
    /// [`IdentityError::Randomness`], [`IdentityError::Key`], [`IdentityError::Store`].
    pub async fn issue(
        &self,
        user: &Arc<ProfileDocument>,
        client: &str,
        address: &str,
        cookie: bool,
        now_ms: u64,
    ) -> Result<TokenPair, IdentityError> {
        let inner = &self.inner;
        let token = RefreshToken::first(&inner.secrets)?;
        let (key, jti) = (token.family(), new_jti()?);
        let sign_in = SignIn { user, client, address, cookie };
        let family = Family::new(&sign_in, &token, now_ms, inner.policy.refresh);
        let issue = Issue { generation: token.generation(), jti: &jti };
        let minted = inner.access.mint(&mint(&key, &family, &issue, now_ms))?;
        let store = &inner.sessions.inner.store;
        let version = store.put(Space::RefreshFamilies, &key, family.entry()?).await?;
        inner.sessions.inner.hold(SessionKind::App, &key).await;
        inner.sessions.inner.keep_to_limit(SessionKind::App, user.id(), &key).await?;
        Ok(pair(&token, minted, Arc::new(family.session(key, version))))
    }

    /// Takes `presented` for the next pair. Of any number of calls with one token, on any replica, the first one makes
    /// the pair; the others get the same one, for as long as [`TokenPolicy::retry`], and after that the same refresh
    /// token with a new access token while nothing shows that the first answer arrived. `cookie` says where the token
    /// came from, which must be where it was sent.
    ///
    /// # Errors
    /// [`RefreshError`].
    pub async fn refresh(
        &self,
        presented: &str,
        cookie: bool,
        now_ms: u64,
    ) -> Result<TokenPair, RefreshError> {
        let outcome = self.inner.refresh(presented, cookie, now_ms).await;
        self.inner.metrics.refresh(match &outcome {
            Ok((Done::Rotated, _)) => "rotated",
            Ok((Done::Repeated, _)) => "repeated",
            Ok((Done::RepeatedLate, _)) => "repeated_late",
            Err(RefreshError::Invalid) => "invalid",
            Err(RefreshError::Reused) => "reused",
            Err(RefreshError::TooFast { .. }) => "too_fast",
            Err(RefreshError::Identity(_)) => "failed",
        });
        outcome.map(|(_, pair)| pair)
    }

    /// Ends the family that `presented` belongs to (RFC 7009), also where it is spent; answers with its key. Nothing for
    /// a token that was never given out and for one whose family is over.
    ///
    /// # Errors
    /// As [`Sessions::end`].
    pub async fn revoke(&self, presented: &str, now_ms: u64) -> Result<Option<SessionKey>, IdentityError> {
        let inner = &self.inner;
        let Some(token) = RefreshToken::parse(presented) else { return Ok(None) };
        let key = token.family();
        let Some((family, _)) = inner.load(&key, now_ms).await? else { return Ok(None) };
        let known = match family.token_status(&token, now_ms, inner.policy.retry) {
            TokenStatus::Current | TokenStatus::Retried { .. } | TokenStatus::Unanswered { .. } => true,
            TokenStatus::Unknown => family.has_outlived(&token) && token.is_genuine(&inner.secrets),
        };
        Ok((known && inner.sessions.end_family(&key, family.user.id()).await?).then_some(key))
    }

    /// The live family that `jwt` vouches for, where both are in memory. Neither waits nor allocates. Nothing means: ask
    /// [`Self::load_access`].
    #[must_use]
    pub fn peek_access(&self, jwt: &str, now_ms: u64) -> Option<Arc<Session>> {
        let family = self.inner.access.seen(jwt, now_ms)?;
        let session = self.inner.sessions.inner.cache_sync.near.get(&family)?;
        (session.kind == SessionKind::App && session.is_live(now_ms)).then_some(session)
    }

    /// The live family that `jwt` vouches for. Nothing where `jwt` is no access token of this gateway (RFC 9068 section 4),
    /// has expired, or its family has ended.
    ///
    /// # Errors
    /// As [`Sessions::load`].
    pub async fn load_access(&self, jwt: &str, now_ms: u64) -> Result<Option<Arc<Session>>, StoreError> {
        let Some(vouched) = self.inner.access.verify(jwt, now_ms) else { return Ok(None) };
        let session = self.inner.sessions.inner.read(SessionKind::App, &vouched.family).await?;
        let session = session.filter(|session| session.is_live(now_ms));
        if let (Some(generation), true) = (vouched.arrived, session.is_some()) {
            self.note_arrival(vouched.family, generation, now_ms).await;
        }
        Ok(session)
    }

    /// Has it written that the answer to a refresh has arrived. Goes on when the caller hangs up; a store that is away or
    /// slow holds nobody up. Where it is not written, a lost answer would be given again: that signs nobody out.
    async fn note_arrival(&self, key: SessionKey, generation: u32, now_ms: u64) {
        let inner = Arc::clone(&self.inner);
        let noting = self.inner.sessions.inner.runtime.spawn(async move {
            if let Err(error) = inner.note_arrival(&key, generation, now_ms).await {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "that an answer arrived is not written"
                );
            }
        });
        let _ = tokio::time::timeout(ARRIVAL_WAIT, noting).await;
    }
}
