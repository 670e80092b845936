//! How many sign-ins may fail.

use std::time::Duration;

/// How many sign-ins may fail, and for how long they count.
#[derive(Debug, Clone, Copy)]
pub struct ThrottlePolicy {
    /// Failures for one account.
    pub account_failures: u32,
    /// Failures from one address: an IPv4 address, or a /64 of IPv6.
    pub address_failures: u32,
    /// From the first failure on.
    pub window: Duration,
    /// How long an attempt waits for others in flight that leave no room for it.
    pub patience: Duration,
    /// Attempts in flight count only among those of the same life: 0 over a store that replicas share. Elsewhere each
    /// start of the process is one of its own, or those that it was killed in the middle of would be in the way of
    /// people who sign in.
    pub life: u64,
}

impl Default for ThrottlePolicy {
    fn default() -> Self {
        Self {
            account_failures: 5,
            address_failures: 20,
            window: Duration::from_secs(15 * 60),
            patience: Duration::from_secs(5),
            life: 0,
        }
    }
}
