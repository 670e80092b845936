//! The wall clock.

use std::time::{SystemTime, UNIX_EPOCH};

/// Unix time in milliseconds, by the system's clock.
#[must_use]
pub fn unix_ms() -> u64 {
    // A clock before 1970 counts as 1970: everything then lives longer, nothing panics.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
