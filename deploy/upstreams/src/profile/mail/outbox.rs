//! The outbox: rows of mail that is still to be sent.

use std::time::Duration;

use rusqlite::{OptionalExtension, Transaction, named_params, params};

use super::{Kind, Locale, limits};
use crate::{db::now, http::Failure, profile::link_tokens};

/// The longest that a mail waits for its next try.
const MAX_DELAY: Duration = Duration::from_secs(5 * 60);
/// After so long it is given up: what it tells of is old, and whoever asked for a link has asked again.
const LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// How many rows are looked at in one transaction: others want to write as well.
const STEP: u32 = 64;

/// A mail to be posted.
pub(crate) struct Mail<'a> {
    kind: Kind,
    recipient: &'a str,
    locale: Locale,
    admitted: bool,
}

impl<'a> Mail<'a> {
    /// One with a link, for whoever asks for it: whether it is sent is decided later.
    pub(crate) fn asked_for(kind: Kind, recipient: &'a str, locale: Locale) -> Self {
        Self { kind, recipient, locale, admitted: false }
    }

    /// One that tells a member of a change.
    pub(crate) fn told(kind: Kind, recipient: &'a str, locale: Locale) -> Self {
        Self { kind, recipient, locale, admitted: true }
    }

    /// Adds it to the outbox, if the same one is not there yet. `member`: whose it is, where that is known.
    pub(crate) fn post(self, tx: &Transaction<'_>, member: Option<&str>) -> Result<(), Failure> {
        tx.prepare_cached(
            "INSERT INTO outbox (kind, recipient, recipient_key, member_id, locale, admitted, due_at, created_at, updated_at)
             VALUES (:kind, :recipient, :key, :member, :locale, :admitted, :now, :now, :now)
             ON CONFLICT DO UPDATE SET locale = excluded.locale, updated_at = excluded.updated_at",
        )?
        .execute(named_params! {
            ":kind": self.kind.as_str(), ":recipient": self.recipient, ":key": self.recipient.to_lowercase(),
            ":member": member, ":locale": self.locale.tag(), ":admitted": self.admitted, ":now": now(),
        })?;
        Ok(())
    }
}

/// A row of the outbox.
pub(super) struct Waiting {
    pub(super) id: i64,
    pub(super) kind: Kind,
    pub(super) recipient: String,
    pub(super) member: Option<String>,
    pub(super) locale: Locale,
    pub(super) attempts: u32,
    pub(super) created_at: i64,
}

/// A row, and the token that goes into its link.
pub(super) struct Ready {
    pub(super) row: Waiting,
    pub(super) token: Option<String>,
}

/// All that waits for a later try is due: the process has just started, and whatever was in the way may be gone.
pub(super) fn all_due(tx: &Transaction<'_>) -> Result<(), Failure> {
    tx.execute("UPDATE outbox SET due_at = created_at", [])?;
    Ok(())
}

/// Lets rows through that may be sent and drops the others; says whether there may be more.
pub(super) fn admit(tx: &Transaction<'_>, links_per_hour: u32) -> Result<bool, Failure> {
    let rows = rows(tx, "admitted = 0 AND due_at <= ?", now(), STEP)?;
    let more = rows.len() as u32 == STEP;
    for row in rows {
        match owner(tx, &row)? {
            Some((member, email)) if may_go(tx, &row, &member, &email, links_per_hour)? => {
                tx.execute(
                    "UPDATE outbox SET admitted = 1, member_id = ?, recipient = ?, updated_at = ? WHERE id = ?",
                    params![member, email, now(), row.id],
                )?;
            }
            _ => remove(tx, row.id)?,
        }
    }
    Ok(more)
}

