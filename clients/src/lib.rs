//! Calls to the upstream services: the last step of a request's way through the gateway.
//!
//! Called by `screens`, `api` and `identity` of the gateway; below it are only the upstreams themselves.
//! There is one client for each upstream and one [`CallContext`] for each inbound request. A client's
//! seam is its base URL: tests point it at a server of their own.
//!
//! An upstream never sees the caller's cookie or token. It sees a service token for itself alone (see
//! [`ServiceTokens`]), a request id, a trace parent and how long the gateway is going to wait.

mod accounts;
mod batch;
mod context;
mod error;
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

use std::sync::Arc;

use tokio::runtime::Handle;

pub use accounts::AccountsClient;
pub use context::{CallContext, ClientKind};
pub use error::{BodyFault, Problem, Refusal, UpstreamError};
pub use oidc::{
    ClientAuth, OidcError, OidcProvider, OidcProviderConfig, OidcTimes, ProviderMetadata, Redeemed,
};
pub use profile::ProfileClient;
pub use recipe::{RecipeClient, RecipeQuery, RecipeSort};
pub use report::{CallReport, Observer};
pub use service_token::ServiceTokens;
pub use signing::{KeyError, KeyRing, KeyState, KeySummary, KeyTimes, Reloaded};
pub use timeline::TimelineClient;
pub use transport::{TlsFiles, TransportError, UpstreamConfig, Webhook, WebhookError};

use transport::Transport;

/// The clients of all upstreams. Cloning is cheap and shares connections, limits and batches.
#[derive(Clone)]
pub struct Clients {
    pub profile: ProfileClient,
    pub timeline: TimelineClient,
    pub recipe: RecipeClient,
    transports: [Transport; 3],
}

impl Clients {
    /// Connections are opened and driven on `runtime`, whichever thread asks: a worker that stops or is
    /// busy never takes a pooled connection down with it. `observer` is told of every call once. No
    /// network is touched here.
    ///
    /// # Errors
    /// [`TransportError`] when a URL or a limit cannot be used, or TLS cannot be set up.
    pub fn new(
        runtime: Handle,
        profile: UpstreamConfig,
        timeline: UpstreamConfig,
        recipe: UpstreamConfig,
        tokens: Arc<ServiceTokens>,
        observer: Observer,
    ) -> Result<Self, TransportError> {
        let transport =
            |config| Transport::new(runtime.clone(), config, Arc::clone(&tokens), Arc::clone(&observer));
        let transports = [transport(profile)?, transport(timeline)?, transport(recipe)?];
        let [profile, timeline, recipe] = transports.clone();
        Ok(Self {
            profile: ProfileClient::new(profile),
            timeline: TimelineClient::new(timeline),
            recipe: RecipeClient::new(recipe),
            transports,
        })
    }

    /// The client of the accounts contract, of the upstream of that name. Nothing: there is no such upstream.
    #[must_use]
    pub fn accounts(&self, upstream: &str) -> Option<AccountsClient> {
        let transport = self.transports.iter().find(|transport| transport.name() == upstream)?;
        Some(AccountsClient::new(transport.clone()))
    }

    /// Reads every upstream's certificates again; those that are others than before count from now on, and calls
    /// in flight are not disturbed. Answers whose have changed, and what could not be used: there, those of before
    /// count on. Blocks on files.
    #[must_use]
    pub fn reload_certificates(&self) -> Vec<Result<&'static str, TransportError>> {
        let reloaded =
            self.transports.iter().map(|transport| (transport.name(), transport.reload_certificates()));
        reloaded
            .filter_map(|(name, changed)| changed.map(|changed| changed.then_some(name)).transpose())
            .collect()
    }
}
