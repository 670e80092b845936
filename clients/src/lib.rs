//! Calls to the upstream services: the last step of a request's way through the gateway.
//!
//! Called by `compose`, `routes`, `auth` and `identity` of the gateway; below it are only the upstreams themselves.
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
mod report;
mod service_token;
mod signing;
#[cfg(test)]
mod tests;
mod transport;
mod upstreams;

pub use accounts::AccountsClient;
pub use context::{CallContext, ClientKind};
pub use error::{BodyFault, Problem, Refusal, StreamError, UpstreamError};
pub use lookup::{Found, LookupBatcher, LookupMode};
pub use names::static_name;
pub use oidc::{
    ClientAuth, OidcError, OidcProvider, OidcProviderConfig, OidcTimes, ProviderMetadata, Redeemed,
};
pub use report::{CallReport, Observer};
pub use service_token::ServiceTokens;
pub use signing::{KeyError, KeyRing, KeyState, KeySummary, KeyTimes, Reloaded};
pub use transport::{
    AnswerBody, Authority, Authorization, RawAnswer, RawCall, SendError, StorageAnswer, StorageHttp,
    StorageHttpError, StoragePieces, StreamCall, StreamLimits, StreamedAnswer, TlsFiles, TransportError,
    Upload, Upstream, UpstreamConfig, Webhook, WebhookError,
};
pub use upstreams::Upstreams;
