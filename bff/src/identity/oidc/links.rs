//! Which of our sessions a provider's session or subject has, so that a sign-out there ends them here; and what of a
//! sign-in or sign-out was used already. All of it is in the store: any replica may be the one that is told.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::{
    Attempt, IdToken, LogoutToken,
    names::{LinkKind, SignedOut, owner_of, session_of_link, tombstone, tombstone_without_sid},
};
use crate::{
    identity::{IdentityError, Session, SessionKey},
    store::{Entry, STEP, Space, Store},
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
    const fn kind(self) -> LinkKind {
        match self {
            Self::Session(_) => LinkKind::Session,
            Self::Subject(_) => LinkKind::Subject,
        }
    }

    /// No provider can name another one's: the issuer is in it.
    fn hash(self, issuer: &str) -> [u8; 32] {
        match self {
            Self::Session(sid) => hash("oidc sid v1", issuer, sid),
            Self::Subject(subject) => hash("oidc sub v1", issuer, subject),
        }
    }

    fn owner(self, issuer: &str) -> String {
        owner_of(&self.hash(issuer))
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
        let subject = Named::Subject(&token.subject);
        let session_there = token.sid.as_deref().map(Named::Session);
        for named in session_there.into_iter().chain([subject]) {
            let owner = Some(named.owner(issuer).into());
            let entry = Entry { value: Bytes::new(), owner, expires_at_ms: session.absolute_end_ms };
            self.store.put(Space::OidcLinks, &named.kind().link(&session.key), entry).await?;
        }
        let about_it = match session_there {
            Some(named) => tombstone(&named.hash(issuer)),
            None => tombstone_without_sid(&subject.hash(issuer)),
        };
        for tombstone in [about_it, tombstone(&subject.hash(issuer))] {
            let ended = self.store.get(Space::Revocations, &tombstone).await?;
            let ended = ended.and_then(|record| SignedOut::read(&record.value));
            if ended.is_some_and(|order| ends(&order, token, attempt)) {
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

    /// The sessions that are to end (OpenID Connect Back-Channel Logout 1.0 section 2.6): all of the subject where the
    /// token names no session of the provider's. Where it does, those of that session, and those of the subject of which
    /// no session there is known: nothing tells that they are of another one (section 2.4: `sid` may be missing from an
    /// ID token). Those that are being made right now find out by themselves: see [`Self::link`].
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn sign_out(
        &self,
        issuer: &str,
        token: &LogoutToken,
        now_ms: u64,
    ) -> Result<Vec<SessionKey>, IdentityError> {
        let session_there = token.sid.as_deref().map(Named::Session);
        let subject = token.subject.as_deref().map(Named::Subject);
        // First this, then the look: a sign-in writes its links first and then looks for this.
        let tombstones = match (session_there, subject) {
            (Some(there), subject) => [
                Some(tombstone(&there.hash(issuer))),
                subject.map(|subject| tombstone_without_sid(&subject.hash(issuer))),
            ],
            (None, subject) => [subject.map(|subject| tombstone(&subject.hash(issuer))), None],
        };
        for tombstone in tombstones.into_iter().flatten() {
            let value = SignedOut { issued_s: token.issued_s, heard_ms: now_ms }.write();
            let entry = Entry { value, owner: None, expires_at_ms: now_ms.saturating_add(SIGNED_OUT_MS) };
            self.store.put(Space::Revocations, &tombstone, entry).await?;
        }
        let mut sessions = Vec::new();
        if let Some(there) = session_there {
            sessions.extend(self.linked(issuer, there).await?);
        }
        if let Some(subject) = subject {
            let theirs = self.linked(issuer, subject).await?;
            let there = session_there.is_some();
            sessions.extend(if there { self.without_sid(theirs).await? } else { theirs });
        }
        Ok(sessions)
    }

    /// The sessions that have a link to what is `named`.
    async fn linked(&self, issuer: &str, named: Named<'_>) -> Result<Vec<SessionKey>, IdentityError> {
        let links = self.store.list_owned(Space::OidcLinks, &named.owner(issuer)).await?;
        Ok(links.iter().filter_map(|(key, _)| session_of_link(key)).collect())
    }

    /// Those of `sessions` of which it is not known to which session at the provider they belong.
    async fn without_sid(&self, sessions: Vec<SessionKey>) -> Result<Vec<SessionKey>, IdentityError> {
        let mut without = Vec::new();
        for step in sessions.chunks(STEP) {
            let link = |session| Bytes::copy_from_slice(&LinkKind::Session.link(session));
            let links: Vec<Bytes> = step.iter().map(link).collect();
            let known = self.store.get_many(Space::OidcLinks, &links).await?;
            let known = |session: &&SessionKey| known.iter().any(|(key, _)| key[1..] == session[..]);
            without.extend(step.iter().filter(|session| !known(session)).copied());
        }
        Ok(without)
    }

    /// Forgets the links of a session that has ended.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn unlink(&self, session: &SessionKey) -> Result<(), IdentityError> {
        for kind in LinkKind::ALL {
            let link = kind.link(session);
            if let Some(owner) =
                self.store.entry(Space::OidcLinks, &link).await?.and_then(|entry| entry.owner)
            {
                self.store.delete_keys(Space::OidcLinks, &owner, &[Bytes::copy_from_slice(&link)]).await?;
            }
        }
        Ok(())
    }

    /// Says whether it was not remembered before.
    async fn remember(&self, key: &[u8], until_ms: u64) -> Result<bool, IdentityError> {
        let entry = Entry { value: Bytes::new(), owner: None, expires_at_ms: until_ms };
        Ok(self.store.put_if(Space::Revocations, key, None, entry).await?.is_some())
    }
}

/// Whether the sign-in that `token` is for was over by `order`. One that began here only when the order had been
/// heard was not, though a token of the same second does not show it: people sign in again at once.
fn ends(order: &SignedOut, token: &IdToken, attempt: &Attempt) -> bool {
    token.issued_s <= order.issued_s && attempt.begun_ms() <= order.heard_ms
}

fn used(issuer: &str, token: &LogoutToken) -> [u8; 32] {
    hash("oidc logout token v1", issuer, &token.jti)
}

/// Of both texts, kept apart by the length of the first.
fn hash(label: &str, issuer: &str, text: &str) -> [u8; 32] {
    let length = u64::try_from(issuer.len()).unwrap_or(u64::MAX).to_be_bytes();
    let parts = [label.as_bytes(), &[0], &length, issuer.as_bytes(), text.as_bytes()];
    parts.into_iter().fold(Sha256::new(), Digest::chain_update).finalize().into()
}
