//! Joins look-ups that happen at about the same time into one call. Stands between a client's
//! `*_cards` method and the transport.
//!
//! Ids that are asked for within a short window go out together. An id that is on its way is awaited,
//! not asked for again. The call belongs to nobody in particular: it runs on the transport's runtime, so
//! that the one who asked first may hang up, and each of those who wait does so under their own deadline.
//! The call ends with the last deadline of those who asked together, or with the upstream's timeout: who
//! came later, and has time left, asks anew instead of waiting for a call that others have given up.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use schemas::Id;
use tokio::{
    runtime::Handle,
    select,
    sync::{Notify, watch},
    time::{sleep, timeout_at},
};

use crate::{CallContext, UpstreamError, transport::Transport};

/// How long ids are gathered before they are asked for.
pub(crate) const WINDOW: Duration = Duration::from_millis(1);
/// The most that a `?ids=` may hold (the upstreams' contract).
pub(crate) const MAX_IDS: usize = 100;
/// A request line beyond 8 KiB is refused by common proxies; ids may have 128 bytes each.
const MAX_IDS_BYTES: usize = 7 * 1024;

type Cards<V> = HashMap<Id, V>;
type Outcome<V> = Result<Arc<Cards<V>>, Failure>;
/// Asks the upstream for sorted, unique ids; unknown ones are left out of the answer.
type Fetch<K, V> =
    dyn Fn(CallContext, K, Vec<Id>) -> BoxFuture<'static, Result<Cards<V>, UpstreamError>> + Send + Sync;

/// Joins look-ups of the same `K`: only those may share an answer. Cloning is cheap and shares batches.
pub(crate) struct Batcher<K, V> {
    shared: Arc<Shared<K, V>>,
}

impl<K, V> Clone for Batcher<K, V> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

struct Shared<K, V> {
    runtime: Handle,
    upstream: &'static str,
    timeout: Duration,
    groups: Mutex<HashMap<K, Group<V>>>,
    fetch: Box<Fetch<K, V>>,
}

/// What is under way for one `K`.
struct Group<V> {
    /// The batch that still takes ids.
    open: Option<Arc<Batch<V>>>,
    /// The batch that each id is in.
    under_way: HashMap<Id, Arc<Batch<V>>>,
}

/// Why a batch has no cards.
#[derive(Clone)]
struct Failure {
    error: UpstreamError,
    /// The time of those who asked was up, not the upstream's.
    given_up: bool,
}

/// A batch that some of somebody's ids are in.
struct Joined<V> {
    batch: Arc<Batch<V>>,
    ids: Vec<Id>,
}

struct Batch<V> {
    /// Changed only while the groups are locked and the batch is open.
    gathered: Mutex<Gathered>,
    full: Notify,
    outcome: watch::Sender<Option<Outcome<V>>>,
}

#[derive(Default)]
struct Gathered {
    ids: Vec<Id>,
    bytes: usize,
    /// When the last of those who ask gives up.
    deadline: Option<Instant>,
}

impl<K, V> Batcher<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// `fetch` makes the calls, within the transport's timeout and on its runtime.
    pub(crate) fn new(
        transport: &Transport,
        fetch: impl Fn(CallContext, K, Vec<Id>) -> BoxFuture<'static, Result<Cards<V>, UpstreamError>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        let shared = Shared {
            runtime: transport.runtime().clone(),
            upstream: transport.name(),
            timeout: transport.timeout(),
            groups: Mutex::new(HashMap::new()),
            fetch: Box::new(fetch),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The cards of `ids`, without those that the upstream does not know. No ids make no call. The
    /// call bears the request id, trace and client of whoever opened its batch.
    pub(crate) async fn load(
        &self,
        cx: &CallContext,
        key: K,
        ids: Vec<Id>,
    ) -> Result<Cards<V>, UpstreamError> {
        let late = UpstreamError::Timeout { upstream: self.shared.upstream };
        if ids.is_empty() {
            return Ok(Cards::new());
        }
        if cx.remaining().is_zero() {
            return Err(late);
        }
        let looked_up = self.look_up(cx, &key, ids);
        timeout_at(cx.deadline.into(), looked_up).await.unwrap_or(Err(late))
    }

    async fn look_up(&self, cx: &CallContext, key: &K, mut ids: Vec<Id>) -> Result<Cards<V>, UpstreamError> {
        let mut found = Cards::with_capacity(ids.len());
        while !ids.is_empty() {
            let mut again = Vec::new();
            for Joined { batch, ids } in self.join(cx, key, &ids) {
                match batch.landed().await.unwrap_or_else(|| Err(self.shared.closed())) {
                    Ok(cards) => found.extend(
                        ids.into_iter().filter_map(|id| cards.get(&id).cloned().map(|card| (id, card))),
                    ),
                    Err(failure) if failure.given_up && !cx.remaining().is_zero() => again.extend(ids),
                    Err(failure) => return Err(failure.error),
                }
            }
            ids = again;
        }
        Ok(found)
    }

    /// What is already on its way for `id` is older than now: whoever asks from now on asks anew.
    pub(crate) fn forget(&self, id: &Id) {
        self.shared.groups.lock().retain(|_, group| {
            // An open batch has not been sent yet, so it will see what has just changed.
            if group.under_way.get(id).is_some_and(|batch| !group.is_open(batch)) {
                group.under_way.remove(id);
            }
            !group.is_empty()
        });
    }

    /// As [`Batcher::forget`], for all ids: something changed, and it is not known which.
    pub(crate) fn forget_all(&self) {
        self.shared.groups.lock().retain(|_, group| {
            let open: Vec<Id> = group
                .under_way
                .iter()
                .filter(|(_, batch)| group.is_open(batch))
                .map(|(id, _)| id.clone())
                .collect();
            group.under_way.retain(|id, _| open.contains(id));
            !group.is_empty()
        });
    }

    /// Forgets `id` when it is dropped: at the end of a write, also of one that was given up, since it may
    /// have reached the upstream.
    pub(crate) fn forget_on_drop<'a>(&'a self, id: &'a Id) -> impl Drop + use<'a, K, V> {
        ForgetOnDrop { batcher: self, id }
    }

    /// Puts every id into a batch; returns these batches, each once, with the ids that are in it.
    fn join(&self, cx: &CallContext, key: &K, ids: &[Id]) -> Vec<Joined<V>> {
        let mut joined: Vec<Joined<V>> = Vec::with_capacity(1);
        let mut opened = Vec::new();
        let mut groups = self.shared.groups.lock();
        let group = groups.entry(key.clone()).or_insert_with(Group::new);
        for id in ids {
            let batch = group.under_way.get(id).cloned().unwrap_or_else(|| group.add(id, &mut opened));
            match joined.iter_mut().find(|known| Arc::ptr_eq(&known.batch, &batch)) {
                Some(known) => known.ids.push(id.clone()),
                None => joined.push(Joined { batch, ids: vec![id.clone()] }),
            }
        }
        for Joined { batch, .. } in &joined {
            // Once it is sealed its call has its deadline.
            let mut gathered = batch.gathered.lock();
            gathered.deadline = gathered.deadline.max(Some(cx.deadline));
        }
        // A runtime that is shutting down drops what it is given at once, and that locks the groups.
        drop(groups);
        for batch in opened {
            let flight = Flight { shared: Arc::clone(&self.shared), key: key.clone(), batch };
            self.shared.runtime.spawn(flight.go(cx.clone()));
        }
        joined
    }
}

