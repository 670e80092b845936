//! The public listener: the order of its stages reads from top to bottom.

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::AtomicBool},
};

use actix_web::{
    App,
    dev::Server,
    middleware::{Condition, from_fn},
    web,
};
use arc_swap::ArcSwap;
use tracing_actix_web::TracingLogger;

use super::{cors::cors, declared::Declared, error::StartError};
use crate::{
    auth::{Api, Jwks, Oidc},
    config::Config,
    edge::{
        Dispatch, Edge, Identify, RequestSpan, Resolve, Serving, gate, limit, listen, not_found, serve,
        spans_wanted, too_late,
    },
    files::{
        Files,
        site::{self, ConfigScript, Site},
    },
    identity::AllowedOrigins,
    live::Hub,
};

/// What is made once and shared by all workers.
#[derive(Clone)]
pub(super) struct AppState {
    pub(super) edge: Edge,
    pub(super) api: Api,
    pub(super) declared: Arc<ArcSwap<Declared>>,
    pub(super) hub: Hub,
    pub(super) keys: Jwks,
    pub(super) oidc: Oidc,
    pub(super) origins: Arc<AllowedOrigins>,
    pub(super) config_script: ConfigScript,
    /// Nothing: there is no storage, and nothing that asks for one is served.
    pub(super) files: Option<Files>,
    /// Nothing: no app is served.
    pub(super) site: Option<Site>,
}

/// Wraps an application in its stages: a request passes them from top to bottom, an answer from bottom to top.
macro_rules! stages {
    ($app:expr;) => { $app };
    ($app:expr; $outer:expr, $($inner:expr,)*) => { stages!($app; $($inner,)*).wrap($outer) };
}

/// Binds the public listener.
pub(super) fn public_server(
    config: &Config,
    state: AppState,
    draining: Arc<AtomicBool>,
) -> Result<(Server, SocketAddr), StartError> {
    let address = config.http.listen;
    let limited = config.limits_enabled();
    let oidc = state.oidc.clone();
    let edge = state.edge.clone();
    let beside = state.site.as_ref().map(|_| site::reads_app as fn(&_, &_) -> _);
    let application = move || {
        let app = App::new()
            .app_data(web::Data::new(state.edge.clone()))
            .app_data(web::Data::new(state.api.clone()))
            .app_data(web::Data::new(state.hub.clone()))
            .app_data(web::Data::new(state.keys.clone()))
            .app_data(web::Data::new(state.oidc.clone()))
            .app_data(web::Data::new(state.config_script.clone()))
            .app_data(web::Data::from(Arc::clone(&state.declared)));
        let app = stages!(
            app;
            // Request id, panics and errors as problem documents, security headers, the access line.
            from_fn(gate),
            Condition::new(spans_wanted(), TracingLogger::<RequestSpan>::new()),
            // Preflights end here, and the refusals of the stages behind can be read by pages of allowed origins.
            cors(&state.origins),
            // Which screen, route or endpoint it is.
            Resolve { served: Arc::clone(&state.declared), beside },
            // Who calls.
            Identify,
            // Whether they call too often.
            Condition::new(limited, from_fn(limit)),
            // Its answer.
            Dispatch::<Declared>::default(),
        );
        app.configure(|routes| {
            if let Some(files) = state.files.clone() {
                routes.app_data(web::Data::new(files));
            }
            site_routes(routes, state.site.clone());
        })
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

/// What comes to nothing in the table: the single-page app, where one is served.
fn site_routes(routes: &mut web::ServiceConfig, site: Option<Site>) {
    match site {
        Some(site) => {
            routes.app_data(web::Data::new(site)).default_service(web::to(site::serve));
        }
        None => {
            routes.default_service(web::to(not_found));
        }
    }
}
