//! Reads and writes that pass through, sign-up and sign-in, the keys that verify our tokens, and the reference page. Between `edge`
//! and the upstream clients. One file for each resource; what they have in common:
//!
//! - [`Reader`]: who reads, for themselves or for nobody, authors beside what they wrote, validators;
//! - [`Writer`]: who writes. A write runs to its end whatever the caller does, and drops what it made old before
//!   its answer is sent;
//! - [`Idempotency`](crate::idempotency::Idempotency): a POST with an `Idempotency-Key` is carried out once.

mod auth;
mod calling;
mod comments;
mod contract;
mod creating;
mod docs;
mod follows;
mod ingredients;
mod input;
mod jwks;
mod me;
mod oidc;
mod posts;
mod reading;
mod recipes;
mod refusals;
mod state;
mod tags;
mod writing;

pub use auth::{
    confirm_totp, csrf_token, end_session, enrol_totp, issue_tokens, list_sessions, log_in, log_out,
    log_out_everywhere, refresh_tokens, remove_totp, revoke_tokens, session, sign_up,
};
pub use calling::PathId;
pub use comments::{
    create_comment, delete_comment, edit_comment, like_comment, list_comments, unlike_comment,
};
pub use contract::{describe, describe_accounts};
pub use docs::{Docs, describe_docs, docs};
pub use follows::{follow, unfollow};
pub use ingredients::list_ingredients;
pub use jwks::{Jwks, jwks};
pub use me::{change_me, read_me};
pub use oidc::{
    Oidc, OidcParts, Provider, backchannel_logout, begin_oidc_login, check_second_factor, finish_oidc_login,
    list_oidc_providers, show_second_factor,
};
pub use posts::{create_post, delete_post, like_post, unlike_post};
pub use reading::Reader;
pub use recipes::{
    create_recipe, delete_recipe, like_recipe, list_recipes, read_recipe, recipe_form, replace_recipe,
    unlike_recipe,
};
pub use state::{Announce, Api, ApiParts, TypedParts};
pub use writing::Writer;
