//! Which replicas have heard what. A drop counts as relayed when all that take part have applied it.
//!
//! Redis answers a publisher before the others have read what it pushes to them. So every replica says what it has
//! heard, in the same channel. Who says anything takes part; who then does not say in time that it has heard
//! something takes no part until it is heard again, so that a replica that died holds up one write and no more.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Weak},
    time::Duration,
};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::{runtime::Handle, sync::oneshot, time::timeout};

use crate::store::Store;

/// How long a write waits for the other replicas at most: far more than any of them takes.
pub(super) const PATIENCE: Duration = Duration::from_millis(100);

/// The other replicas, as far as they were heard.
#[derive(Debug, Default)]
pub(super) struct Peers(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The number of the latest message.
    issued: u64,
    /// Those that take part.
    present: HashSet<Box<str>>,
    /// Messages that not all of them have heard.
    open: HashMap<u64, Open>,
}

#[derive(Debug)]
struct Open {
    missing: HashSet<Box<str>>,
    heard: oneshot::Sender<()>,
}

/// A message that is to be heard by all. When it is let go of, nobody waits for it any more.
#[derive(Debug)]
pub(super) struct Numbered<'p> {
    peers: &'p Peers,
    pub(super) number: u64,
    /// Nothing when nobody else takes part.
    heard: Option<oneshot::Receiver<()>>,
}

impl Peers {
    /// The next message.
    pub(super) fn next(&self) -> Numbered<'_> {
        let mut state = self.0.lock();
        state.issued += 1;
        let number = state.issued;
        let heard = (!state.present.is_empty()).then(|| {
            let (sender, receiver) = oneshot::channel();
            let missing = state.present.clone();
            state.open.insert(number, Open { missing, heard: sender });
            receiver
        });
        Numbered { peers: self, number, heard }
    }

    /// `peer` has said something, and has heard the messages `numbers`.
    pub(super) fn heard_by(&self, peer: &str, numbers: &[u64]) {
        let mut state = self.0.lock();
        if !state.present.contains(peer) {
            state.present.insert(peer.into());
        }
        for number in numbers {
            if let Some(open) = state.open.get_mut(number) {
                open.missing.remove(peer);
                if open.missing.is_empty()
                    && let Some(open) = state.open.remove(number)
                {
                    // Nobody waits when the message was given up at this moment.
                    let _ = open.heard.send(());
                }
            }
        }
    }
}

impl Numbered<'_> {
    /// Waits until all have heard it; says whether they have. Those that have not take no part from then on.
    pub(super) async fn heard(mut self) -> bool {
        let Some(heard) = self.heard.take() else { return true };
        if matches!(timeout(PATIENCE, heard).await, Ok(Ok(()))) {
            return true;
        }
        let mut state = self.peers.0.lock();
        if let Some(open) = state.open.remove(&self.number) {
            state.present.retain(|peer| !open.missing.contains(peer));
        }
        false
    }
}

impl Drop for Numbered<'_> {
    fn drop(&mut self) {
        self.peers.0.lock().open.remove(&self.number);
    }
}

/// What this replica has heard of each other one and not yet said.
type Heard = BTreeMap<Box<str>, Vec<u64>>;

/// Says what this replica has heard.
pub(super) struct Answers {
    /// The store holds what holds this.
    store: Weak<dyn Store>,
    payload: Box<dyn Fn(&Heard) -> Bytes + Send + Sync>,
    due: Mutex<Due>,
}

#[derive(Default)]
struct Due {
    heard: Heard,
    /// Something is to be said, if only that this replica is there.
    any: bool,
    /// A task says it.
    saying: bool,
}

impl Answers {
    pub(super) fn new(
        store: &Arc<dyn Store>,
        payload: impl Fn(&Heard) -> Bytes + Send + Sync + 'static,
    ) -> Arc<Self> {
        let store = Arc::downgrade(store);
        Arc::new(Self { store, payload: Box::new(payload), due: Mutex::default() })
    }

    /// Says that message `number` of `peer` was heard. Does not wait: what is heard until it can be said is said
    /// together.
    pub(super) fn heard(self: &Arc<Self>, peer: &str, number: u64) {
        self.owe(|heard| heard.entry(peer.into()).or_default().push(number));
    }

    /// Says that this replica is there.
    pub(super) fn here(self: &Arc<Self>) {
        self.owe(|_| {});
    }

    fn owe(self: &Arc<Self>, what: impl FnOnce(&mut Heard)) {
        // Stores call from their tasks; without a runtime there is nobody to say it to.
        let Ok(runtime) = Handle::try_current() else { return };
        let mut due = self.due.lock();
        what(&mut due.heard);
        due.any = true;
        if !std::mem::replace(&mut due.saying, true) {
            runtime.spawn(Arc::clone(self).say());
        }
    }

    async fn say(self: Arc<Self>) {
        while let Some(heard) = self.take() {
            let Some(store) = self.store.upgrade() else { return };
            // What is not passed on costs the other replica its patience, and is never said again.
            let _ = store.publish((self.payload)(&heard)).await;
        }
    }

    fn take(&self) -> Option<Heard> {
        let mut due = self.due.lock();
        due.saying = due.any;
        std::mem::take(&mut due.any).then(|| std::mem::take(&mut due.heard))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_message_waits_for_those_that_take_part_and_for_no_others() {
        let peers = Peers::default();
        assert!(peers.next().heard().await, "nobody else is there");
        peers.heard_by("x", &[]);
        peers.heard_by("y", &[]);
        let message = peers.next();
        let number = message.number;
        let mut heard = Box::pin(message.heard());
        peers.heard_by("x", &[number - 1, number, number + 1]);
        peers.heard_by("x", &[number]);
        assert!(futures_util::poll!(&mut heard).is_pending(), "y has not heard it");
        peers.heard_by("y", &[number]);
        assert!(heard.await);
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
        assert!(!message.heard().await);
        assert!(began.elapsed() >= PATIENCE);
        let message = peers.next();
        peers.heard_by("x", &[message.number]);
        assert!(message.heard().await, "y takes no part");
        // Late, but there.
        peers.heard_by("y", &[2]);
        let message = peers.next();
        peers.heard_by("x", &[message.number]);
        assert!(!message.heard().await, "y takes part again");
        drop(peers.next());
        assert!(peers.0.lock().open.is_empty());
    }
}
