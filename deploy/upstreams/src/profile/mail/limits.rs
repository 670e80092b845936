//! How many links an address and a member are mailed: a mailbox must not be flooded by whoever knows its address.

use rusqlite::{Transaction, params};

use super::Kind;
use crate::{db::now, http::Failure};

/// Microseconds.
const HOUR: i64 = 60 * 60 * 1_000_000;

/// Whether one more link of that kind may be mailed to the address of a row, which is `member`'s. If so it is counted.
pub(super) fn admits(
    tx: &Transaction<'_>,
    kind: Kind,
    member: &str,
    recipient_key: &str,
    most: u32,
) -> Result<bool, Failure> {
    let now = now();
    tx.prepare_cached("DELETE FROM mailed WHERE created_at < ?")?.execute([now - HOUR])?;
    let count = |column: &str, value: &str| -> Result<u32, Failure> {
        let text = format!("SELECT count(*) FROM mailed WHERE {column} = ? AND kind = ?");
        Ok(tx.prepare_cached(&text)?.query_row([value, kind.as_str()], |row| row.get(0))?)
    };
    if count("recipient_key", recipient_key)? >= most || count("member_id", member)? >= most {
        return Ok(false);
    }
    let mut insert = tx.prepare_cached(
        "INSERT INTO mailed (kind, recipient_key, member_id, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?4)",
    )?;
    insert.execute(params![kind.as_str(), recipient_key, member, now])?;
    Ok(true)
}

/// Whether `kind` is limited: what only tells of a change is not, or a change could be hidden behind a flood.
pub(super) const fn applies_to(kind: Kind) -> bool {
    kind.page().is_some()
}
