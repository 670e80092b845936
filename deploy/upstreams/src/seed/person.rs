//! Who is in the demo, and since when.

use jiff::Timestamp;
use schemas::Id;

/// Somebody in the demo; signs in with the user name or the e-mail address and [`PASSWORD`](super::PASSWORD).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The same in all three services.
    pub id: Id,
    /// User name.
    pub username: &'static str,
    /// E-mail address.
    pub email: &'static str,
}

/// So many hours ago, in microseconds since the epoch.
pub(super) fn hours_ago(hours: i64) -> i64 {
    Timestamp::now().as_microsecond() - hours * 3_600_000_000
}
