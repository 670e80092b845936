//! Messages that hold everywhere once they are confirmed, also on a replica that stands still.
//!
//! A replica applies such a message and acknowledges it. One that does not is at a loss to say why: it may be slow, or
//! dead, or have been stopped for a moment. So whoever waits does so a little longer than a [`LEASE`]: a replica that has
//! not heard the message by then does not believe its memory any more, and asks the store, which knows. Before it
//! believes its memory again it announces itself, and is waited for from then on.

use std::{
    hash::{BuildHasher as _, Hasher as _, RandomState},
    sync::{Arc, Weak},
    time::Duration,
};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{AckSender, Applied, Peers};
use crate::store::{LEASE, Store, StoreError};

/// The first byte of an acknowledgement; others publish other kinds through the same store.
const ACK: u8 = b'a';

/// How long an end waits for the other replicas: a lease, and what may pass between a change in the store and the answer
/// that a lease counts from.
pub const ENDING_ACK_TIMEOUT: Duration = LEASE.saturating_add(Duration::from_millis(250));

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Every replica has applied it.
    Applied,
    /// Not every replica has said so; but those that have not do not believe their memory any more.
    Unconfirmed,
}

impl Delivery {
    /// The stable word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Unconfirmed => "unconfirmed",
        }
    }
}

/// One kind of messages and their acknowledgements. One for each process.
pub struct ConfirmedMessages {
    /// Weak, to avoid a reference cycle.
    store: Weak<dyn Store>,
    /// Whether other replicas may share the store.
    shared: bool,
    origin: u64,
    peers: Peers,
    acks: Arc<AckSender>,
}

/// What a replica says of others' messages.
#[derive(Debug, Serialize, Deserialize)]
struct Ack {
    origin: String,
    /// Numbers of messages, by who sent them.
    #[serde(default, skip_serializing_if = "Applied::is_empty")]
    applied: Applied,
    /// It wants to know who is there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    asks: bool,
    /// It ends.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    leaves: bool,
}

impl Ack {
    fn payload(&self) -> Bytes {
        let mut payload = vec![ACK];
        // Writing strings and numbers to memory does not fail.
        let _ = serde_json::to_writer(&mut payload, self);
        payload.into()
    }
}

impl ConfirmedMessages {
    #[must_use]
    pub fn new(store: &Arc<dyn Store>) -> Self {
        Self::with(store, store.shared().is_some())
    }

    fn with(store: &Arc<dyn Store>, shared: bool) -> Self {
        // Tells this process's messages from those of others: it only has to differ, nobody gains by guessing it.
        let origin = RandomState::new().build_hasher().finish();
        let acks = AckSender::new(store, move |applied| {
            Ack { origin: origin.to_string(), applied: applied.clone(), asks: false, leaves: false }.payload()
        });
        Self { store: Arc::downgrade(store), shared, origin, peers: Peers::default(), acks }
    }

    /// By which a process knows its own messages.
    #[must_use]
    pub const fn origin(&self) -> u64 {
        self.origin
    }

    /// Whether there may be other replicas.
    #[must_use]
    pub const fn is_shared(&self) -> bool {
        self.shared
    }

    /// Publishes what `payload` makes with a number, by which the others acknowledge it. The store must have what the
    /// message tells of already. Done when every replica has applied it, or does not believe its memory any more.
    ///
    /// # Errors
    /// [`StoreError`]: it was not passed on. Replicas do not believe what the store has told to be changed for longer
    /// than [`ENDING_ACK_TIMEOUT`] all the same.
    pub async fn publish(&self, payload: impl FnOnce(u64) -> Bytes) -> Result<Delivery, StoreError> {
        let store = self.store.upgrade().ok_or(StoreError::Closed)?;
        if !self.shared {
            return store.publish(payload(0)).await.map(|()| Delivery::Applied);
        }
        let message = self.peers.next_echoed();
        store.publish(payload(message.number())).await?;
        let applied = message.is_applied(ENDING_ACK_TIMEOUT).await;
        Ok(if applied { Delivery::Applied } else { Delivery::Unconfirmed })
    }

