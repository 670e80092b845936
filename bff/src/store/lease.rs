//! How long a replica may believe what it holds of the store in memory.
//!
//! A shared store tells changes to a connection that listens. A process that stands still for a moment (no processor, a
//! paused machine) hears nothing, and does not know it: its connection is still there. So it believes its memory only
//! for so long after it asked on that very connection and was answered, because whatever was told before the answer has
//! been heard by then. Whoever ended something and has waited that long may say that it holds everywhere.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

/// How long what is held counts after the question whose answer proved it. Long enough that a process that merely
/// waits for its turn on a busy machine does not lose it all the time; to lose it costs look-ups in the store.
pub const LEASE: Duration = Duration::from_secs(2);

/// The right to believe what is held. Cheap to clone; all clones are the same.
#[derive(Debug, Clone)]
pub struct Lease(Option<Arc<Term>>);

#[derive(Debug)]
struct Term {
    made: Instant,
    /// In milliseconds since `made`: not by the clock on the wall, which may be set back.
    ends_ms: AtomicU64,
}

impl Lease {
    /// Of a store that nobody else writes to.
    #[must_use]
    pub fn unlimited() -> Self {
        Self(None)
    }

    /// One that has yet to be renewed.
    pub(super) fn over() -> Self {
        Self(Some(Arc::new(Term { made: Instant::now(), ends_ms: AtomicU64::new(0) })))
    }

    /// Reads the clock once; no lock, no allocation.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.lapsed_for().is_none()
    }

    /// How long it has been over; nothing while it is not.
    #[must_use]
    pub fn lapsed_for(&self) -> Option<Duration> {
        let term = self.0.as_ref()?;
        let now_ms = millis(term.made.elapsed());
        let ends_ms = term.ends_ms.load(Ordering::Acquire);
        (now_ms >= ends_ms).then(|| Duration::from_millis(now_ms - ends_ms))
    }

    /// A question sent at `asked` was answered.
    pub(super) fn renew(&self, asked: Instant) {
        if let Some(term) = &self.0 {
            let ends_ms = millis((asked + LEASE).saturating_duration_since(term.made));
            term.ends_ms.fetch_max(ends_ms, Ordering::AcqRel);
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_lease_counts_from_the_question_and_not_from_its_answer() {
        assert!(Lease::unlimited().is_current());
        let lease = Lease::over();
        let same = lease.clone();
        assert!(!lease.is_current());
        let asked = Instant::now();
        tokio::time::advance(LEASE - Duration::from_millis(1)).await;
        lease.renew(asked);
        assert!(same.is_current());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(!same.is_current(), "it was asked long ago");
        lease.renew(asked);
        assert!(!same.is_current(), "an answer that comes after its time is none");
        tokio::time::advance(Duration::from_millis(5)).await;
        assert_eq!(same.lapsed_for(), Some(Duration::from_millis(5)));
        lease.renew(Instant::now());
        assert!(same.is_current());
        lease.renew(asked);
        assert!(same.is_current(), "an older answer takes nothing away");
    }
}
