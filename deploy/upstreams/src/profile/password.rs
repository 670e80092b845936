//! Passwords of members: changed, forgotten, set anew by a mailed link.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web::Data};
use rusqlite::{OptionalExtension, Transaction, params};
use schemas::{Id, Me, PasswordChange, PasswordReminder, PasswordReset, ResetCheck, ResetOwner};

use super::{
    Profile,
    credentials::{BAD_CREDENTIALS, confirm_password},
    link_tokens::{self, Purpose},
    mail::{Kind, Language, Locale, Mail},
    members,
    rules::{is_email, password_length},
};
use crate::{
    db::now,
    http::{Accounts, Acting, Checks, Failure, Json, no_content, ok},
};

/// `POST /members/me/password`.
pub(super) async fn change(
    state: Data<Profile>,
    Acting(id): Acting,
    Language(locale): Language,
    Json(input): Json<PasswordChange>,
) -> Result<HttpResponse, Failure> {
    let mut checks = Checks::default();
    password_length(&mut checks, "current", &input.current, 1);
    password_length(&mut checks, "new", &input.new, 8);
    checks.done()?;
    let old = confirm_password(&state, &id, input.current).await?;
    let new = state.passwords.hash(input.new).await?;
    state.db.write(move |tx| replace(tx, &id, &old, &new, locale)).await?;
    state.mailer.wake();
    Ok(no_content())
}

/// `POST /members/password/forgot`. Does the same work for every address, and answers before it is looked at whose it is.
pub(super) async fn forgot(
    state: Data<Profile>,
    _: Accounts,
    Language(language): Language,
    Json(input): Json<PasswordReminder>,
) -> Result<HttpResponse, Failure> {
    if !is_email(&input.email) {
        return Err(Failure::field(
            "email",
            "invalid_email",
            "is not an e-mail address of at most 254 characters",
        ));
    }
    let locale = input.locale.as_deref().map_or(language, Locale::of_tag);
    let PasswordReminder { email, .. } = input;
    state.db.write(move |tx| Mail::asked_for(Kind::ResetPassword, &email, locale).post(tx, None)).await?;
    state.mailer.wake();
    Ok(accepted())
}

/// `POST /members/password/reset/check`. Uses nothing up.
pub(super) async fn check_reset(
    state: Data<Profile>,
    request: HttpRequest,
    _: Accounts,
    Json(ResetCheck { token }): Json<ResetCheck>,
) -> Result<HttpResponse, Failure> {
    let member =
        state.db.read(move |tx| owner_of(link_tokens::look_up(tx, Purpose::Password, &token)?, tx)).await?;
    let id = Id::new(&member).map_err(|_| link_tokens::invalid())?;
    Ok(ok(&request, &ResetOwner { id }))
}

/// `POST /members/password/reset`.
pub(super) async fn reset(
    state: Data<Profile>,
    request: HttpRequest,
    _: Accounts,
    Language(locale): Language,
    Json(input): Json<PasswordReset>,
) -> Result<HttpResponse, Failure> {
    let mut checks = Checks::default();
    password_length(&mut checks, "new", &input.new, 8);
    checks.done()?;
    let PasswordReset { token, new } = input;
    // A hash is dear: nobody gets one for a token that is no good.
    let tried = token.clone();
    state.db.read(move |tx| owner_of(link_tokens::look_up(tx, Purpose::Password, &tried)?, tx)).await?;
    let hash = state.passwords.hash(new).await?;
    let assets = state.assets.clone();
    let me: Me = state
        .db
        .write(move |tx| {
            let member = owner_of(link_tokens::use_up(tx, Purpose::Password, &token)?, tx)?;
            // Who has read the mail has proved that the address is theirs.
            tx.execute(
                "UPDATE members SET password_hash = ?, email_confirmed_at = coalesce(email_confirmed_at, ?) WHERE id = ?",
                params![hash, now(), member],
            )?;
            link_tokens::void_after_password(tx, &member)?;
            notify(tx, Kind::PasswordChanged, &member, locale)?;
            members::read(tx, &member, assets.as_deref())
        })
        .await?;
    state.mailer.wake();
    Ok(ok(&request, &me))
}

/// 202: it is kept, and will be done.
pub(super) fn accepted() -> HttpResponse {
    let mut response = no_content();
    *response.status_mut() = StatusCode::ACCEPTED;
    response
}

/// Tells a member what has become of the account, if they have an address.
pub(super) fn notify(tx: &Transaction<'_>, kind: Kind, member: &str, locale: Locale) -> Result<(), Failure> {
    let mut statement = tx.prepare_cached("SELECT email FROM members WHERE id = ?")?;
    let email: Option<Option<String>> = statement.query_row([member], |row| row.get(0)).optional()?;
    match email.flatten() {
        Some(email) => Mail::told(kind, &email, locale).post(tx, Some(member)),
        None => Ok(()),
    }
}

/// Puts `new` in the place of `old`; of several changes at a time one counts.
fn replace(tx: &Transaction<'_>, id: &Id, old: &str, new: &str, locale: Locale) -> Result<(), Failure> {
    let changed = tx.execute(
        "UPDATE members SET password_hash = ? WHERE id = ? AND password_hash IS ?",
        params![new, id.as_str(), old],
    )?;
    if changed == 0 {
        return Err(BAD_CREDENTIALS.of_account(Some(id.clone())));
    }
    link_tokens::void_after_password(tx, id.as_str())?;
    notify(tx, Kind::PasswordChanged, id.as_str(), locale)
}

/// The member, while the address that the token was mailed to is theirs.
fn owner_of(owner: link_tokens::Owner, tx: &Transaction<'_>) -> Result<String, Failure> {
    let mut statement = tx.prepare_cached("SELECT 1 FROM members WHERE id = ? AND email = ?")?;
    let theirs = statement.exists([&owner.member, &owner.email])?;
    if theirs { Ok(owner.member) } else { Err(link_tokens::invalid()) }
}
