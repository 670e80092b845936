//! What recipes are made of, and its price.

use actix_web::{HttpRequest, HttpResponse, web::Data};
use rusqlite::{OptionalExtension, Row, Transaction};
use schemas::{Id, Items};

use super::Recipes;
use crate::{
    db::id_at,
    http::{Caller, Failure, Query, ok},
    wire::{Amount, Ingredient},
};

/// `GET /ingredients?q=`: by name; `q` may be any part of it.
pub(super) async fn list(
    state: Data<Recipes>,
    request: HttpRequest,
    _: Caller,
) -> Result<HttpResponse, Failure> {
    let mut query = Query::of(&request);
    let wanted = query.text("q", 200).map(|text| text.to_lowercase());
    query.done()?;
    let items = state.db.read(move |tx| all(tx, wanted.as_deref())).await?;
    Ok(ok(&request, &Items { items }))
}

/// The list is a pantry's, not a warehouse's: all of it is read.
fn all(tx: &Transaction<'_>, wanted: Option<&str>) -> Result<Vec<Ingredient>, Failure> {
    let mut statement =
        tx.prepare_cached("SELECT id, name, unit, price, per FROM ingredients ORDER BY name")?;
    let rows = statement.query_map([], ingredient_of)?;
    let mut items = rows.collect::<Result<Vec<_>, _>>()?;
    if let Some(wanted) = wanted {
        items.retain(|ingredient| ingredient.name.to_lowercase().contains(wanted));
    }
    Ok(items)
}

/// The ingredient of that id.
pub(super) fn find(tx: &Transaction<'_>, id: &Id) -> Result<Option<Ingredient>, Failure> {
    let mut statement =
        tx.prepare_cached("SELECT id, name, unit, price, per FROM ingredients WHERE id = ?")?;
    Ok(statement.query_row([id.as_str()], ingredient_of).optional()?)
}

fn ingredient_of(row: &Row<'_>) -> rusqlite::Result<Ingredient> {
    Ok(Ingredient {
        id: id_at(row, 0)?,
        name: row.get(1)?,
        unit: row.get(2)?,
        price: row.get(3)?,
        per: amount_at(row, 4)?,
    })
}

/// An amount in thousandths.
pub(super) fn amount_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Amount> {
    let thousandths: u64 = row.get(column)?;
    Amount::from_thousandths(thousandths)
        .ok_or_else(|| rusqlite::Error::IntegralValueOutOfRange(column, i64::MAX))
}
