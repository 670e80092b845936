//! Tokens of mailed links: 256 random bits, good for one use, for a while, for one purpose and for the address that they
//! were mailed to. The database has their SHA-256 alone, which is safe for what nobody can guess.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rusqlite::{OptionalExtension, Transaction, named_params, params};
use sha2::{Digest, Sha256};

use super::randomness::random;
use crate::{db::now, http::Failure};

const TOKEN_LEN: usize = 32;

/// What a link is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Setting a new password.
    Password,
    /// Confirming an e-mail address.
    Email,
}

impl Purpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Email => "email",
        }
    }
}

/// Whose token it was.
pub(super) struct Owner {
    pub(super) member: String,
    /// Where it was mailed to.
    pub(super) email: String,
}

/// A new token for `member` at `email`. The older one of the same purpose is void from now on.
pub(super) fn mint(
    tx: &Transaction<'_>,
    purpose: Purpose,
    member: &str,
    email: &str,
    life: Duration,
) -> Result<String, Failure> {
    let mut bytes = [0_u8; TOKEN_LEN];
    random(&mut bytes)?;
    let token = URL_SAFE_NO_PAD.encode(bytes);
    let now = now();
    let life = i64::try_from(life.as_micros()).unwrap_or(i64::MAX);
    tx.prepare_cached(
        "INSERT OR REPLACE INTO link_tokens (member_id, purpose, hash, email, expires_at, created_at, updated_at)
         VALUES (:member, :purpose, :hash, :email, :expires, :now, :now)",
    )?
    .execute(named_params! {
        ":member": member, ":purpose": purpose.as_str(), ":hash": hash(&token), ":email": email,
        ":expires": now.saturating_add(life), ":now": now,
    })?;
    Ok(token)
}

/// Whose token it is, if it is good; it stays so.
pub(super) fn look_up(tx: &Transaction<'_>, purpose: Purpose, token: &str) -> Result<Owner, Failure> {
    let mut statement = tx.prepare_cached(
        "SELECT member_id, email FROM link_tokens WHERE hash = ? AND purpose = ? AND expires_at > ?",
    )?;
    let found = statement.query_row(params![hash(token), purpose.as_str(), now()], |row| {
        Ok(Owner { member: row.get(0)?, email: row.get(1)? })
    });
    found.optional()?.ok_or_else(invalid)
}

/// The same, and uses it up, if the transaction is kept.
pub(super) fn use_up(tx: &Transaction<'_>, purpose: Purpose, token: &str) -> Result<Owner, Failure> {
    let owner = look_up(tx, purpose, token)?;
    tx.prepare_cached("DELETE FROM link_tokens WHERE hash = ?")?.execute([hash(token)])?;
    Ok(owner)
}

/// After a change of the password: links that may have been asked for by somebody else are void. What confirms the address
/// that the member has does no harm.
pub(super) fn void_after_password(tx: &Transaction<'_>, member: &str) -> Result<(), Failure> {
    tx.prepare_cached(
        "DELETE FROM link_tokens WHERE member_id = ?1
         AND (purpose = 'password' OR email IS NOT (SELECT email FROM members WHERE id = ?1))",
    )?
    .execute([member])?;
    Ok(())
}

/// Forgets those that have expired.
pub(super) fn sweep(tx: &Transaction<'_>) -> Result<(), Failure> {
    tx.prepare_cached("DELETE FROM link_tokens WHERE expires_at <= ?")?.execute([now()])?;
    Ok(())
}

/// 401 would read as if the service token were wrong.
pub(super) fn invalid() -> Failure {
    Failure::Invalid {
        code: "token_invalid",
        errors: vec![crate::http::field_error(
            "token",
            "token_invalid",
            "was used, is too old, or was never good",
        )],
    }
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}
