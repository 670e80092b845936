//! Making, replacing and deleting recipes.

use actix_web::{HttpRequest, HttpResponse, web::Data};
use rusqlite::{Transaction, named_params, params};
use schemas::Id;

use super::{
    Recipes,
    costing::{Costed, work_out},
    input, reading, search,
};
use crate::{
    db::{Stamp, now},
    http::{Acting, Failure, Json, PathId, created, no_content, ok},
    wire::RecipeInput,
};

/// `POST /recipes`.
pub(super) async fn create(
    state: Data<Recipes>,
    Acting(me): Acting,
    Json(recipe): Json<RecipeInput>,
) -> Result<HttpResponse, Failure> {
    input::check(&recipe)?;
    let assets = state.assets.clone();
    let recipe = state
        .db
        .write(move |tx| {
            let stamp = Stamp::next();
            store_at(tx, &stamp, me.as_str(), &recipe)?;
            reading::whole(tx, &stamp.id, Some(&me), assets.as_deref())
        })
        .await?;
    Ok(created(format!("/recipes/{}", recipe.id), &recipe))
}

/// `PUT /recipes/{id}`.
pub(super) async fn replace(
    state: Data<Recipes>,
    request: HttpRequest,
    Acting(me): Acting,
    PathId(id): PathId,
    Json(recipe): Json<RecipeInput>,
) -> Result<HttpResponse, Failure> {
    input::check(&recipe)?;
    let assets = state.assets.clone();
    let recipe = state
        .db
        .write(move |tx| {
            let seq = reading::owned(tx, &id, &me)?;
            overwrite(tx, seq, &recipe)?;
            reading::whole(tx, id.as_str(), Some(&me), assets.as_deref())
        })
        .await?;
    Ok(ok(&request, &recipe))
}

/// `DELETE /recipes/{id}`: its lines, likes and comments go with it.
pub(super) async fn delete(
    state: Data<Recipes>,
    Acting(me): Acting,
    PathId(id): PathId,
) -> Result<HttpResponse, Failure> {
    state.db.write(move |tx| remove(tx, &id, &me)).await?;
    Ok(no_content())
}

/// Adds a recipe that was made at that time.
pub(crate) fn store_at(
    tx: &Transaction<'_>,
    stamp: &Stamp,
    author: &str,
    recipe: &RecipeInput,
) -> Result<(), Failure> {
    let costed = work_out(tx, recipe)?;
    tx.prepare_cached(
        "INSERT INTO recipes (id, author_id, title, body, servings, photo_key, total_cost, cost_per_serving,
                              created_at, updated_at)
         VALUES (:id, :author, :title, :body, :servings, :photo, :total, :per_serving, :at, :at)",
    )?
    .execute(named_params! {
        ":id": stamp.id,
        ":author": author,
        ":title": recipe.title,
        ":body": recipe.body,
        ":servings": recipe.servings,
        ":photo": recipe.photo_key,
        ":total": costed.total,
        ":per_serving": costed.per_serving,
        ":at": stamp.at,
    })?;
    store_lines(tx, tx.last_insert_rowid(), recipe, &costed)
}

fn overwrite(tx: &Transaction<'_>, seq: i64, recipe: &RecipeInput) -> Result<(), Failure> {
    let costed = work_out(tx, recipe)?;
    tx.prepare_cached(
        "UPDATE recipes SET title = :title, body = :body, servings = :servings, photo_key = :photo,
                            total_cost = :total, cost_per_serving = :per_serving, updated_at = :at
         WHERE seq = :seq",
    )?
    .execute(named_params! {
        ":title": recipe.title,
        ":body": recipe.body,
        ":servings": recipe.servings,
        ":photo": recipe.photo_key,
        ":total": costed.total,
        ":per_serving": costed.per_serving,
        ":at": now(),
        ":seq": seq,
    })?;
    tx.prepare_cached("DELETE FROM recipe_ingredients WHERE recipe_seq = ?")?.execute([seq])?;
    tx.prepare_cached("DELETE FROM recipe_search WHERE rowid = ?")?.execute([seq])?;
    store_lines(tx, seq, recipe, &costed)
}

fn store_lines(tx: &Transaction<'_>, seq: i64, recipe: &RecipeInput, costed: &Costed) -> Result<(), Failure> {
    let mut insert = tx.prepare_cached(
        "INSERT INTO recipe_ingredients (recipe_seq, position, ingredient_id, amount, cost)
         VALUES (?, ?, ?, ?, ?)",
    )?;
    let mut searched = search::pairs(&recipe.title);
    searched.push_str(&search::pairs(&recipe.body));
    for (position, line) in costed.lines.iter().enumerate() {
        let amount = line.amount.thousandths();
        insert.execute(params![seq, position, line.ingredient_id.as_str(), amount, line.cost])?;
        searched.push_str(&search::pairs(&line.name));
    }
    tx.prepare_cached("INSERT INTO recipe_search (rowid, pairs) VALUES (?, ?)")?
        .execute(params![seq, searched])?;
    Ok(())
}

fn remove(tx: &Transaction<'_>, id: &Id, me: &Id) -> Result<(), Failure> {
    let seq = reading::owned(tx, id, me)?;
    tx.prepare_cached("DELETE FROM recipes WHERE seq = ?")?.execute([seq])?;
    Ok(())
}
