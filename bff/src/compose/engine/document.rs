//! What a composition makes: the document, and what the next one needs of it.

use std::time::{Duration, Instant};

use schemas::DegradedPart;

use super::asked::Times;
use crate::compose::{ComposeError, Packed};

/// A composed document.
#[derive(Debug, Clone)]
pub struct RawDocument {
    /// A JSON object, `degraded` at its end.
    pub body: Packed,
    /// For the next composition of the same document.
    pub kept: Kept,
    /// What is not as it should be, each part once.
    pub degraded: Vec<DegradedPart>,
    /// A part is missing because it was refused for good: no older document may show it.
    pub withheld: bool,
    /// When its oldest part was fetched.
    pub made_at: Instant,
    /// How long each part took.
    pub timings: Vec<(&'static str, Duration)>,
}

impl RawDocument {
    /// Whether every part is there and current.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.degraded.is_empty()
    }
}

/// Parts and join values as slices of the document that they are in, with what the plan needs and the document hides.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The document, and behind it what it hides: ids, placeholders, remembered pairs.
    pub(super) text: Packed,
    /// Where everything stands: see [`super::layout`].
    pub(super) layout: Box<[u8]>,
    /// Of all parts and joins, one after the other.
    pub(super) tags: Box<[u32]>,
    pub(super) base: Instant,
    /// When the latest of it was fetched, in milliseconds since `base`.
    pub(super) newest: u32,
}

impl Kept {
    /// Hashes of the tags that the document depends on; some may be there twice.
    #[must_use]
    pub fn tags(&self) -> &[u32] {
        &self.tags
    }

    /// Whether it is of the document of these bytes, and shares them.
    #[must_use]
    pub fn is_beside(&self, body: &Packed) -> bool {
        self.text.begins_with(body)
    }

    /// What is on the heap of it, in bytes, beside a document of `body` bytes.
    #[must_use]
    pub fn heap_size(&self, body: usize) -> usize {
        self.text.len().saturating_sub(body) + self.layout.len() + size_of_val(&*self.tags)
    }
}

/// Why there is no document.
#[derive(Debug)]
pub struct Uncomposable {
    pub error: ComposeError,
    /// Of the parts that did come: good for the next try. `None`: nothing is, beside what was kept before.
    pub kept: Option<Kept>,
}

/// What the last composition of the same document left.
#[derive(Debug, Clone, Copy)]
pub struct Previous<'d> {
    pub kept: &'d Kept,
    /// Parts from before this are of a document that is to be refreshed: taking them again would refresh nothing.
    pub reuse_after: Option<Instant>,
    /// Look the ids of the last document up alongside the parts: that saves a step where they come again, and costs a call
    /// where others come.
    pub foresees: bool,
}

impl Previous<'_> {
    /// Whether anything that was kept may be as good as a call.
    pub(super) fn may_be_fresh(&self, times: &Times, now: Instant) -> bool {
        // What stands there was rounded down.
        let newest = self.kept.base + Duration::from_millis(u64::from(self.kept.newest) + 1);
        let is_new = self.reuse_after.is_none_or(|after| newest > after);
        is_new && now.saturating_duration_since(newest) < times.fresh
    }
}
