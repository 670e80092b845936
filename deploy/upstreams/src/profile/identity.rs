//! Members who come through an OpenID provider.

use actix_web::{HttpRequest, HttpResponse, web::Data};
use rusqlite::{OptionalExtension, Transaction, params};
use schemas::{ByIdentity, Me};
use url::Url;

use super::{
    Profile, members,
    rules::is_email,
    sign_in::{NewMember, email_taken, insert, username_taken},
};
use crate::{
    db::now,
    http::{Accounts, Checks, Failure, Json, ok},
};

/// `PUT /members/by-identity`: the member behind an identity, made at the first time.
///
/// An address that a member has already does not lead to that member: nobody here has proved that it is
/// theirs, and whoever signed up with a stranger's address would share the account. The new member then
/// has none.
pub(super) async fn find_or_make(
    state: Data<Profile>,
    request: HttpRequest,
    _: Accounts,
    Json(input): Json<ByIdentity>,
) -> Result<HttpResponse, Failure> {
    let mut checks = Checks::default();
    checks.text("issuer", &input.issuer, 1, 512);
    checks.text("subject", &input.subject, 1, 255);
    if input.email.as_deref().is_some_and(|email| !is_email(email)) {
        checks.refuse("email", "invalid_email", "is not an e-mail address of at most 254 characters");
    }
    checks.done()?;
    let assets = state.assets.clone();
    let me = state.db.write(move |tx| member_behind(tx, &input, assets.as_deref())).await?;
    Ok(ok(&request, &me))
}

fn member_behind(tx: &Transaction<'_>, input: &ByIdentity, assets: Option<&Url>) -> Result<Me, Failure> {
    let mut find = tx.prepare_cached("SELECT member_id FROM identities WHERE issuer = ? AND subject = ?")?;
    let known: Option<String> =
        find.query_row([&input.issuer, &input.subject], |row| row.get(0)).optional()?;
    let id = match known {
        Some(id) => id,
        None => make(tx, input)?,
    };
    members::read(tx, &id, assets)
}

fn make(tx: &Transaction<'_>, input: &ByIdentity) -> Result<String, Failure> {
    let email = match input.email.as_deref() {
        Some(email) if !email_taken(tx, email)? => Some(email),
        _ => None,
    };
    let username = free_username(tx, input)?;
    let given = input.name.as_deref().map(display_name).filter(|name| !name.is_empty());
    let member = NewMember {
        email,
        username: &username,
        display_name: given.as_deref().unwrap_or(&username),
        password_hash: None,
        email_confirmed: email.is_some(),
    };
    let id = insert(tx, &member)?;
    tx.execute(
        "INSERT INTO identities (issuer, subject, member_id, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?4)",
        params![input.issuer, input.subject, id, now()],
    )?;
    Ok(id)
}

/// What a provider calls a person, cut to what a display name may be.
fn display_name(name: &str) -> String {
    let plain: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
    plain.trim().to_owned()
}

/// Out of the address or the name, with a number where somebody has it.
fn free_username(tx: &Transaction<'_>, input: &ByIdentity) -> Result<String, Failure> {
    let local = input.email.as_deref().and_then(|email| email.split('@').next());
    let wish = local.or(input.name.as_deref()).map(slug).unwrap_or_default();
    let stem = if wish.len() < 3 { "member".to_owned() } else { wish };
    if !username_taken(tx, &stem)? {
        return Ok(stem);
    }
    // Random digits end this soon; counting up would walk over all the earlier ones.
    loop {
        let number = uuid::Uuid::new_v4().as_u128() % 1_000_000_000;
        let name = format!("{stem}-{number}");
        if !username_taken(tx, &name)? {
            return Ok(name);
        }
    }
}

/// At most 20 characters, which leaves room for a number.
fn slug(text: &str) -> String {
    let allowed = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    text.chars().filter(allowed).take(20).collect()
}
