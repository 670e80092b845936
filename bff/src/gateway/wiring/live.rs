//! Live connections, the events of upstreams, and the revalidation webhook.

use std::{sync::Arc, time::Duration};

use clients::{TransportError, Webhook};
use schemas::Event;
use secrecy::ExposeSecret;
use tokio::runtime::Handle;

use crate::{
    compose::plan::TopicsPlan,
    config::Config,
    invalidation::{EndedSessions, InvalidationBus},
    live::{Hub, LiveSettings, Revalidator, SenderTokens, TopicRules},
    store::{Store, StoreError},
    telemetry::Metrics,
};

/// The live connections: over the log that replicas share, where they share a store.
pub(in super::super) async fn hub(
    config: &Config,
    topics: &TopicsPlan,
    store: &Arc<dyn Store>,
    bus: &Arc<InvalidationBus>,
    metrics: &Arc<Metrics>,
    runtime: &Handle,
) -> Result<Hub, StoreError> {
    let (settings, metrics) = (live_settings(config), Arc::clone(metrics));
    let rules = TopicRules::new(&topics.open, &topics.own);
    match store.shared() {
        Some(shared) => Hub::on_replicas(settings, rules, metrics, runtime, shared, Arc::clone(bus)).await,
        None => Ok(Hub::new(settings, rules, metrics, runtime)),
    }
}

fn live_settings(config: &Config) -> LiveSettings {
    let live = &config.live;
    LiveSettings {
        heartbeat: live.heartbeat_ms.into(),
        grace: config.store.grace_ms.into(),
        dead_after: live.dead_after_ms.into(),
        connections_per_user: live.connections_per_user,
        queue: live.queue_messages,
        log_messages: live.log_messages,
        log_bytes: live.log_bytes,
        log_age: live.log_age_ms.into(),
    }
}

pub(in super::super) fn event_senders(config: &Config) -> Result<SenderTokens, TransportError> {
    let mut senders = SenderTokens::default();
    for (name, sender) in &config.events.senders {
        senders = senders.with(clients::static_name(name)?, sender.token.expose_secret());
    }
    Ok(senders)
}

/// How long one call of the revalidation webhook may take, and how long a stop waits for the last ones.
pub(in super::super) const REVALIDATE_TIMEOUT: Duration = Duration::from_secs(5);

pub(in super::super) fn revalidator(
    config: &Config,
    runtime: &Handle,
    metrics: &Arc<Metrics>,
) -> Result<Option<Revalidator>, TransportError> {
    let Some(url) = config.events.revalidate() else { return Ok(None) };
    let webhook = Webhook::new(runtime.clone(), url, &config.events.revalidate_secret, REVALIDATE_TIMEOUT)?;
    Ok(Some(Revalidator::new(webhook, Arc::clone(metrics), runtime)))
}

/// Messages of the gateway's own writes go the way of the upstreams' events.
pub(in super::super) fn announcer(hub: Hub) -> Box<dyn Fn(Event) + Send + Sync> {
    Box::new(move |event| hub.tell(event))
}

/// Live connections go with their session, on every replica.
pub(in super::super) fn close_with_session(hub: Hub) -> impl Fn(&EndedSessions) + Send + Sync {
    move |ended| {
        for key in &ended.keys {
            hub.close_session(key);
        }
    }
}
