//! The end of a member, and what the service knows of one.

use actix_web::{HttpRequest, HttpResponse, web::Data};
use rusqlite::{OptionalExtension, Transaction, types::Type};
use schemas::{Id, Page};
use serde_json::value::{RawValue, to_raw_value};

use super::Profile;
use crate::{
    db::rfc3339,
    http::{Failure, Leaving, Own, no_content, ok},
    wire::ExportItem,
};

/// `DELETE /members/{id}`: the member with all that proves who they are. Identities at providers, recovery codes and
/// whatever else refers to the member go with it. Again changes nothing.
pub(super) async fn delete_member(
    state: Data<Profile>,
    Leaving(me): Leaving,
) -> Result<HttpResponse, Failure> {
    state.db.write(move |tx| remove(tx, &me)).await?;
    Ok(no_content())
}

/// `GET /members/{id}/export`: one page. Neither the password's hash nor the second factor's secret is in it.
pub(super) async fn export(
    state: Data<Profile>,
    request: HttpRequest,
    Own(me): Own,
) -> Result<HttpResponse, Failure> {
    let items = state.db.read(move |tx| items(tx, &me)).await?;
    Ok(ok(&request, &Page { items, next_cursor: None }))
}

fn remove(tx: &Transaction<'_>, me: &Id) -> Result<(), Failure> {
    tx.prepare_cached("DELETE FROM members WHERE id = ?")?.execute([me.as_str()])?;
    Ok(())
}

fn items(tx: &Transaction<'_>, me: &Id) -> Result<Vec<ExportItem>, Failure> {
    let mut statement = tx.prepare_cached(
        "SELECT created_at, json_object('username', username, 'email', email, 'displayName', display_name, 'bio', bio,
                                        'avatarKey', avatar_key,
                                        'hasPassword', json(iif(password_hash IS NULL, 'false', 'true')),
                                        'totpEnabled', json(iif(totp_enabled = 0, 'false', 'true')))
         FROM members WHERE id = ?",
    )?;
    let member = statement.query_row([me.as_str()], |row| Ok((row.get(0)?, raw(row.get(1)?)?))).optional()?;
    // A member who is gone has nothing.
    let Some((made, data)) = member else { return Ok(Vec::new()) };
    let item = |kind: &str, id: &str, data| ExportItem {
        kind: kind.into(),
        id: id.to_owned(),
        created_at: rfc3339(made),
        updated_at: rfc3339(made),
        data,
    };
    let mut items = vec![item("member", me.as_str(), data)];
    let mut statement = tx.prepare_cached(
        "SELECT issuer, subject FROM identities WHERE member_id = ? ORDER BY issuer, subject",
    )?;
    let identities = statement.query_map([me.as_str()], |row| {
        let (issuer, subject): (String, String) = (row.get(0)?, row.get(1)?);
        let data = to_raw_value(&serde_json::json!({ "issuer": issuer, "subject": subject }));
        Ok((subject, data.map_err(unreadable)?))
    })?;
    for identity in identities {
        let (subject, data) = identity?;
        items.push(item("identity", &subject, data));
    }
    Ok(items)
}

fn raw(json: String) -> rusqlite::Result<Box<RawValue>> {
    RawValue::from_string(json).map_err(unreadable)
}

fn unreadable(error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(1, Type::Text, error.into())
}
