//! What a lookup does that the near cache cannot answer: it reads the store.

use std::sync::Arc;

use bytes::Bytes;

use super::state::{Inner, TRIES};
use crate::{
    identity::{
        SessionKind,
        families::Family,
        record::session_of,
        session::{Session, SessionKey},
    },
    store::{Record, StoreError},
};

impl Inner {
    /// The session as the store has it now, and in the near cache from now on. While the store is away, the one in
    /// memory for as long as the grace lasts.
    pub(in crate::identity) async fn read(
        &self,
        kind: SessionKind,
        key: &SessionKey,
    ) -> Result<Option<Arc<Session>>, StoreError> {
        let near = &self.cache_sync.near;
        let mut last = None;
        for _ in 0..TRIES {
            let ticket = near.ticket(key);
            let record = match self.store.get(kind.space(), key).await {
                Ok(record) => record,
                Err(error) if error.is_away() => {
                    let held = near.without_store(key).filter(|session| session.kind == kind);
                    return held.map(Some).ok_or(error);
                }
                Err(error) => return Err(error),
            };
            let Some(session) = record.and_then(|record| self.decode(kind, *key, &record)) else {
                // Only what is held is forgotten: a flood of unknown ids must not move the stripes' counters.
                if near.last_known(key).is_some_and(|held| held.kind == kind) {
                    near.forget(key);
                }
                return Ok(None);
            };
            let session = Arc::new(session);
            if let Some(held) = near.publish(Arc::clone(&session), ticket) {
                return Ok(Some(held));
            }
            last = Some(session);
        }
        // Neighbours in the stripe change again and again. What was read last holds for this request.
        Ok(last)
    }

    /// [`Self::read`] of several at once, for nobody in particular. Those that are gone, or change again meanwhile, are
    /// left to whoever asks for them, and so is a failure.
    pub(super) async fn read_many(&self, kind: SessionKind, keys: &[SessionKey]) {
        let near = &self.cache_sync.near;
        if let [key] = keys {
            let _ = self.read(kind, key).await;
            return;
        }
        let tickets: Vec<_> = keys.iter().map(|key| near.ticket(key)).collect();
        let wanted: Vec<Bytes> = keys.iter().map(|key| Bytes::copy_from_slice(key)).collect();
        let Ok(records) = self.store.get_many(kind.space(), &wanted).await else { return };
        let mut records = records.into_iter().peekable();
        for (key, ticket) in keys.iter().zip(tickets) {
            let Some((_, record)) = records.next_if(|(found, _)| found[..] == key[..]) else { continue };
            if let Some(session) = self.decode(kind, *key, &record) {
                near.publish(Arc::new(session), ticket);
            }
        }
    }

    /// Has the near cache hold a session that was just written, so that its bearer goes on should the store be away by
    /// the time of the next request.
    pub(in crate::identity) async fn hold(&self, kind: SessionKind, key: &SessionKey) {
        // The write counts for all that; whoever asks for the session meets the same failure, and is told.
        let _ = self.read(kind, key).await;
    }

    /// [`Self::read`] where only the key is known: its kind is that of the last one held, else both are tried.
    pub(super) async fn read_any(&self, key: &SessionKey) -> Result<Option<Arc<Session>>, StoreError> {
        if let Some(held) = self.cache_sync.near.last_known(key) {
            return self.read(held.kind, key).await;
        }
        for kind in SessionKind::ALL {
            if let Some(session) = self.read(kind, key).await? {
                return Ok(Some(session));
            }
        }
        Ok(None)
    }

    /// The session in a record. Nothing where it cannot be read: whoever bears it is asked to sign in again, which
    /// replaces it.
    pub(super) fn decode(&self, kind: SessionKind, key: SessionKey, record: &Record) -> Option<Session> {
        let session = match kind {
            SessionKind::Browser => session_of(key, record, &self.policy),
            SessionKind::App => Family::of(record).map(|family| family.session(key, record.version)),
        };
        session
            .inspect_err(|error| {
                tracing::warn!(error = error as &dyn std::error::Error, "session record is ignored");
            })
            .ok()
    }
}
