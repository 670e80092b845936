//! What comes of asking for one request more.

use std::time::Duration;

use super::Tier;

/// What comes of asking for one request more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge {
    pub tier: Tier,
    pub allowed: bool,
    /// How many more would be allowed now.
    pub remaining: u32,
    /// Until one more is allowed than now.
    pub more_after: Duration,
}
