//! The bounded log of messages: what a connection that was cut can still be told.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{sync::Notify, time::Instant};

use super::message::{Draft, Message};
use crate::store::LogId;

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

/// What the log knows of what came after a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// All of it.
    Held,
    /// Nothing yet: the position is beyond its end.
    Ahead,
    /// Not all of it any more.
    Gone,
}

/// Messages in the order of their positions, all of them from some position on.
///
/// A position is a unix time in milliseconds and a number. Where the log is this process's own, the time is that of
/// its start, and the number counts; where replicas share one, both are the entry's in there. Their text is the
/// message's `id`.
#[derive(Debug)]
pub(super) struct Log {
    bounds: Bounds,
    kept: Mutex<Kept>,
    grown: Notify,
}

#[derive(Debug)]
struct Kept {
    messages: VecDeque<(Instant, Arc<Message>)>,
    /// Everything after it is in `messages`.
    floor: LogId,
    /// Of the latest message.
    last: LogId,
    bytes: usize,
}

impl Log {
    /// Knows of everything after `start`.
    pub(super) fn new(start: LogId, bounds: Bounds) -> Self {
        let kept = Kept { messages: VecDeque::new(), floor: start, last: start, bytes: 0 };
        Self { bounds, kept: Mutex::new(kept), grown: Notify::new() }
    }

    /// Gives `draft` the next place.
    pub(super) fn append(&self, draft: Draft) -> LogId {
        let mut kept = self.kept.lock();
        let position = LogId { seq: kept.last.seq + 1, ..kept.last };
        self.keep(&mut kept, draft.at(position), Instant::now());
        position
    }

    /// Takes in what is at `position` in the shared log, and came at `at`: nothing, where that is no message. Between
    /// it and what was taken in before there is nothing.
    pub(super) fn follow(&self, position: LogId, draft: Option<Draft>, at: Instant) {
        let mut kept = self.kept.lock();
        match draft {
            // The order is what readers rely upon.
            _ if position <= kept.last => {}
            Some(draft) => self.keep(&mut kept, draft.at(position), at),
            None => kept.last = position,
        }
    }

    fn keep(&self, kept: &mut Kept, message: Message, at: Instant) {
        kept.last = message.position;
        kept.bytes += message.bytes();
        kept.messages.push_back((at, Arc::new(message)));
        kept.evict(self.bounds, Instant::now());
        self.grown.notify_one();
    }

    /// Forgets everything: what came before `position`, or is there, is not known. Whoever reads is told so.
    pub(super) fn cut(&self, position: LogId) {
        let mut kept = self.kept.lock();
        *kept = Kept { messages: VecDeque::new(), floor: position, last: position, bytes: 0 };
        self.grown.notify_one();
    }

    /// Forgets what has become too old.
    pub(super) fn evict(&self) {
        self.kept.lock().evict(self.bounds, Instant::now());
    }

    /// Waits until something was appended, or cut off. For one waiter.
    pub(super) async fn grown(&self) {
        self.grown.notified().await;
    }

    /// Position of the latest message.
    pub(super) fn last(&self) -> LogId {
        self.kept.lock().last
    }

    /// Whether a connection can go on that has seen everything up to `position`.
    pub(super) fn reach(&self, position: LogId) -> Reach {
        let kept = self.kept.lock();
        if position < kept.floor {
            Reach::Gone
        } else if position > kept.last {
            Reach::Ahead
        } else {
            Reach::Held
        }
    }

    /// At most `count` of the messages after `position` and up to `until`, in their order.
    pub(super) fn after(
        &self,
        position: LogId,
        until: Option<LogId>,
        count: usize,
    ) -> Result<Vec<Arc<Message>>, Gone> {
        let kept = self.kept.lock();
        if position < kept.floor || position > kept.last {
            return Err(Gone);
        }
        let start = kept.messages.partition_point(|(_, message)| message.position <= position);
        let messages = kept.messages.range(start..).map(|(_, message)| message);
        let wanted = |message: &&Arc<Message>| until.is_none_or(|until| message.position <= until);
        Ok(messages.take_while(wanted).take(count).cloned().collect())
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
            self.floor = message.position;
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
        let bounds = Bounds { messages, bytes, age: Duration::from_secs(300) };
        Log::new(at(0), bounds)
    }

