//! Who may ask the store: of one account or address no more at a time than may fail. The others wait here, in their
//! order, at no cost. Did they all ask the store again and again, a crowd behind one address would be in its own way.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

/// By the key of what is counted: those who hold a turn or wait for one, and their number.
#[derive(Debug, Default)]
pub(super) struct KeyedSemaphore(Mutex<HashMap<Vec<u8>, Waiting>>);

#[derive(Debug)]
struct Waiting {
    turns: Arc<Semaphore>,
    callers: usize,
}

/// A turn. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct KeyedPermit {
    _place: WaiterGuard,
    _permit: OwnedSemaphorePermit,
}

/// Keeps count of one who holds a turn or waits.
#[derive(Debug)]
struct WaiterGuard {
    turns: Arc<KeyedSemaphore>,
    key: Vec<u8>,
}

impl KeyedSemaphore {
    /// One of at most `limit` turns at a time; nothing where none is free by `until`.
    pub(super) async fn take(
        self: &Arc<Self>,
        key: &[u8],
        limit: u32,
        until: Instant,
    ) -> Option<KeyedPermit> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX).clamp(1, Semaphore::MAX_PERMITS);
        let semaphore = {
            let mut all = self.0.lock();
            let new = || Waiting { turns: Arc::new(Semaphore::new(limit)), callers: 0 };
            let waiting = all.entry(key.to_vec()).or_insert_with(new);
            waiting.callers += 1;
            Arc::clone(&waiting.turns)
        };
        let place = WaiterGuard { turns: Arc::clone(self), key: key.to_vec() };
        let permit = timeout_at(until, semaphore.acquire_owned()).await.ok()?.ok()?;
        Some(KeyedPermit { _place: place, _permit: permit })
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().is_empty()
    }
}

impl Drop for WaiterGuard {
    fn drop(&mut self) {
        let mut all = self.turns.0.lock();
        if let Some(waiting) = all.get_mut(&self.key) {
            waiting.callers -= 1;
            if waiting.callers == 0 {
                all.remove(&self.key);
            }
        }
    }
}