struct ForgetOnDrop<'a, K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    batcher: &'a Batcher<K, V>,
    id: &'a Id,
}

impl<K, V> Drop for ForgetOnDrop<'_, K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn drop(&mut self) {
        self.batcher.forget(self.id);
    }
}

impl<V> Group<V> {
    fn new() -> Self {
        Self { open: None, under_way: HashMap::new() }
    }

    fn is_empty(&self) -> bool {
        self.open.is_none() && self.under_way.is_empty()
    }

    fn is_open(&self, batch: &Arc<Batch<V>>) -> bool {
        self.open.as_ref().is_some_and(|open| Arc::ptr_eq(open, batch))
    }

    /// Adds an id that is not under way to the open batch, or to a new one that is put into `opened`.
    fn add(&mut self, id: &Id, opened: &mut Vec<Arc<Batch<V>>>) -> Arc<Batch<V>> {
        let batch = Arc::clone(self.open.get_or_insert_with(|| {
            let batch = Arc::new(Batch::new());
            opened.push(Arc::clone(&batch));
            batch
        }));
        self.under_way.insert(id.clone(), Arc::clone(&batch));
        if batch.gathered.lock().add(id) {
            self.open = None;
            batch.full.notify_one();
        }
        batch
    }
}

impl Gathered {
    /// Whether it is full now.
    fn add(&mut self, id: &Id) -> bool {
        self.ids.push(id.clone());
        self.bytes += id.as_str().len() + 1;
        self.ids.len() == MAX_IDS || self.bytes + Id::MAX_LEN > MAX_IDS_BYTES
    }
}

impl<V> Batch<V> {
    fn new() -> Self {
        let outcome = watch::Sender::new(None);
        Self { gathered: Mutex::default(), full: Notify::new(), outcome }
    }

    /// What became of it.
    async fn landed(&self) -> Option<Outcome<V>>
    where
        V: Clone,
    {
        let mut outcome = self.outcome.subscribe();
        // `self` holds the sender, so the channel is not closed; and then there is an outcome.
        outcome.wait_for(Option::is_some).await.ok()?.clone()
    }
}

impl<K, V> Shared<K, V> {
    /// The runtime is shutting down, or the call panicked.
    fn closed(&self) -> Failure {
        Failure { error: UpstreamError::Overloaded { upstream: self.upstream }, given_up: false }
    }
}

/// A batch on its way. Its ids are free again and its waiters have an outcome when this is dropped,
/// however that comes about.
struct Flight<K: Eq + Hash, V> {
    shared: Arc<Shared<K, V>>,
    key: K,
    batch: Arc<Batch<V>>,
}

impl<K, V> Flight<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    async fn go(self, mut cx: CallContext) {
        select! {
            () = sleep(WINDOW) => {}
            () = self.batch.full.notified() => {}
        }
        let (ids, deadline) = self.seal();
        let own = Instant::now() + self.shared.timeout;
        cx.deadline = deadline.map_or(own, |deadline| deadline.min(own));
        let may_be_given_up = cx.deadline < own;
        let answer = (self.shared.fetch)(cx, self.key.clone(), ids).await;
        self.land(answer.map(Arc::new).map_err(|error| {
            let given_up = may_be_given_up && matches!(error, UpstreamError::Timeout { .. });
            Failure { error, given_up }
        }));
    }

    /// The ids, to which none is added any more, and when the last of those who ask gives up.
    fn seal(&self) -> (Vec<Id>, Option<Instant>) {
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

impl<K: Eq + Hash, V> Flight<K, V> {
    /// Only then are the waiters told: who asks after them must not find what they found.
    fn land(&self, outcome: Outcome<V>) {
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

impl<K: Eq + Hash, V> Drop for Flight<K, V> {
    fn drop(&mut self) {
        if self.batch.outcome.borrow().is_none() {
            self.land(Err(self.shared.closed()));
        }
    }
}
