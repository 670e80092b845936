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
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::store::{self, Entry, Listener, Notice, Record, Replacement, Space, Store, StoreError};

/// Stops whoever passes once it is closed, until it is opened.
pub(crate) struct Gate {
    closed: AtomicBool,
    arrived: Semaphore,
    open: Semaphore,
}

impl Gate {
    fn new() -> Self {
        Self { closed: AtomicBool::new(false), arrived: Semaphore::new(0), open: Semaphore::new(0) }
    }

    /// The next one to pass is stopped, those after it are not.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    async fn pass(&self) {
        if self.closed.swap(false, Ordering::SeqCst) {
            self.arrived.add_permits(1);
            self.open.acquire().await.expect("never closed").forget();
        }
    }

    pub(crate) async fn somebody_arrived(&self) {
        let arrived = tokio::time::timeout(Duration::from_secs(30), self.arrived.acquire());
        arrived.await.expect("somebody passes").expect("never closed").forget();
    }

    pub(crate) fn open(&self) {
        self.open.add_permits(1);
    }
}

/// A store that can be away, counts what it is asked, and can be stopped in the middle of it.
pub(crate) struct TrialStore {
    pub(crate) inner: Arc<dyn Store>,
    away: AtomicBool,
    /// Whether the next `put_if` writes and loses its answer.
    loses_answer: AtomicBool,
    /// Whether notices are lost on the way.
    unheard: Arc<AtomicBool>,
    /// Whether changes of records are, while messages arrive.
    unseen: Arc<AtomicBool>,
    /// Whether messages cannot be published.
    mute: AtomicBool,
    listeners: Mutex<Vec<Arc<Listener>>>,
    pub(crate) gets: AtomicUsize,
    pub(crate) put_ifs: AtomicUsize,
    pub(crate) after_get: Gate,
    pub(crate) after_put: Gate,
    pub(crate) before_put_if: Gate,
    pub(crate) before_delete: Gate,
}

impl TrialStore {
    pub(crate) async fn new() -> Arc<Self> {
        Arc::new(Self {
            inner: store::open("memory:").await.expect("a store in memory"),
            away: AtomicBool::new(false),
            loses_answer: AtomicBool::new(false),
            unheard: Arc::default(),
            unseen: Arc::default(),
            mute: AtomicBool::new(false),
            listeners: Mutex::default(),
            gets: AtomicUsize::new(0),
            put_ifs: AtomicUsize::new(0),
            after_get: Gate::new(),
            after_put: Gate::new(),
            before_put_if: Gate::new(),
            before_delete: Gate::new(),
        })
    }

    pub(crate) fn is_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    /// The next `put_if` is done, and nobody gets to know.
    pub(crate) fn loses_an_answer(&self) {
        self.loses_answer.store(true, Ordering::SeqCst);
    }

    /// Notices are lost, or heard, without a word of it.
    pub(crate) fn is_unheard(&self, unheard: bool) {
        self.unheard.store(unheard, Ordering::SeqCst);
    }

    /// Changes of records go unheard; messages do not.
    pub(crate) fn loses_changes(&self, loses: bool) {
        self.unseen.store(loses, Ordering::SeqCst);
    }

    pub(crate) fn cannot_publish(&self, mute: bool) {
        self.mute.store(mute, Ordering::SeqCst);
    }

    /// Notices are lost, or heard again, and listeners know of it.
    pub(crate) fn disconnect(&self, disconnected: bool) {
        self.is_unheard(disconnected);
        let notice = if disconnected { Notice::Disconnected } else { Notice::Connected };
        let listeners = self.listeners.lock().clone();
        listeners.iter().for_each(|listener| listener(&notice));
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
    async fn entry(&self, space: Space, key: &[u8]) -> Result<Option<Entry>, StoreError> {
        self.answer()?;
        self.inner.entry(space, key).await
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
        let written = self.inner.put_if(space, key, expected, entry).await;
        if self.loses_answer.swap(false, Ordering::SeqCst) {
            return Err(StoreError::Unanswered { reason: "on trial".into() });
        }
        written
    }
    async fn delete(&self, space: Space, key: &[u8]) -> Result<bool, StoreError> {
        self.before_delete.pass().await;
        self.answer()?;
        self.inner.delete(space, key).await
    }
    async fn replace(&self, space: Space, changes: Vec<Replacement>) -> Result<Vec<Option<u64>>, StoreError> {
        self.put_ifs.fetch_add(changes.len(), Ordering::SeqCst);
        self.before_put_if.pass().await;
        self.answer()?;
        self.inner.replace(space, changes).await
    }
    async fn owned_keys(&self, space: Space, owner: &str) -> Result<Vec<Bytes>, StoreError> {
        self.answer()?;
        self.inner.owned_keys(space, owner).await
    }
    async fn get_owned(
        &self,
        space: Space,
        owner: &str,
        keys: &[Bytes],
    ) -> Result<Vec<(Bytes, Record)>, StoreError> {
        self.answer()?;
        self.inner.get_owned(space, owner, keys).await
    }
    async fn delete_keys(&self, space: Space, owner: &str, keys: &[Bytes]) -> Result<Vec<Bytes>, StoreError> {
        self.before_delete.pass().await;
        self.answer()?;
        self.inner.delete_keys(space, owner, keys).await
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
        let (listener, unheard) = (Arc::new(listener), Arc::clone(&self.unheard));
        let unseen = Arc::clone(&self.unseen);
        self.listeners.lock().push(Arc::clone(&listener));
        self.inner.listen(Box::new(move |notice| {
            let lost = matches!(notice, Notice::Changed { .. }) && unseen.load(Ordering::SeqCst);
            if !lost && !unheard.load(Ordering::SeqCst) {
                listener(notice);
            }
        }));
    }
    async fn publish(&self, payload: Bytes) -> Result<(), StoreError> {
        self.answer()?;
        if self.mute.load(Ordering::SeqCst) {
            return Err(StoreError::Away { reason: "on trial".into() });
        }
        self.inner.publish(payload).await
    }
    async fn ping(&self) -> Result<(), StoreError> {
        self.answer()
    }
    fn name(&self) -> &'static str {
        "trial"
    }
}
