//! Joins the composition of a document that is under way, or starts one.

use std::{
    future::Future,
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use futures_util::FutureExt;
use schemas::Id;
use tokio::sync::oneshot;

use super::{
    documents::Documents,
    entry::Usable,
    fill::Fill,
    in_flight::{InFlight, JoinOrStart},
    served::{FillError, Forward, Wanted},
};
use crate::compose::{Composed, PartCache, Uncomposed};

impl<E: Clone + Send + Sync + 'static> Documents<E> {
    /// Joins the composition under way for the key, or starts one.
    pub(super) fn join_or_start<F, Fut>(
        self: &Arc<Self>,
        wanted: &Wanted<'_>,
        now: Instant,
        compose: F,
    ) -> JoinOrStart<E>
    where
        F: FnOnce(PartCache) -> Fut,
        Fut: Future<Output = Result<Composed, Uncomposed<E>>> + Send + 'static,
    {
        let user = self.invalidations.hash_user(wanted.user.map_or("", Id::as_str));
        let mut in_flight = self.in_flight.lock();
        // A composition ends and its entry appears under this lock: whoever saw neither before sees one of them now.
        let entry = self.entries.get(wanted.key);
        let forward = if entry.is_some() { Forward::Stale } else { Forward::Miss };
        if let Some(composition) = in_flight.get(wanted.key)
            // After their own write, a user's composition that began before it is of no use to them.
            && composition.begun >= self.invalidations.latest_of_user(user)
            // Whoever reads along sees its fields before anything can be asked of the document that they are of: none
            // of them may show what was deleted before they asked.
            && !(wanted.stream && composition.begun < self.invalidations.latest_deletion())
        {
            if wanted.stream {
                composition.progress.will_be_followed();
            }
            return JoinOrStart::Joined(composition.clone(), forward);
        }
        if entry
            .as_ref()
            .is_some_and(|entry| matches!(entry.usable(now, &self.invalidations), Usable::Fresh(_)))
        {
            return JoinOrStart::AlreadyDone;
        }
        let parts = match &entry {
            Some(entry) => entry.parts_for_next(&self.invalidations),
            None => PartCache::new(Arc::clone(&self.invalidations), user, wanted.policy.part_times()),
        };
        if wanted.stream {
            parts.progress().will_be_followed();
        }
        let (complete, pending) = oneshot::channel();
        let pending = pending.map(|completed| completed.unwrap_or(Err(FillError::Lost))).boxed().shared();
        let number = self.next_number.fetch_add(1, Ordering::Relaxed);
        let composition =
            InFlight { number, begun: parts.begun(), pending, progress: parts.progress().clone() };
        in_flight.insert(wanted.key.clone(), composition.clone());
        let fill = Fill {
            documents: Arc::clone(self),
            key: wanted.key.clone(),
            policy: wanted.policy,
            encodings: entry.map_or(wanted.encodings, |entry| entry.encodings().and(wanted.encodings)),
            begun: parts.begun(),
            parts: parts.clone(),
            owner: wanted.user.cloned(),
            user,
            asked_at: now,
            started_at: Instant::now(),
            number,
        };
        // A runtime that is shutting down drops the task at once, and with it the fill, which takes the lock.
        drop(in_flight);
        let composing = compose(parts);
        self.runtime.spawn(async move {
            // Nobody may be waiting any more.
            let _ = complete.send(fill.complete(composing.await).await);
        });
        JoinOrStart::Started(composition, forward)
    }
}
