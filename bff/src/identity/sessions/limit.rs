//! At most so many sign-ins of one account: a new one ends the oldest.
//!
//! Whoever signs in writes the record first, and then looks at all there are. So of any number of sign-ins at the same
//! time, on whichever replica, the one whose record was written last sees the others', and leaves as many as are allowed.

use std::{cmp::Reverse, collections::BTreeSet, sync::Arc};

use bytes::Bytes;
use schemas::Id;
use serde::Deserialize;

use super::state::Inner;
use crate::{
    identity::{IdentityError, SessionKind, session::SessionKey},
    invalidation::EndedSessions,
    store::{Record, STEP, StoreError},
};

/// What the records of both kinds of sign-in have in common.
#[derive(Deserialize)]
struct Made {
    created_ms: u64,
}

impl Inner {
    /// Ends the oldest sign-ins of `user` beyond [`SessionPolicy::max_per_user`](crate::identity::SessionPolicy::max_per_user),
    /// after `new` was made, which stays. What they were is gone from the store when this returns; the other replicas
    /// are told behind it.
    ///
    /// # Errors
    /// [`IdentityError::Store`]: `new` has ended as well, as far as that can be said, so that what cannot be bounded
    /// does not grow.
    pub(in crate::identity) async fn keep_to_limit(
        self: &Arc<Self>,
        kind: SessionKind,
        user: &Id,
        new: &SessionKey,
    ) -> Result<(), IdentityError> {
        let kept = self.end_oldest(user, new).await;
        if kept.is_err() {
            // Nobody gets to know its id or token; that it cannot be ended either adds nothing.
            let _ = self.store.delete_keys(kind.space(), user.as_str(), &[Bytes::copy_from_slice(new)]).await;
            self.cache_sync.near.forget(new);
        }
        kept
    }

    /// Ends the sign-ins of `user` made before `before_ms`, but `except`; answers how many.
    ///
    /// # Errors
    /// [`IdentityError::Store`]: some may have ended.
    pub(super) async fn end_made_before(
        &self,
        user: &Id,
        before_ms: u64,
        except: Option<SessionKey>,
    ) -> Result<usize, IdentityError> {
        let mut ended = Vec::new();
        let mut failure = None;
        for kind in SessionKind::ALL {
            let deleted = self.delete_made_before(kind, user, before_ms, except).await;
            match deleted {
                Ok(keys) => ended.extend(keys),
                Err(error) => failure = Some(error),
            }
        }
        let count = ended.len();
        // Memory may hold a session that the store has let expire.
        let held = self.cache_sync.near.forget_where(|session| {
            session.user == *user && session.created_ms < before_ms && Some(session.key) != except
        });
        let keys: BTreeSet<_> = ended.into_iter().chain(held.iter().map(|session| session.key)).collect();
        let told = EndedSessions { user: user.clone(), keys: keys.into_iter().collect() };
        self.tell(told, failure.is_none()).await;
        failure.map_or(Ok(count), |error| Err(error.into()))
    }

    async fn delete_made_before(
        &self,
        kind: SessionKind,
        user: &Id,
        before_ms: u64,
        except: Option<SessionKey>,
    ) -> Result<Vec<SessionKey>, StoreError> {
        let mut old = self.store.list_owned(kind.space(), user.as_str()).await?;
        old.retain(|(key, record)| {
            made_ms(record) < before_ms && except.is_none_or(|except| except[..] != key[..])
        });
        let keys: Vec<Bytes> = old.into_iter().map(|(key, _)| key).collect();
        let ended = self.store.delete_keys(kind.space(), user.as_str(), &keys).await?;
        Ok(ended.iter().filter_map(|key| SessionKey::try_from(&key[..]).ok()).collect())
    }

    async fn end_oldest(self: &Arc<Self>, user: &Id, new: &SessionKey) -> Result<(), IdentityError> {
        let mut keys = Vec::new();
        for kind in SessionKind::ALL {
            keys.push((kind, self.store.owned_keys(kind.space(), user.as_str()).await?));
        }
        let limit = self.policy.max_per_user;
        if keys.iter().map(|(_, keys)| keys.len()).sum::<usize>() <= limit {
            return Ok(());
        }
        // A key may be that of a record which is gone.
        let mut found = Vec::new();
        for (kind, keys) in &keys {
            for step in keys.chunks(STEP) {
                let records = self.store.get_owned(kind.space(), user.as_str(), step).await?;
                found.extend(records.into_iter().map(|(key, record)| (made_ms(&record), key, *kind)));
            }
        }
        found.retain(|(_, key, _)| **key != new[..]);
        found.sort_unstable_by_key(|(made_ms, key, _)| Reverse((*made_ms, key.clone())));
        let over = found.split_off(found.len().min(limit.saturating_sub(1)));
        for kind in SessionKind::ALL {
            let of_kind = over.iter().filter(|(.., of)| *of == kind);
            let keys: Vec<Bytes> = of_kind.map(|(_, key, _)| key.clone()).collect();
            for step in keys.chunks(STEP) {
                let ended = self.store.delete_keys(kind.space(), user.as_str(), step).await?;
                self.are_gone(user, &ended);
            }
        }
        Ok(())
    }

    /// Lets everybody know of sign-ins that this replica has just ended. Nobody waits for it: a sign-in promises nothing
    /// of others.
    fn are_gone(self: &Arc<Self>, user: &Id, keys: &[Bytes]) {
        let keys = keys.iter().filter_map(|key| SessionKey::try_from(&key[..]).ok());
        let ended = EndedSessions { user: user.clone(), keys: keys.collect() };
        if ended.keys.is_empty() {
            return;
        }
        ended.keys.iter().for_each(|key| self.cache_sync.near.forget(key));
        self.metrics.sessions_ended.inc_by(ended.keys.len() as u64);
        let inner = Arc::clone(self);
        self.runtime.spawn(async move { inner.tell(ended, true).await });
    }
}

/// When a sign-in was made. What cannot be read counts as the oldest: nobody can use it here.
fn made_ms(record: &Record) -> u64 {
    serde_json::from_slice::<Made>(&record.value).map_or(0, |made| made.created_ms)
}
