//! The second factor: enrolment, confirmation, use, removal.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web::Data};
use rusqlite::{OptionalExtension, Transaction, params};
use schemas::{Id, TotpBegin, TotpConfirmed, TotpEnrolment};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{
    Profile, credentials::confirm_password_if_any, randomness::random, rules::password_length,
    sealing::TotpKeys, totp,
};
use crate::{
    db::now as now_micros,
    http::{Acting, Checks, Failure, Json, no_content, ok},
};

const RECOVERY_CODES: usize = 10;
/// 80 random bits: too many to guess, so that a plain hash of it is safe to keep.
const RECOVERY_BYTES: usize = 10;

const OTP_REQUIRED: Failure =
    Failure::refused(StatusCode::UNAUTHORIZED, "otp_required", "A one-time code is needed as well.");
const OTP_INVALID: Failure =
    Failure::refused(StatusCode::UNAUTHORIZED, "otp_invalid", "The one-time code is wrong or was used.");
const ENABLED: Failure =
    Failure::refused(StatusCode::CONFLICT, "totp_enabled", "The second factor is on already.");
const NOT_ENROLLED: Failure =
    Failure::refused(StatusCode::CONFLICT, "totp_not_enrolled", "No second factor was begun.");

/// A one-time or recovery code.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Code {
    code: String,
}

/// `POST /members/me/totp`: a new secret, which counts once it is confirmed. It takes the password: a session that
/// somebody else has got hold of must not shut its owner out.
pub(super) async fn enrol(
    state: Data<Profile>,
    request: HttpRequest,
    Acting(id): Acting,
    Json(input): Json<TotpBegin>,
) -> Result<HttpResponse, Failure> {
    if let Some(password) = &input.password {
        let mut checks = Checks::default();
        password_length(&mut checks, "password", password, 1);
        checks.done()?;
    }
    confirm_password_if_any(&state, &id, input.password).await?;
    let mut secret = [0_u8; totp::SECRET_LEN];
    random(&mut secret)?;
    let sealed = state.totp_keys.seal(id.as_str(), &secret)?;
    let username = state.db.write(move |tx| begin(tx, &id, &sealed)).await?;
    let text = totp::base32(&secret);
    let (label, username) = (escaped(&state.totp_label), escaped(&username));
    let otpauth_uri = format!(
        "otpauth://totp/{label}:{username}?secret={text}&issuer={label}&algorithm=SHA1&digits=6&period={}",
        totp::PERIOD
    );
    Ok(secret_answer(&request, &TotpEnrolment { secret: text, otpauth_uri }))
}

/// `POST /members/me/totp/confirm`: switches it on; answers the recovery codes, this once.
pub(super) async fn confirm(
    state: Data<Profile>,
    request: HttpRequest,
    Acting(id): Acting,
    Json(input): Json<Code>,
) -> Result<HttpResponse, Failure> {
    let mut recovery_codes = Vec::with_capacity(RECOVERY_CODES);
    for _ in 0..RECOVERY_CODES {
        let mut bytes = [0_u8; RECOVERY_BYTES];
        random(&mut bytes)?;
        recovery_codes.push(grouped(&totp::base32(&bytes)));
    }
    let hashes: Vec<_> = recovery_codes.iter().map(|code| recovery_hash(code)).collect();
    let (now, keys) = (jsonwebtoken::get_current_timestamp(), Arc::clone(&state.totp_keys));
    state.db.write(move |tx| switch_on(tx, &keys, &id, &input.code, now, &hashes)).await?;
    Ok(secret_answer(&request, &TotpConfirmed { recovery_codes }))
}

/// `POST /members/me/totp/verify`: checks a code and uses it up.
pub(super) async fn verify(
    state: Data<Profile>,
    Acting(id): Acting,
    Json(input): Json<Code>,
) -> Result<HttpResponse, Failure> {
    let (now, keys) = (jsonwebtoken::get_current_timestamp(), Arc::clone(&state.totp_keys));
    state.db.write(move |tx| confirm_by(tx, &keys, &id, &input.code, now)).await?;
    Ok(no_content())
}

/// `DELETE /members/me/totp`: switches it off, with a code.
pub(super) async fn remove(
    state: Data<Profile>,
    Acting(id): Acting,
    Json(input): Json<Code>,
) -> Result<HttpResponse, Failure> {
    let (now, keys) = (jsonwebtoken::get_current_timestamp(), Arc::clone(&state.totp_keys));
    state.db.write(move |tx| switch_off(tx, &keys, &id, &input.code, now)).await?;
    Ok(no_content())
}

/// Checks the second factor of a sign-in and uses the code up.
pub(super) async fn check(state: &Profile, id: Id, otp: Option<String>) -> Result<(), Failure> {
    let otp = otp.ok_or(OTP_REQUIRED)?;
    let (now, keys) = (jsonwebtoken::get_current_timestamp(), Arc::clone(&state.totp_keys));
    let right = state.db.write(move |tx| use_up(tx, &keys, &id, &otp, now)).await?;
    if right { Ok(()) } else { Err(OTP_INVALID) }
}

fn begin(tx: &Transaction<'_>, id: &Id, sealed: &[u8]) -> Result<String, Failure> {
    let (_, enabled) = enrolment(tx, id)?;
    if enabled {
        return Err(ENABLED);
    }
    tx.execute(
        "UPDATE members SET totp_sealed = ?, totp_last_step = 0 WHERE id = ?",
        params![sealed, id.as_str()],
    )?;
    Ok(tx.query_row("SELECT username FROM members WHERE id = ?", [id.as_str()], |row| row.get(0))?)
}

