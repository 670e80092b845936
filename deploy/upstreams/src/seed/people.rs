//! The three of the demo.

use rusqlite::{Transaction, params};
use schemas::Id;

use super::{Person, hours_ago};
use crate::http::Failure;

pub(super) const ADA: &str = "01930000-0000-7000-8000-00000000ada0";
pub(super) const BORA: &str = "01930000-0000-7000-8000-0000000b0ba0";
pub(super) const CHAN: &str = "01930000-0000-7000-8000-000000c4a400";

/// Id, user name, e-mail address, display name, biography.
const PEOPLE: [(&str, &str, &str, &str, &str); 3] = [
    (ADA, "ada", "ada@example.org", "에이다 리", "자취 6년 차. 한 끼 3,000원을 넘기지 않는 게 목표예요."),
    (BORA, "bora", "bora@example.org", "김보라", "두 아이와 먹는 집밥. 장 본 영수증을 모읍니다."),
    (CHAN, "chan", "chan@example.org", "박찬", "야근 뒤에 먹는 국 한 그릇을 연구합니다."),
];

pub(super) const EVERYBODY: [&str; 3] = [ADA, BORA, CHAN];

pub(super) fn all() -> Vec<Person> {
    PEOPLE
        .iter()
        .filter_map(|(id, username, email, ..)| Some(Person { id: Id::new(id).ok()?, username, email }))
        .collect()
}

pub(super) fn insert(tx: &Transaction<'_>, password_hash: &str) -> Result<(), Failure> {
    let mut insert = tx.prepare(
        "INSERT INTO members (id, username, email, email_key, display_name, bio, password_hash, created_at, updated_at,
                              email_confirmed_at)
         VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6, ?7, ?7, ?7)",
    )?;
    for (place, (id, username, email, name, bio)) in (0_i64..).zip(PEOPLE) {
        let at = hours_ago(24 * 90 - place);
        insert.execute(params![id, username, email, name, bio, password_hash, at])?;
    }
    Ok(())
}
