//! Joins the composition of a document that is under way, or starts one: for a reader who waits, or behind.

use std::{
    future::Future,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use schemas::Id;
use tokio::{runtime::Handle, sync::oneshot};

use super::{
    documents::Documents,
    entry::{Entry, Usable},
    fill::Fill,
    in_flight::{InFlight, JoinOrStart},
    refreshes::Permit,
    served::{FillError, Forward, Wanted},
};
use crate::{
    compose::{Composed, KeptParts, PartCache, Uncomposed},
    invalidation::HashedUser,
};

impl<E: Clone + Send + Sync + 'static> Documents<E> {
    /// Joins the composition under way for the key, or starts one; `permit`: as a refresh that nobody waits for.
    pub(super) fn join_or_start<C, Fut>(
        self: &Arc<Self>,
        wanted: &Wanted<'_>,
        now: Instant,
        compose: C,
        permit: Option<Permit>,
    ) -> JoinOrStart<E>
    where
        C: FnOnce(PartCache) -> Fut,
        Fut: Future<Output = Result<Composed, Uncomposed<E>>> + Send + 'static,
    {
        let user = self.invalidations.hash_user(wanted.user.map_or("", Id::as_str));
        let mut in_flight = self.in_flight.lock();
        // A composition ends and its entry appears under this lock: whoever saw neither before sees one of them now.
        let entry = self.entries.get(wanted.key);
        let forward = if entry.is_some() { Forward::Stale } else { Forward::Miss };
        if let Some(composition) = in_flight.get(wanted.key).filter(|composition| {
            // After their own write, a user's composition that began before it is of no use to them.
            composition.begun >= self.invalidations.latest_of_user(user)
            // Whoever reads along sees its fields before anything can be asked of the document that they are of: none
            // of them may show what was deleted before they asked.
            && !(wanted.stream && composition.begun < self.invalidations.latest_deletion())
        }) {
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
        let parts = self.parts_for(wanted, entry.as_deref(), user);
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
            waiting: Some(complete),
        };
        // A runtime that is shutting down drops the task at once, and with it the fill, which takes the lock.
        drop(in_flight);
        if permit.is_none() {
            self.refreshes.withdraw(wanted.key);
        }
        let composing = compose(parts);
        // A reader's composition runs where the reader is served, on the connections there, and no thread has to wake another
        // one; whatever becomes of the reader, it goes on. A refresh is nobody's, and runs beside the threads that serve.
        let here = if permit.is_none() { Handle::try_current().ok() } else { None };
        here.as_ref().unwrap_or(&self.runtime).spawn(async move {
            fill.end(composing.await).await;
            drop(permit);
        });
        JoinOrStart::Started(composition, forward)
    }

    /// What is kept of the document's parts, for a composition that begins now.
    fn parts_for(&self, wanted: &Wanted<'_>, entry: Option<&Entry>, user: HashedUser) -> PartCache {
        let (kept, reuse_after) = match entry {
            Some(entry) => entry.parts_for_next(&self.invalidations),
            None => (KeptParts::Nothing, None),
        };
        let times = wanted.policy.part_times();
        let parts = PartCache::new(kept, Arc::clone(&self.invalidations), user, times, reuse_after);
        if wanted.stream {
            parts.progress().will_be_followed();
        }
        parts
    }

    /// Has the document refreshed behind when it is its turn, unless that does not come within `time_left`.
    pub(super) fn refresh_behind<P, C, Fut>(
        self: &Arc<Self>,
        wanted: &Wanted<'_>,
        now: Instant,
        time_left: Duration,
        prepare: P,
    ) where
        P: FnOnce() -> C,
        C: FnOnce(PartCache) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Composed, Uncomposed<E>>> + Send + 'static,
    {
        self.refreshes.add(wanted.key, time_left, || {
            // Weak, to avoid a reference cycle: what waits is held by the cache.
            let (documents, compose, asked_at) = (Arc::downgrade(self), prepare(), Instant::now());
            let (key, user) = (wanted.key.clone(), wanted.user.cloned());
            let (policy, encodings) = (wanted.policy, wanted.encodings);
            Box::new(move |permit| {
                let Some(documents) = documents.upgrade() else { return };
                let (key, user) = (&key, user.as_ref());
                let wanted = Wanted { key, user, policy, encodings, stream: false, require_fresh: false };
                documents.refresh(&wanted, now + asked_at.elapsed(), compose, permit);
            })
        });
    }

    /// Starts a refresh, unless the document was purged, evicted or composed since it was asked for.
    fn refresh<C, Fut>(self: &Arc<Self>, wanted: &Wanted<'_>, now: Instant, compose: C, permit: Permit)
    where
        C: FnOnce(PartCache) -> Fut,
        Fut: Future<Output = Result<Composed, Uncomposed<E>>> + Send + 'static,
    {
        let is_old = |entry: Arc<Entry>| {
            matches!(entry.usable(now, &self.invalidations), Usable::Stale(_) | Usable::IfComposingFails(_))
        };
        if self.entries.get(wanted.key).is_some_and(is_old) {
            self.join_or_start(wanted, now, compose, Some(permit));
        }
    }
}
