//! The batches of one key: which one still takes ids, which are on their way, and what came of them.

use std::{collections::HashMap, sync::Arc, time::Instant};

use foldhash::quality::RandomState;

use parking_lot::Mutex;
use schemas::Id;
use tokio::sync::{Notify, watch};

use crate::UpstreamError;

/// A request line beyond 8 KiB is refused by common proxies; ids may have 128 bytes each.
const MAX_IDS_BYTES: usize = 7 * 1024;

/// What a call has brought.
pub(crate) struct Values<V> {
    /// Sorted, each once.
    ids: Vec<Id>,
    /// Of each id; nothing where the upstream does not know it.
    values: Vec<Option<V>>,
}

impl<V> Values<V> {
    /// Of `ids`, which are sorted and unique, nothing yet.
    pub(crate) fn of(ids: Vec<Id>) -> Self {
        let values = ids.iter().map(|_| None).collect();
        Self { ids, values }
    }

    /// The ids that were asked for.
    pub(crate) fn ids(&self) -> &[Id] {
        &self.ids
    }

    /// Passes over what was not asked for.
    pub(crate) fn put(&mut self, id: &str, value: V) {
        if let Some(place) = self.place(id).and_then(|place| self.values.get_mut(place)) {
            *place = Some(value);
        }
    }

    pub(crate) fn get(&self, id: &str) -> Option<&V> {
        self.values.get(self.place(id)?)?.as_ref()
    }

    fn place(&self, id: &str) -> Option<usize> {
        self.ids.binary_search_by(|known| known.as_str().cmp(id)).ok()
    }
}

pub(super) type Outcome<V> = Result<Arc<Values<V>>, Failure>;

/// Why a batch has no values.
#[derive(Clone)]
pub(super) struct Failure {
    pub(super) error: UpstreamError,
    pub(super) of: Fault,
}

/// What a failure says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// That the upstream cannot answer.
    Upstream,
    /// That the time of those who asked was up: whoever has more asks again.
    GivenUp,
    /// Nothing: the thread that made the call has ended, or the call panicked. It is worth one more try.
    Lost,
}

/// What is under way for one key.
pub(super) struct Group<V> {
    /// The batch that still takes ids.
    pub(super) open: Option<Arc<Batch<V>>>,
    /// The batch that each id is in.
    pub(super) under_way: HashMap<Id, Arc<Batch<V>>, RandomState>,
}

pub(super) struct Batch<V> {
    /// Changed only while the groups are locked and the batch is open.
    pub(super) gathered: Mutex<Gathered>,
    pub(super) full: Notify,
    pub(super) outcome: watch::Sender<Option<Outcome<V>>>,
}

#[derive(Default)]
pub(super) struct Gathered {
    pub(super) ids: Vec<Id>,
    bytes: usize,
    /// When the last of those who ask gives up.
    pub(super) deadline: Option<Instant>,
}

impl<V> Group<V> {
    pub(super) fn new() -> Self {
        Self { open: None, under_way: HashMap::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_none() && self.under_way.is_empty()
    }

    pub(super) fn is_open(&self, batch: &Arc<Batch<V>>) -> bool {
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
        id: &Id,
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
        self.under_way.insert(id.clone(), Arc::clone(&batch));
        if batch.gathered.lock().add(id, max_ids) {
            self.open = None;
            batch.full.notify_one();
        }
        batch
    }
}

impl Gathered {
    /// Whether it is full now.
    fn add(&mut self, id: &Id, max_ids: usize) -> bool {
        self.ids.push(id.clone());
        self.bytes += id.as_str().len() + 1;
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
