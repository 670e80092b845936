//! Which replicas have applied what. A message counts as applied when all replicas that take part have said so.
//!
//! Redis answers a publisher before the others have read what it pushes to them. So each replica acknowledges what it
//! has applied, by a message of its own. A replica that says anything takes part; one that does not acknowledge a message
//! in time takes no part until it is heard again, so that a replica that died holds up one message and no more.
//!
//! Writes wait for a moment only ([`Peers::next`]), and a replica that misses it is merely slow: ended sessions
//! ([`Peers::next_echoed`]) wait for it on.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{sync::oneshot, time::timeout};

/// How long a write waits for the other replicas to apply what it makes old: far longer than any of them takes.
pub(super) const ACK_TIMEOUT: Duration = Duration::from_millis(100);

/// The other replicas, as far as they were heard.
#[derive(Debug, Default)]
pub(super) struct Peers(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The number of the latest message.
    issued: u64,
    /// Those that take part, and whether they acknowledged the latest write in time.
    present: HashMap<Box<str>, bool>,
    /// Messages that not all of them have acknowledged.
    open: HashMap<u64, Open>,
}

#[derive(Debug)]
struct Open {
    /// Nothing until the message has come back here: see [`Peers::next_echoed`].
    missing: Option<HashSet<Box<str>>>,
    /// A replica that does not acknowledge it in time takes no part any more.
    strict: bool,
    acked: HashSet<Box<str>>,
    done: oneshot::Sender<()>,
}

impl Open {
    fn is_done(&self) -> bool {
        self.missing.as_ref().is_some_and(|missing| missing.is_subset(&self.acked))
    }
}

/// A message that all are to apply. When it is let go of, nobody waits for it any more.
#[derive(Debug)]
pub(super) struct Pending<'p> {
    peers: &'p Peers,
    number: u64,
    /// Nothing when nobody else takes part.
    done: Option<oneshot::Receiver<()>>,
}

impl Peers {
    /// The next message, for those that take part now and are not slow.
    pub(super) fn next(&self) -> Pending<'_> {
        let mut state = self.0.lock();
        let prompt = state.present.iter().filter(|(_, prompt)| **prompt);
        let missing: HashSet<_> = prompt.map(|(peer, _)| peer.clone()).collect();
        if missing.is_empty() {
            state.issued += 1;
            let number = state.issued;
            return Pending { peers: self, number, done: None };
        }
        self.open(&mut state, Some(missing), false)
    }

    /// The next message, for those that take part when it [comes back](Self::echoed) here: by then, each replica that
    /// announced itself before the message was published has been heard, since both took the same way.
    pub(super) fn next_echoed(&self) -> Pending<'_> {
        self.open(&mut self.0.lock(), None, true)
    }

    fn open(&self, state: &mut State, missing: Option<HashSet<Box<str>>>, strict: bool) -> Pending<'_> {
        state.issued += 1;
        let (done, receiver) = oneshot::channel();
        state.open.insert(state.issued, Open { missing, strict, acked: HashSet::new(), done });
        Pending { peers: self, number: state.issued, done: Some(receiver) }
    }

    /// This process's own message `number` came back to it.
    pub(super) fn echoed(&self, number: u64) {
        let mut state = self.0.lock();
        let present = state.present.keys().cloned().collect();
        if let Some(open) = state.open.get_mut(&number) {
            open.missing.get_or_insert(present);
            state.close(number);
        }
    }

    /// `peer` has said something, and has applied the messages `numbers`.
    pub(super) fn heard_by(&self, peer: &str, numbers: &[u64]) {
        let mut state = self.0.lock();
        match state.present.get_mut(peer) {
            Some(prompt) => *prompt = true,
            None => drop(state.present.insert(peer.into(), true)),
        }
        for number in numbers {
            if let Some(open) = state.open.get_mut(number) {
                open.acked.insert(peer.into());
                state.close(*number);
            }
        }
    }

    /// How many take part.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.0.lock().present.len()
    }

    /// `peer` has said that it ends: it serves nobody any more.
    pub(super) fn left(&self, peer: &str) {
        let mut state = self.0.lock();
        state.present.remove(peer);
        let numbers: Vec<u64> = state.open.keys().copied().collect();
        for number in numbers {
            if let Some(missing) = state.open.get_mut(&number).and_then(|open| open.missing.as_mut()) {
                missing.remove(peer);
            }
            state.close(number);
        }
    }
}

impl State {
    /// Ends the wait for a message that nobody is missing of.
    fn close(&mut self, number: u64) {
        if self.open.get(&number).is_some_and(Open::is_done)
            && let Some(open) = self.open.remove(&number)
        {
            // Nobody waits when the message was given up at this moment.
            let _ = open.done.send(());
        }
    }
}

