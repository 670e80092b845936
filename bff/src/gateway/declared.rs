//! What is declared, ready to be served: screens and routes of one plan over one backend.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, dev::Payload, http::Method, web};
use arc_swap::ArcSwap;
use clients::{CallContext, KeyRing, Upstreams};
use futures_util::future::FutureExt;
use tokio::runtime::Handle;

use super::{
    accounts::accounts,
    additions::Additions,
    contract::{Documents, Served, contract},
    error::StartError,
    wiring,
};
use crate::{
    compose::backend::Backend,
    config::Config,
    declare::Declarations,
    docs,
    edge::{Answering, ApiError, Dispatched, Endpoint, Exempt, Reply, Row, Table, answering},
    files::Files,
    idempotency::Idempotency,
    identity::{Accounts, Sessions},
    invalidation::InvalidationBus,
    live::Hub,
    routes::{self, AskAccount, CheckFile, Route, Routes, RoutesParts},
    screens::{
        self, DeclaredScreen, DeclaredScreensParts, ScreenDocuments, Screens, ScreensParts, declared_screens,
    },
    telemetry::Metrics,
};

/// What is the same whatever is declared.
#[derive(Clone)]
pub(super) struct DeclaredParts {
    pub(super) keys: Arc<KeyRing>,
    pub(super) bus: Arc<InvalidationBus>,
    pub(super) sessions: Sessions,
    pub(super) idempotency: Arc<Idempotency>,
    pub(super) hub: Hub,
    /// Nothing: there is no storage.
    pub(super) files: Option<Files>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) runtime: Handle,
}

/// What answers a request.
pub(super) enum Handler {
    Screen(Arc<DeclaredScreen>),
    Route(Arc<Route>),
    /// Not declared.
    Endpoint(Answering),
}

/// All that is served under one plan: one for all workers, exchanged as a whole.
pub(super) struct Declared {
    upstreams: Upstreams,
    backend: Backend,
    documents: ScreenDocuments,
    routes: Routes,
    table: Table<Handler>,
    /// Nothing: the operator does without.
    contract: Option<Documents>,
}

impl Declared {
    /// What `declarations` say, by the settings in `config`. Documents, look-ups and what is remembered begin empty.
    ///
    /// # Errors
    /// [`StartError`]: the settings name what the machine does not have.
    pub(super) fn new(
        parts: &DeclaredParts,
        config: &Config,
        declarations: &Declarations,
        additions: &Additions,
    ) -> Result<Self, StartError> {
        let DeclaredParts { keys, bus, sessions, idempotency, hub, files, metrics, runtime } = parts;
        let upstreams = wiring::upstreams(config, runtime, Arc::clone(keys), metrics)?;
        let plan = declarations.compile();
        let backend = wiring::backend(config, plan, &upstreams, bus, sessions.clone(), metrics)?;
        let documents = wiring::documents(config, Arc::clone(bus), runtime.clone(), Arc::clone(metrics));
        let accounts = accounts(config, &upstreams, declarations);
        let settings = config.clone();
        let screens = declared_screens(DeclaredScreensParts {
            backend: backend.clone(),
            documents: documents.clone(),
            settings: Box::new(move |name| wiring::screen_settings(&settings.screen(name))),
        })?;
        let routes = Routes::new(RoutesParts {
            backend: backend.clone(),
            bus: Arc::clone(bus),
            sessions: sessions.clone(),
            idempotency: Arc::clone(idempotency),
            accounts: accounts.clone(),
            ask_account: accounts.map(ask_account),
            announce: wiring::announcer(hub.clone()),
            check_file: check_file(files.clone()),
            runtime: runtime.clone(),
        })?;
        let settings = config.clone();
        let in_rust = Screens::new(ScreensParts {
            documents: documents.clone(),
            upstreams: upstreams.clone(),
            sessions: sessions.clone(),
            settings: Box::new(move |name| wiring::screen_settings(&settings.screen(name))),
        });
        let docs = config.http.docs.then(|| [answering(document), answering(page)]);
        let contract = contract(
            declarations,
            additions,
            Some(Served { screens: &in_rust, docs, files: files.is_some() }),
        );
        let of_screens = screens.iter().map(of_screen);
        let of_routes = routes.all().iter().map(of_route);
        let endpoints = contract.endpoints().iter().map(of_endpoint);
        let table = Table::new(of_screens.chain(of_routes).chain(endpoints));
        let contract = config.http.docs.then(|| Documents::new(contract));
        Ok(Self { upstreams, backend, documents, routes, table, contract })
    }

    pub(super) fn upstreams(&self) -> &Upstreams {
        &self.upstreams
    }

    pub(super) fn backend(&self) -> &Backend {
        &self.backend
    }

    pub(super) fn documents(&self) -> &ScreenDocuments {
        &self.documents
    }
}

impl Dispatched for Declared {
    type Handler = Handler;

    fn table(&self) -> &Table<Handler> {
        &self.table
    }

    fn answer(&self, handler: &Handler, request: HttpRequest, payload: Payload) -> Reply {
        match handler {
            Handler::Screen(screen) => screens::answer(screen, request),
            Handler::Route(route) => {
                let answering = routes::answer(self.routes.clone(), Arc::clone(route), request, payload);
                Reply::Later(answering.boxed_local())
            }
            Handler::Endpoint(answering) => Reply::Later(answering(request, payload).map(Ok).boxed_local()),
        }
    }
}

/// `GET /openapi.json`.
async fn document(
    request: HttpRequest,
    declared: web::Data<ArcSwap<Declared>>,
) -> Result<HttpResponse, ApiError> {
    let declared = declared.load_full();
    declared.contract.as_ref().ok_or(ApiError::NotFound)?.document.answer(&request).await
}

/// `GET /docs`.
async fn page(
    request: HttpRequest,
    declared: web::Data<ArcSwap<Declared>>,
) -> Result<HttpResponse, ApiError> {
    let declared = declared.load_full();
    docs::docs(request, &declared.contract.as_ref().ok_or(ApiError::NotFound)?.page).await
}

fn of_screen(screen: &Arc<DeclaredScreen>) -> Row<Handler> {
    let handler = Handler::Screen(Arc::clone(screen));
    Row { path: screen.path().into(), method: Method::GET, head: true, exempt: Exempt::default(), handler }
}

fn of_route(route: &Arc<Route>) -> Row<Handler> {
    let method = route.method();
    let head = method == Method::GET;
    let handler = Handler::Route(Arc::clone(route));
    Row { path: route.path().into(), method, head, exempt: Exempt::default(), handler }
}

fn of_endpoint(endpoint: &Endpoint) -> Row<Handler> {
    let Endpoint { method, path, head, rate_limit_exempt, caller_independent, answering } = endpoint.clone();
    let handler = Handler::Endpoint(answering);
    Row {
        path: (*path).into(),
        method,
        head,
        exempt: Exempt { rate_limit_exempt, caller_independent },
        handler,
    }
}

/// Whether what a caller writes may name a file. Without a storage no key names one.
fn check_file(files: Option<Files>) -> CheckFile {
    Box::new(move |user, key, picture| {
        let files = files.clone();
        async move {
            match files {
                Some(files) => Ok(files.may_be_shown(&user, &key, picture).await?),
                None => Ok(false),
            }
        }
        .boxed()
    })
}

fn ask_account(accounts: Accounts) -> AskAccount {
    Box::new(move |cx: CallContext| {
        let accounts = accounts.clone();
        Box::pin(async move { accounts.me(&cx).await.map(drop) })
    })
}
