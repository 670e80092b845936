//! Refreshes that wait for their turn: the most urgent first, each document once.

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

use super::key::DocumentKey;

/// When the document's stale time ends, and which of those with the same end came first.
type Turn = (Instant, u64);

/// What waits, by document. The clock is handed in.
#[derive(Debug)]
pub(super) struct RefreshQueue<T> {
    waiting: BTreeMap<Turn, (DocumentKey, T)>,
    turns: HashMap<DocumentKey, Turn>,
    issued: u64,
    last_start: Option<Instant>,
}

impl<T> Default for RefreshQueue<T> {
    fn default() -> Self {
        Self { waiting: BTreeMap::new(), turns: HashMap::new(), issued: 0, last_start: None }
    }
}

/// What may be done now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<T> {
    Start(T),
    /// Nothing before that time.
    At(Instant),
    Nothing,
}

impl<T> RefreshQueue<T> {
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Has the document wait until `deadline` for what `refresh` makes, if it does not wait already.
    pub(super) fn add(&mut self, key: &DocumentKey, deadline: Instant, refresh: impl FnOnce() -> T) {
        if self.turns.contains_key(key) {
            return;
        }
        self.issued += 1;
        let turn = (deadline, self.issued);
        self.turns.insert(key.clone(), turn);
        self.waiting.insert(turn, (key.clone(), refresh()));
    }

    /// Takes a document out.
    pub(super) fn remove(&mut self, key: &DocumentKey) -> Option<T> {
        let turn = self.turns.remove(key)?;
        self.waiting.remove(&turn).map(|(_, refresh)| refresh)
    }

    /// The next refresh, if it is time for it; and how many had to be given up because their time was over.
    pub(super) fn next(&mut self, now: Instant, max_gap: Duration) -> (Next<T>, u64) {
        let mut expired = 0;
        loop {
            let Some((&(deadline, _), _)) = self.waiting.first_key_value() else {
                return (Next::Nothing, expired);
            };
            if deadline > now {
                let due = self.last_start.map(|last| last + self.gap(deadline - now, max_gap));
                if let Some(due) = due.filter(|due| *due > now) {
                    return (Next::At(due), expired);
                }
            }
            let Some((_, (key, refresh))) = self.waiting.pop_first() else {
                return (Next::Nothing, expired);
            };
            self.turns.remove(&key);
            if deadline > now {
                self.last_start = Some(now);
                return (Next::Start(refresh), expired);
            }
            expired += 1;
        }
    }

    /// Between two starts: as far as three quarters of those that wait can be begun within half of the time that the most
    /// urgent one has left, and all within all of it.
    fn gap(&self, left: Duration, max_gap: Duration) -> Duration {
        let starts = u32::try_from(self.waiting.len()).unwrap_or(u32::MAX).saturating_mul(2);
        (left / starts.max(1)).min(max_gap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const GAP: Duration = Duration::from_millis(20);

    fn key(number: u32) -> DocumentKey {
        DocumentKey::new("feed", None).with_number(number)
    }

    #[test]
    fn the_document_whose_stale_time_ends_first_is_first_and_each_waits_once() {
        let (mut queue, now) = (RefreshQueue::default(), Instant::now());
        for (number, left) in [(1, 30), (2, 10), (3, 20), (4, 10)] {
            queue.add(&key(number), now + left * SECOND, || number);
        }
        queue.add(&key(1), now + SECOND, || 100);
        assert_eq!(queue.len(), 4);
        assert_eq!((queue.remove(&key(3)), queue.remove(&key(3))), (Some(3), None));
        let order: Vec<_> = std::iter::from_fn(|| match queue.next(now, Duration::ZERO) {
            (Next::Start(number), 0) => Some(number),
            _ => None,
        })
        .collect();
        assert_eq!(order, [2, 4, 1]);
        queue.add(&key(1), now + SECOND, || 5);
        assert_eq!(queue.next(now, Duration::ZERO), (Next::Start(5), 0), "it may wait again");
    }

    #[test]
    fn starts_are_spread_over_the_time_that_is_left_and_no_further() {
        let mut now = Instant::now();
        let (began, mut queue) = (now, RefreshQueue::default());
        for number in 0..3000 {
            queue.add(&key(number), now + 30 * SECOND, || number);
        }
        let mut started = 0;
        loop {
            match queue.next(now, GAP) {
                (Next::Start(_), 0) => started += 1,
                (Next::At(due), 0) => {
                    assert!(due > now && due - now <= GAP);
                    now = due;
                }
                (Next::Nothing, 0) => break,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(started, 3000);
        let took = now - began;
        assert!(took > 10 * SECOND, "spread: {took:?}");
        assert!(took < 30 * SECOND, "in time: {took:?}");

        queue.add(&key(1), now + 30 * SECOND, || 1);
        queue.add(&key(2), now + 30 * SECOND, || 2);
        let now = now + SECOND;
        assert_eq!(queue.next(now, GAP), (Next::Start(1), 0), "long after the last one, at once");
        assert_eq!(queue.next(now, GAP), (Next::At(now + GAP), 0));
    }

    #[test]
    fn what_is_too_late_is_given_up_at_once_and_costs_no_turn() {
        let (mut queue, now) = (RefreshQueue::default(), Instant::now());
        for number in 0..10 {
            queue.add(&key(number), now + SECOND, || number);
        }
        queue.add(&key(10), now + 5 * SECOND, || 10);
        assert_eq!(queue.next(now, GAP), (Next::Start(0), 0));
        assert_eq!(queue.next(now + SECOND, GAP), (Next::Start(10), 9));
        assert_eq!((queue.len(), queue.next(now, GAP)), (0, (Next::Nothing, 0)));
    }
}
