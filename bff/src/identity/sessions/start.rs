//! Starts the registry: it listens to the store and to the bus from then on.

use std::sync::{Arc, atomic::AtomicBool};

use tokio::runtime::Handle;

use super::{
    Ended, Sessions, cache_sync::SessionCacheSync, refetch::keep_reading, refetcher::Refetcher, state::Inner,
};
use crate::{
    identity::{SessionPolicy, near::NearCache},
    invalidation::InvalidationBus,
    store::Store,
    telemetry::Metrics,
};

impl Sessions {
    /// As [`Self::over`], in tests: with a bus of its own to whoever shares `store`.
    #[cfg(test)]
    pub(crate) fn new(
        store: Arc<dyn Store>,
        policy: SessionPolicy,
        runtime: Handle,
        metrics: Arc<Metrics>,
    ) -> Self {
        let bus = InvalidationBus::between_tests(&store);
        Self::over(store, bus, policy, runtime, metrics)
    }

    /// What outlives a request (touches, sign-outs) runs on `runtime`. Listens to `store` from now on, and subscribes to
    /// what `bus` tells of ended sessions: before everybody who looks sessions up when one has ended.
    #[must_use]
    pub fn over(
        store: Arc<dyn Store>,
        bus: Arc<InvalidationBus>,
        policy: SessionPolicy,
        runtime: Handle,
        metrics: Arc<Metrics>,
    ) -> Self {
        let (lease, alone) = (store.lease(), !bus.is_shared());
        let near = NearCache::new(policy.near_entries, policy.idle, policy.grace, lease, alone);
        let (refetcher, changed) = Refetcher::new();
        let cache_sync = Arc::new(SessionCacheSync { near, bus, refetcher, runtime: runtime.clone() });
        let unknown = cache_sync.near.doubt();
        let forgetting = Arc::downgrade(&cache_sync);
        cache_sync.bus.ended_sessions().subscribe(move |ended| {
            if let Some(cache_sync) = forgetting.upgrade() {
                cache_sync.forget(ended);
            }
        });
        // The store must not keep alive what may hold the store.
        let listening = Arc::downgrade(&cache_sync);
        store.listen(Box::new(move |notice| {
            if let Some(cache_sync) = listening.upgrade() {
                cache_sync.on_notice(notice);
            }
        }));
        // After that: who is waited for must hear what it is waited for.
        cache_sync.regain(unknown);
        let inner = Arc::new(Inner {
            store,
            policy,
            cache_sync,
            metrics,
            runtime,
            touches_fail: AtomicBool::new(false),
            telling_fails: AtomicBool::new(false),
        });
        keep_reading(&inner.runtime, &inner, changed);
        Self { inner }
    }

    /// Nobody has to wait for this process any more when a session ends: to be told when it serves no requests any more.
    pub async fn leave(&self) {
        // Where that cannot be told, somebody's sign-out takes longer, once.
        let _ = self.inner.cache_sync.bus.leave().await;
    }

    /// Has `watcher` told of every session, of browsers and of apps, that is ended before its time, on whichever
    /// replica, once it is gone: for what hangs on it. It must not wait, and it may be told of the same end twice.
    pub fn on_end(&self, watcher: impl Fn(&Ended) + Send + Sync + 'static) {
        self.inner.cache_sync.bus.ended_sessions().subscribe(move |ended| {
            ended.keys.iter().for_each(|key| watcher(&Ended { key: *key, user: ended.user.clone() }));
        });
    }
}
