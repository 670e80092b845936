//! One recipe: whole, and as its author edits it.

use actix_web::{HttpRequest, HttpResponse, web::Data};
use rusqlite::{OptionalExtension, Transaction, named_params};
use schemas::{Id, RawText};
use url::Url;

use super::{CURRENCY, Recipes, ingredients::amount_at};
use crate::{
    db::{asset_url, id_at, rfc3339},
    http::{Acting, Caller, Failure, PathId, ok},
    wire::{Recipe, RecipeForm, RecipeIngredient},
};

pub(super) const NO_RECIPE: Failure = Failure::not_found("There is no such recipe.");

/// `GET /recipes/{id}`.
pub(super) async fn one(
    state: Data<Recipes>,
    request: HttpRequest,
    caller: Caller,
    PathId(id): PathId,
) -> Result<HttpResponse, Failure> {
    let assets = state.assets.clone();
    let recipe =
        state.db.read(move |tx| whole(tx, id.as_str(), caller.acting.as_ref(), assets.as_deref())).await?;
    Ok(ok(&request, &recipe))
}

/// `GET /recipes/{id}/form`.
pub(super) async fn form(
    state: Data<Recipes>,
    request: HttpRequest,
    Acting(me): Acting,
    PathId(id): PathId,
) -> Result<HttpResponse, Failure> {
    let form = state.db.read(move |tx| editable(tx, &id, &me)).await?;
    Ok(ok(&request, &form))
}

/// The recipe as `me` sees it.
pub(super) fn whole(
    tx: &Transaction<'_>,
    id: &str,
    me: Option<&Id>,
    assets: Option<&Url>,
) -> Result<Recipe, Failure> {
    let mut statement = tx.prepare_cached(
        "SELECT seq, id, author_id, title, photo_key, servings, total_cost, cost_per_serving, like_count,
                comment_count, created_at, body, updated_at,
                EXISTS (SELECT 1 FROM recipe_likes l WHERE l.recipe_seq = seq AND l.member_id = :me)
         FROM recipes WHERE id = :id",
    )?;
    let found = statement.query_row(named_params! { ":id": id, ":me": me.map(Id::as_str) }, |row| {
        let seq: i64 = row.get(0)?;
        Ok((
            seq,
            Recipe {
                id: id_at(row, 1)?,
                author_id: id_at(row, 2)?,
                title: row.get(3)?,
                photo_url: asset_url(assets, row.get(4)?),
                servings: row.get(5)?,
                total_cost: row.get(6)?,
                cost_per_serving: row.get(7)?,
                currency: CURRENCY.to_owned(),
                like_count: row.get(8)?,
                comment_count: row.get(9)?,
                created_at: rfc3339(row.get(10)?),
                body: RawText::new(row.get_ref(11)?.as_str()?),
                updated_at: rfc3339(row.get(12)?),
                liked_by_me: row.get(13)?,
                ingredients: Vec::new(),
            },
        ))
    });
    let (seq, recipe) = found.optional()?.ok_or(NO_RECIPE)?;
    Ok(Recipe { ingredients: lines(tx, seq)?, ..recipe })
}

fn editable(tx: &Transaction<'_>, id: &Id, me: &Id) -> Result<RecipeForm, Failure> {
    let seq = owned(tx, id, me)?;
    let mut statement =
        tx.prepare_cached("SELECT id, title, body, servings, photo_key FROM recipes WHERE seq = ?")?;
    let form = statement.query_row([seq], |row| {
        Ok(RecipeForm {
            id: id_at(row, 0)?,
            title: row.get(1)?,
            body: RawText::new(row.get_ref(2)?.as_str()?),
            servings: row.get(3)?,
            photo_key: row.get(4)?,
            ingredients: Vec::new(),
        })
    })?;
    Ok(RecipeForm { ingredients: lines(tx, seq)?, ..form })
}

fn lines(tx: &Transaction<'_>, seq: i64) -> Result<Vec<RecipeIngredient>, Failure> {
    let mut statement = tx.prepare_cached(
        "SELECT i.id, i.name, i.unit, r.amount, r.cost
         FROM recipe_ingredients r JOIN ingredients i ON i.id = r.ingredient_id
         WHERE r.recipe_seq = ? ORDER BY r.position",
    )?;
    let rows = statement.query_map([seq], |row| {
        Ok(RecipeIngredient {
            ingredient_id: id_at(row, 0)?,
            name: row.get(1)?,
            unit: row.get(2)?,
            amount: amount_at(row, 3)?,
            cost: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The row of a recipe and its author; 404 without.
pub(super) fn row_and_author(tx: &Transaction<'_>, id: &Id) -> Result<(i64, String), Failure> {
    let mut statement = tx.prepare_cached("SELECT seq, author_id FROM recipes WHERE id = ?")?;
    let found = statement.query_row([id.as_str()], |row| Ok((row.get(0)?, row.get(1)?)));
    found.optional()?.ok_or(NO_RECIPE)
}

/// The row of a recipe of mine; 404 without, 403 if it is another's.
pub(super) fn owned(tx: &Transaction<'_>, id: &Id, me: &Id) -> Result<i64, Failure> {
    let (seq, author) = row_and_author(tx, id)?;
    if author == me.as_str() { Ok(seq) } else { Err(Failure::not_author()) }
}
