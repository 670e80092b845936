//! A store on trial: in memory, with faults and stops.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::Semaphore;

use crate::store::{self, Entry, Listener, Record, Space, Store, StoreError};

/// Stops whoever passes once it is closed, until it is opened.
pub(super) struct Gate {
    closed: AtomicBool,
    arrived: Semaphore,
    open: Semaphore,
}

impl Gate {
    fn new() -> Self {
        Self { closed: AtomicBool::new(false), arrived: Semaphore::new(0), open: Semaphore::new(0) }
    }

    /// The next one to pass is stopped, those after it are not.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    async fn pass(&self) {
        if self.closed.swap(false, Ordering::SeqCst) {
            self.arrived.add_permits(1);
            self.open.acquire().await.expect("never closed").forget();
        }
    }

    pub(super) async fn somebody_arrived(&self) {
        self.arrived.acquire().await.expect("never closed").forget();
    }

    pub(super) fn open(&self) {
        self.open.add_permits(1);
    }
}

/// A store that can be away, counts what it is asked, and can be stopped in the middle of it.
pub(super) struct TrialStore {
    pub(super) inner: Arc<dyn Store>,
    away: AtomicBool,
    pub(super) gets: AtomicUsize,
    pub(super) put_ifs: AtomicUsize,
    pub(super) after_get: Gate,
    pub(super) after_put: Gate,
    pub(super) before_put_if: Gate,
    pub(super) before_delete: Gate,
}

impl TrialStore {
    pub(super) async fn new() -> Arc<Self> {
        Arc::new(Self {
            inner: store::open("memory:").await.expect("a store in memory"),
            away: AtomicBool::new(false),
            gets: AtomicUsize::new(0),
            put_ifs: AtomicUsize::new(0),
            after_get: Gate::new(),
            after_put: Gate::new(),
            before_put_if: Gate::new(),
            before_delete: Gate::new(),
        })
    }

    pub(super) fn is_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    fn answer(&self) -> Result<(), StoreError> {
        let away = self.away.load(Ordering::SeqCst);
        if away { Err(StoreError::Away { reason: "on trial".into() }) } else { Ok(()) }
    }
}

#[async_trait]
impl Store for TrialStore {
    async fn get(&self, space: Space, key: &[u8]) -> Result<Option<Record>, StoreError> {
        self.gets.fetch_add(1, Ordering::SeqCst);
        self.answer()?;
        let found = self.inner.get(space, key).await;
        self.after_get.pass().await;
        found
    }
    async fn put(&self, space: Space, key: &[u8], entry: Entry) -> Result<u64, StoreError> {
        self.answer()?;
        let version = self.inner.put(space, key, entry).await;
        self.after_put.pass().await;
        version
    }
    async fn put_if(
        &self,
        space: Space,
        key: &[u8],
        expected: Option<u64>,
        entry: Entry,
    ) -> Result<Option<u64>, StoreError> {
        self.put_ifs.fetch_add(1, Ordering::SeqCst);
        self.before_put_if.pass().await;
        self.answer()?;
        self.inner.put_if(space, key, expected, entry).await
    }
    async fn delete(&self, space: Space, key: &[u8]) -> Result<bool, StoreError> {
        self.before_delete.pass().await;
        self.answer()?;
        self.inner.delete(space, key).await
    }
    async fn list_owned(&self, space: Space, owner: &str) -> Result<Vec<(Bytes, Record)>, StoreError> {
        self.answer()?;
        self.inner.list_owned(space, owner).await
    }
    async fn delete_owned(
        &self,
        space: Space,
        owner: &str,
        except: Option<&[u8]>,
    ) -> Result<Vec<Bytes>, StoreError> {
        self.before_delete.pass().await;
        self.answer()?;
        self.inner.delete_owned(space, owner, except).await
    }
    async fn add(
        &self,
        space: Space,
        key: &[u8],
        delta: i64,
        window: Duration,
    ) -> Result<(u64, u64), StoreError> {
        self.answer()?;
        self.inner.add(space, key, delta, window).await
    }
    async fn sweep(&self) -> Result<usize, StoreError> {
        self.inner.sweep().await
    }
    fn listen(&self, listener: Listener) {
        self.inner.listen(listener);
    }
    async fn publish(&self, payload: Bytes) -> Result<(), StoreError> {
        self.answer()?;
        self.inner.publish(payload).await
    }
    async fn ping(&self) -> Result<(), StoreError> {
        self.answer()
    }
    fn name(&self) -> &'static str {
        "trial"
    }
}
