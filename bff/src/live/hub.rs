//! The middle of it: takes messages in, and knows all connections.

use std::{
    fmt,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use schemas::{Event, Id};
use serde_json::value::RawValue;
use tokio::runtime::Handle;

use super::{
    Topic,
    inbox::{End, Inbox, Posted},
    index::Index,
    log::{Bounds, Log},
    message::{Draft, Message},
};
use crate::{
    identity::SessionKey,
    telemetry::{Metrics, unix_ms},
};

/// The dispatcher fetches so many messages at once, and visits so many connections before it lets others run.
const BATCH: usize = 64;
const PAGE: usize = 256;
/// How often the log forgets what is too old when nothing is published.
const EVICT_EVERY: Duration = Duration::from_secs(30);

/// How connections are kept.
#[derive(Debug, Clone, Copy)]
pub struct LiveSettings {
    /// Between two pings, and between two looks at the session.
    pub heartbeat: Duration,
    /// A WebSocket that said nothing for so long is dead.
    pub dead_after: Duration,
    /// Connections of one user at a time.
    pub connections_per_user: usize,
    /// Messages that may wait for one connection.
    pub queue: usize,
    /// The log reaches back so many messages, so many bytes and so long, whichever is least.
    pub log_messages: usize,
    pub log_bytes: usize,
    pub log_age: Duration,
}

/// All live connections of this process. Cloning is cheap; all clones are the same.
#[derive(Clone)]
pub struct Hub(Arc<Inner>);

struct Inner {
    settings: LiveSettings,
    log: Log,
    /// Every connection listens to its own user's topic: that key counts and finds the connections of a user.
    topics: Index<Topic>,
    sessions: Index<SessionKey>,
    connections: AtomicU64,
    going_away: AtomicBool,
    metrics: Arc<Metrics>,
}

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
    /// Starts the dispatcher on `runtime`; it ends soon after the last clone.
    #[must_use]
    pub fn new(settings: LiveSettings, metrics: Arc<Metrics>, runtime: &Handle) -> Self {
        let bounds =
            Bounds { messages: settings.log_messages, bytes: settings.log_bytes, age: settings.log_age };
        let inner = Arc::new(Inner {
            settings,
            log: Log::new(unix_ms(), bounds),
            topics: Index::new(),
            sessions: Index::new(),
            connections: AtomicU64::new(0),
            going_away: AtomicBool::new(false),
            metrics,
        });
        runtime.spawn(dispatch(Arc::downgrade(&inner)));
        Self(inner)
    }

    /// Tells the subscribers of `topic`, and answers with the message's id. Never waits: neither for a connection
    /// nor for a lock that is held for longer than an append takes. `kind` is one plain word: it is not escaped.
    pub fn publish(&self, topic: &Topic, kind: &str, data: Option<&RawValue>) -> String {
        let draft = Draft::new(topic, kind, data);
        self.0.metrics.live_published.inc();
        self.0.log.append(draft).to_string()
    }

    /// The same for an event: nothing, where its topic or its type is none.
    pub fn announce(&self, event: &Event) -> Option<String> {
        let topic = Topic::parse(&event.topic)?;
        super::events::is_type(&event.kind).then(|| self.publish(&topic, &event.kind, event.data.as_deref()))
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

    pub(super) fn settings(&self) -> &LiveSettings {
        &self.0.settings
    }

    pub(super) fn log(&self) -> &Log {
        &self.0.log
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

/// Carries messages from the log to the inboxes, in the log's order: a connection that heard of one message has
/// heard of all before it. One task for all, so that whoever publishes to a crowd does not wait for the crowd.
async fn dispatch(hub: Weak<Inner>) {
    let mut done = 0;
    while let Some(inner) = hub.upgrade() {
        match inner.log.after(done, u64::MAX, BATCH) {
            Ok(batch) if batch.is_empty() => {
                // What is too old must go even if nobody speaks any more.
                if tokio::time::timeout(EVICT_EVERY, inner.log.grown()).await.is_err() {
                    inner.log.evict();
                }
            }
            Ok(batch) => {
                for message in batch {
                    done = message.sequence;
                    inner.deliver(&message).await;
                }
            }
            Err(_) => {
                // More was published meanwhile than the log holds. Nobody may take the gap for silence.
                tracing::warn!("live messages come faster than they can be handed out");
                done = inner.log.last();
                inner.sessions.each(|inbox| inbox.end(End::TooSlow));
            }
        }
    }
}

impl Inner {
    async fn deliver(&self, message: &Arc<Message>) {
        let mut after = 0;
        loop {
            let page = self.topics.page(&message.topic, after, PAGE);
            for (number, inbox) in &page {
                after = *number;
                if let Posted::Overflowed(lost) = inbox.post(message) {
                    self.metrics.live_slow_readers.inc();
                    self.metrics.live_dropped.inc_by(lost as u64);
                }
            }
            if page.len() < PAGE {
                return;
            }
            tokio::task::yield_now().await;
        }
    }
}
