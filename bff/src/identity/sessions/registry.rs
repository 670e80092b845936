//! Where a user is signed in, over both kinds of sign-in, and what is known of the user in all of them.

use std::sync::Arc;

use schemas::{Id, Me};

use super::{Inner, Sessions, TRIES};
use crate::{
    identity::{
        IdentityError, SessionKind, SessionSummary,
        families::Family,
        record::entry_of,
        session::{Session, SessionKey},
    },
    store::{Entry, Record},
};

impl Sessions {
    /// Live sessions of `user`, of browsers and of apps, the last used first.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn list(&self, user: &Id, now_ms: u64) -> Result<Vec<SessionSummary>, IdentityError> {
        let sessions = self.inner.sessions_of(user).await?;
        let mut live: Vec<_> =
            sessions.iter().filter(|session| session.is_live(now_ms)).map(Session::summary).collect();
        live.sort_by(|a, b| b.last_seen_ms.cmp(&a.last_seen_ms).then_with(|| a.id.cmp(&b.id)));
        Ok(live)
    }

    /// Puts `profile` in the place of the snapshot that the member's sessions were made with.
    ///
    /// # Errors
    /// [`IdentityError::Store`]: some sessions may show the old one until they end.
    pub async fn refresh_profile(&self, profile: &Me) -> Result<(), IdentityError> {
        let inner = &self.inner;
        for kind in SessionKind::ALL {
            for (key, _) in inner.store.list_owned(kind.space(), profile.id.as_str()).await? {
                if let Ok(key) = SessionKey::try_from(&key[..]) {
                    inner.refresh_one(kind, key, profile).await?;
                }
            }
        }
        Ok(())
    }
}

impl Inner {
    /// All that the store has of `user`, live or not.
    pub(super) async fn sessions_of(&self, user: &Id) -> Result<Vec<Session>, IdentityError> {
        let mut sessions = Vec::new();
        for kind in SessionKind::ALL {
            let records = self.store.list_owned(kind.space(), user.as_str()).await?;
            sessions.extend(
                records
                    .iter()
                    .filter_map(|(key, record)| self.decode(kind, key[..].try_into().ok()?, record)),
            );
        }
        Ok(sessions)
    }

    async fn refresh_one(
        &self,
        kind: SessionKind,
        key: SessionKey,
        profile: &Me,
    ) -> Result<(), IdentityError> {
        // A touch or a rotation may come between the read and the write: then it is read again.
        for _ in 0..TRIES {
            let Some(record) = self.store.get(kind.space(), &key).await? else { break };
            let Some(entry) = self.with_profile(kind, key, &record, profile)? else { break };
            if self.store.put_if(kind.space(), &key, Some(record.version), entry).await?.is_some() {
                break;
            }
        }
        self.mirror.near.forget(&key);
        Ok(())
    }

    fn with_profile(
        &self,
        kind: SessionKind,
        key: SessionKey,
        record: &Record,
        profile: &Me,
    ) -> Result<Option<Entry>, IdentityError> {
        Ok(match kind {
            SessionKind::Browser => {
                let Some(session) = self.decode(kind, key, record) else { return Ok(None) };
                Some(entry_of(&Session { profile: Arc::new(profile.clone()), ..session })?)
            }
            SessionKind::App => {
                let Ok(mut family) = Family::of(record) else { return Ok(None) };
                family.user = profile.clone();
                Some(family.entry()?)
            }
        })
    }
}
