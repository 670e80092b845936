//! Which messages of other replicas were applied here lately: for what reaches a replica by two ways.

use std::collections::HashMap;

use parking_lot::Mutex;

/// Senders that are remembered: processes that sent something while this one lives.
const ORIGINS: usize = 4096;

/// The latest messages of each sender.
#[derive(Debug, Default)]
pub(super) struct AppliedMessages(Mutex<HashMap<Box<str>, Window>>);

/// The last 128 numbers up to the highest one: bit `n` stands for `highest - n`.
#[derive(Debug, Default, Clone, Copy)]
struct Window {
    highest: u64,
    bits: u128,
}

impl Window {
    fn add(&mut self, number: u64) {
        if number > self.highest {
            let moved = u32::try_from(number - self.highest).unwrap_or(u32::MAX);
            self.bits = self.bits.checked_shl(moved).unwrap_or(0);
            self.highest = number;
        }
        self.bits |= Self::bit(self.highest - number);
    }

    fn has(&self, number: u64) -> bool {
        number <= self.highest && self.bits & Self::bit(self.highest - number) != 0
    }

    fn bit(back: u64) -> u128 {
        u32::try_from(back).ok().and_then(|back| 1_u128.checked_shl(back)).unwrap_or(0)
    }
}

impl AppliedMessages {
    pub(super) fn add(&self, origin: &str, number: u64) {
        let mut origins = self.0.lock();
        if let Some(window) = origins.get_mut(origin) {
            return window.add(number);
        }
        if origins.len() >= ORIGINS {
            // As many processes have come and gone: most of them are silent for long.
            origins.clear();
        }
        origins.entry(origin.into()).or_default().add(number);
    }

    /// Whether message `number` of `origin` is known to be applied. What is older than the last 128 is not known.
    pub(super) fn has(&self, origin: &str, number: u64) -> bool {
        self.0.lock().get(origin).is_some_and(|window| window.has(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_applied_is_known_in_any_order_and_nothing_else_is() {
        let applied = AppliedMessages::default();
        assert!(!applied.has("o", 1));
        for number in [1, 5, 3, 200, 199, 90] {
            applied.add("o", number);
        }
        let known: Vec<_> = (0..=300).filter(|number| applied.has("o", *number)).collect();
        assert_eq!(known, [90, 199, 200], "those further back are forgotten");
        applied.add("o", 1);
        assert!(!applied.has("o", 1) && applied.has("o", 200), "too old to be noted");
        applied.add("o", u64::MAX);
        assert!(applied.has("o", u64::MAX) && !applied.has("o", 200));
        assert!(!applied.has("p", 200), "another sender's");
    }

    #[test]
    fn senders_are_bounded() {
        let applied = AppliedMessages::default();
        (0..=ORIGINS).for_each(|origin| applied.add(&origin.to_string(), 1));
        assert!(applied.0.lock().len() <= ORIGINS && applied.has(&ORIGINS.to_string(), 1));
    }
}
