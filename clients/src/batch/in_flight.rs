//! The batches of one key: which one still takes ids, which are on their way, and what ends them.

use std::{collections::HashMap, hash::Hash, sync::Arc, time::Instant};

use parking_lot::Mutex;
use schemas::Id;
use tokio::{
    select,
    sync::{Notify, watch},
    time::sleep,
};

use super::{Failure, MAX_IDS_BYTES, Outcome, Shared, WINDOW};
use crate::{CallContext, UpstreamError};

/// What is under way for one key.
pub(super) struct Group<V> {
    /// The batch that still takes ids.
    open: Option<Arc<Batch<V>>>,
    /// The batch that each id is in.
    under_way: HashMap<Box<str>, Arc<Batch<V>>>,
}

pub(super) struct Batch<V> {
    /// Changed only while the groups are locked and the batch is open.
    gathered: Mutex<Gathered>,
    full: Notify,
    outcome: watch::Sender<Option<Outcome<V>>>,
}

#[derive(Default)]
struct Gathered {
    ids: Vec<Box<str>>,
    bytes: usize,
    /// When the last of those who ask gives up.
    deadline: Option<Instant>,
}

impl<V> Group<V> {
    pub(super) fn new() -> Self {
        Self { open: None, under_way: HashMap::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_none() && self.under_way.is_empty()
    }

    fn is_open(&self, batch: &Arc<Batch<V>>) -> bool {
        self.open.as_ref().is_some_and(|open| Arc::ptr_eq(open, batch))
    }

    /// An open batch has not been sent yet, so it will see what has just changed.
    pub(super) fn forget(&mut self, id: &str) {
        if self.under_way.get(id).is_some_and(|batch| !self.is_open(batch)) {
            self.under_way.remove(id);
        }
    }

    pub(super) fn forget_all(&mut self) {
        let open = &self.open;
        self.under_way.retain(|_, batch| open.as_ref().is_some_and(|open| Arc::ptr_eq(open, batch)));
    }

    /// The batch that `id` is in: the one under way, the open one, or a new one that is put into `opened` as well.
    pub(super) fn batch_of(
        &mut self,
        id: &str,
        max_ids: usize,
        opened: &mut Vec<Arc<Batch<V>>>,
    ) -> Arc<Batch<V>> {
        if let Some(batch) = self.under_way.get(id) {
            return Arc::clone(batch);
        }
        let batch = Arc::clone(self.open.get_or_insert_with(|| {
            let batch = Arc::new(Batch::new());
            opened.push(Arc::clone(&batch));
            batch
        }));
        self.under_way.insert(id.into(), Arc::clone(&batch));
        if batch.gathered.lock().add(id, max_ids) {
            self.open = None;
            batch.full.notify_one();
        }
        batch
    }
}

impl Gathered {
    /// Whether it is full now.
    fn add(&mut self, id: &str, max_ids: usize) -> bool {
        self.ids.push(id.into());
        self.bytes += id.len() + 1;
        self.ids.len() >= max_ids || self.bytes + Id::MAX_LEN > MAX_IDS_BYTES
    }
}

impl<V> Batch<V> {
    fn new() -> Self {
        let outcome = watch::Sender::new(None);
        Self { gathered: Mutex::default(), full: Notify::new(), outcome }
    }

    /// Somebody waits for it until then.
    pub(super) fn waits_until(&self, deadline: Instant) {
        let mut gathered = self.gathered.lock();
        gathered.deadline = gathered.deadline.max(Some(deadline));
    }

    /// Its outcome, once there is one.
    pub(super) async fn completed(&self) -> Option<Outcome<V>>
    where
        V: Clone,
    {
        let mut outcome = self.outcome.subscribe();
        // `self` holds the sender, so the channel is not closed; and then there is an outcome.
        outcome.wait_for(Option::is_some).await.ok()?.clone()
    }
}

/// A batch on its way. Its ids are free again and its waiters have an outcome when this is dropped,
/// however that comes about.
pub(super) struct InFlight<K: Eq + Hash, V> {
    shared: Arc<Shared<K, V>>,
    key: K,
    batch: Arc<Batch<V>>,
}

impl<K, V> InFlight<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub(super) fn new(shared: Arc<Shared<K, V>>, key: K, batch: Arc<Batch<V>>) -> Self {
        Self { shared, key, batch }
    }

    pub(super) async fn run(self, mut cx: CallContext) {
        select! {
            biased;
            () = self.batch.full.notified() => {}
            () = sleep(WINDOW) => {}
        }
        let (ids, deadline) = self.seal();
        let own = Instant::now() + self.shared.timeout;
        cx.deadline = deadline.map_or(own, |deadline| deadline.min(own));
        let may_be_given_up = cx.deadline < own;
        let answer = (self.shared.fetch)(cx, self.key.clone(), ids).await;
        self.complete(answer.map(Arc::new).map_err(|error| {
            let given_up = may_be_given_up && matches!(error, UpstreamError::Timeout { .. });
            Failure { error, given_up }
        }));
    }

    /// The ids, to which none is added any more, and when the last of those who ask gives up.
    fn seal(&self) -> (Vec<Box<str>>, Option<Instant>) {
        if let Some(group) = self.shared.groups.lock().get_mut(&self.key)
            && group.is_open(&self.batch)
        {
            group.open = None;
        }
        let gathered = self.batch.gathered.lock();
        let mut ids = gathered.ids.clone();
        ids.sort_unstable();
        (ids, gathered.deadline)
    }
}

impl<K: Eq + Hash, V> InFlight<K, V> {
    /// Frees the ids before the waiters are told: whoever asks after them must not find what they found.
    fn complete(&self, outcome: Outcome<V>) {
        self.leave();
        self.batch.outcome.send_replace(Some(outcome));
    }

    fn leave(&self) {
        let mut groups = self.shared.groups.lock();
        let Some(group) = groups.get_mut(&self.key) else { return };
        if group.is_open(&self.batch) {
            group.open = None;
        }
        for id in &self.batch.gathered.lock().ids {
            // A forgotten id may be on its way again in a newer batch.
            if group.under_way.get(id).is_some_and(|batch| Arc::ptr_eq(batch, &self.batch)) {
                group.under_way.remove(id);
            }
        }
        if group.is_empty() {
            groups.remove(&self.key);
        }
    }
}

impl<K: Eq + Hash, V> Drop for InFlight<K, V> {
    fn drop(&mut self) {
        if self.batch.outcome.borrow().is_none() {
            self.complete(Err(self.shared.closed()));
        }
    }
}
