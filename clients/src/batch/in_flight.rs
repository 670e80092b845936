//! One batch on its way: gathers ids for a short time, makes the call and hands out what came of it.

use std::{
    hash::Hash,
    sync::Arc,
    time::{Duration, Instant},
};

use schemas::Id;
use tokio::{select, time::sleep};

use super::{
    group::{Batch, Failure, Fault, Outcome},
    shared::Shared,
};
use crate::{CallContext, UpstreamError};

/// How long ids are gathered before they are asked for.
const WINDOW: Duration = Duration::from_millis(1);

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
            Failure { error, of: if given_up { Fault::GivenUp } else { Fault::Upstream } }
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
            self.complete(Err(self.shared.lost()));
        }
    }
}
