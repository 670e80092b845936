//! How long documents live.

use std::time::Duration;

use crate::compose::PartTimes;

/// How long a screen's documents live. Counted from the fetch of the oldest part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Served without a thought.
    pub fresh: Duration,
    /// After that: served at once, refreshed behind.
    pub stale: Duration,
    /// After that: served when composition fails.
    pub stale_if_error: Duration,
    /// The life of a document that lacks a part, and the pause between two tries to mend it.
    pub degraded: Duration,
}

impl Policy {
    /// How long the parts of such a document are of use.
    pub(super) fn part_times(&self) -> PartTimes {
        PartTimes { fresh: self.fresh, last_good: self.fresh + self.stale + self.stale_if_error }
    }
}
