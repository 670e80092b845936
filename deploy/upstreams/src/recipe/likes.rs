//! Likes of recipes.

use actix_web::{HttpResponse, http::StatusCode, web::Data};
use rusqlite::{Transaction, params};
use schemas::Id;

use super::{Recipes, reading::row_and_author};
use crate::http::{Acting, Failure, PathId, no_content};

/// `PUT /recipes/{id}/like`; 403 for one's own.
pub(super) async fn like(
    state: Data<Recipes>,
    Acting(me): Acting,
    PathId(id): PathId,
) -> Result<HttpResponse, Failure> {
    let sql = "INSERT OR IGNORE INTO recipe_likes (recipe_seq, member_id) VALUES (?, ?)";
    state.db.write(move |tx| set(tx, sql, &me, &id)).await?;
    Ok(no_content())
}

/// `DELETE /recipes/{id}/like`; 403 for one's own.
pub(super) async fn unlike(
    state: Data<Recipes>,
    Acting(me): Acting,
    PathId(id): PathId,
) -> Result<HttpResponse, Failure> {
    let sql = "DELETE FROM recipe_likes WHERE recipe_seq = ? AND member_id = ?";
    state.db.write(move |tx| set(tx, sql, &me, &id)).await?;
    Ok(no_content())
}

fn set(tx: &Transaction<'_>, sql: &str, me: &Id, id: &Id) -> Result<(), Failure> {
    let (seq, author) = row_and_author(tx, id)?;
    if author == me.as_str() {
        return Err(Failure::refused(
            StatusCode::FORBIDDEN,
            "own_recipe",
            "One's own recipe cannot be liked.",
        ));
    }
    tx.prepare_cached(sql)?.execute(params![seq, me.as_str()])?;
    Ok(())
}
