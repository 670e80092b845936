//! Looks sessions up, in memory first: what every request asks.

#[cfg(test)]
use std::sync::atomic::Ordering;
use std::{sync::Arc, time::Duration};

use super::Sessions;
use crate::{
    identity::{
        IdentityError, SessionKind,
        session::{RAW_ID_LEN, Session, SessionKey, key_of},
    },
    store::StoreError,
};

/// What memory says of a session id.
#[derive(Debug)]
pub enum Recalled {
    /// It names a live session.
    Live(Arc<Session>),
    /// It names none, and never will.
    Dead,
    /// Only the store knows: [`Sessions::load`].
    Unknown,
}

impl Sessions {
    /// Whether `text` has the length of a session id: anything else names no session.
    #[must_use]
    pub fn may_be_id(text: &str) -> bool {
        text.len() == RAW_ID_LEN
    }

    /// The live browser session whose id is `raw_id`, if it is in memory. Neither waits nor allocates, and does not
    /// extend the session. Nothing means: ask [`Self::load`].
    #[must_use]
    pub fn peek(&self, raw_id: &str, now_ms: u64) -> Option<Arc<Session>> {
        match self.recall(raw_id, now_ms) {
            Recalled::Live(session) => Some(session),
            Recalled::Dead | Recalled::Unknown => None,
        }
    }

    /// [`Self::peek`], which also tells an id that the store has lately known no live session for.
    #[must_use]
    pub fn recall(&self, raw_id: &str, now_ms: u64) -> Recalled {
        let Some(key) = key_of(raw_id) else { return Recalled::Dead };
        let near = &self.inner.cache_sync.near;
        match near.get(&key).filter(|session| session.is_live(now_ms)) {
            Some(session) => Recalled::Live(session),
            None if near.is_dead(&key) => Recalled::Dead,
            None => Recalled::Unknown,
        }
    }

    /// The live browser session whose id is `raw_id`, from the store. Does not extend the session. Nothing means that
    /// there is none: never was, ended, or past its idle or absolute end.
    ///
    /// While the store is away a session in memory is used, for [`SessionPolicy::grace`](crate::identity::SessionPolicy::grace) since the store was last
    /// heard or has last answered for this session.
    ///
    /// # Errors
    /// [`StoreError`]: whether the session exists is unknown.
    pub async fn load(&self, raw_id: &str, now_ms: u64) -> Result<Option<Arc<Session>>, StoreError> {
        let Some(key) = key_of(raw_id) else { return Ok(None) };
        let ticket = self.inner.cache_sync.near.ticket(&key);
        let session = self.inner.read(SessionKind::Browser, &key).await?;
        let live = session.filter(|session| session.is_live(now_ms));
        if live.is_none() {
            self.inner.cache_sync.near.publish_dead(&key, ticket);
        }
        Ok(live)
    }

    /// [`Self::peek`], else [`Self::load`].
    ///
    /// # Errors
    /// As [`Self::load`].
    pub async fn lookup(&self, raw_id: &str, now_ms: u64) -> Result<Option<Arc<Session>>, IdentityError> {
        match self.peek(raw_id, now_ms) {
            Some(session) => Ok(Some(session)),
            None => Ok(self.load(raw_id, now_ms).await?),
        }
    }

    /// The live session of either kind with that key, from memory or else from the store: for what outlives the
    /// request that brought the id. Does not extend the session.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub async fn find(&self, key: &SessionKey, now_ms: u64) -> Result<Option<Arc<Session>>, IdentityError> {
        if let Some(session) = self.inner.cache_sync.near.get(key).filter(|session| session.is_live(now_ms)) {
            return Ok(Some(session));
        }
        // Rare, and every live connection has room for what this future may hold.
        let session = Box::pin(self.inner.read_any(key)).await?;
        Ok(session.filter(|session| session.is_live(now_ms)))
    }

    /// Whether memory vouches for the session of either kind with that key: it holds it, and the store tells of what
    /// becomes of it. Neither waits nor allocates. No means: ask [`Self::find`].
    #[must_use]
    pub fn vouches_for(&self, key: &SessionKey, now_ms: u64) -> bool {
        self.inner.cache_sync.near.get(key).is_some_and(|session| session.is_live(now_ms))
    }

    /// How much longer [`Self::find`] answers with the session of that key though the store does not answer, while
    /// its changes go unheard. Neither waits nor allocates. Nothing: no longer, or its changes are heard.
    #[must_use]
    pub fn bridged(&self, key: &SessionKey) -> Option<Duration> {
        self.inner.cache_sync.near.bridged(key)
    }

    /// Drops `key` from the near cache: the next lookup reads it anew.
    pub fn forget(&self, key: &SessionKey) {
        self.inner.cache_sync.near.forget(key);
    }

    /// How often memory was asked for a session.
    #[cfg(test)]
    pub(crate) fn near_asked(&self) -> u64 {
        self.inner.cache_sync.near.asked.load(Ordering::Relaxed)
    }

    /// Sessions in memory, about.
    #[must_use]
    pub fn near_entries(&self) -> u64 {
        self.inner.cache_sync.near.len()
    }
}
