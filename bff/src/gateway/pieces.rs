//! What each piece is made of, out of the settings: for `gateway`, which puts them together.

use std::{io, num::NonZeroU32, sync::Arc};

use actix_web::http::header::HeaderValue;
use arc_swap::ArcSwap;
use bytes::Bytes;
use clients::{
    Authorization, CallReport, KeyError, KeyRing, KeyTimes, Observer, ServiceTokens, TlsFiles,
    TransportError, Upstreams, Webhook,
};
use schemas::Event;
use secrecy::ExposeSecret;
use tokio::runtime::Handle;

use super::{REVALIDATE_TIMEOUT, StartError, declared::Declared};
use crate::{
    cache::{CacheSettings, Documents, Policy},
    compose::{
        backend::{Backend, BackendParts, OwnAccount, UnknownUpstream},
        plan::{GatewayPlan, TopicsPlan},
    },
    config::{
        self, Config, IdempotencyConfig, LimitConfig, LimitsConfig, ScreenConfig, TokenAlgorithm,
        UpstreamConfig,
    },
    edge::{Callers, RateLimits, TrustedProxies},
    idempotency::IdempotencyPolicy,
    identity::{
        AllowedOrigins, AppTokens, AppTokensParts, CookieSettings, CsrfGuard, CsrfKeys, Limit, LimitPolicy,
        Limits, SameSite, Secrets, SessionPolicy, Sessions, ThrottlePolicy, TokenPolicy,
    },
    invalidation::{EndedSessions, InvalidationBus, Tag},
    live::{Hub, LiveSettings, Revalidator, SenderTokens, TopicRules},
    screens::{ScreenDocuments, ScreenSettings},
    store::{Store, StoreError, StoreSettings},
    telemetry::{Metrics, unix_ms},
};

/// The keys in `keys.dir`; the development profile makes the first one itself and keeps it.
pub(super) fn signing_keys(config: &Config) -> Result<KeyRing, StartError> {
    let dir = std::path::Path::new(&config.keys.dir);
    let failed = |source| StartError::Keys { dir: config.keys.dir.clone(), source };
    let none_yet = |error: &KeyError| match error {
        KeyError::NoKey { .. } => true,
        KeyError::File { source, .. } => source.kind() == io::ErrorKind::NotFound,
        _ => false,
    };
    let times = key_times(config);
    match KeyRing::open(dir, times) {
        Err(error) if none_yet(&error) && !config.is_production() => {
            KeyRing::generate_in(dir).map_err(failed)?;
            KeyRing::open(dir, times).map_err(failed)
        }
        loaded => loaded.map_err(failed),
    }
}

/// How the signing keys follow one another.
#[must_use]
pub fn key_times(config: &Config) -> KeyTimes {
    KeyTimes { announce: config.keys.announce_ms.into(), retire: config.keys.retire_ms.into() }
}

/// What service tokens are signed with: the gateway's keys, or the secrets of upstreams that want one.
fn service_tokens(config: &Config, keys: Arc<KeyRing>) -> ServiceTokens {
    let tokens = ServiceTokens::new(keys, config.keys.issuer.clone());
    config.upstreams.iter().fold(tokens, |tokens, (name, upstream)| match upstream.token_algorithm {
        TokenAlgorithm::EdDsa => tokens,
        TokenAlgorithm::Hs256 => tokens.sharing(&upstream.audience, name, &upstream.secret),
    })
}

fn tls_files(config: &UpstreamConfig) -> TlsFiles {
    let file = |name: &String| (!name.is_empty()).then(|| name.into());
    TlsFiles {
        client_cert: file(&config.client_cert_file),
        client_key: file(&config.client_key_file),
        ca: file(&config.ca_file),
    }
}

