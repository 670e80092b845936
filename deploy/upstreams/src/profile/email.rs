//! Addresses of members: confirmed after sign-up, changed. An address counts once somebody has opened the link that was
//! mailed to it; the one before is told.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web::Data};
use rusqlite::{OptionalExtension, Transaction, params};
use schemas::{EmailChange, EmailConfirmation, Id, Me};

use super::{
    Profile,
    credentials::confirm_password,
    link_tokens::{self, Purpose},
    mail::{Kind, Language, Locale, Mail},
    members,
    password::{accepted, notify},
    rules::{is_email, password_length},
};
use crate::{
    db::now,
    http::{Accounts, Acting, Checks, Failure, Json, ok},
};

const TAKEN: Failure =
    Failure::refused(StatusCode::CONFLICT, "email_taken", "Somebody else has that address meanwhile.");

/// `POST /members/me/email`. Whether somebody else has the address is not told: only its owner gets to know.
pub(super) async fn change(
    state: Data<Profile>,
    Acting(id): Acting,
    Language(locale): Language,
    Json(input): Json<EmailChange>,
) -> Result<HttpResponse, Failure> {
    let mut checks = Checks::default();
    if !is_email(&input.email) {
        checks.refuse("email", "invalid_email", "is not an e-mail address of at most 254 characters");
    }
    password_length(&mut checks, "password", &input.password, 1);
    checks.done()?;
    confirm_password(&state, &id, input.password).await?;
    let email = input.email;
    state.db.write(move |tx| ask(tx, &id, &email, locale)).await?;
    state.mailer.wake();
    Ok(accepted())
}

/// `POST /members/email/confirm`.
pub(super) async fn confirm(
    state: Data<Profile>,
    request: HttpRequest,
    _: Accounts,
    Language(locale): Language,
    Json(input): Json<EmailConfirmation>,
) -> Result<HttpResponse, Failure> {
    let assets = state.assets.clone();
    let me: Me = state
        .db
        .write(move |tx| {
            let member = take_over(tx, &input.token, locale)?;
            members::read(tx, &member, assets.as_deref())
        })
        .await?;
    state.mailer.wake();
    Ok(ok(&request, &me))
}

fn ask(tx: &Transaction<'_>, id: &Id, email: &str, locale: Locale) -> Result<(), Failure> {
    let mut statement = tx.prepare_cached("SELECT email_key FROM members WHERE id = ?")?;
    let present: Option<Option<String>> = statement.query_row([id.as_str()], |row| row.get(0)).optional()?;
    let present = present.ok_or(members::NO_MEMBER)?;
    if present.as_deref().is_some_and(|present| present != email.to_lowercase()) {
        notify(tx, Kind::EmailChangeAsked, id.as_str(), locale)?;
    }
    Mail::asked_for(Kind::ConfirmEmail, email, locale).post(tx, Some(id.as_str()))
}

fn take_over(tx: &Transaction<'_>, token: &str, locale: Locale) -> Result<String, Failure> {
    let owner = link_tokens::use_up(tx, Purpose::Email, token)?;
    let (member, email) = (owner.member, owner.email);
    let key = email.to_lowercase();
    let mut others = tx.prepare_cached("SELECT 1 FROM members WHERE email_key = ? AND id <> ?")?;
    if others.exists([&key, &member])? {
        return Err(TAKEN);
    }
    let mut statement = tx.prepare_cached("SELECT email_key FROM members WHERE id = ?")?;
    let before: Option<String> = statement.query_row([&member], |row| row.get(0))?;
    if before.is_some_and(|before| before != key) {
        notify(tx, Kind::EmailChanged, &member, locale)?;
    }
    tx.execute(
        "UPDATE members SET email = ?, email_key = ?, email_confirmed_at = ? WHERE id = ?",
        params![email, key, now(), member],
    )?;
    Ok(member)
}
