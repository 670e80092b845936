//! How fast a front-end may talk: a token bucket for each WebSocket.

use tokio::time::{Duration, Instant};

/// Messages at once.
pub(super) const BURST: u32 = 60;
/// One more in each.
const EVERY: Duration = Duration::from_millis(100);
/// So many may follow the one that was told to be too much: what was on its way already.
const PATIENCE: u32 = BURST;

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Fine,
    /// The first that is too much: the front-end is told.
    Warned,
    /// It is not looked at.
    Ignored,
    /// It went on.
    Ended,
}

/// The bucket of one connection.
#[derive(Debug)]
pub(super) struct Pace {
    /// When the bucket is full again. In the past: it is full.
    full_at: Instant,
    /// Refused since it was full.
    refused: u32,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self { full_at: now, refused: 0 }
    }

    /// Takes one message at `now`.
    pub(super) fn take(&mut self, now: Instant) -> Verdict {
        if self.full_at <= now {
            *self = Self::new(now);
        }
        let full_at = self.full_at + EVERY;
        if full_at <= now + EVERY * BURST {
            self.full_at = full_at;
            return Verdict::Fine;
        }
        self.refused += 1;
        match self.refused {
            1 => Verdict::Warned,
            refused if refused <= PATIENCE => Verdict::Ignored,
            _ => Verdict::Ended,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(pace: &mut Pace, now: Instant, count: u32) -> Vec<Verdict> {
        (0..count).map(|_| pace.take(now)).collect()
    }

    #[test]
    fn over_its_rate_a_front_end_is_told_once_and_then_cut_off() {
        let now = Instant::now();
        let mut pace = Pace::new(now);
        assert!(take(&mut pace, now, BURST).iter().all(|verdict| *verdict == Verdict::Fine));
        assert_eq!(pace.take(now), Verdict::Warned);
        assert!(take(&mut pace, now, PATIENCE - 1).iter().all(|verdict| *verdict == Verdict::Ignored));
        assert_eq!(pace.take(now), Verdict::Ended);
    }

    #[test]
    fn a_bucket_that_is_full_again_forgives() {
        let now = Instant::now();
        let mut pace = Pace::new(now);
        take(&mut pace, now, BURST + 5);
        let soon = now + EVERY;
        assert_eq!(
            take(&mut pace, soon, 2),
            [Verdict::Fine, Verdict::Ignored],
            "one more, and no second word"
        );
        let later = now + EVERY * (BURST + 2);
        assert_eq!(take(&mut pace, later, BURST + 1).last(), Some(&Verdict::Warned));
        let mut steady = Pace::new(now);
        for number in 0..1000 {
            assert_eq!(steady.take(now + EVERY * number), Verdict::Fine);
        }
    }
}
