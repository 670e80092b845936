//! The middle of it: takes messages in, and knows all connections.

use std::{
    fmt,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use schemas::{Event, Id};
use tokio::runtime::Handle;

use super::{
    Topic, dispatcher,
    inbox::{End, Inbox},
    log::Log,
    look::Looks,
    message::Draft,
    replicas::Replicas,
    settings::LiveSettings,
    state::Inner,
    topic::TopicRules,
};
use crate::{
    identity::SessionKey,
    invalidation::InvalidationBus,
    store::{LogId, SharedStore, StoreError},
    telemetry::{Metrics, unix_ms},
};

/// All live connections of this process. Cloning is cheap; all clones are the same.
#[derive(Clone)]
pub struct Hub(Arc<Inner>);

/// Why a connection is not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error("the user has too many connections")]
    TooMany,
    #[error("the process is stopping")]
    GoingAway,
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

impl Hub {
    /// Starts the dispatcher on `runtime`; it ends soon after the last clone. The log is this process's own.
    #[must_use]
    pub fn new(
        settings: LiveSettings,
        topic_rules: TopicRules,
        metrics: Arc<Metrics>,
        runtime: &Handle,
    ) -> Self {
        let inner = Inner::new(settings, topic_rules, metrics, None, LogId { ms: unix_ms(), seq: 0 });
        Self::dispatching(inner, runtime)
    }

    /// The same over the log that replicas share. What is in there already has been read when this is done, so that
    /// whoever heard another replica, or this one in an earlier life, can go on here; while the store is away that
    /// comes later. Tags of entries that `bus` did not tell of are purged from it.
    ///
    /// # Errors
    /// [`StoreError`]: the log can never be read.
    pub async fn on_replicas(
        settings: LiveSettings,
        topic_rules: TopicRules,
        metrics: Arc<Metrics>,
        runtime: &Handle,
        store: SharedStore,
        bus: Arc<InvalidationBus>,
    ) -> Result<Self, StoreError> {
        let (replicas, outbox) = Replicas::new(store, bus, &settings, Arc::clone(&metrics));
        let inner = Inner::new(settings, topic_rules, metrics, Some(replicas.clone()), LogId::default());
        let follower = replicas.follow(&inner).await?;
        runtime.spawn(outbox.run());
        runtime.spawn(follower.run());
        Ok(Self::dispatching(inner, runtime))
    }

    /// What is in the log already is nobody's news.
    fn dispatching(inner: Arc<Inner>, runtime: &Handle) -> Self {
        runtime.spawn(dispatcher::run(Arc::downgrade(&inner), inner.log.last()));
        Self(inner)
    }

    /// Tells the subscribers of an event's topic, on every replica, and answers with the message's id: nothing, where
    /// its topic or its type is none. Waits for no connection.
    ///
    /// # Errors
    /// [`StoreError`]: it cannot be told on other replicas, and may not have been told here.
    pub async fn announce(&self, event: &Event) -> Result<Option<String>, StoreError> {
        self.announce_purged(event, 0).await
    }

    /// The same for an event of whose tags the bus told the other replicas by `message`.
    ///
    /// # Errors
    /// As [`Self::announce`].
    pub async fn announce_purged(&self, event: &Event, message: u64) -> Result<Option<String>, StoreError> {
        let Some(draft) = Draft::of(event) else { return Ok(None) };
        let position = match &self.0.replicas {
            Some(replicas) => replicas.append(event, message).await?,
            None => self.0.log.append(draft),
        };
        self.0.metrics.live_published.inc();
        Ok(Some(position.to_string()))
    }

    /// The same for what must not wait: never for a connection nor for the store, and for no lock that is held for
    /// longer than an append takes. While the store is away messages wait in a bounded queue.
    pub fn tell(&self, event: Event) {
        let Some(draft) = Draft::of(&event) else { return };
        self.0.metrics.live_published.inc();
        match &self.0.replicas {
            Some(replicas) => replicas.tell(event, &self.0.metrics),
            None => drop(self.0.log.append(draft)),
        }
    }

    /// Waits until what was told before has been taken by the store, for as long as `patience` lasts: before the
    /// process ends.
    pub async fn flush(&self, patience: Duration) {
        if let Some(replicas) = &self.0.replicas {
            // Whoever loses patience has nothing more to do for it.
            let _ = tokio::time::timeout(patience, replicas.flush()).await;
        }
    }

    /// Ends the connections of a session that ended; says how many there were.
    pub fn close_session(&self, session: &SessionKey) -> usize {
        sign_out(&self.0.sessions.all_of(session))
    }

    /// Ends all connections of a user; says how many there were.
    pub fn close_user(&self, user: &Id) -> usize {
        sign_out(&self.0.topics.all_of(&Topic::own(user)))
    }

    /// Tells all connections to come back, takes no new ones, and returns at once. What waits for them is still said.
    pub fn shutdown(&self) {
        // Before the walk: a connection that the walk does not meet sees it after it has joined.
        self.0.going_away.store(true, Ordering::SeqCst);
        self.0.sessions.each(|inbox| inbox.end(End::GoingAway));
    }

    pub(super) fn topic_rules(&self) -> Arc<TopicRules> {
        self.0.topic_rules.load_full()
    }

    /// Other rules count from now on. Who listens already goes on.
    pub fn set_topic_rules(&self, rules: TopicRules) {
        self.0.topic_rules.store(Arc::new(rules));
    }

    pub(super) fn settings(&self) -> &LiveSettings {
        &self.0.settings
    }

    pub(super) fn log(&self) -> &Log {
        &self.0.log
    }

    /// Whether another replica has said what is at `position`, which this one has not heard of yet.
    pub(super) async fn is_said_elsewhere(&self, position: LogId) -> bool {
        match &self.0.replicas {
            Some(replicas) => replicas.reaches(position).await,
            None => false,
        }
    }

    pub(super) fn looks(&self) -> &Looks {
        &self.0.looks
    }

    pub(super) fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// Makes room for a connection. Its inbox takes nothing before it is opened.
    pub(super) fn join(&self, user: &Id, session: SessionKey) -> Result<Membership, Refused> {
        // From 1: a walk begins after 0.
        let number = self.0.connections.fetch_add(1, Ordering::Relaxed) + 1;
        let inbox = Arc::new(Inbox::new(self.0.settings.queue));
        let own = Topic::own(user);
        if !self.0.topics.add(own.clone(), number, &inbox, self.0.settings.connections_per_user) {
            return Err(Refused::TooMany);
        }
        self.0.sessions.add(session, number, &inbox, usize::MAX);
        self.0.metrics.live_connections.inc();
        let membership = Membership { hub: self.clone(), number, session, inbox, topics: vec![own] };
        if self.0.going_away.load(Ordering::SeqCst) { Err(Refused::GoingAway) } else { Ok(membership) }
    }
}

fn sign_out(inboxes: &[Arc<Inbox>]) -> usize {
    inboxes.iter().for_each(|inbox| inbox.end(End::SignedOut));
    inboxes.len()
}

/// A connection's place in the hub. It is left when this is dropped.
#[derive(Debug)]
pub(super) struct Membership {
    pub(super) hub: Hub,
    number: u64,
    pub(super) session: SessionKey,
    pub(super) inbox: Arc<Inbox>,
    /// The user's own one is the first.
    topics: Vec<Topic>,
}

impl Membership {
    pub(super) fn topics(&self) -> &[Topic] {
        &self.topics
    }

    pub(super) fn listen(&mut self, topic: Topic) {
        if !self.topics.contains(&topic) {
            self.hub.0.topics.add(topic.clone(), self.number, &self.inbox, usize::MAX);
            self.topics.push(topic);
        }
    }

    pub(super) fn stop_listening(&mut self, topic: &Topic) {
        self.hub.0.topics.remove(topic, self.number);
        self.topics.retain(|other| other != topic);
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        let hub = &self.hub.0;
        for topic in &self.topics {
            hub.topics.remove(topic, self.number);
        }
        hub.sessions.remove(&self.session, self.number);
        hub.metrics.live_connections.dec();
    }
}
