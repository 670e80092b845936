//! What has to be done before the near cache is believed again: the other replicas must know that this one is there, so
//! that whoever ends a session waits until it is forgotten here as well.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use super::cache_sync::SessionCacheSync;
use crate::identity::near::Epoch;

/// Between two tries to announce this replica.
const RETRY: Duration = Duration::from_millis(100);

impl SessionCacheSync {
    /// Ends the doubt of `epoch` once the others know of this replica; gives up when there is another doubt. Never
    /// waits.
    pub(super) fn regain(self: &Arc<Self>, epoch: Epoch) {
        if !self.bus.is_shared() {
            self.near.trust(epoch);
            return;
        }
        let announcing = Arc::downgrade(self);
        self.runtime.spawn(async move {
            while let Some(cache_sync) =
                announcing.upgrade().filter(|cache_sync| cache_sync.near.is_in(epoch))
            {
                if cache_sync.bus.announce().await.is_ok() {
                    cache_sync.near.trust(epoch);
                    return;
                }
                drop(cache_sync);
                sleep(RETRY).await;
            }
        });
    }
}