/// Whose mail it is, and where it goes. A link for a forgotten password goes to the address that the member has given, not
/// to the one that was typed in: they are alike for the database, and may be two for a mail server.
fn owner(tx: &Transaction<'_>, row: &Waiting) -> Result<Option<(String, String)>, Failure> {
    let key = row.recipient.to_lowercase();
    let mut find = tx.prepare_cached("SELECT id, email FROM members WHERE email_key = ?")?;
    let found = find.query_row([&key], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    Ok(match (&row.member, found) {
        // Somebody else's address is not told that it was tried.
        (Some(member), Some((holder, _))) if *member != holder => None,
        (Some(member), _) => Some((member.clone(), row.recipient.clone())),
        (None, found) => found,
    })
}

fn may_go(
    tx: &Transaction<'_>,
    row: &Waiting,
    member: &str,
    email: &str,
    most: u32,
) -> Result<bool, Failure> {
    let key = email.to_lowercase();
    let mut same = tx.prepare_cached(
        "SELECT 1 FROM outbox WHERE kind = ? AND recipient_key = ? AND member_id = ? AND id <> ?",
    )?;
    if same.exists(params![row.kind.as_str(), key, member, row.id])? {
        return Ok(false);
    }
    if !limits::applies_to(row.kind) || limits::admits(tx, row.kind, member, &key, most)? {
        return Ok(true);
    }
    tracing::info!(mail.kind = row.kind.as_str(), "a link is not mailed: there were too many lately");
    Ok(false)
}

/// Takes rows that are due, with new tokens. Whoever looks after this finds them due only when `lease` is over.
pub(super) fn take(
    tx: &Transaction<'_>,
    lease: Duration,
    link_life: Duration,
) -> Result<Vec<Ready>, Failure> {
    link_tokens::sweep(tx)?;
    tx.prepare_cached("DELETE FROM outbox WHERE created_at < ?")?.execute([now() - micros(LIFE)])?;
    let mut ready = Vec::new();
    for row in rows(tx, "admitted = 1 AND due_at <= ?", now(), STEP)? {
        tx.prepare_cached(
            "UPDATE outbox SET due_at = ?, attempts = attempts + 1, updated_at = ? WHERE id = ?",
        )?
        .execute(params![now() + micros(lease), now(), row.id])?;
        let token = match (row.kind.page(), &row.member) {
            (Some((_, purpose)), Some(member)) => {
                Some(link_tokens::mint(tx, purpose, member, &row.recipient, link_life)?)
            }
            _ => None,
        };
        ready.push(Ready { row, token });
    }
    Ok(ready)
}

/// Takes a row away: it was sent, or never will be.
pub(super) fn remove(tx: &Transaction<'_>, id: i64) -> Result<(), Failure> {
    tx.prepare_cached("DELETE FROM outbox WHERE id = ?")?.execute([id])?;
    Ok(())
}

/// A row did not go out in so many tries: it is tried again later.
pub(super) fn put_off(tx: &Transaction<'_>, id: i64, attempts: u32) -> Result<(), Failure> {
    tx.prepare_cached("UPDATE outbox SET due_at = ?, updated_at = ? WHERE id = ?")?.execute(params![
        now() + micros(delay(attempts)),
        now(),
        id
    ])?;
    Ok(())
}

/// How long until the next row is due; nothing where there is none.
pub(super) fn next_due(tx: &Transaction<'_>) -> Result<Option<Duration>, Failure> {
    let mut statement = tx.prepare_cached("SELECT min(due_at) FROM outbox WHERE admitted = 1")?;
    let due: Option<i64> = statement.query_row([], |row| row.get(0))?;
    Ok(due.map(|due| Duration::from_micros(u64::try_from(due - now()).unwrap_or(0))))
}

/// One second, two, four, … and five minutes at most.
fn delay(attempts: u32) -> Duration {
    MAX_DELAY.min(Duration::from_secs(1 << attempts.min(16)))
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

fn rows(tx: &Transaction<'_>, which: &str, due: i64, most: u32) -> Result<Vec<Waiting>, Failure> {
    let text = format!(
        "SELECT id, kind, recipient, member_id, locale, attempts, created_at FROM outbox WHERE {which} ORDER BY due_at LIMIT {most}"
    );
    let mut statement = tx.prepare_cached(&text)?;
    let rows = statement.query_map([due], |row| {
        let (kind, locale): (String, String) = (row.get(1)?, row.get(4)?);
        let kind = Kind::ALL.into_iter().find(|known| known.as_str() == kind);
        let kind = kind.ok_or(rusqlite::Error::InvalidColumnName("kind".to_owned()))?;
        let locale = Locale::of_tag(&locale);
        let (recipient, member, attempts) = (row.get(2)?, row.get(3)?, row.get(5)?);
        Ok(Waiting { id: row.get(0)?, kind, recipient, member, locale, attempts, created_at: row.get(6)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{MAX_DELAY, delay};

    #[test]
    fn tries_come_ever_more_seldom() {
        let seconds: Vec<_> = (0..=5).map(|attempts| delay(attempts).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32]);
        assert_eq!(delay(1000), MAX_DELAY);
        assert!(Duration::from_secs(256) < MAX_DELAY);
    }
}
