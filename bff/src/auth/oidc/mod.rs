//! `/auth/oidc`: sign-in through OpenID providers (OpenID Connect Core 1.0, authorization code with PKCE), and sign-out
//! when a provider says so. The rules are in `identity`, the calls to providers in `clients`; here is the way of the
//! browser between them.

mod callback;
mod contract;
mod list;
mod login;
mod logout;
mod provider;
mod refusals;
mod second_factor;
mod state;

pub(super) use contract::serve;

pub use provider::Provider;
pub use state::{Oidc, OidcParts};
