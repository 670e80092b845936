//! What a call needs to know of the request that it serves. Made by the gateway's edge or by a
//! composition, read by the transport.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use schemas::Id;

/// What kind of program the gateway is called by; the `client` claim of a service token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClientKind {
    /// A browser with a cookie session.
    Web,
    /// A mobile app with an access token.
    Mobile,
    /// A server that renders on behalf of a browser.
    Ssr,
    /// The gateway on its own account.
    Internal,
}

impl ClientKind {
    /// The claim's value: `web`, `mobile`, `ssr` or `internal`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Mobile => "mobile",
            Self::Ssr => "ssr",
            Self::Internal => "internal",
        }
    }
}

/// The circumstances of one inbound request or composition. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct CallContext {
    /// Who acts: the service token's `sub`. `None`: nobody.
    pub acting: Option<Id>,
    pub client: ClientKind,
    /// Sent on as `X-Request-Id`.
    pub request_id: Arc<str>,
    /// W3C Trace Context `traceparent` of the gateway's own span; each call gets a child span id.
    pub traceparent: Option<Arc<str>>,
    /// When the answer is of no more use. A call gives up at this time at the latest.
    pub deadline: Instant,
}

impl CallContext {
    /// The same, acting for nobody.
    #[must_use]
    pub fn anonymous(&self) -> Self {
        Self { acting: None, ..self.clone() }
    }

    /// What is left until the deadline; zero when it has passed.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}
