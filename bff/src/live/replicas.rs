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
    collections::HashMap,
    sync::{Arc, Weak, atomic::AtomicBool},
    time::Duration,
};

use schemas::Event;
use tokio::{
    sync::{
        mpsc::{Sender, channel},
        oneshot,
    },
    time::{Instant, sleep},
};

use super::{
    LiveSettings,
    entry::{Entry, Writing},
    hub::Inner,
    message::Draft,
    outbox::{Order, Outbox},
};
use crate::{
    invalidation::{InvalidationBus, Tag},
    store::{LogId, SharedStore, StoreError},
    telemetry::{Metrics, unix_ms},
};

/// Entries that are read at once.
const BATCH: usize = 256;
/// How long one read waits for an entry. A follower notices so late that its hub is gone.
const WAIT: Duration = Duration::from_secs(5);
/// Between tries while the store is away; doubles from the first to the last.
pub(super) const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// Messages that may wait while the store is away.
const QUEUE: usize = 4096;
/// Origins whose repetitions are noticed: processes that wrote something while this one lives.
const ORIGINS: usize = 4096;

/// The way to the shared log. Cloning is cheap.
#[derive(Clone)]
pub(super) struct Replicas(Arc<Shared>);

struct Shared {
    store: SharedStore,
    bus: Arc<InvalidationBus>,
    max_len: usize,
    orders: Sender<Order>,
    lost: Arc<AtomicBool>,
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

    /// Reads what is there, into the log of `hub`, and answers with the task that reads on. While the store is away
    /// that task has to begin as well.
    ///
    /// # Errors
    /// [`StoreError`]: there is no such log.
    pub(super) async fn follow(&self, hub: &Arc<Inner>) -> Result<Follower, StoreError> {
        let mut follower = Follower {
            hub: Arc::downgrade(hub),
            shared: Arc::clone(&self.0),
            numbers: HashMap::new(),
            begun: false,
            unsure: false,
        };
        match follower.begin(hub).await {
            Ok(()) => hub.metrics.live_following.set(1),
            Err(error) if error.is_away() => 0,
            Err(error) => return Err(error),
        };
        Ok(follower)
    }
}

impl Shared {
    async fn newest(&self) -> Result<Option<LogId>, StoreError> {
        Ok(self.store.tail(1).await?.pop().map(|(id, _)| id))
    }

    /// An empty log gets an entry that marks its begin: positions before it are of a log that is gone.
    async fn newest_or_mark(&self) -> Result<LogId, StoreError> {
        match self.newest().await? {
            Some(newest) => Ok(newest),
            None => {
                let mark = Writing { origin: self.bus.origin(), ..Writing::default() };
                self.store.append(mark.payload(), self.max_len).await
            }
        }
    }

    /// From where on the log is to be read, so that nothing is missed that is younger than `age`.
    async fn start(&self, age: Duration) -> Result<LogId, StoreError> {
        let newest = self.newest_or_mark().await?;
        let oldest = self.store.oldest().await?.unwrap_or(newest);
        let age_ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        let young = LogId { ms: unix_ms().saturating_sub(age_ms), seq: 0 };
        Ok(oldest.max(young).min(newest))
    }

    /// Whether something between `last` and what the log has now may be missing; then where it is now.
    async fn broken_since(&self, last: LogId) -> Result<Option<LogId>, StoreError> {
        let newest = self.newest_or_mark().await?;
        let oldest = self.store.oldest().await?.unwrap_or(newest);
        Ok((oldest > last || newest < last).then_some(newest))
    }
}

/// Carries entries from the shared log into this process's own.
pub(super) struct Follower {
    hub: Weak<Inner>,
    shared: Arc<Shared>,
    /// The last number of each origin.
    numbers: HashMap<String, u64>,
    /// Whether it has read what was there when the process started.
    begun: bool,
    /// Whether the log may have changed behind the last entry, because the store was away.
    unsure: bool,
}

