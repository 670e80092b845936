//! Sign-in with OpenID Connect: what is decided without HTTP. Called by the handlers in `auth`, which send people to the
//! provider and take them back; what is asked of a provider itself is in `clients`.
//!
//! ```text
//! login      ReturnTo::parse -> Attempt::begin -> Attempts::seal (a cookie; nothing is stored)
//! callback   Attempts::open -> ProviderSessions::spend -> verify_id_token -> Sessions::create -> ProviderSessions::link
//!            of a member with a second factor: -> Attempts::seal_second_step (a cookie; nothing is stored)
//! code       Attempts::open_second_step -> SignInThrottle -> ProviderSessions::spend -> Sessions::create -> link
//! logout     verify_logout_token -> ProviderSessions::sign_out -> Sessions::end
//! ```

mod attempt;
mod claims;
mod jwt;
mod links;
pub(super) mod names;
mod return_to;
mod sealing;
mod second_step;
#[cfg(test)]
mod tests;
mod tokens;

pub use attempt::Attempt;
pub use claims::Person;
pub use jwt::TokenFault;
pub use links::ProviderSessions;
pub use return_to::ReturnTo;
pub use sealing::Attempts;
pub use second_step::SecondStep;
pub use tokens::{Client, IdToken, LogoutToken, verify_id_token, verify_logout_token};
