//! The hub and its feeds, without a transport.

mod alone;
mod shared;

use std::{sync::Arc, time::Duration};

use schemas::{Event, Id, LiveMessage};
use tokio::{runtime::Handle, time::timeout};

use super::{
    Hub, LiveSettings, Topic, TopicRules,
    command::obey,
    feed::{Feed, Listener, Step},
    hub::Refused,
    inbox::End,
};
use crate::{
    identity::{ProfileShape, Session, SessionPolicy, Sessions},
    invalidation::{InvalidationBus, Invalidations},
    store::{self, Store},
    telemetry::{Metrics, unix_ms},
};

fn rules() -> TopicRules {
    TopicRules::new(&["order".into(), "member".into()], &["basket".into()])
}

const SETTINGS: LiveSettings = LiveSettings {
    heartbeat: Duration::from_secs(25),
    grace: Duration::from_secs(30),
    dead_after: Duration::from_secs(60),
    connections_per_user: 3,
    queue: 8,
    log_messages: 1000,
    log_bytes: 1 << 20,
    log_age: Duration::from_secs(300),
};

struct Bench {
    hub: Hub,
    store: Arc<dyn Store>,
    sessions: Sessions,
    metrics: Arc<Metrics>,
    invalidations: Arc<Invalidations>,
}

impl Bench {
    async fn new() -> Self {
        Self::with(SETTINGS).await
    }

    async fn with(settings: LiveSettings) -> Self {
        let store = store::open("memory:").await.expect("a store");
        Self::over(store, settings).await
    }

    /// One replica of those that share `store`.
    async fn over(store: Arc<dyn Store>, settings: LiveSettings) -> Self {
        let (metrics, invalidations, runtime) = (Arc::new(Metrics::new()), Arc::default(), Handle::current());
        let bus = InvalidationBus::new(Arc::clone(&invalidations), &store, Arc::clone(&metrics));
        let bus = bus.expect("random bits");
        let sessions = Sessions::over(
            Arc::clone(&store),
            Arc::clone(&bus),
            SessionPolicy::default(),
            runtime.clone(),
            Arc::default(),
        );
        let hub = match store.shared() {
            Some(shared) => {
                let hub = Hub::on_replicas(settings, rules(), Arc::clone(&metrics), &runtime, shared, bus);
                hub.await.expect("a hub")
            }
            None => Hub::new(settings, rules(), Arc::clone(&metrics), &runtime),
        };
        Self { hub, store, sessions, metrics, invalidations }
    }

    async fn sign_in(&self, user: &str) -> Arc<Session> {
        let me = serde_json::json!({
            "id": user, "username": user, "displayName": user, "avatarUrl": null, "bio": null,
            "createdAt": "2026-01-02T03:04:05Z", "email": "x@example.org", "totpEnabled": false
        });
        let me = Arc::new(ProfileShape::open().read(me.to_string().as_bytes()).expect("a profile"));
        self.sessions.create(&me, "", "", unix_ms()).await.expect("a session").session
    }

    async fn join(&self, session: &Session, topics: &[&str], last: Option<&str>) -> Result<Feed, Refused> {
        let topics = topics.iter().map(|topic| (*topic).to_owned()).collect();
        let sessions = self.sessions.clone();
        Feed::join(&self.hub, Listener { user: &session.user, session, sessions, topics, last }).await
    }

    /// Joins; the feed, after its first message.
    async fn joined(&self, session: &Session, topics: &[&str]) -> Feed {
        let mut feed = self.join(session, topics, None).await.expect("room");
        assert_eq!(said(&mut feed).await.kind, "ready");
        feed
    }

    fn publish(&self, topic: &str, kind: &str) -> String {
        publish(&self.hub, topic, kind)
    }

    /// Waits until the dispatcher has handed out all that was published.
    async fn settled(&self) {
        let session = self.sign_in("settling").await;
        let mut feed = self.joined(&session, &[]).await;
        let id = self.publish("user:settling", "settle");
        assert_eq!(said(&mut feed).await.id, Some(id));
    }
}

/// Publishes a message; its id.
fn publish(hub: &Hub, topic: &str, kind: &str) -> String {
    hub.tell(event(topic, kind));
    hub.log().last().to_string()
}

fn event(topic: &str, kind: &str) -> Event {
    Event { topic: topic.into(), kind: kind.into(), data: None, tags: Vec::new() }
}

async fn next(feed: &mut Feed) -> Step {
    timeout(Duration::from_secs(10), feed.next()).await.expect("a step in time")
}

#[track_caller]
fn message(step: Step) -> LiveMessage {
    match step {
        Step::Say(words) => serde_json::from_str(&words.text).expect("a message"),
        other => panic!("{other:?}"),
    }
}

async fn said(feed: &mut Feed) -> LiveMessage {
    message(next(feed).await)
}

async fn kinds(feed: &mut Feed, count: usize) -> Vec<String> {
    let mut kinds = Vec::new();
    for _ in 0..count {
        kinds.push(said(feed).await.kind);
    }
    kinds
}

async fn ended(feed: &mut Feed) -> End {
    match next(feed).await {
        Step::End(end) => end,
        other => panic!("{other:?}"),
    }
}
