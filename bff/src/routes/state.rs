//! What all routes share, made once of a plan and the pieces that it needs.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, LazyLock},
};

use actix_web::http::StatusCode;
use clients::{TransportError, Upstream, Upstreams, static_name};
use moka::sync::Cache;
use parking_lot::Mutex;
use schemas::Event;
use tokio::runtime::Handle;

use super::{
    join::Joiner,
    profile::AskAccount,
    register::{Entry, table},
};
use crate::{
    compose::plan::{GatewayPlan, MemoryId, RefusalPlan, UpstreamId},
    edge::ApiError,
    idempotency::Idempotency,
    identity::{Accounts, Sessions},
    invalidation::InvalidationBus,
};

/// Pairs that one table remembers at most; the least recently used ones go.
const REMEMBERED: u64 = 100_000;

/// What routes are made with.
pub struct RoutesParts {
    pub plan: Arc<GatewayPlan>,
    pub upstreams: Upstreams,
    pub bus: Arc<InvalidationBus>,
    pub sessions: Sessions,
    pub idempotency: Arc<Idempotency>,
    pub joiner: Arc<dyn Joiner>,
    /// Reads profiles that routes answer with; `None`: no upstream serves accounts.
    pub accounts: Option<Accounts>,
    /// `None`: no upstream serves accounts.
    pub ask_account: Option<AskAccount>,
    /// Tells those who listen that something happened. Must not wait.
    pub announce: Box<dyn Fn(Event) + Send + Sync>,
    /// The tables of `remember`, by place in the plan; shared with screens. Missing ones are made.
    pub memories: Vec<Cache<Box<str>, Box<str>>>,
    /// Writes run on it.
    pub runtime: Handle,
}

/// Why routes cannot be made of a plan.
#[derive(Debug, thiserror::Error)]
pub enum RoutesError {
    #[error("the plan names the upstream `{0}`, of which there are no settings")]
    UnknownUpstream(&'static str),
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
    /// By place in the plan.
    upstreams: Box<[Upstream]>,
    refusals: HashMap<Box<str>, KnownRefusal>,
    table: Vec<Entry>,
}

impl std::ops::Deref for Routes {
    type Target = RoutesParts;
    fn deref(&self) -> &RoutesParts {
        &self.0.parts
    }
}

impl std::fmt::Debug for Routes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Routes").field("upstreams", &self.0.upstreams).finish_non_exhaustive()
    }
}

impl Routes {
    /// One for each plan.
    ///
    /// # Errors
    /// [`RoutesError`]: the plan and the settings do not fit.
    pub fn new(mut parts: RoutesParts) -> Result<Self, RoutesError> {
        let named = |name: &&'static str| {
            parts.upstreams.get(name).cloned().ok_or(RoutesError::UnknownUpstream(name))
        };
        let upstreams = parts.plan.upstreams.iter().map(named).collect::<Result<_, _>>()?;
        let refusals = parts.plan.refusals.iter().map(|(code, plan)| Ok((code.clone(), known(code, plan)?)));
        let refusals = refusals.collect::<Result<_, RoutesError>>()?;
        let table = table(&parts.plan)?;
        let tables = parts.plan.memories.len();
        parts.memories.resize_with(tables, || Cache::new(REMEMBERED));
        Ok(Self(Arc::new(Inner { parts, upstreams, refusals, table })))
    }

    pub(super) fn table(&self) -> &[Entry] {
        &self.0.table
    }

    pub(super) fn upstream(&self, id: UpstreamId) -> Result<&Upstream, ApiError> {
        self.0.upstreams.get(id.index()).ok_or(ApiError::Internal("a plan of another gateway"))
    }

    pub(super) fn refusal(&self, code: &str) -> Option<KnownRefusal> {
        self.0.refusals.get(code).copied()
    }

    pub(super) fn remember(&self, table: MemoryId, key: &str, value: &str) {
        if let Some(table) = self.memories.get(table.index()) {
            table.insert(key.into(), value.into());
        }
    }

    pub(super) fn recall(&self, table: MemoryId, key: &str) -> Option<Box<str>> {
        self.memories.get(table.index())?.get(key)
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
    Ok(KnownRefusal { status, code: static_name(code)?, detail: static_detail(&plan.detail) })
}

/// The same text for the life of the process. What an earlier plan said costs nothing, so that a reload adds only what the
/// operator has newly written.
fn static_detail(detail: &str) -> &'static str {
    static DETAILS: LazyLock<Mutex<HashSet<&'static str>>> = LazyLock::new(Mutex::default);
    let mut details = DETAILS.lock();
    if let Some(known) = details.get(detail) {
        return known;
    }
    let leaked: &'static str = Box::leak(detail.into());
    details.insert(leaked);
    leaked
}
