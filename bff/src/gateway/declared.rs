//! What is declared, ready to be served: screens and routes of one plan over one backend.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, dev::Payload, http::Method};
use clients::{CallContext, KeyRing, Upstreams};
use futures_util::future::{FutureExt, LocalBoxFuture};
use tokio::runtime::Handle;

use super::{StartError, accounts::accounts, contract::Documents, pieces};
use crate::{
    compose::backend::Backend,
    config::Config,
    declare::Declarations,
    edge::{ApiError, Dispatched, Table},
    idempotency::Idempotency,
    identity::{Accounts, Sessions},
    invalidation::InvalidationBus,
    live::Hub,
    routes::{self, AskAccount, Route, Routes, RoutesParts},
    screens::{self, DeclaredScreen, DeclaredScreensParts, ScreenDocuments, declared_screens},
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
    pub(super) metrics: Arc<Metrics>,
    pub(super) runtime: Handle,
}

/// What answers a request.
pub(super) enum Handler {
    Screen(Arc<DeclaredScreen>),
    Route(Arc<Route>),
}

/// The screens and routes of one plan: one for all workers, exchanged as a whole.
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
    ) -> Result<Self, StartError> {
        let DeclaredParts { keys, bus, sessions, idempotency, hub, metrics, runtime } = parts;
        let upstreams = pieces::upstreams(config, runtime, Arc::clone(keys), metrics)?;
        let plan = declarations.compile();
        let backend = pieces::backend(config, plan, &upstreams, bus, sessions.clone(), metrics)?;
        let documents = pieces::documents(config, Arc::clone(bus), runtime.clone(), Arc::clone(metrics));
        let accounts = accounts(config, &upstreams, declarations);
        let settings = config.clone();
        let screens = declared_screens(DeclaredScreensParts {
            backend: backend.clone(),
            documents: documents.clone(),
            settings: Box::new(move |name| pieces::screen_settings(&settings.screen(name))),
        })?;
        let routes = Routes::new(RoutesParts {
            backend: backend.clone(),
            bus: Arc::clone(bus),
            sessions: sessions.clone(),
            idempotency: Arc::clone(idempotency),
            accounts: accounts.clone(),
            ask_account: accounts.map(ask_account),
            announce: pieces::announcer(hub.clone()),
            runtime: runtime.clone(),
        })?;
        let of_screens = screens
            .iter()
            .map(|screen| (screen.path().into(), Method::GET, Handler::Screen(Arc::clone(screen))));
        let of_routes = routes
            .all()
            .iter()
            .map(|route| (route.path().into(), route.method(), Handler::Route(Arc::clone(route))));
        let table = Table::new(of_screens.chain(of_routes));
        let contract = config.http.docs.then(|| Documents::new(declarations));
        Ok(Self { upstreams, backend, documents, routes, table, contract })
    }

    pub(super) fn contract(&self) -> Option<&Documents> {
        self.contract.as_ref()
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

    fn answer(
        &self,
        handler: &Handler,
        request: HttpRequest,
        payload: Payload,
    ) -> LocalBoxFuture<'static, Result<HttpResponse, ApiError>> {
        match handler {
            Handler::Screen(screen) => screens::answer(Arc::clone(screen), request).boxed_local(),
            Handler::Route(route) => {
                routes::answer(self.routes.clone(), Arc::clone(route), request, payload).boxed_local()
            }
        }
    }
}

fn ask_account(accounts: Accounts) -> AskAccount {
    Box::new(move |cx: CallContext| {
        let accounts = accounts.clone();
        Box::pin(async move { accounts.me(&cx).await.map(drop) })
    })
}
