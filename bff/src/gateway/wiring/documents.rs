//! What composes documents, and what keeps them.

use std::sync::Arc;

use clients::Upstreams;
use tokio::runtime::Handle;

use crate::{
    cache::{CacheSettings, Documents, Policy},
    compose::{
        backend::{Backend, BackendParts, OwnAccount, UnknownUpstream},
        plan::GatewayPlan,
    },
    config::{Config, ScreenConfig},
    identity::Sessions,
    invalidation::InvalidationBus,
    screens::{ScreenDocuments, ScreenSettings},
    telemetry::Metrics,
};

/// What carries the plan out.
pub(in super::super) fn backend(
    config: &Config,
    plan: Arc<GatewayPlan>,
    upstreams: &Upstreams,
    bus: &InvalidationBus,
    sessions: Sessions,
    metrics: &Arc<Metrics>,
) -> Result<Backend, UnknownUpstream> {
    let own_account: Box<OwnAccount> = Box::new(move |user, ask| {
        let sessions = sessions.clone();
        Box::pin(async move { sessions.own_account(user, ask).await })
    });
    Backend::new(BackendParts {
        plan,
        upstreams: upstreams.clone(),
        invalidations: Arc::clone(bus.invalidations()),
        metrics: Arc::clone(metrics),
        shared_bytes: config.cache.cards_max_bytes,
        shared_fresh: config.cache.cards_fresh_ms.into(),
        own_account,
    })
}

/// The documents of all screens.
pub(in super::super) fn documents(
    config: &Config,
    bus: Arc<InvalidationBus>,
    runtime: Handle,
    metrics: Arc<Metrics>,
) -> ScreenDocuments {
    let documents = Documents::new(cache_settings(config), bus, runtime, Arc::clone(&metrics));
    ScreenDocuments { documents: Arc::new(documents), metrics }
}

/// Most of a composition is waiting for upstreams: so many for each worker keep none of them busy.
const REFRESHES_PER_WORKER: usize = 8;

fn cache_settings(config: &Config) -> CacheSettings {
    let workers = config.http.worker_count();
    let max_refreshes = match config.cache.max_refreshes {
        0 => workers.saturating_mul(REFRESHES_PER_WORKER),
        set => usize::try_from(set).unwrap_or(usize::MAX),
    };
    CacheSettings {
        max_bytes: config.cache.max_bytes,
        jitter_percent: config.cache.jitter_percent,
        max_refreshes,
        workers,
    }
}

pub(in super::super) fn screen_settings(config: &ScreenConfig) -> ScreenSettings {
    ScreenSettings {
        policy: Policy {
            fresh: config.fresh_ms.into(),
            stale: config.stale_ms.into(),
            stale_if_error: config.stale_if_error_ms.into(),
            degraded: config.degraded_ms.into(),
        },
        deadline: config.deadline_ms.into(),
    }
}
