//! When a row was made, and its id.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use schemas::Rfc3339;
use uuid::Uuid;

/// A row's time and id. Stamps only grow, also when the clock is set back: lists are walked in their
/// order, and a row must not slip in behind a reader.
pub(crate) struct Stamp {
    /// Microseconds since the epoch.
    pub(crate) at: i64,
    /// UUID version 7 (RFC 9562).
    pub(crate) id: String,
}

static LAST: AtomicI64 = AtomicI64::new(0);

impl Stamp {
    /// To be taken inside of the write that it is for: writes run one after the other, so that stamps
    /// are in the order of commits.
    pub(crate) fn next() -> Self {
        Self { at: now(), id: Uuid::now_v7().to_string() }
    }
}

/// Microseconds since the epoch; never the same twice.
pub(crate) fn now() -> i64 {
    let clock = Timestamp::now().as_microsecond();
    let before = LAST.fetch_max(clock, Ordering::Relaxed);
    if before < clock { clock } else { LAST.fetch_add(1, Ordering::Relaxed) + 1 }
}

/// A stored time as it goes out; one that no calendar knows reads as the epoch.
pub(crate) fn rfc3339(at: i64) -> Rfc3339 {
    Timestamp::from_microsecond(at).unwrap_or(Timestamp::UNIX_EPOCH).into()
}

#[cfg(test)]
mod tests {
    #[test]
    fn stamps_grow() {
        let stamps: Vec<_> = (0..10_000).map(|_| super::Stamp::next()).collect();
        assert!(stamps.windows(2).all(|pair| pair[0].at < pair[1].at && pair[0].id < pair[1].id));
    }
}
