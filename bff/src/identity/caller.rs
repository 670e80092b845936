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

/// Whoever asks, signed in or not: for what is open to everybody.
#[derive(Debug, Clone)]
pub enum Principal {
    /// Nobody is signed in. All such callers see the same.
    Anonymous(ClientKind),
    /// Signed in.
    SignedIn(Caller),
}

impl Principal {
    /// The acting user, if any.
    #[must_use]
    pub fn user(&self) -> Option<&Id> {
        self.caller().map(|caller| &caller.user)
    }

    /// The signed-in caller, if any.
    #[must_use]
    pub fn caller(&self) -> Option<&Caller> {
        match self {
            Self::Anonymous(_) => None,
            Self::SignedIn(caller) => Some(caller),
        }
    }

    /// Which kind of front-end asks.
    #[must_use]
    pub fn client(&self) -> ClientKind {
        match self {
            Self::Anonymous(client) => *client,
            Self::SignedIn(caller) => caller.client,
        }
    }
}
