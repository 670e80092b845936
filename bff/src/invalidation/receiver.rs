//! Receives what the other replicas tell, applies it and acknowledges it. Runs in the store's own tasks, so it never
//! waits.

use std::sync::Arc;

use schemas::Id;

use super::{
    AckSender, EndedSessions, Invalidations, Peers, Tag, Topic,
    applied::AppliedMessages,
    message::{Message, PurgesTold},
    presence::Presence,
};
use crate::{store::Notice, telemetry::Metrics};

/// The receiving half of the bus.
pub(super) struct Receiver {
    pub(super) presence: Arc<Presence>,
    pub(super) peers: Arc<Peers>,
    pub(super) acks: Arc<AckSender>,
    pub(super) applied: Arc<AppliedMessages>,
    pub(super) invalidations: Arc<Invalidations>,
    pub(super) ended: Arc<Topic<EndedSessions>>,
    pub(super) metrics: Arc<Metrics>,
}

impl Receiver {
    pub(super) fn on_notice(&self, notice: &Notice<'_>) {
        match notice {
            Notice::Message(payload) => self.receive(payload),
            Notice::Disconnected => {
                self.presence.set_connected(false);
            }
            Notice::Connected => {
                if !self.presence.set_connected(true) {
                    // Nobody knows what was missed: whatever was cached meanwhile or before is not believed any more.
                    self.invalidations.soft_purge_all();
                }
                self.acks.here();
            }
            Notice::Changed { .. } | Notice::Lapsed => {}
        }
    }

    fn receive(&self, payload: &[u8]) {
        let Some(message) = Message::decode(payload) else { return self.metrics.relayed_drop("unreadable") };
        let own = &self.presence.origin;
        if *message.origin == **own {
            return self.peers.echoed(message.number);
        }
        self.peers.heard_by(&message.origin, message.acks.get(own).map_or(&[], Vec::as_slice));
        if message.absent {
            self.peers.left(&message.origin);
        }
        if message.asks && !self.presence.has_left() {
            self.acks.here();
        }
        if message.purges != PurgesTold::default() {
            self.metrics.relayed_drop("heard");
            self.purge(&message.purges);
        }
        if let Some(ended) = message.ended.as_ref().and_then(|ended| ended.read()) {
            end_sessions(&ended, &self.ended, &self.invalidations);
        }
        if message.number > 0 {
            self.applied.add(&message.origin, message.number);
            if !self.presence.has_left() {
                self.acks.applied(&message.origin, message.number);
            }
        }
    }

    fn purge(&self, told: &PurgesTold) {
        let tags = |texts: &[String], read: fn(&str) -> Option<Tag>| -> Vec<Tag> {
            texts.iter().filter_map(|text| read(text)).collect()
        };
        let deleted = tags(&told.deleted, Tag::parse);
        if !deleted.is_empty() {
            self.invalidations.purge_deleted(&deleted);
        }
        let erased = tags(&told.erased, Tag::parse);
        if !erased.is_empty() {
            self.invalidations.purge_erased(&erased);
        }
        let soft = tags(&told.soft, Tag::parse);
        if !soft.is_empty() {
            self.invalidations.soft_purge(&soft);
        }
        // A name that is none is nobody's, and does not stand for all who have none.
        let Ok(user) = told.user.as_deref().map(Id::new).transpose() else { return };
        let refused = tags(&told.refused, Tag::parse_for_user);
        if !refused.is_empty() {
            self.invalidations.purge_subjects(user.as_ref(), &refused);
        }
        let hard = tags(&told.hard, Tag::parse_for_user);
        if let Some(user) = user.filter(|_| !hard.is_empty()) {
            self.invalidations.hard_purge(&user, &hard);
        }
    }
}

/// What hangs on ended sessions goes with them here: what the subscribers hold, and what was cached for the user.
pub(super) fn end_sessions(
    ended: &EndedSessions,
    subscribers: &Topic<EndedSessions>,
    invalidations: &Invalidations,
) {
    subscribers.notify(ended);
    invalidations.hard_purge(&ended.user, &[Tag::everything()]);
}
