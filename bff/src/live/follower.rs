//! Follows the live log that replicas share, and hands out what is in there.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::{
    entry::Entry,
    message::Draft,
    outbox::RETRY,
    replicas::{Replicas, Shared},
    state::Inner,
};
use crate::{
    invalidation::Tag,
    store::{LogId, StoreError},
    telemetry::unix_ms,
};

/// Entries that are read at once.
const BATCH: usize = 256;
/// How long one read waits for an entry. A follower notices so late that its hub is gone.
const WAIT: Duration = Duration::from_secs(5);
/// Origins whose repetitions are noticed: processes that wrote something while this one lives.
const ORIGINS: usize = 4096;

impl Replicas {
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
