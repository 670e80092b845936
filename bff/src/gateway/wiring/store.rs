//! The store, and what counts in it.

use std::{num::NonZeroU32, sync::Arc};

use bytes::Bytes;
use tokio::runtime::Handle;

use crate::{
    config::{Config, IdempotencyConfig, LimitConfig, LimitsConfig},
    edge::RateLimits,
    idempotency::IdempotencyPolicy,
    identity::{Limit, LimitPolicy, Limits, Secrets},
    store::{Store, StoreError, StoreSettings},
    telemetry::Metrics,
};

pub(in super::super) fn store_settings(config: &Config) -> Result<StoreSettings, StoreError> {
    let store = &config.store;
    let read = |path: &str| {
        let failed = |source| StoreError::Open { path: path.into(), source: Arc::new(source) };
        std::fs::read(path).map(Bytes::from).map_err(failed)
    };
    Ok(StoreSettings {
        prefix: store.prefix.clone(),
        timeout: store.timeout_ms.into(),
        ca: (!store.ca_file.is_empty()).then(|| read(&store.ca_file)).transpose()?,
    })
}

pub(in super::super) fn idempotency_policy(config: &Config) -> IdempotencyPolicy {
    let IdempotencyConfig { in_flight_ms, anonymous_keys, anonymous_window_ms } = config.idempotency;
    IdempotencyPolicy {
        in_flight: in_flight_ms.into(),
        anonymous_keys,
        anonymous_window: anonymous_window_ms.into(),
    }
}

/// Nothing where requests are not limited.
pub(in super::super) fn rate_limits(
    config: &Config,
    store: &Arc<dyn Store>,
    secrets: &Arc<Secrets>,
    metrics: &Arc<Metrics>,
    runtime: &Handle,
) -> Option<RateLimits> {
    if !config.limits_enabled() {
        return None;
    }
    // The settings refuse a 0.
    let number = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    let limit =
        |limit: LimitConfig| Limit { per_second: number(limit.per_second), burst: number(limit.burst) };
    let &LimitsConfig { anonymous, user, caller, shared, .. } = &config.limits;
    let policy = LimitPolicy { anonymous: limit(anonymous), user: limit(user), caller: limit(caller) };
    let shared = store.shared().filter(|_| shared).map(|store| (store, Arc::clone(secrets)));
    Some(RateLimits::new(Limits::new(policy, shared, Arc::clone(metrics), runtime)))
}
