//! Joins look-ups of callers into batches.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use schemas::Id;
use tokio::{runtime::Handle, time::timeout_at};

use super::{
    group::{Batch, Failure, Fault, Group, Values},
    in_flight::InFlight,
    shared::Shared,
};
use crate::{CallContext, UpstreamError, transport::Upstream};

/// Joins look-ups of the same `K`: only those may share an answer. Cloning is cheap and shares batches.
pub(crate) struct Batcher<K, V> {
    shared: Arc<Shared<K, V>>,
}

impl<K, V> Clone for Batcher<K, V> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

/// A batch, and the places of a caller's ids that are in it.
struct Share<V> {
    batch: Arc<Batch<V>>,
    places: Vec<usize>,
}

impl<K, V> Batcher<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// At most `max_ids` go into one call. `fetch` makes the calls, within the upstream's timeout and on the shared
    /// runtime.
    pub(crate) fn new(
        upstream: &Upstream,
        max_ids: usize,
        fetch: impl Fn(CallContext, K, Vec<Id>) -> BoxFuture<'static, Result<Values<V>, UpstreamError>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        let shared = Shared {
            runtime: upstream.runtime().clone(),
            upstream: upstream.name(),
            timeout: upstream.timeout(),
            max_ids: max_ids.max(1),
            groups: Mutex::new(HashMap::default()),
            fetch: Box::new(fetch),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Puts into `found` the values of `ids`, each at the place of its id, without those that the upstream does not know. No
    /// ids make no call. The call bears the request id, trace and client of whoever opened its batch.
    ///
    /// # Errors
    /// The first failure; what other batches have brought is in `found`.
    pub(crate) async fn load(
        &self,
        cx: &CallContext,
        key: K,
        ids: &[Id],
        found: &mut [Option<V>],
    ) -> Result<(), UpstreamError> {
        let late = UpstreamError::Timeout { upstream: self.shared.upstream };
        if ids.is_empty() {
            return Ok(());
        }
        if cx.remaining().is_zero() {
            return Err(late);
        }
        let looked_up = self.look_up(cx, &key, ids, found);
        timeout_at(cx.deadline.into(), looked_up).await.unwrap_or(Err(late))
    }

    async fn look_up(
        &self,
        cx: &CallContext,
        key: &K,
        ids: &[Id],
        found: &mut [Option<V>],
    ) -> Result<(), UpstreamError> {
        let (mut failed, mut was_lost) = (None, false);
        let mut shares = self.join_or_start(cx, key, ids, 0..ids.len());
        while !shares.is_empty() {
            let (mut again, mut lost) = (Vec::new(), false);
            for Share { batch, places } in shares {
                let outcome = batch.completed().await.unwrap_or_else(|| Err(self.shared.lost()));
                match outcome {
                    Ok(values) => {
                        for place in places {
                            found[place] = values.get(ids[place].as_str()).cloned();
                        }
                    }
                    Err(Failure { error, of }) => {
                        let is_worth_it = match of {
                            Fault::Upstream => false,
                            Fault::GivenUp => true,
                            Fault::Lost => !was_lost,
                        };
                        if is_worth_it && !cx.remaining().is_zero() {
                            lost |= of == Fault::Lost;
                            again.extend(places);
                        } else {
                            failed = failed.or(Some(error));
                        }
                    }
                }
            }
            was_lost |= lost;
            shares = self.join_or_start(cx, key, ids, again);
        }
        failed.map_or(Ok(()), Err)
    }

    /// A call that is already on its way for `id` is older than now: later callers ask anew.
    pub(crate) fn forget(&self, id: &str) {
        self.shared.groups.lock().retain(|_, group| {
            group.forget(id);
            !group.is_empty()
        });
    }

    /// As [`Batcher::forget`], for all ids: something changed, and it is not known which.
    pub(crate) fn forget_all(&self) {
        self.shared.groups.lock().retain(|_, group| {
            group.forget_all();
            !group.is_empty()
        });
    }

    /// Puts the ids at `places` into batches; gives these, each once, with the places that are in it.
    fn join_or_start(
        &self,
        cx: &CallContext,
        key: &K,
        ids: &[Id],
        places: impl IntoIterator<Item = usize>,
    ) -> Vec<Share<V>> {
        let mut places = places.into_iter().peekable();
        if places.peek().is_none() {
            return Vec::new();
        }
        let mut shares: Vec<Share<V>> = Vec::with_capacity(1);
        let mut opened = Vec::new();
        let mut groups = self.shared.groups.lock();
        let group = groups.entry(key.clone()).or_insert_with(Group::new);
        for place in places {
            let batch = group.batch_of(&ids[place], self.shared.max_ids, &mut opened);
            match shares.iter_mut().find(|known| Arc::ptr_eq(&known.batch, &batch)) {
                Some(known) => known.places.push(place),
                None => {
                    let mut places = Vec::with_capacity(ids.len());
                    places.push(place);
                    shares.push(Share { batch, places });
                }
            }
        }
        for Share { batch, .. } in &shares {
            // Once it is sealed its call has its deadline.
            batch.waits_until(cx.deadline);
        }
        // A runtime that is shutting down drops what it is given at once, and that locks the groups.
        drop(groups);
        for batch in opened {
            let in_flight = InFlight::new(Arc::clone(&self.shared), key.clone(), batch);
            // Where its caller runs, on connections of that runtime: no thread has to wake another one.
            let runtime = Handle::try_current().unwrap_or_else(|_| self.shared.runtime.clone());
            runtime.spawn(in_flight.run(cx.clone()));
        }
        shares
    }
}
