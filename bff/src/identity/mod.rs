//! Who is asking. `edge` hands over a cookie, this module answers with the [`Session`] behind it and so with
//! the [`Caller`] that screens and api see; CSRF is decided here as well. Knows nothing of actix.
//!
//! ```text
//! Cookie header -> cookie::find -> Sessions::peek (near cache) or Sessions::load (store) -> Caller
//! unsafe method -> CsrfGuard::decide
//! ```

mod address;
mod caller;
mod cookie;
mod csrf;
mod error;
mod near;
mod origins;
mod record;
mod secrets;
mod session;
mod sessions;
#[cfg(test)]
mod sessions_tests;

pub use address::{client_label, mask_address};
pub use caller::{Caller, nobodys_call_context};
pub use cookie::{CookieSettings, SameSite, find_cookie};
pub use csrf::{CsrfGuard, CsrfHeaders, CsrfKeys, CsrfRefusal};
pub use error::IdentityError;
pub use origins::{AllowedOrigins, InvalidOrigin};
pub use secrets::{DerivedKey, Secrets};
pub use session::{Session, SessionKey, SessionPolicy, SessionSummary};
pub use sessions::{NewSession, Sessions};