    fn at(seq: u64) -> LogId {
        LogId { ms: 9, seq }
    }

    fn draft(kind: &str) -> Draft {
        Draft::new(&Topic::parse("order:r").expect("a topic"), kind, None)
    }

    fn numbers(found: Result<Vec<Arc<Message>>, Gone>) -> Option<Vec<u64>> {
        found.ok().map(|found| found.iter().map(|message| message.position.seq).collect())
    }

    #[test]
    fn it_reaches_back_as_far_as_its_bound_and_says_so_beyond() {
        let log = log(3, usize::MAX);
        assert_eq!(numbers(log.after(at(0), None, 9)), Some(vec![]));
        assert_eq!(log.reach(at(0)), Reach::Held);
        assert_eq!(log.reach(at(1)), Reach::Ahead, "that was never said");
        for _ in 0..5 {
            log.append(draft("x"));
        }
        assert_eq!(log.last(), at(5));
        assert_eq!(numbers(log.after(at(1), None, 9)), None, "2 is gone");
        assert_eq!(numbers(log.after(at(2), None, 9)), Some(vec![3, 4, 5]));
        assert_eq!(numbers(log.after(at(2), Some(at(4)), 9)), Some(vec![3, 4]));
        assert_eq!(numbers(log.after(at(3), None, 1)), Some(vec![4]));
        assert_eq!(numbers(log.after(at(5), None, 9)), Some(vec![]));
        assert_eq!(numbers(log.after(at(6), None, 9)), None);
        assert_eq!((log.reach(at(1)), log.reach(at(2))), (Reach::Gone, Reach::Held));
        assert_eq!(log.reach(LogId { ms: 8, seq: 4 }), Reach::Gone, "another life");
        assert_eq!(log.reach(LogId { ms: 10, seq: 4 }), Reach::Ahead);
    }

    #[test]
    fn what_is_followed_keeps_its_positions_and_their_gaps() {
        let log = log(3, usize::MAX);
        let follow = |position, kind: Option<&str>| log.follow(position, kind.map(draft), Instant::now());
        let far = |seq| LogId { ms: 12, seq };
        follow(at(4), Some("a"));
        follow(far(0), None);
        follow(far(2), Some("b"));
        follow(far(2), Some("again"));
        follow(at(7), Some("late"));
        assert_eq!(numbers(log.after(at(0), None, 9)), Some(vec![4, 2]));
        assert_eq!(numbers(log.after(at(5), None, 9)), Some(vec![2]), "between two of them");
        assert_eq!(log.reach(far(1)), Reach::Held);
        follow(far(3), None);
        assert_eq!((log.last(), log.reach(far(3))), (far(3), Reach::Held));

        log.cut(far(9));
        assert_eq!((log.reach(far(8)), log.reach(far(9))), (Reach::Gone, Reach::Held));
        assert_eq!(numbers(log.after(far(3), None, 9)), None);
        follow(far(10), Some("c"));
        assert_eq!(numbers(log.after(far(9), None, 9)), Some(vec![10]));
        log.cut(at(1));
        assert_eq!(
            numbers(log.after(far(10), None, 9)),
            None,
            "a log that begins anew is behind its readers"
        );
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
        assert_eq!(numbers(log.after(at(0), None, 9)), None);
        assert_eq!(numbers(log.after(at(1), None, 9)), Some(vec![2]));
        tokio::time::advance(Duration::from_secs(200)).await;
        log.evict();
        assert_eq!(numbers(log.after(at(1), None, 9)), None);
        assert_eq!(numbers(log.after(at(2), None, 9)), Some(vec![]));
    }
}
