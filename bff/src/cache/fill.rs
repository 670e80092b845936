//! The end of a composition: its document is finished and kept, and all who wait for it get it.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use foldhash::quality::RandomState;
use schemas::Id;
use tokio::sync::oneshot;

use super::{
    document::Document,
    documents::Documents,
    encoding::Encodings,
    entry::Entry,
    in_flight::{Completed, Completion, InFlight},
    key::DocumentKey,
    policy::Policy,
    served::FillError,
};
use crate::{
    compose::{Composed, PartCache, Uncomposed},
    invalidation::{Generation, HashedUser, Tag, Validity},
};

/// What is left to do once a document was composed: finish, store, make room for the next.
pub(super) struct Fill<E> {
    pub(super) documents: Arc<Documents<E>>,
    pub(super) key: DocumentKey,
    pub(super) policy: Policy,
    pub(super) encodings: Encodings,
    pub(super) parts: PartCache,
    pub(super) owner: Option<Id>,
    pub(super) user: HashedUser,
    /// By the clock of those who ask.
    pub(super) asked_at: Instant,
    pub(super) started_at: Instant,
    pub(super) begun: Generation,
    pub(super) number: u64,
    pub(super) waiting: Option<oneshot::Sender<Completion<E>>>,
}

impl<E: Clone + Send + Sync + 'static> Fill<E> {
    /// Finishes what was composed, and hands it to all that wait.
    pub(super) async fn end(mut self, composed: Result<Composed, Uncomposed<E>>) {
        let completion = self.complete(composed).await;
        // Nobody may be waiting any more.
        let _ = self.waiting.take().map(|waiting| waiting.send(completion));
    }

    async fn complete(&self, composed: Result<Composed, Uncomposed<E>>) -> Completion<E> {
        let mut composed = match composed {
            Ok(composed) => composed,
            Err(Uncomposed::Failed(error)) => {
                self.store(None);
                return Err(FillError::Failed(error));
            }
            Err(Uncomposed::Refused { error, subjects }) => {
                self.withdraw(&subjects).await;
                return Err(FillError::Refused(error));
            }
        };
        let jitter = self.documents.jitter(self.number, &self.key);
        let invalidations = &self.documents.invalidations;
        let timings = self.documents.parts.timings(std::mem::take(&mut composed.timings));
        let (user, begun, policy) = (self.user, self.begun, &self.policy);
        let document = Document::finish(composed, timings, user, invalidations, begun, policy, jitter);
        document.prepare(self.encodings);
        let document = Arc::new(document);
        let stored = self.store(Some(&document));
        Ok(Completed { document, stored })
    }

    /// Takes away what was made of `subjects` before, here and on the other replicas, and ends the composition. Whoever asks
    /// meanwhile finds nothing that can be served, and joins it.
    async fn withdraw(&self, subjects: &[Tag]) {
        let Documents { in_flight, bus, entries, .. } = &*self.documents;
        let is_latest = |in_flight: &HashMap<DocumentKey, InFlight<E>, RandomState>| {
            in_flight.get(&self.key).is_some_and(|composition| composition.number == self.number)
        };
        // A later one knows better.
        if !is_latest(&in_flight.lock()) {
            return;
        }
        bus.refused(self.owner.as_ref(), subjects).await;
        let mut in_flight = in_flight.lock();
        if is_latest(&in_flight) {
            entries.invalidate(&self.key);
            in_flight.remove(&self.key);
        }
    }

    /// Puts the new entry in place of the old and ends the composition. True: with the new document in it.
    fn store(&self, document: Option<&Arc<Document>>) -> bool {
        let invalidations = &self.documents.invalidations;
        // Held over the whole exchange: a later composition for the same key must not store first and be
        // overwritten by this older one, and nobody may join a composition that has completed.
        let mut in_flight = self.documents.in_flight.lock();
        if in_flight.get(&self.key).is_none_or(|composition| composition.number != self.number) {
            return false;
        }
        let old = self.documents.entries.get(&self.key).and_then(|old| old.complete.clone());
        let new = document.filter(|document| document.validity(invalidations) == Validity::Valid);
        let (complete, degraded) = match new {
            Some(new) if new.complete => (Some(Arc::clone(new)), None),
            _ => {
                let withheld = document.is_some_and(|document| document.withheld);
                let good =
                    |old: &Arc<Document>| !withheld && old.validity(invalidations) != Validity::HardPurged;
                (old.filter(good), new.map(Arc::clone))
            }
        };
        // A refresh that brought nothing better is not tried again at once.
        let mended = document.is_some_and(|document| document.complete);
        let pause = if mended { Duration::ZERO } else { self.policy.degraded };
        let failed_at = document.is_none().then(|| self.asked_at + self.started_at.elapsed());
        let entry = Entry::new(complete, degraded, (self.parts.kept(), self.parts.times()), failed_at, pause);
        self.documents.entries.insert(self.key.clone(), Arc::new(entry));
        in_flight.remove(&self.key);
        new.is_some()
    }
}

impl<E> Drop for Fill<E> {
    /// For a composition that panicked, or whose thread has ended: the next request starts anew, and those who wait learn of it
    /// after that.
    fn drop(&mut self) {
        let mut in_flight = self.documents.in_flight.lock();
        if in_flight.get(&self.key).is_some_and(|composition| composition.number == self.number) {
            in_flight.remove(&self.key);
        }
    }
}