    /// Another replica's message, or this process's own, was applied here.
    pub fn applied(&self, origin: u64, number: u64) {
        if origin == self.origin {
            self.peers.echoed(number);
        } else if number > 0 {
            self.acks.applied(&origin.to_string(), number);
        }
    }

    /// Heeds `payload` where it is an acknowledgement.
    pub fn hear(&self, payload: &[u8]) {
        let Some((&ACK, json)) = payload.split_first() else { return };
        // Another version's: whoever waits for it waits as long as for a replica that is gone.
        let Ok(ack) = serde_json::from_slice::<Ack>(json) else { return };
        let own = self.origin.to_string();
        if ack.origin == own {
            return;
        }
        if ack.leaves {
            self.peers.left(&ack.origin);
        } else {
            let numbers = ack.applied.get(own.as_str()).map_or(&[][..], Vec::as_slice);
            self.peers.heard_by(&ack.origin, numbers);
            if ack.asks {
                self.acks.here();
            }
        }
    }

    /// Has every replica wait for this one from now on, and asks who else is there. To be done before this one believes
    /// what it holds.
    ///
    /// # Errors
    /// [`StoreError`]: others may not wait.
    pub async fn announce(&self) -> Result<(), StoreError> {
        self.say(false).await
    }

    /// This replica believes nothing any more: nobody has to wait for it.
    ///
    /// # Errors
    /// [`StoreError`]: somebody may wait in vain, once.
    pub async fn leave(&self) -> Result<(), StoreError> {
        self.say(true).await
    }

    async fn say(&self, leaves: bool) -> Result<(), StoreError> {
        if !self.shared {
            return Ok(());
        }
        let store = self.store.upgrade().ok_or(StoreError::Closed)?;
        let ack = Ack { origin: self.origin.to_string(), applied: Applied::new(), asks: !leaves, leaves };
        store.publish(ack.payload()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{MemoryStore, Notice};

    /// A replica over a store whose messages reach all; it applies what begins with `m`.
    fn replica(store: &Arc<dyn Store>, applies: bool) -> Arc<ConfirmedMessages> {
        let replica = Arc::new(ConfirmedMessages::with(store, true));
        let hears = Arc::clone(&replica);
        store.listen(Box::new(move |notice| {
            let Notice::Message(payload) = notice else { return };
            hears.hear(payload);
            if applies && let Some(text) = payload.strip_prefix(b"m") {
                let text = std::str::from_utf8(text).expect("a text");
                let (origin, number) = text.split_once(' ').expect("two numbers");
                hears.applied(origin.parse().expect("a number"), number.parse().expect("a number"));
            }
        }));
        replica
    }

    async fn publish(from: &ConfirmedMessages) -> Delivery {
        let origin = from.origin();
        from.publish(|number| format!("m{origin} {number}").into()).await.expect("published")
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_is_done_when_all_that_announced_themselves_have_applied_it() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let (here, there) = (replica(&store, true), replica(&store, true));
        let began = tokio::time::Instant::now();
        assert_eq!(publish(&here).await, Delivery::Applied, "nobody else is there");
        there.announce().await.expect("announced");
        assert_eq!(publish(&here).await, Delivery::Applied);
        assert!(began.elapsed() < ENDING_ACK_TIMEOUT);

        let silent = replica(&store, false);
        silent.announce().await.expect("announced");
        assert_eq!(publish(&here).await, Delivery::Unconfirmed);
        assert!(began.elapsed() >= ENDING_ACK_TIMEOUT);
        let began = tokio::time::Instant::now();
        assert_eq!(publish(&here).await, Delivery::Applied, "it is waited for once");
        silent.announce().await.expect("announced");
        silent.leave().await.expect("left");
        assert_eq!(publish(&here).await, Delivery::Applied, "nor after it has taken its leave");
        assert!(began.elapsed() < ENDING_ACK_TIMEOUT);
    }

    #[tokio::test]
    async fn what_is_no_acknowledgement_is_ignored() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let here = replica(&store, true);
        for payload in [&b""[..], b"a", b"a{}", b"a{\"origin\":1}", b"e{\"origin\":\"x\"}", b"a\xff"] {
            here.hear(payload);
        }
        assert_eq!(publish(&here).await, Delivery::Applied, "nobody takes part");
    }
}
