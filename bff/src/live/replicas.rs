//! The live log where replicas share one: a stream in the store.
//!
//! Whoever has something to say appends it there, and every replica, the speaker too, follows the stream and hands out
//! what it finds, in the stream's order: connections resume from it, which no message of the bus allows. An entry also names
//! the tags of what changed. The bus carried them before the entry was appended; where it did not reach this replica, the
//! follower purges them before it hands the message out.
//!
//! A follower that was cut off goes on after the last entry it took. Where the stream does not reach back so far any
//! more, or has lost its end in a failover, connections are ended, and are told `reset` when they come back.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use schemas::Event;
use tokio::{
    sync::{
        mpsc::{Sender, channel},
        oneshot,
    },
    time::Instant,
};

use super::{
    LiveSettings,
    entry::Writing,
    outbox::{Order, Outbox},
};
use crate::{
    invalidation::InvalidationBus,
    store::{LogId, SharedStore, StoreError},
    telemetry::{Metrics, unix_ms},
};

/// Messages that may wait while the store is away.
const QUEUE: usize = 4096;

/// The way to the shared log. Cloning is cheap.
#[derive(Clone)]
pub(super) struct Replicas(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub(super) store: SharedStore,
    pub(super) bus: Arc<InvalidationBus>,
    pub(super) max_len: usize,
    pub(super) orders: Sender<Order>,
    pub(super) lost: Arc<AtomicBool>,
}

impl Replicas {
    /// The way there, and the task that writes what must not wait.
    pub(super) fn new(
        store: SharedStore,
        bus: Arc<InvalidationBus>,
        settings: &LiveSettings,
        metrics: Arc<Metrics>,
    ) -> (Self, Outbox) {
        let (orders, incoming) = channel(QUEUE);
        let lost = Arc::<AtomicBool>::default();
        let outbox = Outbox {
            store: store.clone(),
            origin: bus.origin().into(),
            max_len: settings.log_messages,
            give_up_after: settings.log_age,
            incoming,
            lost: Arc::clone(&lost),
            metrics,
            number: 0,
        };
        (Self(Arc::new(Shared { store, bus, max_len: settings.log_messages, orders, lost })), outbox)
    }

    /// Appends an event, of whose tags the bus told by `message`.
    ///
    /// # Errors
    /// [`StoreError`]: it may be there or not.
    pub(super) async fn append(&self, event: &Event, message: u64) -> Result<LogId, StoreError> {
        let writing =
            Writing { origin: self.0.bus.origin(), message, event: Some(event), ..Writing::default() };
        self.0.store.append(writing.payload(), self.0.max_len).await
    }

    /// Has an event appended in its turn. Where too many wait already it is lost, and everybody is told so later.
    pub(super) fn tell(&self, event: Event, metrics: &Metrics) {
        let order = Order::Tell { event: Box::new(event), since: Instant::now() };
        if self.0.orders.try_send(order).is_err() {
            super::outbox::note_lost(&self.0.lost, metrics);
        }
    }

    /// Waits until everything that was told before is written or given up.
    pub(super) async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        if self.0.orders.send(Order::Flush(done)).await.is_ok() {
            // An error says that the task is gone, and so is what it held.
            let _ = flushed.await;
        }
    }

    /// Whether the log has reached `position`. Where the store does not say: no.
    pub(super) async fn reaches(&self, position: LogId) -> bool {
        self.0.newest().await.is_ok_and(|newest| newest.is_some_and(|newest| newest >= position))
    }
}

impl Shared {
    pub(super) async fn newest(&self) -> Result<Option<LogId>, StoreError> {
        Ok(self.store.tail(1).await?.pop().map(|(id, _)| id))
    }

    /// An empty log gets an entry that marks its begin: positions before it are of a log that is gone.
    pub(super) async fn newest_or_mark(&self) -> Result<LogId, StoreError> {
        match self.newest().await? {
            Some(newest) => Ok(newest),
            None => {
                let mark = Writing { origin: self.bus.origin(), ..Writing::default() };
                self.store.append(mark.payload(), self.max_len).await
            }
        }
    }

    /// From where on the log is to be read, so that nothing is missed that is younger than `age`.
    pub(super) async fn start(&self, age: Duration) -> Result<LogId, StoreError> {
        let newest = self.newest_or_mark().await?;
        let oldest = self.store.oldest().await?.unwrap_or(newest);
        let age_ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        let young = LogId { ms: unix_ms().saturating_sub(age_ms), seq: 0 };
        Ok(oldest.max(young).min(newest))
    }

    /// Whether something between `last` and what the log has now may be missing; then where it is now.
    pub(super) async fn broken_since(&self, last: LogId) -> Result<Option<LogId>, StoreError> {
        let newest = self.newest_or_mark().await?;
        let oldest = self.store.oldest().await?.unwrap_or(newest);
        Ok((oldest > last || newest < last).then_some(newest))
    }
}
