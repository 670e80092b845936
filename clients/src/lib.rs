//! Calls to the upstream services: the last step of a request's way through the gateway.
//!
//! Called by `compose`, `screens`, `api` and `identity` of the gateway; below it are only the upstreams themselves.
//! There is one [`Upstream`] for each service, found by name in [`Upstreams`], and one [`CallContext`] for each inbound
//! request. An upstream's seam is its base URL: tests point it at a server of their own.
//!
//! An upstream never sees the caller's cookie or token. It sees a service token for itself alone (see
//! [`ServiceTokens`]), a request id, a trace parent and how long the gateway is going to wait.

mod accounts;
mod batch;
mod context;
mod error;
mod lookup;
mod names;
mod oidc;
mod profile;
mod recipe;
mod report;
mod service_token;
mod signing;
#[cfg(test)]
mod tests;
mod timeline;
mod transport;
mod upstreams;

use std::sync::Arc;

use tokio::runtime::Handle;

pub use accounts::AccountsClient;
pub use context::{CallContext, ClientKind};
pub use error::{BodyFault, Problem, Refusal, StreamError, UpstreamError};
pub use lookup::{Found, LookupBatcher, LookupMode};
pub use names::static_name;
pub use oidc::{
    ClientAuth, OidcError, OidcProvider, OidcProviderConfig, OidcTimes, ProviderMetadata, Redeemed,
};
pub use profile::ProfileClient;
pub use recipe::{RecipeClient, RecipeQuery, RecipeSort};
pub use report::{CallReport, Observer};
pub use service_token::ServiceTokens;
pub use signing::{KeyError, KeyRing, KeyState, KeySummary, KeyTimes, Reloaded};
pub use timeline::TimelineClient;
pub use transport::{
    AnswerBody, Authority, Authorization, RawAnswer, RawCall, StreamCall, StreamLimits, StreamedAnswer,
    TlsFiles, TransportError, Upload, Upstream, UpstreamConfig, Webhook, WebhookError,
};
pub use upstreams::Upstreams;

/// The upstreams, and the typed clients of the three that the recipe book has. Cloning is cheap and shares
/// connections, limits and batches.
#[derive(Clone)]
pub struct Clients {
    pub profile: ProfileClient,
    pub timeline: TimelineClient,
    pub recipe: RecipeClient,
    upstreams: Upstreams,
}

impl Clients {
    /// As [`Upstreams::new`].
    ///
    /// # Errors
    /// As there, and [`TransportError::Missing`] when `profile`, `timeline` or `recipe` is not among them.
    pub fn new(
        runtime: &Handle,
        configs: impl IntoIterator<Item = UpstreamConfig>,
        tokens: &Arc<ServiceTokens>,
        observer: &Observer,
    ) -> Result<Self, TransportError> {
        let upstreams = Upstreams::new(runtime, configs, tokens, observer)?;
        Self::of(upstreams).ok_or(TransportError::Missing { upstream: "profile" })
    }

    /// The typed clients of `upstreams`. Nothing where one of the three is not among them.
    #[must_use]
    pub fn of(upstreams: Upstreams) -> Option<Self> {
        let named = |name| upstreams.get(name).cloned();
        Some(Self {
            profile: ProfileClient::new(named("profile")?),
            timeline: TimelineClient::new(named("timeline")?),
            recipe: RecipeClient::new(named("recipe")?),
            upstreams,
        })
    }

    /// All upstreams.
    #[must_use]
    pub fn upstreams(&self) -> &Upstreams {
        &self.upstreams
    }

    /// The upstream of this name.
    #[must_use]
    pub fn upstream(&self, name: &str) -> Option<&Upstream> {
        self.upstreams.get(name)
    }

    /// As [`Upstreams::reload_files`].
    #[must_use]
    pub fn reload_files(&self) -> Vec<Result<&'static str, TransportError>> {
        self.upstreams.reload_files()
    }
}
