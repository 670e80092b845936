//! The password that a member has, asked for again before something that matters.

use actix_web::http::StatusCode;
use rusqlite::{OptionalExtension, Transaction};
use schemas::Id;

use super::{Profile, members};
use crate::http::Failure;

pub(super) const BAD_CREDENTIALS: Failure =
    Failure::refused(StatusCode::UNAUTHORIZED, "bad_credentials", "The login or the password is wrong.");

/// Checks the password of `member` and answers with its hash. A member without one has none that could be right.
pub(super) async fn confirm_password(state: &Profile, member: &Id, given: String) -> Result<String, Failure> {
    let hash = load_hash(state, member).await?;
    let right = state.passwords.matches(given, hash.clone()).await?;
    hash.filter(|_| right).ok_or_else(|| BAD_CREDENTIALS.of_account(Some(member.clone())))
}

/// The same where the member has a password; one who signs in through a provider alone is asked for nothing.
pub(super) async fn confirm_password_if_any(
    state: &Profile,
    member: &Id,
    given: Option<String>,
) -> Result<(), Failure> {
    if load_hash(state, member).await?.is_none() {
        return Ok(());
    }
    confirm_password(state, member, given.unwrap_or_default()).await.map(drop)
}

async fn load_hash(state: &Profile, member: &Id) -> Result<Option<String>, Failure> {
    let id = member.clone();
    state.db.read(move |tx| password_hash(tx, &id)).await
}

fn password_hash(tx: &Transaction<'_>, id: &Id) -> Result<Option<String>, Failure> {
    let mut statement = tx.prepare_cached("SELECT password_hash FROM members WHERE id = ?")?;
    let found = statement.query_row([id.as_str()], |row| row.get(0)).optional()?;
    found.ok_or(members::NO_MEMBER)
}
