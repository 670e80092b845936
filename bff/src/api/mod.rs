//! Reads and writes that pass through, sign-up and sign-in, and the keys that verify our tokens. Between `edge`
//! and the upstream clients; a write drops what it made old before its answer is sent.

mod auth;
mod follows;
mod input;
mod jwks;
mod posts;
mod recipes;
mod writing;

pub use auth::{csrf_token, log_in, log_out, session, sign_up};
pub use follows::{follow, unfollow};
pub use jwks::{Jwks, jwks};
pub use posts::{create_post, delete_post};
pub use recipes::create_recipe;
pub use writing::{Api, ApiParts};
