//! What all clones of the hub share.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64},
};

use arc_swap::ArcSwap;

use super::{
    LiveSettings, Topic, TopicRules,
    inbox::End,
    index::Index,
    log::{Bounds, Log},
    look::Looks,
    replicas::Replicas,
};
use crate::{identity::SessionKey, store::LogId, telemetry::Metrics};

pub(super) struct Inner {
    pub(super) settings: LiveSettings,
    pub(super) topic_rules: ArcSwap<TopicRules>,
    pub(super) log: Log,
    /// Where messages come from that are said on every replica; nothing: the log is this process's own.
    pub(super) replicas: Option<Replicas>,
    /// Every connection listens to its own user's topic: that key counts and finds the connections of a user.
    pub(super) topics: Index<Topic>,
    pub(super) sessions: Index<SessionKey>,
    pub(super) looks: Looks,
    pub(super) connections: AtomicU64,
    pub(super) going_away: AtomicBool,
    pub(super) metrics: Arc<Metrics>,
}

impl Inner {
    pub(super) fn new(
        settings: LiveSettings,
        topic_rules: TopicRules,
        metrics: Arc<Metrics>,
        replicas: Option<Replicas>,
        start: LogId,
    ) -> Arc<Self> {
        let bounds =
            Bounds { messages: settings.log_messages, bytes: settings.log_bytes, age: settings.log_age };
        Arc::new(Self {
            settings,
            topic_rules: ArcSwap::from_pointee(topic_rules),
            log: Log::new(start, bounds),
            replicas,
            topics: Index::new(),
            sessions: Index::new(),
            looks: Looks::new(),
            connections: AtomicU64::new(0),
            going_away: AtomicBool::new(false),
            metrics,
        })
    }

    /// What is at `position` and before it is not known: everybody has to come back, and is told so then.
    pub(super) fn cut(&self, position: LogId) {
        self.log.cut(position);
        self.sessions.each(|inbox| inbox.end(End::TooSlow));
    }
}