fn switch_on(
    tx: &Transaction<'_>,
    keys: &TotpKeys,
    id: &Id,
    code: &str,
    now: u64,
    hashes: &[[u8; 32]],
) -> Result<(), Failure> {
    match enrolment(tx, id)? {
        (_, true) => return Err(ENABLED),
        (None, false) => return Err(NOT_ENROLLED),
        (Some(_), false) => {}
    }
    if !use_code(tx, keys, id, code, now)? {
        return Err(wrong_code());
    }
    tx.execute("UPDATE members SET totp_enabled = 1 WHERE id = ?", [id.as_str()])?;
    tx.execute("DELETE FROM recovery_codes WHERE member_id = ?", [id.as_str()])?;
    let mut insert = tx.prepare_cached(
        "INSERT INTO recovery_codes (member_id, hash, created_at, updated_at) VALUES (?1, ?2, ?3, ?3)",
    )?;
    let made = now_micros();
    for hash in hashes {
        insert.execute(params![id.as_str(), hash, made])?;
    }
    Ok(())
}

fn switch_off(tx: &Transaction<'_>, keys: &TotpKeys, id: &Id, code: &str, now: u64) -> Result<(), Failure> {
    confirm_by(tx, keys, id, code, now)?;
    tx.execute(
        "UPDATE members SET totp_enabled = 0, totp_sealed = NULL, totp_last_step = 0 WHERE id = ?",
        [id.as_str()],
    )?;
    tx.execute("DELETE FROM recovery_codes WHERE member_id = ?", [id.as_str()])?;
    Ok(())
}

fn confirm_by(tx: &Transaction<'_>, keys: &TotpKeys, id: &Id, code: &str, now: u64) -> Result<(), Failure> {
    if !enrolment(tx, id)?.1 {
        return Err(NOT_ENROLLED);
    }
    if use_up(tx, keys, id, code, now)? { Ok(()) } else { Err(wrong_code()) }
}

/// The sealed secret, and whether it counts.
fn enrolment(tx: &Transaction<'_>, id: &Id) -> Result<(Option<Vec<u8>>, bool), Failure> {
    let mut statement = tx.prepare_cached("SELECT totp_sealed, totp_enabled FROM members WHERE id = ?")?;
    let found = statement.query_row([id.as_str()], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    found.ok_or(Failure::not_found("There is no such member."))
}

/// A one-time or a recovery code; what matched is used up.
fn use_up(tx: &Transaction<'_>, keys: &TotpKeys, id: &Id, code: &str, now: u64) -> Result<bool, Failure> {
    if use_code(tx, keys, id, code, now)? {
        return Ok(true);
    }
    let mut delete = tx.prepare_cached("DELETE FROM recovery_codes WHERE member_id = ? AND hash = ?")?;
    Ok(delete.execute(params![id.as_str(), recovery_hash(code)])? == 1)
}

fn use_code(tx: &Transaction<'_>, keys: &TotpKeys, id: &Id, code: &str, now: u64) -> Result<bool, Failure> {
    let mut statement = tx.prepare_cached("SELECT totp_sealed, totp_last_step FROM members WHERE id = ?")?;
    let (sealed, last_used): (Option<Vec<u8>>, u64) =
        statement.query_row([id.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    // Apps show the digits in two groups.
    let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let secret = sealed.map(|sealed| keys.open(id.as_str(), &sealed)).transpose()?;
    let step = secret.and_then(|secret| totp::matching_step(&secret, &digits, now, last_used));
    let Some(step) = step else { return Ok(false) };
    tx.execute("UPDATE members SET totp_last_step = ? WHERE id = ?", params![step, id.as_str()])?;
    Ok(true)
}

/// 401 would read as if the service token were wrong.
fn wrong_code() -> Failure {
    Failure::Invalid {
        code: "otp_invalid",
        errors: vec![crate::http::field_error("code", "otp_invalid", "is wrong or was used")],
    }
}

/// As people type it: any case, with or without the dashes.
fn recovery_hash(code: &str) -> [u8; 32] {
    let plain: String =
        code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
    Sha256::digest(plain).into()
}

fn grouped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 4);
    for (place, c) in text.chars().enumerate() {
        if place > 0 && place % 4 == 0 {
            out.push('-');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

fn escaped(text: &str) -> String {
    // Form encoding differs from a path's only in the space.
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// Answers with secrets are kept by nobody.
fn secret_answer(request: &HttpRequest, value: &impl serde::Serialize) -> HttpResponse {
    let mut response = ok(request, value);
    response.headers_mut().insert(
        actix_web::http::header::CACHE_CONTROL,
        actix_web::http::header::HeaderValue::from_static("no-store"),
    );
    response
}

#[cfg(test)]
mod tests {
    use super::{grouped, recovery_hash};

    #[test]
    fn a_recovery_code_may_be_typed_in_any_way() {
        let code = grouped("ABCDEFGHIJKLMNOP");
        assert_eq!(code, "abcd-efgh-ijkl-mnop");
        for typed in ["ABCD EFGH IJKL MNOP", "abcdefghijklmnop", " abcd-EFGH-ijkl-mnop "] {
            assert_eq!(recovery_hash(typed), recovery_hash(&code));
        }
    }
}
