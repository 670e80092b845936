//! The way to the other replicas: publishes a message and waits for its acknowledgements.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::{
    ACK_TIMEOUT, Applied, Peers,
    applied::AppliedMessages,
    message::{EndedTold, Message, PurgesTold},
    presence::Presence,
};
use crate::{
    store::{LEASE, Store, StoreError},
    telemetry::Metrics,
};

/// How long an end of a session waits for the other replicas: a [`LEASE`], and what may pass between a change in the store
/// and the answer that a lease counts from. A replica that has not received the message by then does not believe its
/// memory any more, and asks the store, which knows. Before it believes its memory again it
/// [announces](super::InvalidationBus::announce) itself.
pub const ENDING_ACK_TIMEOUT: Duration = LEASE.saturating_add(Duration::from_millis(250));

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Every replica has applied it.
    Applied,
    /// Not every replica has said so; but those that have not do not believe their memory any more.
    Unconfirmed,
}

/// The way to the other replicas.
pub(super) struct Line {
    pub(super) store: Arc<dyn Store>,
    pub(super) presence: Arc<Presence>,
    pub(super) peers: Arc<Peers>,
    pub(super) applied: Arc<AppliedMessages>,
    /// Whether the last invalidation was not published: an outage is logged when it begins and when it ends.
    pub(super) broken: AtomicBool,
    /// Whether messages bear numbers, and are waited for.
    pub(super) confirms: bool,
    pub(super) metrics: Arc<Metrics>,
}

impl Line {
    /// Done when the other replicas have applied it, or may not. Where the store does not take it, the write goes on all
    /// the same.
    pub(super) async fn purge(&self, purges: PurgesTold) -> u64 {
        let pending = self.peers.next();
        let number = if self.confirms { pending.number() } else { 0 };
        let message = Message { number, purges, ..self.presence.message(Applied::new()) };
        let published = self.store.publish(message.encode()).await;
        self.metrics.relayed_drop(if published.is_ok() { "sent" } else { "failed" });
        let was_broken = self.broken.swap(published.is_err(), Ordering::Relaxed);
        match &published {
            Err(error) if !was_broken => tracing::warn!(
                error = error as &dyn std::error::Error,
                "invalidations do not reach the other replicas: their documents stay until they are old"
            ),
            Ok(()) if was_broken => tracing::info!("invalidations reach the other replicas again"),
            _ => {}
        }
        if published.is_err() {
            return 0;
        }
        // While disconnected we receive no acks.
        let waits = self.confirms && self.presence.is_connected();
        if waits && !pending.applied_within(ACK_TIMEOUT).await {
            self.metrics.relayed_drop("unconfirmed");
        }
        number
    }

    pub(super) async fn end_sessions(&self, ended: EndedTold) -> Result<Delivery, StoreError> {
        let pending = self.peers.next_echoed();
        let number = if self.confirms { pending.number() } else { 0 };
        let message = Message { number, ended: Some(ended), ..self.presence.message(Applied::new()) };
        self.store.publish(message.encode()).await?;
        let applied = !self.confirms || pending.applied_within(ENDING_ACK_TIMEOUT).await;
        Ok(if applied { Delivery::Applied } else { Delivery::Unconfirmed })
    }
}
