//! What waits for one connection. Filled by the dispatcher, emptied by the connection's feed.

use std::{collections::VecDeque, sync::Arc};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::message::Message;

/// Why the gateway ends a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It took its messages too slowly.
    TooSlow,
    /// Nobody is signed in on it any more.
    SignedOut,
    /// Whether somebody is signed in on it cannot be known: the store is away for longer than the grace.
    StoreAway,
    /// This process is stopping.
    GoingAway,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Posted {
    Queued,
    /// The connection is ending, or reads the log by itself.
    NotNeeded,
    /// The inbox was full: so many messages were thrown away, and the connection ends.
    Overflowed(usize),
}

/// What comes next.
#[derive(Debug)]
pub(super) enum Next {
    Message(Arc<Message>),
    End(End),
}

/// The inbox of one connection. Holds no more than it was made for, and nothing of what it shares.
#[derive(Debug)]
pub(super) struct Inbox {
    room: usize,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Until then its feed reads the log.
    open: bool,
    queue: VecDeque<Arc<Message>>,
    end: Option<End>,
}

impl Inbox {
    /// Has room for so many messages. It takes none before [`Inbox::open`].
    pub(super) fn new(room: usize) -> Self {
        Self { room, state: Mutex::default(), changed: Notify::new() }
    }

    /// Takes messages from now on.
    pub(super) fn open(&self) {
        self.state.lock().open = true;
    }

    pub(super) fn is_open(&self) -> bool {
        self.state.lock().open
    }

    /// Never waits.
    pub(super) fn post(&self, message: &Arc<Message>) -> Posted {
        let mut state = self.state.lock();
        if state.end.is_some() || !state.open {
            return Posted::NotNeeded;
        }
        let posted = if state.queue.len() < self.room {
            state.queue.push_back(Arc::clone(message));
            Posted::Queued
        } else {
            // All of it is in the log as well: whoever comes back gets it from there.
            let lost = state.queue.len() + 1;
            state.queue = VecDeque::new();
            state.end = Some(End::TooSlow);
            Posted::Overflowed(lost)
        };
        drop(state);
        self.changed.notify_one();
        posted
    }

    /// Ends the connection. The first reason counts. What waits is still said only where the user stays signed in.
    pub(super) fn end(&self, end: End) {
        let mut state = self.state.lock();
        if state.end.is_none() || end == End::SignedOut {
            state.end = Some(end);
        }
        if end != End::GoingAway {
            state.queue = VecDeque::new();
        }
        drop(state);
        self.changed.notify_one();
    }

    /// What comes next. May be dropped while it waits; for one waiter.
    pub(super) async fn next(&self) -> Next {
        loop {
            if let Some(next) = self.take() {
                return next;
            }
            self.changed.notified().await;
        }
    }

    /// Waits for the end alone. May be dropped; not to be awaited beside [`Inbox::next`].
    pub(super) async fn ended(&self) -> End {
        loop {
            if let Some(end) = self.why_ended() {
                return end;
            }
            self.changed.notified().await;
        }
    }

    pub(super) fn why_ended(&self) -> Option<End> {
        self.state.lock().end
    }

    fn take(&self) -> Option<Next> {
        let mut state = self.state.lock();
        if let Some(message) = state.queue.pop_front() {
            return Some(Next::Message(message));
        }
        state.end.map(Next::End)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Topic, message::Draft},
        *,
    };
    use crate::store::LogId;

    fn message(sequence: u64) -> Arc<Message> {
        let topic = Topic::parse("order:r").expect("a topic");
        Arc::new(Draft::new(&topic, "x", None).at(LogId { ms: 1, seq: sequence }))
    }

    fn open(room: usize) -> Inbox {
        let inbox = Inbox::new(room);
        inbox.open();
        inbox
    }

    #[tokio::test]
    async fn a_full_inbox_throws_all_away_and_ends() {
        let inbox = open(2);
        assert_eq!(inbox.post(&message(1)), Posted::Queued);
        assert_eq!(inbox.post(&message(2)), Posted::Queued);
        assert_eq!(inbox.post(&message(3)), Posted::Overflowed(3));
        assert_eq!(inbox.post(&message(4)), Posted::NotNeeded);
        assert!(matches!(inbox.next().await, Next::End(End::TooSlow)));
        assert_eq!(inbox.ended().await, End::TooSlow);
    }

    #[tokio::test]
    async fn what_waits_is_said_before_going_away_but_not_after_signing_out() {
        let inbox = open(9);
        inbox.post(&message(1));
        inbox.end(End::GoingAway);
        assert!(matches!(inbox.next().await, Next::Message(_)));
        assert!(matches!(inbox.next().await, Next::End(End::GoingAway)));

        let inbox = open(9);
        inbox.post(&message(1));
        inbox.end(End::GoingAway);
        inbox.end(End::SignedOut);
        assert!(matches!(inbox.next().await, Next::End(End::SignedOut)));
    }

    #[tokio::test]
    async fn nothing_is_missed_between_looking_and_waiting() {
        let inbox = Arc::new(open(10_000));
        let reader = tokio::spawn({
            let inbox = Arc::clone(&inbox);
            async move {
                let mut seen = 0;
                while let Next::Message(message) = inbox.next().await {
                    seen += 1;
                    assert_eq!(message.position.seq, seen);
                }
                seen
            }
        });
        for sequence in 1..=5000 {
            assert_eq!(inbox.post(&message(sequence)), Posted::Queued);
            if sequence % 100 == 0 {
                tokio::task::yield_now().await;
            }
        }
        inbox.end(End::GoingAway);
        assert_eq!(reader.await.expect("no panic"), 5000);
    }

    #[test]
    fn before_it_is_open_it_takes_nothing() {
        let inbox = Inbox::new(1);
        assert_eq!((inbox.post(&message(1)), inbox.is_open()), (Posted::NotNeeded, false));
    }
}
