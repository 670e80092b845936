//! What of the store is mirrored in memory, and what keeps it in step: notices of the store, and ended sessions, which the
//! bus tells of. Runs in the store's own tasks, so it never waits.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::refetcher::Refetcher;
use crate::{
    identity::{SessionKind, near::NearCache, session::SessionKey},
    invalidation::{EndedSessions, InvalidationBus},
    store::Notice,
};

/// The part of [`Sessions`](super::Sessions) that the store speaks to.
pub(in crate::identity) struct SessionCacheSync {
    pub(in crate::identity) near: NearCache,
    pub(super) bus: Arc<InvalidationBus>,
    pub(in crate::identity) refetcher: Refetcher,
    /// Where announcements run.
    pub(super) runtime: Handle,
}

impl SessionCacheSync {
    pub(super) fn on_notice(self: &Arc<Self>, notice: &Notice<'_>) {
        match notice {
            // Also of this process's own writes. They could be told from others only by counting, and a store that
            // tells of several changes at once makes no count reliable.
            Notice::Changed { space, key } if space.is_tracked() => {
                if let Ok(key) = SessionKey::try_from(*key) {
                    let held = self.near.last_known(&key).is_some();
                    self.near.forget(&key);
                    let kind = SessionKind::ALL.into_iter().find(|kind| kind.space() == *space);
                    if let Some(kind) = kind.filter(|_| held) {
                        self.refetcher.refetch(kind, key);
                    }
                }
            }
            Notice::Changed { .. } | Notice::Message(_) => {}
            Notice::Disconnected => {
                self.near.doubt();
            }
            Notice::Connected => self.regain(self.near.hear_again()),
            Notice::Lapsed => self.regain(self.near.doubt()),
        }
    }

    /// Sessions have ended, here or on another replica.
    pub(super) fn forget(&self, ended: &EndedSessions) {
        ended.keys.iter().for_each(|key| self.near.forget(key));
    }
}
