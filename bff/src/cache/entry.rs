//! What the cache keeps under one key.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::{document::Document, encoding::Encodings};
use crate::{
    compose::{KeptParts, PartTimes},
    invalidation::{Invalidations, Validity},
};

/// For how long a failure is taken for an outage that goes on. While somebody asks now and then, there is a try each
/// second or so; where nobody did for longer than this, what is known of the outage is as old as that, and whoever asks
/// next waits for a try: what came back long ago, or was deleted meanwhile, must not be hidden by what is kept.
const FAILURE_HOLDS: Duration = Duration::from_secs(10);

/// What a look-up may do with an entry.
pub(super) enum Usable<'e> {
    /// Serve it.
    Fresh(&'e Arc<Document>),
    /// Serve it, and see to a refresh.
    Stale(&'e Arc<Document>),
    /// Compose; should that fail, serve this.
    IfComposingFails(&'e Arc<Document>),
    /// Compose.
    Nothing,
}

/// Immutable but for the time of the next refresh: a fill puts a new entry in its place.
#[derive(Debug)]
pub(super) struct Entry {
    /// The last document that lacked nothing.
    pub(super) complete: Option<Arc<Document>>,
    /// A later one that lacks something, used where the complete one has had its time.
    pub(super) degraded: Option<Arc<Document>>,
    /// What is kept of the parts.
    parts: KeptParts,
    /// When nothing in it can be of use any more.
    ends_at: Instant,
    /// When the last composition ended, where it failed.
    failed_at: Option<Instant>,
    /// No refresh starts before this, in milliseconds since [`Entry::made_at`].
    next_refresh_ms: AtomicU64,
    made_at: Instant,
}

impl Entry {
    pub(super) fn new(
        complete: Option<Arc<Document>>,
        degraded: Option<Arc<Document>>,
        (parts, times): (KeptParts, PartTimes),
        failed_at: Option<Instant>,
        refresh_not_before: Duration,
    ) -> Self {
        let next = AtomicU64::new(millis(refresh_not_before));
        let made_at = Instant::now();
        let documents = [&complete, &degraded].into_iter().flatten();
        let usable_until = documents.map(|document| document.usable_until);
        let ends_at = usable_until.chain(parts.ends_at(times, made_at)).max().unwrap_or(made_at);
        Self { complete, degraded, parts, ends_at, failed_at, next_refresh_ms: next, made_at }
    }

    /// Whether composing failed a moment ago, so that it is likely to fail again: nobody waits for the next try then.
    pub(super) fn is_failing(&self, now: Instant) -> bool {
        self.failed_at.is_some_and(|at| now.saturating_duration_since(at) < FAILURE_HOLDS)
    }

    /// What is kept for the next composition, and since when it is to be fetched again: when that is to refresh a document
    /// that is merely old, all its parts are; when it is to mend one or to follow a purge, the others are as good as they
    /// were.
    pub(super) fn parts_for_next(&self, invalidations: &Invalidations) -> (KeptParts, Option<Instant>) {
        let merely_old =
            self.complete.as_ref().filter(|complete| complete.validity(invalidations) == Validity::Valid);
        (self.parts.clone(), merely_old.map(|complete| complete.finished_at))
    }

    pub(super) fn usable(&self, now: Instant, invalidations: &Invalidations) -> Usable<'_> {
        let complete = self.complete.as_ref().map(|document| (document, document.validity(invalidations)));
        match complete {
            Some((document, Validity::Valid)) if now < document.fresh_until => {
                return Usable::Fresh(document);
            }
            Some((document, Validity::Valid | Validity::SoftPurged)) if now < document.stale_until => {
                return Usable::Stale(document);
            }
            _ => {}
        }
        if let Some(document) = &self.degraded
            && now < document.fresh_until
            && document.validity(invalidations) == Validity::Valid
        {
            return Usable::Fresh(document);
        }
        match complete {
            Some((document, validity)) if validity != Validity::HardPurged && now < document.usable_until => {
                Usable::IfComposingFails(document)
            }
            _ => Usable::Nothing,
        }
    }

    /// Whether the caller is to start a refresh: true for one of all that ask before `pause` is over.
    pub(super) fn claim_refresh(&self, now: Instant, pause: Duration) -> bool {
        let now_ms = millis(now.saturating_duration_since(self.made_at));
        let due = self.next_refresh_ms.load(Ordering::Relaxed);
        now_ms >= due
            && self
                .next_refresh_ms
                .compare_exchange(due, now_ms + millis(pause), Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    /// The encodings that somebody asked of its documents.
    pub(super) fn encodings(&self) -> Encodings {
        [&self.complete, &self.degraded]
            .into_iter()
            .flatten()
            .fold(Encodings::default(), |all, document| all.and(document.encodings()))
    }

    pub(super) fn weight(&self) -> usize {
        let documents = || [&self.complete, &self.degraded].into_iter().flatten();
        let parts = self.parts.weight(documents().map(|document| document.body()));
        documents().map(|document| document.weight()).sum::<usize>() + parts + size_of::<Self>()
    }

    /// When nothing in it can be of use any more.
    pub(super) fn ends_at(&self) -> Instant {
        self.ends_at
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
