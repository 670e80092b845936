//! The parts that a document was made of, kept beside it.
//!
//! When one part fails, the next composition takes the others from here and fetches only that one; and a part
//! that cannot be fetched is stood in for by its last good copy.

use std::{
    any::Any,
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::Progress;
use crate::invalidation::{Generation, HashedTag, HashedUser, Invalidations, Tag, Validity};

/// For how long a part's copy is of use, counted from its fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartTimes {
    /// It is as good as a fetch.
    pub fresh: Duration,
    /// It may stand in for a part that cannot be fetched.
    pub last_good: Duration,
}

/// A copy of a part: what was fetched, when, and what it depends on.
#[derive(Clone)]
struct CachedPart {
    value: Arc<dyn Any + Send + Sync>,
    fetched_at: Instant,
    begun: Generation,
    tags: Arc<[HashedTag]>,
    weight: usize,
}

/// The copies of one document's parts. Cheap to clone: clones are the same cache.
#[derive(Clone)]
pub struct PartCache {
    copies: Arc<Mutex<HashMap<&'static str, CachedPart>>>,
    invalidations: Arc<Invalidations>,
    user: HashedUser,
    times: PartTimes,
    /// The generation in which this composition began.
    begun: Generation,
    /// Copies from before this are of the document that is to be refreshed: taking them again would refresh
    /// nothing.
    reuse_after: Option<Instant>,
    progress: Progress,
}

impl std::fmt::Debug for PartCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.copies.lock().keys()).finish()
    }
}

impl PartCache {
    /// Without copies, for a composition that begins now.
    #[must_use]
    pub fn new(invalidations: Arc<Invalidations>, user: HashedUser, times: PartTimes) -> Self {
        let begun = invalidations.generation();
        Self {
            copies: Arc::default(),
            invalidations,
            user,
            times,
            begun,
            reuse_after: None,
            progress: Progress::default(),
        }
    }

    /// The same copies, for a composition that begins now. Its own: a composition that was overtaken by an
    /// invalidation must not write into the next one's. Copies from before `reuse_after` are not taken for fresh.
    #[must_use]
    pub fn for_next_composition(&self, reuse_after: Option<Instant>) -> Self {
        let copies = self.copies.lock().clone();
        Self {
            copies: Arc::new(Mutex::new(copies)),
            invalidations: Arc::clone(&self.invalidations),
            user: self.user,
            times: self.times,
            begun: self.invalidations.generation(),
            reuse_after,
            progress: Progress::default(),
        }
    }

    /// Where this composition tells what it has finished.
    #[must_use]
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// A copy that is as good as a fetch: still in its fresh time, and nothing it depends on was purged.
    #[must_use]
    pub fn fresh<T: Send + Sync + 'static>(
        &self,
        part: &'static str,
        now: Instant,
    ) -> Option<(Arc<T>, Instant)> {
        let copy = self.copy(part, now, self.times.fresh, |validity| validity == Validity::Valid);
        copy.filter(|(_, fetched_at)| self.reuse_after.is_none_or(|after| *fetched_at > after))
    }

    /// The last good copy, where one is young enough to stand in for a part that cannot be fetched. Never
    /// one that the user themself has changed since: they would take their own write for lost.
    #[must_use]
    pub fn last_good<T: Send + Sync + 'static>(
        &self,
        part: &'static str,
        now: Instant,
    ) -> Option<(Arc<T>, Instant)> {
        self.copy(part, now, self.times.last_good, |validity| validity != Validity::HardPurged)
    }

    fn copy<T: Send + Sync + 'static>(
        &self,
        part: &'static str,
        now: Instant,
        young_enough: Duration,
        good: impl Fn(Validity) -> bool,
    ) -> Option<(Arc<T>, Instant)> {
        let copy = self.copies.lock().get(part).cloned()?;
        let young = now.saturating_duration_since(copy.fetched_at) < young_enough;
        let good = young && good(self.invalidations.validity(self.user, &copy.tags, copy.begun));
        let value = copy.value.downcast().ok().filter(|_| good)?;
        Some((value, copy.fetched_at))
    }

    /// Puts a part's copy in its place. `weight` is its size in bytes, about.
    pub fn put<T: Send + Sync + 'static>(
        &self,
        part: &'static str,
        value: Arc<T>,
        fetched_at: Instant,
        tags: &[Tag],
        weight: usize,
    ) {
        let tags = tags
            .iter()
            .chain([&Tag::everything()])
            .map(|tag| self.invalidations.hash_tag(tag.as_str()))
            .collect();
        let copy = CachedPart { value, fetched_at, begun: self.begun, tags, weight };
        self.copies.lock().insert(part, copy);
    }

    /// Lets go of a part's copy: its upstream has said for good that there is nothing to be had.
    pub fn forget(&self, part: &'static str) {
        self.copies.lock().remove(part);
    }

    /// The generation in which this composition began.
    #[must_use]
    pub fn begun(&self) -> Generation {
        self.begun
    }

    /// Bytes that the copies take in memory, about.
    #[must_use]
    pub fn weight(&self) -> usize {
        let copies = self.copies.lock();
        // Values are weighed as JSON; in memory, with their allocations, they take about twice as much.
        copies.values().map(|copy| 2 * copy.weight + copy.tags.len() * 8 + 2 * size_of::<CachedPart>()).sum()
    }

    /// When none of the copies is of use any more.
    #[must_use]
    pub fn ends_at(&self) -> Option<Instant> {
        self.copies.lock().values().map(|copy| copy.fetched_at + self.times.last_good).max()
    }
}
