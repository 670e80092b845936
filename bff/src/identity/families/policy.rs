//! How long tokens live.

use std::time::Duration;

/// How long tokens live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenPolicy {
    /// An access token.
    pub access: Duration,
    /// A family, however often it is refreshed.
    pub refresh: Duration,
    /// A spent refresh token still gets the same pair for so long, whatever was done with it.
    pub retry: Duration,
}

impl Default for TokenPolicy {
    fn default() -> Self {
        Self {
            access: Duration::from_secs(15 * 60),
            refresh: Duration::from_secs(14 * 24 * 60 * 60),
            retry: Duration::from_secs(10),
        }
    }
}
