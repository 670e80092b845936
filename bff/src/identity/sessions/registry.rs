//! Where a user is signed in, over both kinds of sign-in, and what is known of the user in all of them.

use std::sync::Arc;

use bytes::Bytes;
use schemas::Id;

use super::{
    Sessions,
    state::{Inner, TRIES},
};
use crate::{
    identity::{
        IdentityError, ProfileDocument, SessionKind, SessionSummary,
        families::Family,
        record::entry_of,
        session::{Session, SessionKey},
    },
    store::{Record, Replacement, STEP},
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

    /// Puts `profile` in the place of the snapshot that the member's sessions were made with, where it is another one.
    /// Costs the store one read and one write for each session that changes, in steps.
    ///
    /// # Errors
    /// [`IdentityError::Store`]: some sessions may show the old one until they end.
    pub async fn refresh_profile(&self, profile: &Arc<ProfileDocument>) -> Result<(), IdentityError> {
        let inner = &self.inner;
        for kind in SessionKind::ALL {
            let keys = inner.store.owned_keys(kind.space(), profile.id().as_str()).await?;
            for step in keys.chunks(STEP) {
                inner.refresh_step(kind, step.to_vec(), profile).await?;
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

    async fn refresh_step(
        &self,
        kind: SessionKind,
        mut keys: Vec<Bytes>,
        profile: &Arc<ProfileDocument>,
    ) -> Result<(), IdentityError> {
        // A touch or a rotation may come between the read and the write: then it is read again.
        for _ in 0..TRIES {
            let records = self.store.get_owned(kind.space(), profile.id().as_str(), &keys).await?;
            let mut changes = Vec::with_capacity(records.len());
            for (key, record) in records {
                if let Some(value) = self.with_profile(kind, &key, &record, profile)? {
                    changes.push(Replacement { key, version: record.version, value });
                }
            }
            if changes.is_empty() {
                break;
            }
            keys = changes.iter().map(|change| change.key.clone()).collect();
            let written = self.store.replace(kind.space(), changes).await?;
            // This replica's next answer shows it, also where the store's word is still on its way.
            keys.iter()
                .filter_map(|key| key[..].try_into().ok())
                .for_each(|key| self.cache_sync.near.forget(&key));
            let mut written = written.into_iter();
            keys.retain(|_| written.next().flatten().is_none());
        }
        Ok(())
    }

    /// The value of `record` with another profile; nothing where it has that one already, or cannot be read here.
    fn with_profile(
        &self,
        kind: SessionKind,
        key: &[u8],
        record: &Record,
        profile: &Arc<ProfileDocument>,
    ) -> Result<Option<Bytes>, IdentityError> {
        let Ok(key) = SessionKey::try_from(key) else { return Ok(None) };
        let entry = match kind {
            SessionKind::Browser => match self.decode(kind, key, record) {
                Some(session) if session.profile != *profile => {
                    entry_of(&Session { profile: Arc::clone(profile), ..session })?
                }
                _ => return Ok(None),
            },
            SessionKind::App => match Family::of(record) {
                Ok(mut family) if family.user != *profile => {
                    family.user = Arc::clone(profile);
                    family.entry()?
                }
                _ => return Ok(None),
            },
        };
        Ok(Some(entry.value))
    }
}
