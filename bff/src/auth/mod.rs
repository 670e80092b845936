//! Sign-up and sign-in, the keys that verify our tokens, and the reference page. Between `edge` and the upstream that keeps
//! accounts.

mod answer;
mod arrival;
mod calling;
mod contract;
mod cookies;
mod creating;
mod input;
mod jwks;
mod oidc;
mod refusals;
mod second_factor;
mod sessions;
mod sign_in;
mod sign_out;
mod state;
mod tokens;
mod writing;

pub use calling::PathId;
pub use contract::describe_accounts;
pub use jwks::{Jwks, jwks};
pub use oidc::{
    Oidc, OidcParts, Provider, backchannel_logout, begin_oidc_login, check_second_factor, finish_oidc_login,
    list_oidc_providers, show_second_factor,
};
pub use second_factor::{confirm_totp, enrol_totp, remove_totp};
pub use sessions::{csrf_token, end_session, list_sessions, log_out, log_out_everywhere, session};
pub use sign_in::{log_in, sign_up};
pub use state::{Api, ApiParts};
pub use tokens::{issue_tokens, refresh_tokens, revoke_tokens};
pub use writing::Writer;