impl Follower {
    /// Until the hub is gone.
    pub(super) async fn run(mut self) {
        let mut pause = Duration::ZERO;
        while let Some(hub) = self.hub.upgrade() {
            let read =
                if self.begun { self.read(&hub, true).await.map(drop) } else { self.begin(&hub).await };
            match read {
                Ok(()) => {
                    if !pause.is_zero() {
                        tracing::info!("live messages of other replicas are heard again");
                        pause = Duration::ZERO;
                    }
                    hub.metrics.live_following.set(1);
                }
                Err(error) => {
                    if pause.is_zero() {
                        tracing::warn!(
                            error = &error as &dyn std::error::Error,
                            "live messages are not heard: connections wait for them"
                        );
                    }
                    hub.metrics.live_following.set(0);
                    drop(hub);
                    self.unsure = true;
                    pause = (pause * 2).clamp(RETRY.0, RETRY.1);
                    sleep(pause).await;
                }
            }
        }
    }

    /// Reads what is there already, as far as connections may want to resume from it.
    async fn begin(&mut self, hub: &Inner) -> Result<(), StoreError> {
        hub.log.cut(self.shared.start(hub.settings.log_age).await?);
        while self.read(hub, false).await? > 0 {}
        self.begun = true;
        Ok(())
    }

    /// Takes in what comes next, and may `wait` for it; says how many entries there were.
    async fn read(&mut self, hub: &Inner, wait: bool) -> Result<usize, StoreError> {
        let (last, store) = (hub.log.last(), &self.shared.store);
        // Whoever must find out first whether anything is missing does not wait for something new.
        let batch = if wait && !self.unsure {
            store.after(last, BATCH, WAIT).await?
        } else {
            store.range(last, BATCH).await?
        };
        // A stream is trimmed from its begin: only who is far behind can have missed something.
        if self.unsure || batch.len() >= BATCH.min(self.shared.max_len) {
            if let Some(newest) = self.shared.broken_since(last).await? {
                tracing::warn!("the log of live messages does not go on where it was read last");
                hub.cut(newest);
                self.unsure = false;
                return Ok(1);
            }
            self.unsure = false;
        }
        for (position, payload) in &batch {
            self.take(hub, *position, payload);
        }
        Ok(batch.len())
    }

    fn take(&mut self, hub: &Inner, position: LogId, payload: &[u8]) {
        let now = Instant::now();
        let Some(entry) = Entry::read(payload) else {
            // Another version's: its replicas hand it out to their own connections.
            tracing::debug!(%position, "an entry of the live log cannot be read");
            return hub.log.follow(position, None, now);
        };
        if entry.lost {
            return hub.cut(position);
        }
        let event = if self.is_repeated(&entry) { None } else { entry.event };
        let draft = event.as_ref().and_then(Draft::of);
        if let Some(event) = event.filter(|_| self.begun) {
            // Before anybody is told: who hears of it and asks at once must not get the old document as current.
            let tags: Vec<_> = event.tags.iter().filter_map(|tag| Tag::parse(tag)).collect();
            if entry.number == 0 {
                self.shared.bus.apply_once(&entry.origin, entry.message, &tags);
            } else {
                self.shared.bus.apply_if_disconnected(&entry.origin, &tags);
            }
        }
        let age = Duration::from_millis(unix_ms().saturating_sub(position.ms));
        // What was just read is as young as it can be, whatever the store's clock says.
        let at = if self.begun { now } else { now.checked_sub(age).unwrap_or(now) };
        hub.log.follow(position, draft, at);
    }

    fn is_repeated(&mut self, entry: &Entry) -> bool {
        if entry.number == 0 {
            return false;
        }
        match self.numbers.get_mut(&entry.origin) {
            Some(last) if entry.number <= *last => true,
            Some(last) => {
                *last = entry.number;
                false
            }
            None => {
                if self.numbers.len() >= ORIGINS {
                    // As many processes have come and gone: most of them are silent for long.
                    self.numbers.clear();
                }
                self.numbers.insert(entry.origin.clone(), entry.number);
                false
            }
        }
    }
}
