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

use super::{Progress, engine::Kept, packed::Packed};
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

/// Copies of parts, by their names.
#[derive(Clone)]
pub struct Copies(HashMap<&'static str, CachedPart>);

/// What is kept of a document's parts from one composition to the next.
#[derive(Clone, Default)]
pub enum KeptParts {
    #[default]
    Nothing,
    /// Values, of a screen in Rust.
    Values(Box<Copies>),
    /// Slices of the document, of a declared screen.
    Slices(Arc<Kept>),
}

impl std::fmt::Debug for KeptParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nothing => f.write_str("Nothing"),
            Self::Values(copies) => f.debug_list().entries(copies.0.keys()).finish(),
            Self::Slices(_) => f.write_str("Slices"),
        }
    }
}

impl KeptParts {
    /// Bytes that they take in memory, about, beside the documents of `bodies`.
    #[must_use]
    pub fn weight<'b>(&self, bodies: impl IntoIterator<Item = &'b Packed>) -> usize {
        match self {
            Self::Nothing => 0,
            // Values are weighed as JSON; in memory, with their allocations, they take about twice as much.
            Self::Values(copies) => copies
                .0
                .values()
                .map(|copy| 2 * copy.weight + copy.tags.len() * 8 + 2 * size_of::<CachedPart>())
                .sum(),
            Self::Slices(kept) => {
                let shared = bodies.into_iter().find(|body| kept.is_beside(body)).map_or(0, Packed::len);
                size_of::<Kept>() + kept.heap_size(shared)
            }
        }
    }

    /// When none of them is of use any more; `now`: none was fetched later.
    #[must_use]
    pub fn ends_at(&self, times: PartTimes, now: Instant) -> Option<Instant> {
        match self {
            Self::Nothing => None,
            Self::Values(copies) => copies.0.values().map(|copy| copy.fetched_at + times.last_good).max(),
            Self::Slices(_) => Some(now + times.last_good),
        }
    }
}

/// What is kept of one document's parts, for one composition. Cheap to clone: clones are the same.
#[derive(Debug, Clone)]
pub struct PartCache {
    /// Its own: a composition that was overtaken by an invalidation must not write into the next one's.
    kept: Arc<Mutex<KeptParts>>,
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

impl PartCache {
    /// Of what is kept, for a composition that begins now. Copies from before `reuse_after` are not taken for fresh.
    #[must_use]
    pub fn new(
        kept: KeptParts,
        invalidations: Arc<Invalidations>,
        user: HashedUser,
        times: PartTimes,
        reuse_after: Option<Instant>,
    ) -> Self {
        let begun = invalidations.generation();
        Self {
            kept: Arc::new(Mutex::new(kept)),
            invalidations,
            user,
            times,
            begun,
            reuse_after,
            progress: Progress::default(),
        }
    }

    /// What is kept now.
    #[must_use]
    pub fn kept(&self) -> KeptParts {
        self.kept.lock().clone()
    }

    /// The slices that the last composition kept.
    #[must_use]
    pub fn slices(&self) -> Option<Arc<Kept>> {
        if let KeptParts::Slices(kept) = &*self.kept.lock() { Some(Arc::clone(kept)) } else { None }
    }

    /// Puts the slices of a new document in their place.
    pub fn keep_slices(&self, kept: Arc<Kept>) {
        *self.kept.lock() = KeptParts::Slices(kept);
    }

    /// For how long copies are of use.
    #[must_use]
    pub const fn times(&self) -> PartTimes {
        self.times
    }

    /// Copies from before this are not to be taken for fresh.
    #[must_use]
    pub const fn reuse_after(&self) -> Option<Instant> {
        self.reuse_after
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
        let KeptParts::Values(copies) = &*self.kept.lock() else { return None };
        let copy = copies.0.get(part).cloned()?;
        let young = now.saturating_duration_since(copy.fetched_at) < young_enough;
        let good =
            young && good(self.invalidations.validity(self.user, copy.tags.iter().copied(), copy.begun));
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
        let tags = tags.iter().map(|tag| self.invalidations.hash_tag(tag.as_str())).collect();
        let copy = CachedPart { value, fetched_at, begun: self.begun, tags, weight };
        let mut kept = self.kept.lock();
        if let KeptParts::Values(copies) = &mut *kept {
            copies.0.insert(part, copy);
        } else {
            *kept = KeptParts::Values(Box::new(Copies(HashMap::from([(part, copy)]))));
        }
    }

    /// Lets go of a part's copy: its upstream has said for good that there is nothing to be had.
    pub fn forget(&self, part: &'static str) {
        if let KeptParts::Values(copies) = &mut *self.kept.lock() {
            copies.0.remove(part);
        }
    }

    /// The generation in which this composition began.
    #[must_use]
    pub fn begun(&self) -> Generation {
        self.begun
    }
}
