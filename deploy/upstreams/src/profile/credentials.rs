//! The password that a member has, asked for again before something that matters.

use actix_web::http::StatusCode;
use rusqlite::{OptionalExtension, Transaction};
use schemas::Id;

use super::{Profile, members};
use crate::http::Failure;

pub(super) const BAD_CREDENTIALS: Failure =
    Failure::refused(StatusCode::UNAUTHORIZED, "bad_credentials", "The login or the password is wrong.");

/// Checks the password of `member` and answers with its hash. A member without one has none to give: refused, unless
/// `given` is nothing as well.
pub(super) async fn confirm_password(
    state: &Profile,
    member: &Id,
    given: Option<String>,
) -> Result<Option<String>, Failure> {
    let id = member.clone();
    let hash = state.db.read(move |tx| password_hash(tx, &id)).await?;
    let right = match (given, &hash) {
        (Some(given), _) => state.passwords.matches(given, hash.clone()).await?,
        (None, hash) => hash.is_none(),
    };
    if right { Ok(hash) } else { Err(BAD_CREDENTIALS.of_account(Some(member.clone()))) }
}

fn password_hash(tx: &Transaction<'_>, id: &Id) -> Result<Option<String>, Failure> {
    let mut statement = tx.prepare_cached("SELECT password_hash FROM members WHERE id = ?")?;
    let found = statement.query_row([id.as_str()], |row| row.get(0)).optional()?;
    found.ok_or(members::NO_MEMBER)
}
