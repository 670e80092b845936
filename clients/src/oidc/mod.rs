//! HTTP with OpenID providers: metadata, keys, the token endpoint, user information. Called by the sign-in handlers
//! of `auth`; what the tokens say, and whether it is true, is decided in `identity`.
//!
//! Nothing is asked before the first sign-in, so that a provider may start later than the gateway.

mod bearer;
mod config;
mod error;
mod metadata;
mod provider;
mod refreshing_value;
mod token;

pub use config::{ClientAuth, OidcProviderConfig, OidcTimes};
pub use error::OidcError;
pub use metadata::ProviderMetadata;
pub use provider::OidcProvider;
pub use token::Redeemed;
