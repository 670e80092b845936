//! The profile service: members, and how they prove who they are.

mod identity;
mod members;
mod passwords;
mod second_factor;
mod sign_in;
mod totp;

use std::sync::Arc;

use actix_web::web::ServiceConfig;
use url::Url;

use crate::{
    db::{Database, Migration},
    http::Routes,
    options::Options,
};

pub(crate) use passwords::{PasswordError, Passwords};

pub(crate) const MIGRATIONS: &[Migration] = &[Migration { sql: include_str!("schema.sql"), fill: None }];

/// What the service works with.
pub(crate) struct Profile {
    pub(crate) db: Database,
    pub(crate) passwords: Passwords,
    assets: Option<Arc<Url>>,
    totp_label: String,
}

impl Profile {
    pub(crate) async fn new(
        db: Database,
        options: &Options,
        assets: Option<Arc<Url>>,
    ) -> Result<Self, PasswordError> {
        let passwords = Passwords::new(options.cheap_passwords).await?;
        Ok(Self { db, passwords, assets, totp_label: options.totp_label.clone() })
    }
}

/// The paths of `clients/contracts/profile.json`. Fixed paths come before `{id}`.
pub(crate) fn routes(config: &mut ServiceConfig) {
    Routes::at("/members").get(members::cards).post(sign_in::sign_up).register(config);
    Routes::at("/members/verify").post(sign_in::verify).register(config);
    Routes::at("/members/by-identity").put(identity::find_or_make).register(config);
    Routes::at("/members/me").get(members::me).patch(members::patch_me).register(config);
    Routes::at("/members/me/totp").post(second_factor::enrol).delete(second_factor::remove).register(config);
    Routes::at("/members/me/totp/confirm").post(second_factor::confirm).register(config);
    Routes::at("/members/me/totp/verify").post(second_factor::verify).register(config);
    Routes::at("/members/{id}").get(members::one).register(config);
}
