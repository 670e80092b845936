//! The answer of this module: who asks, and through which kind of client.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use clients::{CallContext, ClientKind};
use schemas::Id;

use super::Session;

/// A signed-in caller.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The acting user: `sub` of the service tokens made for this request.
    pub user: Id,
    /// The session that vouches for the user.
    pub session: Arc<Session>,
    /// Which kind of front-end asks.
    pub client: ClientKind,
}

impl Caller {
    /// The browser behind `session`.
    #[must_use]
    pub fn of_browser(session: Arc<Session>) -> Self {
        Self::new(session, ClientKind::Web)
    }

    /// The server that renders for the browser behind `session`.
    #[must_use]
    pub fn of_server(session: Arc<Session>) -> Self {
        Self::new(session, ClientKind::Ssr)
    }

    /// The app behind `session`.
    #[must_use]
    pub fn of_app(session: Arc<Session>) -> Self {
        Self::new(session, ClientKind::Mobile)
    }

    /// What calls to upstreams on behalf of this caller bear, with `budget` from now on.
    #[must_use]
    pub fn call_context(
        &self,
        request_id: &str,
        traceparent: Option<Arc<str>>,
        budget: Duration,
    ) -> CallContext {
        CallContext {
            acting: Some(self.user.clone()),
            client: self.client,
            request_id: request_id.into(),
            traceparent,
            deadline: Instant::now() + budget,
        }
    }

    /// The caller behind `session`.
    #[must_use]
    pub fn new(session: Arc<Session>, client: ClientKind) -> Self {
        Self { user: session.user.clone(), session, client }
    }
}

/// What calls to upstreams bear on behalf of somebody who is not signed in, with `budget` from now on.
#[must_use]
pub fn nobodys_call_context(
    request_id: &str,
    traceparent: Option<Arc<str>>,
    budget: Duration,
) -> CallContext {
    CallContext {
        acting: None,
        client: ClientKind::Web,
        request_id: request_id.into(),
        traceparent,
        deadline: Instant::now() + budget,
    }
}
