//! Sign-up and sign-in, the keys that verify our tokens, and the reference page. Between `edge` and the upstream that keeps
//! accounts.

mod auth;
mod calling;
mod contract;
mod creating;
mod docs;
mod input;
mod jwks;
mod oidc;
mod refusals;
mod state;
mod writing;

pub use auth::{
    confirm_totp, csrf_token, end_session, enrol_totp, issue_tokens, list_sessions, log_in, log_out,
    log_out_everywhere, refresh_tokens, remove_totp, revoke_tokens, session, sign_up,
};
pub use calling::PathId;
pub use contract::describe_accounts;
pub use docs::{Docs, describe_docs, docs};
pub use jwks::{Jwks, jwks};
pub use oidc::{
    Oidc, OidcParts, Provider, backchannel_logout, begin_oidc_login, check_second_factor, finish_oidc_login,
    list_oidc_providers, show_second_factor,
};
pub use state::{Api, ApiParts};
pub use writing::Writer;
