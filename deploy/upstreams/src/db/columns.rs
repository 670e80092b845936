//! Columns as wire types.

use rusqlite::{Row, types::Type};
use schemas::Id;
use url::Url;

/// The id in that column.
pub(crate) fn id_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Id> {
    let text = row.get_ref(column)?.as_str()?;
    Id::new(text)
        .map_err(|invalid| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(invalid)))
}

/// The id in that column, if there is one.
pub(crate) fn optional_id_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Id>> {
    if row.get_ref(column)? == rusqlite::types::ValueRef::Null {
        Ok(None)
    } else {
        id_at(row, column).map(Some)
    }
}

/// Where an uploaded file can be seen: below `base`, or where the gateway serves files. `None` without a key.
pub(crate) fn asset_url(base: Option<&Url>, key: Option<String>) -> Option<String> {
    let (base, key) = (base.map_or("/files", Url::as_str), key?);
    // A key is plain path characters, so that nothing needs escaping.
    Some(format!("{}/{key}", base.trim_end_matches('/')))
}
