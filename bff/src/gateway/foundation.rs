//! What everything else stands on: the store, the keys, the bus, the sessions. Made once, before what is declared, and the
//! same after declarations have been read again.

use std::sync::Arc;

use clients::KeyRing;
use tokio::runtime::Handle;

use super::{
    declared::DeclaredParts,
    error::StartError,
    wiring::{
        app_tokens, callers, clear_site_data, close_with_session, cookie_settings, csrf_guard, event_senders,
        files, hub, idempotency_policy, jobs, rate_limits, refresh_cookie_settings, revalidator,
        session_policy, signing_keys, store_settings, throttle_policy, trusted_proxies,
    },
};
use crate::{
    auth::{AccountsSource, Api, ApiParts, Departed, ExportLimit},
    compose::plan::TopicsPlan,
    config::Config,
    edge::{Edge, EdgeParts},
    files::Files,
    idempotency::Idempotency,
    identity::{AllowedOrigins, Secrets, Sessions, SignInThrottle},
    invalidation::{InvalidationBus, Invalidations},
    jobs::Jobs,
    live::{Events, Hub, Revalidator},
    store::{self, Store},
    telemetry::{AccessLog, AccessSettings, LineFormat, LogSettings, Metrics, Sink, UserHasher},
};

/// The settings of [`crate::telemetry::init`].
#[must_use]
pub fn log_settings(config: &Config) -> LogSettings {
    LogSettings { filter: config.telemetry.log.clone(), format: line_format(config) }
}

fn line_format(config: &Config) -> LineFormat {
    if config.logs_json() { LineFormat::Json } else { LineFormat::Text }
}

pub(super) struct Foundation {
    pub(super) runtime: Handle,
    pub(super) metrics: Arc<Metrics>,
    pub(super) store: Arc<dyn Store>,
    pub(super) keys: Arc<KeyRing>,
    pub(super) secrets: Arc<Secrets>,
    pub(super) origins: Arc<AllowedOrigins>,
    pub(super) bus: Arc<InvalidationBus>,
    pub(super) revalidator: Option<Revalidator>,
    pub(super) sessions: Sessions,
    pub(super) hub: Hub,
    pub(super) idempotency: Arc<Idempotency>,
    pub(super) jobs: Jobs,
    /// Nothing: there is no storage.
    pub(super) files: Option<Files>,
}

impl Foundation {
    /// Opens the store and loads the keys; what tells other replicas and live connections of changes is joined up.
    pub(super) async fn open(config: &Config, topics: &TopicsPlan) -> Result<Self, StartError> {
        let runtime = Handle::current();
        let metrics = Arc::new(Metrics::new());
        let store = store::open_with(config.store.url.as_str(), &store_settings(config)?).await?;
        let keys = Arc::new(signing_keys(config)?);
        let secrets = Arc::new(Secrets::new(config.session_secrets()));
        let origins =
            Arc::new(AllowedOrigins::new(&config.cors.allowed_origins).map_err(|_| StartError::Origins)?);
        let bus = InvalidationBus::new(Arc::new(Invalidations::default()), &store, Arc::clone(&metrics))
            .map_err(StartError::Randomness)?;
        let revalidator = revalidator(config, &runtime, &metrics)?;
        if let Some(revalidator) = revalidator.clone() {
            bus.changes().subscribe(move |tag| revalidator.changed(tag));
        }
        let (shared, metered) = (Arc::clone(&store), Arc::clone(&metrics));
        let sessions =
            Sessions::over(shared, Arc::clone(&bus), session_policy(config), runtime.clone(), metered);
        let hub = hub(config, topics, &store, &bus, &metrics, &runtime).await?;
        bus.ended_sessions().subscribe(close_with_session(hub.clone()));
        let idempotency =
            Idempotency::new(Arc::clone(&store), Arc::clone(&secrets), idempotency_policy(config))
                .map_err(StartError::Randomness)?;
        let jobs = jobs(config, &store)?;
        let files = files(config, &store, &secrets, &metrics, &runtime)?;
        Ok(Self {
            runtime,
            metrics,
            store,
            keys,
            secrets,
            origins,
            bus,
            revalidator,
            sessions,
            hub,
            idempotency: Arc::new(idempotency),
            jobs,
            files,
        })
    }

    pub(super) fn declared_parts(&self) -> DeclaredParts {
        DeclaredParts {
            keys: Arc::clone(&self.keys),
            bus: Arc::clone(&self.bus),
            sessions: self.sessions.clone(),
            idempotency: Arc::clone(&self.idempotency),
            hub: self.hub.clone(),
            files: self.files.clone(),
            metrics: Arc::clone(&self.metrics),
            runtime: self.runtime.clone(),
        }
    }

    /// What takes the events of upstreams.
    pub(super) fn events(&self, config: &Config) -> Result<Events, StartError> {
        Ok(Events {
            hub: self.hub.clone(),
            bus: Arc::clone(&self.bus),
            senders: Arc::new(event_senders(config)?),
            metrics: Arc::clone(&self.metrics),
        })
    }

    /// What the stages share. Access lines go to `sink`.
    pub(super) fn edge(&self, config: &Config, sink: Sink) -> Edge {
        let Self { runtime, metrics, store, keys, secrets, origins, sessions, .. } = self;
        metrics.watch_sink(sink.clone());
        let access = AccessSettings {
            format: line_format(config),
            enabled: config.telemetry.access,
            sample: config.telemetry.access_sample,
        };
        Edge::new(EdgeParts {
            sessions: sessions.clone(),
            csrf: csrf_guard(config, Arc::clone(secrets), Arc::clone(origins)),
            tokens: app_tokens(config, sessions, keys, secrets, metrics),
            refresh_cookie: refresh_cookie_settings(config),
            cookie: cookie_settings(config),
            clear_site_data: clear_site_data(config),
            metrics: Arc::clone(metrics),
            access: AccessLog::new(access, sink),
            callers: callers(config),
            trusted_proxies: trusted_proxies(config),
            users: UserHasher::new(&config.derive_key("user-hash")),
            limits: rate_limits(config, store, secrets, metrics, runtime),
            body_limit: config.http.body_limit_bytes,
            body_timeout: config.http.client_request_timeout_ms.into(),
            hsts: config.is_production(),
        })
    }

    /// What sign-in works with.
    pub(super) fn api(&self, config: &Config, source: AccountsSource) -> Api {
        let Self { runtime, metrics, store, secrets, bus, idempotency, .. } = self;
        let policy = throttle_policy(config, store);
        Api::new(ApiParts {
            throttle: SignInThrottle::new(
                Arc::clone(store),
                Arc::clone(secrets),
                policy,
                Arc::clone(metrics),
            ),
            idempotency: Arc::clone(idempotency),
            source,
            departed: Departed { jobs: self.jobs.clone(), store: Arc::clone(store) },
            exports: ExportLimit { store: Arc::clone(store), per_day: config.accounts.exports_per_day },
            bus: Arc::clone(bus),
            runtime: runtime.clone(),
        })
    }
}
