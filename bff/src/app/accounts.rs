//! Which upstream keeps accounts, and what of their profiles may leave the gateway. The one place that says so, until
//! `[accounts]` of the declarations does.

use clients::Clients;
use serde_json::value::RawValue;

use crate::{
    config::Config,
    identity::{
        Accounts,
        FieldKind::{Flag, Id, Text, Time},
        ProfileField, ProfileShape,
    },
};

/// The client of the upstream that keeps accounts. Nothing: none does.
pub(super) fn accounts(config: &Config, clients: &Clients) -> Option<Accounts> {
    // A name that is not among the upstreams is refused with the settings.
    let client = clients.accounts(&config.accounts.upstream)?;
    Some(Accounts::new(client, profile_shape()))
}

/// What the accounts contract names of a user as they see themselves: `schemas::Me`.
fn profile_shape() -> ProfileShape {
    ProfileShape::of([
        ProfileField::required("id", Id),
        ProfileField::required("username", Text),
        ProfileField::required("displayName", Text),
        ProfileField::nullable("avatarUrl", Text),
        ProfileField::nullable("bio", Text),
        ProfileField::required("createdAt", Time),
        ProfileField::required("email", Text),
        ProfileField::required("totpEnabled", Flag).or(RawValue::FALSE.to_owned()),
    ])
}