pub(super) fn store_settings(config: &Config) -> Result<StoreSettings, StoreError> {
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

pub(super) fn upstreams(
    config: &Config,
    runtime: &Handle,
    keys: Arc<KeyRing>,
    metrics: &Arc<Metrics>,
) -> Result<Upstreams, TransportError> {
    let mut upstreams = Vec::with_capacity(config.upstreams.len());
    for (name, upstream) in &config.upstreams {
        upstreams.push(upstream_config(config, clients::static_name(name)?, upstream));
    }
    let tokens = Arc::new(service_tokens(config, keys));
    let metrics = Arc::clone(metrics);
    let observer: Observer = Arc::new(move |call: &CallReport<'_>| {
        metrics.upstream_call(call.upstream, call.operation, call.outcome, call.duration);
        if call.not_modified {
            metrics.not_modified(call.upstream, call.operation);
        }
        if call.retried {
            metrics.retried(call.upstream, call.operation);
        }
    });
    Upstreams::new(runtime, upstreams, &tokens, &observer)
}

/// What carries the plan out.
pub(super) fn backend(
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
pub(super) fn documents(
    config: &Config,
    bus: Arc<InvalidationBus>,
    runtime: Handle,
    metrics: Arc<Metrics>,
) -> ScreenDocuments {
    let documents = Documents::new(cache_settings(config), bus, runtime, Arc::clone(&metrics));
    ScreenDocuments { documents: Arc::new(documents), metrics }
}

fn upstream_config(
    config: &Config,
    name: &'static str,
    upstream: &UpstreamConfig,
) -> clients::UpstreamConfig {
    clients::UpstreamConfig {
        name,
        url: upstream.url.clone(),
        audience: upstream.audience.clone(),
        authorization: match &upstream.authorization {
            config::Authorization::ServiceToken => Authorization::ServiceToken,
            config::Authorization::None => Authorization::None,
            config::Authorization::File(path) => Authorization::File(path.into()),
        },
        timeout: upstream.timeout_ms.into(),
        connect_timeout: upstream.connect_timeout_ms.into(),
        idle: upstream.idle_ms.into(),
        max_response_bytes: upstream.max_response_bytes,
        max_concurrent: upstream.max_concurrent,
        queue: upstream.queue,
        etag_cache_bytes: config.cache.upstream_max_bytes,
        workers: config.http.worker_count(),
        tls: tls_files(upstream),
    }
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

/// The live connections: over the log that replicas share, where they share a store.
pub(super) async fn hub(
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

pub(super) fn event_senders(config: &Config) -> Result<SenderTokens, TransportError> {
    let mut senders = SenderTokens::default();
    for (name, sender) in &config.events.senders {
        senders = senders.with(clients::static_name(name)?, sender.token.expose_secret());
    }
    Ok(senders)
}

pub(super) fn revalidator(
    config: &Config,
    runtime: &Handle,
    metrics: &Arc<Metrics>,
) -> Result<Option<Revalidator>, TransportError> {
    let Some(url) = config.events.revalidate() else { return Ok(None) };
    let webhook = Webhook::new(runtime.clone(), url, &config.events.revalidate_secret, REVALIDATE_TIMEOUT)?;
    Ok(Some(Revalidator::new(webhook, Arc::clone(metrics), runtime)))
}

/// Messages of the gateway's own writes go the way of the upstreams' events.
pub(super) fn announcer(hub: Hub) -> Box<dyn Fn(Event) + Send + Sync> {
    Box::new(move |event| hub.tell(event))
}

/// A look-up that is under way must not be joined by who asks after a drop.
pub(super) fn forget_look_ups(declared: Arc<ArcSwap<Declared>>) -> impl Fn(&Tag) {
    move |tag| declared.load().backend().forget(tag)
}

pub(super) fn screen_settings(config: &ScreenConfig) -> ScreenSettings {
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

pub(super) fn session_policy(config: &Config) -> SessionPolicy {
    SessionPolicy {
        idle: config.session.idle_ms.into(),
        absolute: config.session.absolute_ms.into(),
        touch_every: config.touch_every(),
        grace: config.store.grace_ms.into(),
        max_per_user: usize::try_from(config.session.max_per_user).unwrap_or(usize::MAX),
        ..SessionPolicy::default()
    }
}

pub(super) fn throttle_policy(config: &Config, store: &Arc<dyn Store>) -> ThrottlePolicy {
    // A store of one process has only its attempts in flight.
    let life = if store.shared().is_some() { 0 } else { unix_ms() };
    ThrottlePolicy {
        life,
        account_failures: config.throttle.account_failures,
        address_failures: config.throttle.address_failures,
        window: config.throttle.window_ms.into(),
        ..ThrottlePolicy::default()
    }
}

pub(super) fn idempotency_policy(config: &Config) -> IdempotencyPolicy {
    let IdempotencyConfig { in_flight_ms, anonymous_keys, anonymous_window_ms } = config.idempotency;
    IdempotencyPolicy {
        in_flight: in_flight_ms.into(),
        anonymous_keys,
        anonymous_window: anonymous_window_ms.into(),
    }
}

/// Nothing where requests are not limited.
pub(super) fn rate_limits(
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

pub(super) fn csrf_guard(config: &Config, secrets: Arc<Secrets>, origins: Arc<AllowedOrigins>) -> CsrfGuard {
    let keys = CsrfKeys::new(secrets);
    let cross_site = config.cookie().same_site == config::SameSite::None;
    // An exact origin, or empty: checked with the settings.
    let public = AllowedOrigins::new(Some(&config.http.public_url).filter(|url| !url.is_empty()));
    CsrfGuard::new(Arc::new(keys), origins, Arc::new(public.unwrap_or_default()), cross_site)
}

pub(super) fn cookie_settings(config: &Config) -> CookieSettings {
    let cookie = config.cookie();
    CookieSettings {
        name: cookie.name,
        domain: cookie.domain,
        path: "/".into(),
        secure: cookie.secure,
        same_site: match cookie.same_site {
            config::SameSite::Lax => SameSite::Lax,
            config::SameSite::Strict => SameSite::Strict,
            config::SameSite::None => SameSite::None,
        },
        http_only: true,
    }
}

/// Nothing where a sign-out is to clear no more than its cookie.
pub(super) fn clear_site_data(config: &Config) -> Option<HeaderValue> {
    let quoted: Vec<_> = config.session.clear_site_data.iter().map(|name| format!("\"{name}\"")).collect();
    // Names that were checked with the settings: always a header value.
    HeaderValue::from_str(&quoted.join(", ")).ok().filter(|value| !value.is_empty())
}

pub(super) fn callers(config: &Config) -> Callers {
    let known = |(name, caller): (&String, &config::CallerConfig)| Some((name.clone(), caller.token_hash()?));
    config.callers.iter().filter_map(known).collect()
}

pub(super) fn trusted_proxies(config: &Config) -> TrustedProxies {
    config.http.trusted_proxies.iter().map(|network| network.addresses()).collect()
}

/// The refresh token goes to the paths that take it, and from our own site alone, unless the front-ends are on another
/// one: then the origin check is what is left, as for the session.
pub(super) fn refresh_cookie_settings(config: &Config) -> CookieSettings {
    let session = cookie_settings(config);
    CookieSettings {
        name: "rt".into(),
        domain: None,
        path: "/auth".into(),
        same_site: if session.same_site == SameSite::None { SameSite::None } else { SameSite::Strict },
        ..session
    }
}

/// Live connections go with their session, on every replica.
pub(super) fn close_with_session(hub: Hub) -> impl Fn(&EndedSessions) + Send + Sync {
    move |ended| {
        for key in &ended.keys {
            hub.close_session(key);
        }
    }
}

pub(super) fn app_tokens(
    config: &Config,
    sessions: &Sessions,
    ring: &Arc<KeyRing>,
    secrets: &Arc<Secrets>,
    metrics: &Arc<Metrics>,
) -> AppTokens {
    AppTokens::new(AppTokensParts {
        sessions: sessions.clone(),
        ring: Arc::clone(ring),
        secrets: Arc::clone(secrets),
        issuer: config.keys.issuer.clone(),
        policy: TokenPolicy {
            access: config.tokens.access_ms.into(),
            refresh: config.tokens.refresh_ms.into(),
            retry: config.tokens.retry_ms.into(),
        },
        metrics: Arc::clone(metrics),
    })
}
