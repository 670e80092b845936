//! Sign-ins of apps: a family of refresh tokens, one of which is current, and the access tokens that vouch for it.
//! `/auth/token` makes a family, `/auth/refresh` takes its current token for the next pair, and every request that
//! bears an access token asks [`AppTokens::peek_access`].
//!
//! A family is one record of the store, changed by compare-and-swap alone, so that of many refreshes with one token on
//! any replica one makes the successor. The others, and whoever lost the answer, get the very same pair for a while
//! (RFC 9700 section 4.14.2 has the rotation; the retry window is what keeps it from signing people out). After that
//! window the parent of the current token gets the current token again, with a new access token, for as long as
//! nothing shows that the answer arrived: neither was the current token refreshed with, nor an access token used that
//! was given out with it. Any other use of a spent token ends the family.
//!
//! Why the access token counts as well: app and thief who hold the same token would both refresh when their access
//! tokens expire, each between two refreshes of the other, and get the same successor again and again unnoticed. A
//! refresh is known to the next one from the record, and the first use of an access token at a replica costs one read
//! of it and, once for each refresh, one write.

mod access;
mod app_tokens;
mod choose;
mod error;
mod pair;
mod policy;
mod record;
mod refresh;
mod state;
#[cfg(test)]
pub(super) mod tests;
mod token;

pub use app_tokens::{AppTokens, AppTokensParts};
pub use error::RefreshError;
pub use pair::TokenPair;
pub use policy::TokenPolicy;
pub(super) use record::Family;
