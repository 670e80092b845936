//! Sign-up, and proving who one is.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web::Data};
use rusqlite::{OptionalExtension, Transaction, named_params};
use schemas::{Credentials, Id, Me, SignUp};

use super::{
    Profile,
    credentials::BAD_CREDENTIALS,
    mail::{Kind, Language, Mail},
    members,
    rules::{is_email, is_username, password_length},
    second_factor,
};
use crate::{
    db::Stamp,
    http::{Accounts, Checks, Failure, Json, created, ok},
};

/// `POST /members`.
pub(super) async fn sign_up(
    state: Data<Profile>,
    _: Accounts,
    Language(locale): Language,
    Json(input): Json<SignUp>,
) -> Result<HttpResponse, Failure> {
    check(&input)?;
    let hash = state.passwords.hash(input.password).await?;
    let (email, username, assets) = (input.email, input.username, state.assets.clone());
    let me: Me = state
        .db
        .write(move |tx| {
            refuse_taken(tx, &email, &username)?;
            let member = NewMember {
                email: Some(&email),
                username: &username,
                display_name: &username,
                password_hash: Some(&hash),
                email_confirmed: false,
            };
            let id = insert(tx, &member)?;
            Mail::asked_for(Kind::ConfirmEmail, &email, locale).post(tx, Some(&id))?;
            members::read(tx, &id, assets.as_deref())
        })
        .await?;
    state.mailer.wake();
    Ok(created(format!("/members/{}", me.id), &me))
}

/// `POST /members/verify`. An unknown account takes the time of a known one. How often one may try is
/// the gateway's to limit: it sees the address behind the call.
pub(super) async fn verify(
    state: Data<Profile>,
    request: HttpRequest,
    _: Accounts,
    Json(input): Json<Credentials>,
) -> Result<HttpResponse, Failure> {
    let mut checks = Checks::default();
    checks.text("login", &input.login, 1, 254);
    password_length(&mut checks, "password", &input.password, 1);
    checks.done()?;
    let Credentials { login, password, otp } = input;
    let Account { id, password_hash, totp_enabled } = state.db.read(move |tx| find(tx, &login)).await?;
    let right = state.passwords.matches(password, password_hash).await?;
    let Some(id) = id.clone().filter(|_| right) else { return Err(BAD_CREDENTIALS.of_account(id)) };
    if totp_enabled {
        let checked = second_factor::check(&state, id.clone(), otp).await;
        checked.map_err(|failure| gone_is_nobody(failure).of_account(Some(id.clone())))?;
    }
    let me = members::load(&state, id).await.map_err(gone_is_nobody)?;
    Ok(ok(&request, &me))
}

/// A member who was deleted while the password was checked is nobody any more.
fn gone_is_nobody(failure: Failure) -> Failure {
    match failure {
        Failure::Refused { status: StatusCode::NOT_FOUND, .. } => BAD_CREDENTIALS.of_account(None),
        failure => failure,
    }
}

/// Who may sign in under a login: a member, or nobody, whose password is always wrong.
struct Account {
    id: Option<Id>,
    password_hash: Option<String>,
    totp_enabled: bool,
}

/// Asks the database as often for a login that nobody has as for one that somebody has.
fn find(tx: &Transaction<'_>, login: &str) -> Result<Account, Failure> {
    // A user name has no @, so that no login can mean two accounts.
    let by = if login.contains('@') { "email_key" } else { "username" };
    let login = if login.contains('@') { login.to_lowercase() } else { login.to_owned() };
    // The index has the ids: the member's row is read afterwards, or looked for.
    let mut statement = tx.prepare_cached(&format!("SELECT id FROM members WHERE {by} = ?"))?;
    let id = statement.query_row([login], |row| crate::db::id_at(row, 0)).optional()?;
    let mut statement = tx.prepare_cached("SELECT password_hash, totp_enabled FROM members WHERE id = ?")?;
    let known =
        statement.query_row([id.as_ref().map_or("", Id::as_str)], |row| Ok((row.get(0)?, row.get(1)?)));
    let (password_hash, totp_enabled) = known.optional()?.unwrap_or_default();
    Ok(Account { id, password_hash, totp_enabled })
}

fn refuse_taken(tx: &Transaction<'_>, email: &str, username: &str) -> Result<(), Failure> {
    let conflict = |code, detail| Err(Failure::refused(StatusCode::CONFLICT, code, detail));
    if email_taken(tx, email)? {
        return conflict("email_taken", "Somebody has signed up with that address.");
    }
    if username_taken(tx, username)? {
        return conflict("username_taken", "Somebody has that user name.");
    }
    Ok(())
}

pub(super) fn email_taken(tx: &Transaction<'_>, email: &str) -> Result<bool, Failure> {
    let mut statement = tx.prepare_cached("SELECT 1 FROM members WHERE email_key = ?")?;
    Ok(statement.exists([email.to_lowercase()])?)
}

pub(super) fn username_taken(tx: &Transaction<'_>, username: &str) -> Result<bool, Failure> {
    let mut statement = tx.prepare_cached("SELECT 1 FROM members WHERE username = ?")?;
    Ok(statement.exists([username])?)
}

/// A row to be.
pub(super) struct NewMember<'a> {
    pub(super) email: Option<&'a str>,
    pub(super) username: &'a str,
    pub(super) display_name: &'a str,
    pub(super) password_hash: Option<&'a str>,
    /// Somebody who can tell has proved that the address is theirs.
    pub(super) email_confirmed: bool,
}

pub(super) fn insert(tx: &Transaction<'_>, member: &NewMember<'_>) -> Result<String, Failure> {
    let stamp = Stamp::next();
    tx.prepare_cached(
        "INSERT INTO members (id, username, email, email_key, display_name, password_hash, email_confirmed_at,
                              created_at, updated_at)
         VALUES (:id, :username, :email, :email_key, :display_name, :password_hash, :confirmed, :at, :at)",
    )?
    .execute(named_params! {
        ":id": stamp.id,
        ":username": member.username,
        ":email": member.email,
        ":email_key": member.email.map(str::to_lowercase),
        ":display_name": member.display_name,
        ":password_hash": member.password_hash,
        ":confirmed": member.email_confirmed.then_some(stamp.at),
        ":at": stamp.at,
    })?;
    Ok(stamp.id)
}

fn check(input: &SignUp) -> Result<(), Failure> {
    let mut checks = Checks::default();
    if !is_email(&input.email) {
        checks.refuse("email", "invalid_email", "is not an e-mail address of at most 254 characters");
    }
    if !is_username(&input.username) {
        checks.refuse("username", "invalid_username", "is not 3 to 30 characters out of A-Z a-z 0-9 _ . -");
    }
    password_length(&mut checks, "password", &input.password, 8);
    checks.done()
}
