//! What is declared, ready to be served: screens and routes of one plan over one backend.

use std::sync::Arc;

use actix_web::web::ServiceConfig;
use clients::CallContext;
use schemas::Event;
use tokio::runtime::Handle;

use super::{StartError, pieces};
use crate::{
    compose::backend::Backend,
    config::Config,
    idempotency::Idempotency,
    identity::{Accounts, Sessions},
    invalidation::InvalidationBus,
    routes::{self, AskAccount, Routes, RoutesParts},
    screens::{self, DeclaredScreens, DeclaredScreensParts, ScreenDocuments},
};

/// What declared screens and routes are made with.
pub(super) struct DeclaredParts<'p> {
    pub(super) config: &'p Config,
    pub(super) backend: &'p Backend,
    pub(super) documents: &'p ScreenDocuments,
    pub(super) bus: &'p Arc<InvalidationBus>,
    pub(super) sessions: &'p Sessions,
    pub(super) idempotency: &'p Arc<Idempotency>,
    pub(super) accounts: Option<&'p Accounts>,
    pub(super) announce: Box<dyn Fn(Event) + Send + Sync>,
    pub(super) runtime: &'p Handle,
}

/// The screens and routes of one plan. Cheap to clone: one for all workers.
#[derive(Clone)]
pub(super) struct Declared {
    screens: DeclaredScreens,
    routes: Routes,
}

impl Declared {
    pub(super) fn new(parts: DeclaredParts<'_>) -> Result<Self, StartError> {
        let config = parts.config.clone();
        let screens = DeclaredScreens::new(DeclaredScreensParts {
            backend: parts.backend.clone(),
            documents: parts.documents.clone(),
            settings: Box::new(move |name| pieces::screen_settings(&config.screen(name))),
        })?;
        let routes = Routes::new(RoutesParts {
            backend: parts.backend.clone(),
            bus: Arc::clone(parts.bus),
            sessions: parts.sessions.clone(),
            idempotency: Arc::clone(parts.idempotency),
            accounts: parts.accounts.cloned(),
            ask_account: parts.accounts.cloned().map(ask_account),
            announce: parts.announce,
            runtime: parts.runtime.clone(),
        })?;
        Ok(Self { screens, routes })
    }

    /// Adds them to an application.
    pub(super) fn register(&self, services: &mut ServiceConfig) {
        screens::register(services, &self.screens);
        routes::register(services, &self.routes);
    }
}

fn ask_account(accounts: Accounts) -> AskAccount {
    Box::new(move |cx: CallContext| {
        let accounts = accounts.clone();
        Box::pin(async move { accounts.me(&cx).await.map(drop) })
    })
}
