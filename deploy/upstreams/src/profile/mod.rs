//! The profile service: members, and how they prove who they are.

mod credentials;
mod deletion;
mod email;
mod identity;
mod link_tokens;
pub(crate) mod mail;
mod members;
mod password;
mod passwords;
mod randomness;
mod rules;
mod sealing;
mod second_factor;
mod sign_in;
mod state;
mod totp;

pub(crate) use sealing::SealingError;
pub(crate) use state::{Profile, ProfileError};

use actix_web::web::ServiceConfig;

use crate::{db::Migration, http::Routes};

pub(crate) use passwords::PasswordError;

pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration { sql: include_str!("schema.sql"), fill: None },
    Migration { sql: include_str!("schema_2.sql"), fill: None },
];

/// The paths of `clients/contracts/profile.json`. Fixed paths come before `{id}`.
pub(crate) fn routes(config: &mut ServiceConfig) {
    Routes::at("/members").get(members::cards).post(sign_in::sign_up).register(config);
    Routes::at("/members/verify").post(sign_in::verify).register(config);
    Routes::at("/members/by-identity").put(identity::find_or_make).register(config);
    Routes::at("/members/password/forgot").post(password::forgot).register(config);
    Routes::at("/members/password/reset").post(password::reset).register(config);
    Routes::at("/members/password/reset/check").post(password::check_reset).register(config);
    Routes::at("/members/email/confirm").post(email::confirm).register(config);
    Routes::at("/members/me").get(members::me).patch(members::patch_me).register(config);
    Routes::at("/members/me/password").post(password::change).register(config);
    Routes::at("/members/me/email").post(email::change).register(config);
    Routes::at("/members/me/totp").post(second_factor::enrol).delete(second_factor::remove).register(config);
    Routes::at("/members/me/totp/confirm").post(second_factor::confirm).register(config);
    Routes::at("/members/me/totp/verify").post(second_factor::verify).register(config);
    Routes::at("/members/{id}").get(members::one).delete(deletion::delete_member).register(config);
    Routes::at("/members/{id}/export").get(deletion::export).register(config);
}
