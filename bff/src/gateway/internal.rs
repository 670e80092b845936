//! The internal listener: health, metrics, and the events of upstreams.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix_web::{
    App, HttpResponse, Resource, Route,
    dev::Server,
    guard,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    middleware::from_fn,
    web,
};
use arc_swap::ArcSwap;

use super::{declared::Declared, error::StartError};
use crate::{
    config::Config,
    edge::{ApiError, Edge, RouteName, Serving, gate, listen, method_not_allowed, serve, too_late},
    jobs::Jobs,
    live::{self, Events},
    store::{Notice, Store, StoreError},
    telemetry::{CONTENT_TYPE as METRICS, Metrics},
};

/// Longest body of an event.
const EVENT_BODY_BYTES: usize = 64 * 1024;
/// Open at a time: probes, scrapers, and upstreams with something to tell.
const MAX_CONNECTIONS: usize = 25_000;
/// How long an idle connection stays open.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// What the internal listener answers from.
#[derive(Clone)]
pub(super) struct Health {
    store: Arc<dyn Store>,
    draining: Arc<AtomicBool>,
    metrics: Arc<Metrics>,
    declared: Arc<ArcSwap<Declared>>,
    jobs: Jobs,
}

impl Health {
    /// The store's notices show in the metrics from now on.
    pub(super) fn new(
        store: &Arc<dyn Store>,
        draining: &Arc<AtomicBool>,
        metrics: &Arc<Metrics>,
        declared: &Arc<ArcSwap<Declared>>,
        jobs: &Jobs,
    ) -> Self {
        metrics.store_up.set(1);
        metrics.store_hearing.set(1);
        let told = Arc::clone(metrics);
        store.listen(Box::new(move |notice| {
            let hearing = match notice {
                Notice::Disconnected => 0,
                Notice::Connected => 1,
                Notice::Changed { .. } | Notice::Message(_) | Notice::Lapsed => return,
            };
            told.store_hearing.set(hearing);
        }));
        Self {
            store: Arc::clone(store),
            draining: Arc::clone(draining),
            metrics: Arc::clone(metrics),
            declared: Arc::clone(declared),
            jobs: jobs.clone(),
        }
    }

    /// Asks the store, and says in the log when it goes and when it is back.
    async fn ask_store(&self) -> Result<(), StoreError> {
        let answered = self.store.ping().await;
        let was_up = self.metrics.store_up.set(i64::from(answered.is_ok())) == 1;
        match &answered {
            Ok(()) if !was_up => tracing::info!("the store answers again"),
            Err(error) if was_up => {
                tracing::warn!(error = error as &dyn std::error::Error, "the store does not answer");
            }
            _ => {}
        }
        answered
    }
}

/// Binds the internal listener.
pub(super) fn internal_server(
    config: &Config,
    health: Health,
    edge: &Edge,
    events: Events,
) -> Result<(Server, SocketAddr), StartError> {
    let address = config.internal.listen;
    let edge = edge.of_operator(EVENT_BODY_BYTES);
    let late = edge.clone();
    let application = move || {
        App::new()
            .app_data(web::Data::new(health.clone()))
            .app_data(web::Data::new(edge.clone()))
            .app_data(web::Data::new(events.clone()))
            .service(resource("/events", "POST", [post().to(live::receive_event)]).wrap(from_fn(gate)))
            .service(resource("/jobs", "GET, HEAD", [get().to(jobs)]).wrap(from_fn(gate)))
            .service(resource("/jobs/revive", "POST", [post().to(revive_jobs)]).wrap(from_fn(gate)))
            .service(resource("/livez", "GET, HEAD", [get().to(|| async { "ok" })]))
            .service(resource("/readyz", "GET, HEAD", [get().to(readyz)]))
            .service(resource("/metrics", "GET, HEAD", [get().to(metrics)]))
    };
    let serving = Serving {
        workers: 1,
        max_connections: MAX_CONNECTIONS,
        keep_alive: KEEP_ALIVE,
        head_timeout: config.http.client_request_timeout_ms.into(),
        shutdown_timeout: Duration::from_secs(1),
        draining: Arc::default(),
    };
    let listening = listen(address, config.live.dead_after_ms.into()).and_then(|listener| {
        let bound = listener.local_addr()?;
        let late = move |after| too_late(&late, after);
        Ok((serve(listener, serving, late, application)?, bound))
    });
    listening.map_err(|source| StartError::Listen { address, source })
}

/// 200 when requests may be sent here: not while draining, and not while a store of this process's own fails.
///
/// While a store that replicas share is away all of them are without it. Taking all out would turn slow sign-ins into
/// no site at all: what needs no session, and sessions that are in memory, are served. The body says `store: away`.
async fn readyz(health: web::Data<Health>) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.insert_header((CACHE_CONTROL, "no-store"));
    if health.draining.load(Ordering::Acquire) {
        return response.status(StatusCode::SERVICE_UNAVAILABLE).body("draining\n");
    }
    match health.ask_store().await {
        Ok(()) => response.body("ready\n"),
        Err(_) if health.store.shared().is_some() => response.body("ready\nstore: away\n"),
        Err(_) => response.status(StatusCode::SERVICE_UNAVAILABLE).body("store: away\n"),
    }
}

/// Prometheus reads this.
async fn metrics(health: web::Data<Health>) -> HttpResponse {
    let (entries, bytes) = health.declared.load().documents().documents.size();
    let gauge = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    health.metrics.cache_entries.set(gauge(entries));
    health.metrics.cache_bytes.set(gauge(bytes));
    // Only for the gauge: the figures are wanted most when the store is away.
    let _ = health.ask_store().await;
    HttpResponse::Ok().insert_header((CONTENT_TYPE, METRICS)).body(health.metrics.encode())
}

/// The queue of work that outlives requests: what waits, and what was given up.
async fn jobs(health: web::Data<Health>) -> Result<HttpResponse, ApiError> {
    let page = health.jobs.page().await?;
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(page))
}

/// Has what was given up tried again.
async fn revive_jobs(health: web::Data<Health>) -> Result<HttpResponse, ApiError> {
    let revived = health.jobs.revive().await?;
    let answer = serde_json::json!({ "revived": revived });
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(answer))
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
