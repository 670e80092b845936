//! Which upstream keeps accounts, and what of their profiles may leave the gateway: what its contract names of a user as
//! they see themselves.

use clients::Upstreams;
use serde_json::value::to_raw_value;

use crate::{
    auth::{AccountsSource, MemberCalls},
    compose::scan::Types,
    config::Config,
    declare::{
        Declarations,
        contract::{Contract, Schema, SchemaId},
    },
    identity::{Accounts, AccountsOffer, ClaimMap, FieldKind, OptionalCall, ProfileField, ProfileShape},
};

/// The operations of the accounts contract that answer with a profile.
const ANSWERS_WITH_PROFILE: [(&str, &str); 3] =
    [("POST", "/members/verify"), ("GET", "/members/me"), ("POST", "/members")];

/// Where accounts are.
pub(super) fn source(config: &Config, upstreams: &Upstreams, declarations: &Declarations) -> AccountsSource {
    let claims = ClaimMap::declared(&declarations.compile().claims);
    let calls = MemberCalls::new(declarations.compile(), upstreams.clone());
    AccountsSource { accounts: accounts(config, upstreams, declarations), claims, calls }
}

/// The client of the upstream that keeps accounts. Nothing: none does.
pub(super) fn accounts(
    config: &Config,
    upstreams: &Upstreams,
    declarations: &Declarations,
) -> Option<Accounts> {
    let name = &config.accounts.upstream;
    // A name that is not among the upstreams is refused with the settings.
    let client = upstreams.accounts(name)?;
    let contract = declarations.contract(name);
    let shape = contract.and_then(profile_shape).unwrap_or_else(ProfileShape::open);
    let offer = contract.map_or_else(AccountsOffer::whole, offer);
    Some(Accounts::new(client, shape, offer))
}

/// What of the accounts contract `contract` has.
fn offer(contract: &Contract) -> AccountsOffer {
    let at = |path: &str| contract.operations().find(|one| one.method == "POST" && one.path == path);
    let calls = OptionalCall::ALL.into_iter().filter(|call| at(call.path()).is_some());
    AccountsOffer::of(calls, at("/members/me/totp").is_some_and(|begin| begin.body.is_some()))
}

/// What `contract` names of a profile; nothing where it leaves open what a profile is.
fn profile_shape(contract: &Contract) -> Option<ProfileShape> {
    let schema = ANSWERS_WITH_PROFILE.iter().find_map(|(method, path)| {
        let mut operations = contract.operations();
        let operation = operations.find(|one| one.method == *method && one.path == *path)?;
        operation.success()?.json()?.schema
    })?;
    let profile = contract.schemas().get(schema);
    if profile.is_open() {
        return None;
    }
    let fields = profile.properties.iter().filter(|(_, id)| !contract.schemas().get(**id).write_only);
    Some(ProfileShape::of(fields.map(|(name, id)| field(contract, profile, name, *id))))
}

fn field(contract: &Contract, profile: &Schema, name: &str, id: SchemaId) -> ProfileField {
    let schema = contract.schemas().get(id);
    let only = |types: Types| schema.types.allow(types) && schema.types != Types::ANY;
    let kind = match schema.format.as_deref() {
        _ if name == "id" => FieldKind::Id,
        Some("date-time") if only(Types::STRING) => FieldKind::Time,
        _ if only(Types::STRING) => FieldKind::Text,
        _ if only(Types::BOOLEAN) => FieldKind::Flag,
        _ => FieldKind::Any,
    };
    let field = match schema.is_nullable() {
        true => ProfileField::nullable(name, kind),
        false => ProfileField::required(name, kind),
    };
    match schema.default.as_ref().and_then(|value| to_raw_value(value).ok()) {
        Some(value) => field.or(value),
        None if !schema.is_nullable() && !profile.required.contains(name) => field.optional(),
        None => field,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::{Value, json};

    use super::*;

    fn read(profile: &Value) -> Option<Value> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../clients/contracts/profile.json");
        let shape = profile_shape(&Contract::read(&path).expect("a contract")).expect("a shape");
        let document = shape.read(&serde_json::to_vec(profile).expect("JSON")).ok()?;
        Some(serde_json::from_str(document.json().get()).expect("JSON"))
    }

    #[test]
    fn what_the_contract_names_of_a_profile_is_what_leaves_of_it() {
        let whole = json!({
            "id": "a", "username": "ada", "displayName": "Ada", "avatarUrl": null, "bio": null,
            "createdAt": "2026-01-02T03:04:05Z", "email": "a@b.c", "totpEnabled": true,
        });
        assert_eq!(read(&whole), Some(whole.clone()));
        let mut more = whole.clone();
        more["passwordHash"] = json!("x");
        assert_eq!(read(&more), Some(whole.clone()), "what the contract does not name stays inside");
        for (field, value) in
            [("id", json!(7)), ("createdAt", json!("yesterday")), ("totpEnabled", json!("yes"))]
        {
            let mut wrong = whole.clone();
            wrong[field] = value;
            assert_eq!(read(&wrong), None, "{field}");
        }
        let mut less = whole.clone();
        less.as_object_mut().expect("an object").remove("bio");
        assert_eq!(read(&less), Some(whole), "an absent nullable field is null");
    }
}
