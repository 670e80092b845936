//! The composition root: the one file that knows every piece. The route table and the order of the middleware read
//! from top to bottom.

mod accounts;
mod contract;
mod cors;
mod declared;
mod internal;
mod pieces;
mod providers;
mod reload;
mod rotation;
mod site;
mod stop;

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix_web::{
    App, Resource, Route,
    dev::Server,
    guard,
    http::Method,
    middleware::{Condition, from_fn},
    web,
};
use arc_swap::ArcSwap;
use clients::{KeyError, TransportError};
use parking_lot::Mutex;
use tokio::{
    runtime::Handle,
    signal::unix::{SignalKind, signal},
};
use tracing_actix_web::TracingLogger;

use self::accounts::accounts;
pub use self::contract::openapi;
use self::cors::cors;
use self::declared::{Declared, DeclaredParts};
use self::internal::{Health, internal_server};
pub use self::pieces::key_times;
use self::pieces::{
    app_tokens, callers, clear_site_data, close_with_session, cookie_settings, csrf_guard, event_senders,
    forget_look_ups, hub, idempotency_policy, rate_limits, refresh_cookie_settings, revalidator,
    session_policy, signing_keys, store_settings, throttle_policy, trusted_proxies,
};
pub use self::reload::ReadAgain;
use self::reload::{Fingerprint, Reload};
use self::rotation::Rotation;
use self::stop::{StopSignals, stop};
use crate::{
    auth::{self, Api, ApiParts, Jwks, Oidc},
    compose::{backend::UnknownUpstream, engine::UnknownLookup},
    config::Config,
    declare::Declarations,
    edge::{
        Dispatch, Edge, EdgeParts, Identify, RequestSpan, RouteName, Serving, gate, limit, listen,
        method_not_allowed, not_found, serve, spans_wanted, too_late,
    },
    files::site::{self as app_files, ConfigScript, Site, SiteError},
    idempotency::Idempotency,
    identity::{AllowedOrigins, ClaimMap, Secrets, Sessions, SignInThrottle},
    invalidation::{InvalidationBus, Invalidations},
    live::{self, Events, Hub, Revalidator},
    routes::RoutesError,
    store::{self, StoreError},
    telemetry::{AccessLog, AccessSettings, LineFormat, LogSettings, Metrics, Sink, UserHasher},
};

/// How long a stop waits for the shared store to take the last live messages.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);
/// How long one call of the revalidation webhook may take, and how long a stop waits for the last ones.
const REVALIDATE_TIMEOUT: Duration = Duration::from_secs(5);