impl Pending<'_> {
    /// By which the others acknowledge it.
    #[must_use]
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// Waits until all have applied it; says whether they have. Those that have not are not waited for from then on, by
    /// any message or, after [`Peers::next`], by writes.
    pub(super) async fn applied_within(mut self, within: Duration) -> bool {
        let Some(done) = self.done.take() else { return true };
        if matches!(timeout(within, done).await, Ok(Ok(()))) {
            return true;
        }
        let mut state = self.peers.0.lock();
        if let Some(Open { missing: Some(missing), strict, acked, .. }) = state.open.remove(&self.number) {
            for peer in missing.difference(&acked) {
                if strict {
                    state.present.remove(peer);
                } else if let Some(prompt) = state.present.get_mut(peer) {
                    *prompt = false;
                }
            }
        }
        false
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        self.peers.0.lock().open.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_message_waits_for_those_that_take_part_and_for_no_others() {
        let peers = Peers::default();
        assert!(peers.next().applied_within(ACK_TIMEOUT).await, "nobody else is there");
        peers.heard_by("x", &[]);
        peers.heard_by("y", &[]);
        let message = peers.next();
        let number = message.number;
        let mut applied = Box::pin(message.applied_within(ACK_TIMEOUT));
        peers.heard_by("x", &[number - 1, number, number + 1]);
        peers.heard_by("x", &[number]);
        assert!(futures_util::poll!(&mut applied).is_pending(), "y has not applied it");
        peers.heard_by("y", &[number]);
        assert!(applied.await);
        assert!(peers.0.lock().open.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_answer_holds_up_one_message_until_it_is_heard_again() {
        let peers = Peers::default();
        peers.heard_by("x", &[]);
        peers.heard_by("y", &[]);
        let message = peers.next();
        peers.heard_by("x", &[message.number]);
        let began = tokio::time::Instant::now();
        assert!(!message.applied_within(ACK_TIMEOUT).await);
        assert!(began.elapsed() >= ACK_TIMEOUT);
        let message = peers.next();
        peers.heard_by("x", &[message.number]);
        assert!(message.applied_within(ACK_TIMEOUT).await, "y takes no part");
        // Late, but there.
        peers.heard_by("y", &[2]);
        let message = peers.next();
        peers.heard_by("x", &[message.number]);
        assert!(!message.applied_within(ACK_TIMEOUT).await, "y takes part again");
        drop(peers.next());
        assert!(peers.0.lock().open.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn an_echoed_message_waits_for_those_that_were_heard_before_it_came_back() {
        let peers = Peers::default();
        let message = peers.next_echoed();
        let number = message.number;
        let mut applied = Box::pin(message.applied_within(ACK_TIMEOUT));
        peers.heard_by("x", &[]);
        peers.heard_by("y", &[number]);
        assert!(futures_util::poll!(&mut applied).is_pending(), "it has not come back");
        peers.echoed(number);
        assert!(futures_util::poll!(&mut applied).is_pending(), "x announced itself meanwhile");
        peers.echoed(number);
        peers.heard_by("z", &[]);
        peers.heard_by("x", &[number]);
        assert!(applied.await, "z came after it");

        let began = tokio::time::Instant::now();
        assert!(!peers.next_echoed().applied_within(ACK_TIMEOUT).await, "this process hears nothing");
        assert!(began.elapsed() >= ACK_TIMEOUT);
        assert_eq!(peers.0.lock().present.len(), 3, "which is nobody else's fault");
    }

    #[tokio::test(start_paused = true)]
    async fn a_replica_that_is_slow_for_a_write_is_waited_for_when_a_session_ends() {
        let peers = Peers::default();
        peers.heard_by("x", &[]);
        assert!(!peers.next().applied_within(ACK_TIMEOUT).await);
        assert!(peers.next().applied_within(ACK_TIMEOUT).await, "writes do not wait for it any more");
        let message = peers.next_echoed();
        let number = message.number;
        peers.echoed(number);
        let mut applied = Box::pin(message.applied_within(ACK_TIMEOUT));
        assert!(futures_util::poll!(&mut applied).is_pending(), "it may believe its memory still");
        assert!(!applied.await);
        let message = peers.next_echoed();
        peers.echoed(message.number);
        assert!(message.applied_within(ACK_TIMEOUT).await, "it does not believe its memory any more");
    }

    #[tokio::test(start_paused = true)]
    async fn a_replica_that_takes_its_leave_is_not_waited_for() {
        let peers = Peers::default();
        peers.heard_by("x", &[]);
        let message = peers.next();
        peers.left("x");
        assert!(message.applied_within(ACK_TIMEOUT).await);
        let message = peers.next_echoed();
        peers.echoed(message.number);
        assert!(message.applied_within(ACK_TIMEOUT).await);
    }
}
