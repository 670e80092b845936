//! A store that goes away, and says what it was asked.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;

use super::*;
use crate::store::{Entry, Listener, Record, Replacement, Space};

/// A store that goes away and comes back, and remembers what it was asked.
#[derive(Default)]
pub(super) struct Flaky {
    inner: MemoryStore,
    pub(super) away: AtomicBool,
    asked: parking_lot::Mutex<Vec<Asked>>,
}

/// A key, and what was done with it.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) key: Vec<u8>,
    what: String,
}

impl Asked {
    /// What costs time: the operation, how much is written, and the length of the key.
    pub(super) fn work(&self) -> (String, usize) {
        (self.what.clone(), self.key.len())
    }
}

impl Flaky {
    fn note(&self, what: String, key: &[u8]) {
        self.asked.lock().push(Asked { key: key.to_vec(), what });
    }

    /// What it was asked since this was called last.
    pub(super) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.asked.lock())
    }
}

#[async_trait]
impl Store for Flaky {
    async fn add(
        &self,
        space: Space,
        key: &[u8],
        delta: i64,
        window: Duration,
    ) -> Result<(u64, u64), StoreError> {
        if self.away.load(Ordering::SeqCst) {
            return Err(StoreError::Away { reason: "on trial".into() });
        }
        self.note(format!("add {delta}"), key);
        self.inner.add(space, key, delta, window).await
    }

    async fn get(&self, space: Space, key: &[u8]) -> Result<Option<Record>, StoreError> {
        if self.away.load(Ordering::SeqCst) {
            return Err(StoreError::Away { reason: "on trial".into() });
        }
        self.note("get".to_owned(), key);
        self.inner.get(space, key).await
    }

    async fn entry(&self, _: Space, _: &[u8]) -> Result<Option<Entry>, StoreError> {
        Err(StoreError::Closed)
    }

    async fn put(&self, space: Space, key: &[u8], entry: Entry) -> Result<u64, StoreError> {
        self.note(format!("put {} bytes", entry.value.len()), key);
        self.inner.put(space, key, entry).await
    }

    async fn put_if(&self, _: Space, _: &[u8], _: Option<u64>, _: Entry) -> Result<Option<u64>, StoreError> {
        Err(StoreError::Closed)
    }

    async fn delete(&self, _: Space, _: &[u8]) -> Result<bool, StoreError> {
        Err(StoreError::Closed)
    }

    async fn replace(&self, _: Space, _: Vec<Replacement>) -> Result<Vec<Option<u64>>, StoreError> {
        Err(StoreError::Closed)
    }

    async fn owned_keys(&self, _: Space, _: &str) -> Result<Vec<Bytes>, StoreError> {
        Err(StoreError::Closed)
    }

    async fn get_owned(&self, _: Space, _: &str, _: &[Bytes]) -> Result<Vec<(Bytes, Record)>, StoreError> {
        Err(StoreError::Closed)
    }

    async fn delete_keys(&self, _: Space, _: &str, _: &[Bytes]) -> Result<Vec<Bytes>, StoreError> {
        Err(StoreError::Closed)
    }

    async fn delete_owned(&self, _: Space, _: &str, _: Option<&[u8]>) -> Result<Vec<Bytes>, StoreError> {
        Err(StoreError::Closed)
    }

    async fn sweep(&self) -> Result<usize, StoreError> {
        self.inner.sweep().await
    }

    fn listen(&self, listener: Listener) {
        self.inner.listen(listener);
    }

    async fn publish(&self, payload: Bytes) -> Result<(), StoreError> {
        self.inner.publish(payload).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn name(&self) -> &'static str {
        "flaky"
    }
}
