//! What a service knows of one member, page by page: one shape for all three.

use rusqlite::{Transaction, named_params};
use schemas::{Id, Page};
use serde_json::value::RawValue;

use crate::{
    db::{Cursor, page_of, rfc3339},
    http::Failure,
    wire::ExportItem,
};

/// Items of a page, unless the caller asks for fewer.
pub(crate) const PAGE: u32 = 100;

/// One page of `items`, a query of `kind` (a place in `kinds`), `id`, `created_at`, `updated_at` and `data` (JSON) for
/// `:me`: kind by kind, by id within one.
pub(crate) fn page(
    tx: &Transaction<'_>,
    items: &str,
    kinds: &[&'static str],
    me: &Id,
    cursor: Option<Cursor>,
    limit: u32,
) -> Result<Page<ExportItem>, Failure> {
    let Cursor { at: kind, id } = cursor.unwrap_or(Cursor { at: -1, id: String::new() });
    let mut statement = tx.prepare_cached(&format!(
        "SELECT kind, id, created_at, updated_at, data FROM ({items})
         WHERE (kind, id) > (:kind, :id) ORDER BY kind, id LIMIT :limit"
    ))?;
    let params = named_params! { ":me": me.as_str(), ":kind": kind, ":id": id, ":limit": limit + 1 };
    let rows = statement.query_map(params, |row| {
        let (kind, id): (i64, String) = (row.get(0)?, row.get(1)?);
        let name = usize::try_from(kind).ok().and_then(|place| kinds.get(place).copied());
        let item = ExportItem {
            kind: name.unwrap_or_default().into(),
            id: id.clone(),
            created_at: rfc3339(row.get(2)?),
            updated_at: rfc3339(row.get(3)?),
            data: RawValue::from_string(row.get(4)?).map_err(|error| {
                rusqlite::Error::FromSqlConversionFailure(4, rusqlite::types::Type::Text, error.into())
            })?,
        };
        Ok((Cursor { at: kind, id }, item))
    })?;
    Ok(page_of(rows.collect::<Result<_, _>>()?, limit as usize))
}