/// Why the gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("signing keys in `{dir}`")]
    Keys { dir: String, source: KeyError },
    #[error("store")]
    Store(#[from] StoreError),
    #[error("upstreams")]
    Upstreams(#[from] TransportError),
    #[error("declarations")]
    Backend(#[from] UnknownUpstream),
    #[error("declared screens")]
    Screens(#[from] UnknownLookup),
    #[error("declared routes")]
    Routes(#[from] RoutesError),
    #[error("cannot listen on {address}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("signal handlers")]
    Signals(#[source] io::Error),
    #[error("the operating system gave no random bytes: {0}")]
    Randomness(getrandom::Error),
    #[error("site.dir")]
    Site(#[from] SiteError),
    #[error("cors.allowed_origins")]
    Origins,
    #[error("a listener ended by itself")]
    Ended(#[source] Option<io::Error>),
}

/// The gateway, listening but not yet serving.
pub struct Application {
    server: Server,
    internal: Server,
    http_address: SocketAddr,
    internal_address: SocketAddr,
    draining: Arc<AtomicBool>,
    drain_delay: Duration,
    hub: Hub,
    revalidator: Option<Revalidator>,
    sweeper: tokio::task::JoinHandle<()>,
    rotation: tokio::task::JoinHandle<()>,
    sessions: Sessions,
    /// Until somebody waits for them.
    stop: Option<StopSignals>,
}

/// What is made once and shared by all workers.
#[derive(Clone)]
struct Pieces {
    edge: Edge,
    api: Api,
    declared: Arc<ArcSwap<Declared>>,
    hub: Hub,
    keys: Jwks,
    oidc: Oidc,
    origins: Arc<AllowedOrigins>,
    config_script: ConfigScript,
    /// Nothing: no app is served.
    site: Option<Site>,
}

/// The settings of [`crate::telemetry::init`].
#[must_use]
pub fn log_settings(config: &Config) -> LogSettings {
    LogSettings { filter: config.telemetry.log.clone(), format: line_format(config) }
}

fn line_format(config: &Config) -> LineFormat {
    if config.logs_json() { LineFormat::Json } else { LineFormat::Text }
}

impl Application {
    /// Serves `declarations`; on SIGHUP what `read_again` gives, where that is other and can be used.
    ///
    /// Opens the store, loads the keys, and binds both listeners. Calls no upstream: they may start later. To be
    /// called on a multi-threaded tokio runtime, which from then on holds all connections to upstreams.
    ///
    /// # Errors
    /// [`StartError`], for what the settings name and the machine does not have.
    pub async fn build(
        config: Config,
        declarations: &Declarations,
        read_again: Option<ReadAgain>,
        sink: Sink,
    ) -> Result<Self, StartError> {
        for warning in config.warnings() {
            tracing::warn!(warning, "settings");
        }
        let runtime = Handle::current();
        let metrics = Arc::new(Metrics::new());
        metrics.watch_sink(sink.clone());
        let access = AccessSettings {
            format: line_format(&config),
            enabled: config.telemetry.access,
            sample: config.telemetry.access_sample,
        };
        let store = store::open_with(config.store.url.as_str(), &store_settings(&config)?).await?;
        let keys = Arc::new(signing_keys(&config)?);
        let secrets = Arc::new(Secrets::new(config.session_secrets()));
        let origins =
            Arc::new(AllowedOrigins::new(&config.cors.allowed_origins).map_err(|_| StartError::Origins)?);
        let invalidations = Arc::new(Invalidations::default());
        let revalidator = revalidator(&config, &runtime, &metrics)?;
        let bus = InvalidationBus::new(Arc::clone(&invalidations), &store, Arc::clone(&metrics));
        let bus = bus.map_err(StartError::Randomness)?;
        if let Some(revalidator) = revalidator.clone() {
            bus.changes().subscribe(move |tag| revalidator.changed(tag));
        }
        let policy = session_policy(&config);
        let (shared, metered) = (Arc::clone(&store), Arc::clone(&metrics));
        let sessions = Sessions::over(shared, Arc::clone(&bus), policy, runtime.clone(), metered);
        let hub = hub(&config, &declarations.compile().topics, &store, &bus, &metrics, &runtime).await?;
        bus.ended_sessions().subscribe(close_with_session(hub.clone()));
        let tokens = app_tokens(&config, &sessions, &keys, &secrets, &metrics);
        let events = Events {
            hub: hub.clone(),
            bus: Arc::clone(&bus),
            senders: Arc::new(event_senders(&config)?),
            metrics: Arc::clone(&metrics),
        };
        let site = site::open(&config).await?;
        let idempotency =
            Idempotency::new(Arc::clone(&store), Arc::clone(&secrets), idempotency_policy(&config));
        let idempotency = Arc::new(idempotency.map_err(StartError::Randomness)?);
        let parts = DeclaredParts {
            keys: Arc::clone(&keys),
            bus: Arc::clone(&bus),
            sessions: sessions.clone(),
            idempotency: Arc::clone(&idempotency),
            hub: hub.clone(),
            metrics: Arc::clone(&metrics),
            runtime: runtime.clone(),
        };
        let declared = Declared::new(&parts, &config, declarations)?;
        let upstreams = declared.upstreams().clone();
        let declared = Arc::new(ArcSwap::from_pointee(declared));
        invalidations.on_soft_purge(forget_look_ups(Arc::clone(&declared)));
        let accounts = accounts(&config, &upstreams, declarations);
        let reload = read_again.map(|read| Reload {
            parts,
            declared: Arc::clone(&declared),
            read,
            last: Mutex::new(Fingerprint::of(&config, declarations)),
        });
        let rotation = rotation::watch(Rotation {
            config: config.clone(),
            keys: Arc::clone(&keys),
            secrets: Arc::clone(&secrets),
            declared: Arc::clone(&declared),
            reload,
            metrics: Arc::clone(&metrics),
            site: site.clone(),
        });
        let rotation = rotation.map_err(StartError::Signals)?;
        let pieces = Pieces {
            edge: Edge::new(EdgeParts {
                sessions,
                csrf: csrf_guard(&config, Arc::clone(&secrets), Arc::clone(&origins)),
                tokens,
                refresh_cookie: refresh_cookie_settings(&config),
                cookie: cookie_settings(&config),
                clear_site_data: clear_site_data(&config),
                metrics: Arc::clone(&metrics),
                access: AccessLog::new(access, sink),
                callers: callers(&config),
                trusted_proxies: trusted_proxies(&config),
                users: UserHasher::new(&config.derive_key("user-hash")),
                rate_limit_exempt: if site.is_some() { app_files::is_free } else { app_files::is_prepared },
                needs_no_caller: if site.is_some() { no_caller_beside_site } else { no_caller },
                limits: rate_limits(&config, &store, &secrets, &metrics, &runtime),
                body_limit: config.http.body_limit_bytes,
                body_timeout: config.http.client_request_timeout_ms.into(),
                hsts: config.is_production(),
            }),
            api: Api::new(ApiParts {
                throttle: SignInThrottle::new(
                    Arc::clone(&store),
                    Arc::clone(&secrets),
                    throttle_policy(&config, &store),
                    Arc::clone(&metrics),
                ),
                idempotency,
                accounts,
                claims: ClaimMap::declared(&declarations.compile().claims),
                bus,
                runtime: runtime.clone(),
            }),
            declared,
            hub: hub.clone(),
            keys: Jwks(keys),
            oidc: providers::oidc(&config, &runtime, &secrets, &origins, &store)?,
            origins,
            config_script: ConfigScript::new(&config.site.config_name, &config.site.config),
            site,
        };
        let draining = Arc::new(AtomicBool::new(false));
        let health = Health::new(&store, &draining, &metrics, &pieces.declared);
        let sweeper = tokio::spawn(store::sweep(store, config.store.sweep_ms.into()));
        let edge = pieces.edge.clone();
        // Before anything listens: whoever sees that the gateway is there may ask it to stop.
        let stop = StopSignals::new().map_err(StartError::Signals)?;
        let (server, http_address) = public_server(&config, pieces, Arc::clone(&draining))?;
        let (internal, internal_address) = internal_server(&config, health, &edge, events)?;
        Ok(Self {
            server,
            internal,
            http_address,
            internal_address,
            draining,
            drain_delay: config.http.drain_delay_ms.into(),
            hub,
            revalidator,
            sweeper,
            rotation,
            sessions: edge.sessions.clone(),
            stop: Some(stop),
        })
    }

    /// Where callers reach it.
    #[must_use]
    pub fn http_address(&self) -> SocketAddr {
        self.http_address
    }

    /// Where the operator's tools reach it.
    #[must_use]
    pub fn internal_address(&self) -> SocketAddr {
        self.internal_address
    }

    /// Serves until SIGTERM or SIGINT, or until the terminal that it was started from is gone; then stops as
    /// [`Self::run_until`] says. Another SIGTERM or SIGINT ends the drain delay.
    ///
    /// # Errors
    /// [`StartError::Signals`] when no signal can be waited for, [`StartError::Ended`] when a listener ends by itself.
    pub async fn run_until_stopped(mut self) -> Result<(), StartError> {
        let hangup = signal(SignalKind::hangup()).map_err(StartError::Signals)?;
        let stop = self.stop.take();
        let signalled = async move {
            match stop {
                Some(stop) => stop.received().await,
                None => std::future::pending().await,
            }
        };
        let told_to_stop = async move {
            tokio::select! {
                () = signalled => {}
                () = rotation::terminal_gone(hangup) => {}
            }
        };
        // Heard from when this is first polled: after the first signal.
        let told_again = async {
            match StopSignals::new() {
                Ok(again) => again.received().await,
                Err(_) => std::future::pending().await,
            }
        };
        self.run_until(told_to_stop, told_again).await
    }

    /// Serves until `told_to_stop` is over. Then `/readyz` turns 503, and for the drain delay, or until `told_again` is
    /// over, callers are served as before, since balancers take a moment to notice. After that live connections are
    /// told to go (sooner, and many would come back here), no new connections are taken, requests in flight are
    /// finished, and the internal listener goes last.
    ///
    /// # Errors
    /// [`StartError::Ended`] when a listener ends by itself.
    pub async fn run_until(
        self,
        told_to_stop: impl Future<Output = ()>,
        told_again: impl Future<Output = ()>,
    ) -> Result<(), StartError> {
        let (public, internal) = (self.server.handle(), self.internal.handle());
        let mut serving = tokio::spawn(self.server);
        let mut watching = tokio::spawn(self.internal);
        let ended_by_itself = tokio::select! {
            () = told_to_stop => None,
            ended = &mut serving => Some(ended),
            ended = &mut watching => Some(ended),
        };
        if let Some(ended) = ended_by_itself {
            return Err(StartError::Ended(ended.map_err(io::Error::other).and_then(|ended| ended).err()));
        }
        tracing::info!(delay_ms = self.drain_delay.as_millis(), "draining");
        self.draining.store(true, Ordering::Release);
        tokio::select! {
            () = tokio::time::sleep(self.drain_delay) => {}
            () = told_again => {}
        }
        tracing::info!("stopping");
        self.hub.shutdown();
        stop(public, serving).await;
        self.sessions.leave().await;
        self.sweeper.abort();
        self.rotation.abort();
        stop(internal, watching).await;
        self.hub.flush(FLUSH_TIMEOUT).await;
        if let Some(revalidator) = self.revalidator {
            revalidator.flush(REVALIDATE_TIMEOUT).await;
        }
        tracing::info!("stopped");
        Ok(())
    }
}

/// Wraps an application in its stages: a request passes them from top to bottom, an answer from bottom to top.
macro_rules! stages {
    ($app:expr;) => { $app };
    ($app:expr; $outer:expr, $($inner:expr,)*) => { stages!($app; $($inner,)*).wrap($outer) };
}

fn public_server(
    config: &Config,
    pieces: Pieces,
    draining: Arc<AtomicBool>,
) -> Result<(Server, SocketAddr), StartError> {
    let address = config.http.listen;
    let limited = config.limits_enabled();
    let docs = config.http.docs;
    let oidc = pieces.oidc.clone();
    let edge = pieces.edge.clone();
    let application = move || {
        let app = App::new()
            .app_data(web::Data::new(pieces.edge.clone()))
            .app_data(web::Data::new(pieces.api.clone()))
            .app_data(web::Data::new(pieces.hub.clone()))
            .app_data(web::Data::new(pieces.keys.clone()))
            .app_data(web::Data::new(pieces.oidc.clone()))
            .app_data(web::Data::new(pieces.config_script.clone()));
        let app = stages!(
            app;
            // Request id, panics and errors as problem documents, security headers, the access line.
            from_fn(gate),
            Condition::new(spans_wanted(), TracingLogger::<RequestSpan>::new()),
            // Preflights end here, and the refusals of the stages behind can be read by pages of allowed origins.
            cors(&pieces.origins),
            // Who calls.
            Identify,
            // Whether they call too often.
            Condition::new(limited, from_fn(limit)),
            // What is declared.
            Dispatch(Arc::clone(&pieces.declared)),
        );
        app.configure(routes)
            .configure(|routes| docs_routes(routes, docs.then_some(&pieces.declared)))
            .configure(|routes| site_routes(routes, pieces.site.clone()))
    };
    let serving = Serving {
        workers: config.http.worker_count(),
        max_connections: config.http.max_connections,
        keep_alive: config.http.keep_alive_ms.into(),
        head_timeout: config.http.client_request_timeout_ms.into(),
        shutdown_timeout: config.http.shutdown_timeout_ms.into(),
        draining,
    };
    let listening = listen(address, config.live.dead_after_ms.into()).and_then(|listener| {
        let bound = listener.local_addr()?;
        let late = move |after| too_late(&edge, after);
        Ok((serve(listener, serving, late, application)?, bound))
    });
    let (server, bound) = listening.map_err(|source| StartError::Listen { address, source })?;
    oidc.listens_at(bound);
    Ok((server, bound))
}

/// What callers can reach whatever is declared.
fn routes(routes: &mut web::ServiceConfig) {
    routes
        .service(resource("/auth/signup", "POST", [post().to(auth::sign_up)]))
        .service(resource("/auth/login", "POST", [post().to(auth::log_in)]))
        .service(resource("/auth/logout", "POST", [post().to(auth::log_out)]))
        .service(resource("/auth/logout-everywhere", "POST", [post().to(auth::log_out_everywhere)]))
        .service(resource("/auth/session", "GET, HEAD", [get().to(auth::session)]))
        .service(resource("/auth/csrf-token", "GET, HEAD", [get().to(auth::csrf_token)]))
        .service(resource("/auth/sessions", "GET, HEAD", [get().to(auth::list_sessions)]))
        .service(resource("/auth/sessions/{id}", "DELETE", [delete().to(auth::end_session)]))
        .service(resource("/auth/token", "POST", [post().to(auth::issue_tokens)]))
        .service(resource("/auth/refresh", "POST", [post().to(auth::refresh_tokens)]))
        .service(resource("/auth/revoke", "POST", [post().to(auth::revoke_tokens)]))
        .service(resource(
            "/auth/2fa/totp",
            "POST, DELETE",
            [post().to(auth::enrol_totp), delete().to(auth::remove_totp)],
        ))
        .service(resource("/auth/2fa/totp/confirm", "POST", [post().to(auth::confirm_totp)]))
        .service(resource("/auth/oidc", "GET, HEAD", [get().to(auth::list_oidc_providers)]))
        // No HEAD: a look ahead must not use up a sign-in.
        .service(resource("/auth/oidc/{provider}/login", "GET", [web::get().to(auth::begin_oidc_login)]))
        .service(resource("/auth/oidc/{provider}/callback", "GET", [web::get().to(auth::finish_oidc_login)]))
        .service(resource(
            "/auth/oidc/{provider}/second-factor",
            "GET, POST",
            [web::get().to(auth::show_second_factor), post().to(auth::check_second_factor)],
        ))
        .service(resource(
            "/auth/oidc/{provider}/backchannel-logout",
            "POST",
            [post().to(auth::backchannel_logout)],
        ))
        .service(resource("/bff/notify", "GET", [web::get().to(live::notify)]))
        .service(resource("/.well-known/jwks.json", "GET, HEAD", [get().to(auth::jwks)]))
        .service(resource("/config.js", "GET, HEAD", [get().to(app_files::config_script)]));
}

/// Whether the answer is the same for every caller, so that the identity stage passes the request by.
fn no_caller(method: &Method, path: &str) -> bool {
    let is_read = *method == Method::GET || *method == Method::HEAD;
    app_files::is_prepared(method, path) || (is_read && matches!(path, "/openapi.json" | "/docs"))
}

/// The same where an app is served as well.
fn no_caller_beside_site(method: &Method, path: &str) -> bool {
    no_caller(method, path) || app_files::is_free(method, path)
}

/// The same for developers, where the operator wants it.
fn docs_routes(routes: &mut web::ServiceConfig, declared: Option<&Arc<ArcSwap<Declared>>>) {
    let Some(declared) = declared else { return };
    routes
        .app_data(web::Data::from(Arc::clone(declared)))
        .service(resource("/openapi.json", "GET, HEAD", [get().to(contract::serve)]))
        .service(resource("/docs", "GET, HEAD", [get().to(contract::serve_page)]));
}

/// Whatever no route has taken: the single-page app, where one is served.
fn site_routes(routes: &mut web::ServiceConfig, site: Option<Site>) {
    match site {
        Some(site) => {
            routes.app_data(web::Data::new(site)).default_service(web::to(app_files::serve));
        }
        None => {
            routes.default_service(web::to(not_found));
        }
    }
}

/// A path, the methods it answers, and 405 with `Allow` for all others.
fn resource<const N: usize>(path: &'static str, allow: &'static str, routes: [Route; N]) -> Resource {
    let resource = routes.into_iter().fold(web::resource(path), Resource::route).app_data(RouteName(path));
    resource.default_service(web::to(method_not_allowed(allow)))
}

/// GET, and HEAD with it (RFC 9110 section 9.3.2).
fn get() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

fn post() -> Route {
    web::post()
}

fn delete() -> Route {
    web::delete()
}
