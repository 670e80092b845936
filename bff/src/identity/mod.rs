//! Who is asking. `edge` hands over a cookie or an access token, this module answers with the [`Session`] behind it and
//! so with the [`Caller`] that screens and api see; CSRF is decided here as well. Knows nothing of actix.
//!
//! ```text
//! Cookie header -> cookie::find -> Sessions::recall (near cache) or Sessions::load (store) -> Caller
//! Authorization -> AppTokens::peek_access (near cache) or AppTokens::load_access (store) -> Caller
//! unsafe method of a cookie's bearer -> CsrfGuard::decide
//! ```

mod account_offer;
mod accounts;
mod address;
mod caller;
mod cookie;
mod csrf;
mod error;
mod families;
mod limits;
mod near;
pub mod oidc;
mod origins;
mod own_account;
mod profile;
mod record;
mod secrets;
mod session;
mod sessions;
mod throttle;

pub use account_offer::{AccountsOffer, OptionalCall};
pub use accounts::Accounts;
pub use address::{client_label, mask_address};
pub use caller::{Caller, nobodys_call_context};
pub use cookie::{CookieSettings, CookieValues, SameSite, cookie_values, find_cookie};
pub use csrf::{CsrfGuard, CsrfHeaders, CsrfKeys, CsrfRefusal};
pub use error::IdentityError;
#[cfg(test)]
pub(crate) use families::tests::trial_tokens;
pub use families::{AppTokens, AppTokensParts, RefreshError, TokenPair, TokenPolicy};
pub use limits::{Charge, Limit, LimitPolicy, Limits, Principal, Reservation, Tier};
pub use origins::{AllowedOrigins, InvalidOrigin, origin_of};
pub use profile::{
    ClaimMap, FieldKind, MAX_PROFILE_BYTES, NoUserError, ProfileDocument, ProfileField, ProfileShape,
};
pub use secrets::{DerivedKey, Secrets};
pub use session::{Session, SessionKey, SessionKind, SessionPolicy, SessionSummary};
#[cfg(test)]
pub(crate) use sessions::tests::{TrialStore, member};
pub use sessions::{Ended, NewSession, Recalled, Sessions};
pub use throttle::{Attempt, SignInThrottle, Subject, ThrottleError, ThrottlePolicy, ThrottledBy};
