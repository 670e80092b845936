//! What all routes share, made once of a plan and the pieces that it needs.

use std::{collections::HashMap, pin::Pin, sync::Arc};

use actix_web::http::StatusCode;
use clients::{CallContext, TransportError, Upstream, UpstreamError, static_name};
use schemas::Event;
use tokio::runtime::Handle;

use super::route::Route;
use crate::{
    compose::{
        backend::Backend,
        engine::UnknownLookup,
        plan::{RefusalPlan, UpstreamId},
    },
    edge::ApiError,
    idempotency::Idempotency,
    identity::{Accounts, Sessions},
    invalidation::InvalidationBus,
};

/// Asks the upstream that serves accounts for the caller's own one.
pub type AskAccount =
    Box<dyn Fn(CallContext) -> Pin<Box<dyn Future<Output = Result<(), UpstreamError>> + Send>> + Send + Sync>;

/// Whether a user's (first) body may name this file (second); the last says whether it must be a picture.
pub type CheckFile = Box<
    dyn Fn(String, String, bool) -> Pin<Box<dyn Future<Output = Result<bool, ApiError>> + Send>>
        + Send
        + Sync,
>;

/// What routes are made with.
pub struct RoutesParts {
    /// Of the plan whose routes these are.
    pub backend: Backend,
    pub bus: Arc<InvalidationBus>,
    pub sessions: Sessions,
    pub idempotency: Arc<Idempotency>,
    /// Reads profiles that routes answer with; `None`: no upstream serves accounts.
    pub accounts: Option<Accounts>,
    /// `None`: no upstream serves accounts.
    pub ask_account: Option<AskAccount>,
    /// Tells those who listen that something happened. Must not wait.
    pub announce: Box<dyn Fn(Event) + Send + Sync>,
    /// Of keys of files in bodies.
    pub check_file: CheckFile,
    /// Writes run on it.
    pub runtime: Handle,
}

/// Why routes cannot be made of a plan.
#[derive(Debug, thiserror::Error)]
pub enum RoutesError {
    #[error(transparent)]
    Lookup(#[from] UnknownLookup),
    #[error("a code of a refusal or a list of methods")]
    Name(#[from] TransportError),
    #[error("a refusal has the status {0}, which is none of a refusal")]
    Status(u16),
}

/// What callers see of a declared refusal.
#[derive(Debug, Clone, Copy)]
pub(super) struct KnownRefusal {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) detail: &'static str,
}

/// Cheap to clone: one for all workers.
#[derive(Clone)]
pub struct Routes(Arc<Inner>);

struct Inner {
    parts: RoutesParts,
    refusals: HashMap<Box<str>, KnownRefusal>,
    routes: Vec<Arc<Route>>,
}

impl std::ops::Deref for Routes {
    type Target = RoutesParts;
    fn deref(&self) -> &RoutesParts {
        &self.0.parts
    }
}

impl std::fmt::Debug for Routes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Routes").field("backend", &self.0.parts.backend).finish_non_exhaustive()
    }
}

impl Routes {
    /// One for each plan.
    ///
    /// # Errors
    /// [`RoutesError`]: the plan and the settings do not fit.
    pub fn new(parts: RoutesParts) -> Result<Self, RoutesError> {
        let plan = parts.backend.plan();
        let refusals = plan.refusals.iter().map(|(code, plan)| Ok((code.clone(), known(code, plan)?)));
        let refusals = refusals.collect::<Result<_, RoutesError>>()?;
        let routes =
            plan.routes.iter().map(|route| Ok(Arc::new(Route::new(Arc::clone(route), &plan.lookups)?)));
        let routes = routes.collect::<Result<_, RoutesError>>()?;
        Ok(Self(Arc::new(Inner { parts, refusals, routes })))
    }

    /// Of the plan, in its order.
    #[must_use]
    pub fn all(&self) -> &[Arc<Route>] {
        &self.0.routes
    }

    pub(super) fn upstream(&self, id: UpstreamId) -> Result<&Upstream, ApiError> {
        self.backend.upstream(id).ok_or(ApiError::Internal("a plan of another gateway"))
    }

    pub(super) fn refusal(&self, code: &str) -> Option<KnownRefusal> {
        self.0.refusals.get(code).copied()
    }

    /// Runs `work` to its end, whether its caller waits or not: a write that reached its upstream must not leave old
    /// documents behind.
    ///
    /// # Errors
    /// 503 `interrupted`: the process is stopping.
    pub async fn run_detached<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, ApiError> {
        self.runtime.spawn(work).await.map_err(|_| ApiError::Interrupted("a write was lost"))
    }
}

fn known(code: &str, plan: &RefusalPlan) -> Result<KnownRefusal, RoutesError> {
    let status = StatusCode::from_u16(plan.status).ok().filter(StatusCode::is_client_error);
    let status = status.ok_or(RoutesError::Status(plan.status))?;
    Ok(KnownRefusal { status, code: static_name(code)?, detail: schemas::intern(&plan.detail) })
}
