//! The bounded log of messages: what a connection that was cut can still be told.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{sync::Notify, time::Instant};

use super::message::{Draft, Message, Position};

/// How much is kept. Whichever bound is met first counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) messages: usize,
    pub(super) bytes: usize,
    pub(super) age: Duration,
}

/// The log no longer reaches back so far.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Gone;

/// Messages in the order of their sequence numbers, without a gap.
#[derive(Debug)]
pub(super) struct Log {
    epoch: u64,
    bounds: Bounds,
    kept: Mutex<Kept>,
    grown: Notify,
}

#[derive(Debug, Default)]
struct Kept {
    messages: VecDeque<(Instant, Arc<Message>)>,
    /// Sequence number of the latest message.
    last: u64,
    bytes: usize,
}

impl Log {
    pub(super) fn new(epoch: u64, bounds: Bounds) -> Self {
        Self { epoch, bounds, kept: Mutex::default(), grown: Notify::new() }
    }

    /// Gives `draft` the next place.
    pub(super) fn append(&self, draft: Draft) -> Position {
        let mut kept = self.kept.lock();
        kept.last += 1;
        let position = self.position(kept.last);
        let message = draft.at(position);
        kept.bytes += message.bytes();
        let now = Instant::now();
        kept.messages.push_back((now, Arc::new(message)));
        kept.evict(self.bounds, now);
        drop(kept);
        self.grown.notify_one();
        position
    }

    /// Forgets what has become too old.
    pub(super) fn evict(&self) {
        self.kept.lock().evict(self.bounds, Instant::now());
    }

    /// Waits until something was appended. For one waiter.
    pub(super) async fn grown(&self) {
        self.grown.notified().await;
    }

    pub(super) fn position(&self, sequence: u64) -> Position {
        Position { epoch: self.epoch, sequence }
    }

    /// Sequence number of the latest message.
    pub(super) fn last(&self) -> u64 {
        self.kept.lock().last
    }

    /// Where a connection goes on that has seen everything up to `position`. Nothing: messages after it are gone,
    /// or it is of another process life.
    pub(super) fn resume(&self, position: Position) -> Option<u64> {
        let reaches = || self.after(position.sequence, u64::MAX, 0).is_ok();
        (position.epoch == self.epoch && reaches()).then_some(position.sequence)
    }

    /// At most `count` of the messages after `sequence` and up to `until`, in their order.
    pub(super) fn after(&self, sequence: u64, until: u64, count: usize) -> Result<Vec<Arc<Message>>, Gone> {
        let kept = self.kept.lock();
        let first = kept.last + 1 - kept.messages.len() as u64;
        if sequence > kept.last || sequence + 1 < first {
            return Err(Gone);
        }
        // Below the length, or the length itself.
        let start = usize::try_from(sequence + 1 - first).unwrap_or(usize::MAX);
        let messages = kept.messages.range(start..).map(|(_, message)| message);
        Ok(messages.take_while(|message| message.sequence <= until).take(count).cloned().collect())
    }
}

impl Kept {
    fn evict(&mut self, bounds: Bounds, now: Instant) {
        while let Some((at, message)) = self.messages.front() {
            let over = self.messages.len() > bounds.messages || self.bytes > bounds.bytes;
            if !over && now.duration_since(*at) <= bounds.age {
                return;
            }
            self.bytes -= message.bytes();
            self.messages.pop_front();
        }
        // Everything was old: a rush that is over must not keep its room.
        self.messages.shrink_to(64);
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Topic, *};

    fn log(messages: usize, bytes: usize) -> Log {
        Log::new(9, Bounds { messages, bytes, age: Duration::from_secs(300) })
    }

    fn draft(kind: &str) -> Draft {
        Draft::new(&Topic::parse("recipe:r").expect("a topic"), kind, None)
    }

    fn sequences(found: Result<Vec<Arc<Message>>, Gone>) -> Option<Vec<u64>> {
        found.ok().map(|found| found.iter().map(|message| message.sequence).collect())
    }

    #[test]
    fn it_reaches_back_as_far_as_its_bound_and_says_so_beyond() {
        let log = log(3, usize::MAX);
        assert_eq!(sequences(log.after(0, u64::MAX, 9)), Some(vec![]));
        assert_eq!(log.resume(log.position(0)), Some(0));
        assert_eq!(log.resume(log.position(1)), None, "that was never said");
        for _ in 0..5 {
            log.append(draft("x"));
        }
        assert_eq!(log.last(), 5);
        assert_eq!(sequences(log.after(1, u64::MAX, 9)), None, "2 is gone");
        assert_eq!(sequences(log.after(2, u64::MAX, 9)), Some(vec![3, 4, 5]));
        assert_eq!(sequences(log.after(2, 4, 9)), Some(vec![3, 4]));
        assert_eq!(sequences(log.after(3, u64::MAX, 1)), Some(vec![4]));
        assert_eq!(sequences(log.after(5, u64::MAX, 9)), Some(vec![]));
        assert_eq!(sequences(log.after(6, u64::MAX, 9)), None);
        assert_eq!(log.resume(Position { epoch: 8, sequence: 4 }), None, "another life");
        assert_eq!(log.resume(log.position(u64::MAX)), None);
    }

    #[test]
    fn large_messages_push_others_out() {
        let log = log(1000, 2000);
        for _ in 0..50 {
            log.append(draft("x"));
        }
        let kept = log.kept.lock();
        assert!(kept.bytes <= 2000 && kept.messages.len() < 10 && !kept.messages.is_empty());
        assert_eq!(kept.bytes, kept.messages.iter().map(|(_, message)| message.bytes()).sum::<usize>());
    }

    #[tokio::test(start_paused = true)]
    async fn old_messages_go() {
        let log = log(1000, usize::MAX);
        log.append(draft("x"));
        tokio::time::advance(Duration::from_secs(200)).await;
        log.append(draft("y"));
        tokio::time::advance(Duration::from_secs(200)).await;
        log.evict();
        assert_eq!(sequences(log.after(0, u64::MAX, 9)), None);
        assert_eq!(sequences(log.after(1, u64::MAX, 9)), Some(vec![2]));
        tokio::time::advance(Duration::from_secs(200)).await;
        log.evict();
        assert_eq!(sequences(log.after(1, u64::MAX, 9)), None);
        assert_eq!(sequences(log.after(2, u64::MAX, 9)), Some(vec![]));
    }
}
