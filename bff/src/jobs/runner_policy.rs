//! How often jobs are tried, and how many at a time.

use std::time::Duration;

/// How often jobs are tried, and how many at a time.
#[derive(Debug, Clone, Copy)]
pub struct RunnerPolicy {
    /// How often the queue is looked at for what other replicas have put there.
    pub poll: Duration,
    /// Jobs that this process carries out at a time.
    pub concurrency: usize,
    /// After so many attempts a job is given up.
    pub max_attempts: u32,
    /// Before the second attempt; twice as long before each further one, …
    pub backoff: Duration,
    /// … but no longer than this.
    pub max_backoff: Duration,
}

impl RunnerPolicy {
    /// How long to wait after attempt `attempts` (from 1) has failed: exponential, and somewhere in its upper half, so
    /// that jobs which failed together do not come back together.
    #[must_use]
    pub fn delay(&self, attempts: u32, random: u64) -> Duration {
        let doubled = 1_u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(u32::MAX);
        let whole = self.backoff.saturating_mul(doubled).min(self.max_backoff);
        let half = whole / 2;
        let span = u64::try_from(half.as_micros()).unwrap_or(u64::MAX).saturating_add(1);
        half.saturating_add(Duration::from_micros(random % span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_come_ever_later_and_never_together() {
        let policy = RunnerPolicy {
            poll: Duration::from_secs(1),
            concurrency: 1,
            max_attempts: 9,
            backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(5),
        };
        for (attempts, whole) in
            [(1, 100), (2, 200), (3, 400), (6, 3200), (7, 5000), (40, 5000), (u32::MAX, 5000)]
        {
            for random in [0, 1, 77_777, u64::MAX] {
                let delay = policy.delay(attempts, random).as_millis();
                assert!((whole / 2..=whole).contains(&delay), "{attempts}: {delay}");
            }
        }
        let spread: std::collections::BTreeSet<_> =
            (0..50).map(|random| policy.delay(3, random * 977)).collect();
        assert!(spread.len() > 40);
    }
}
