//! The end of a member, and what the service knows of one.

use actix_web::{HttpRequest, HttpResponse, web::Data};
use rusqlite::{Transaction, params};
use schemas::Id;

use super::Recipes;
use crate::{
    db::now,
    export,
    http::{Failure, Leaving, Own, Query, no_content, ok},
};

/// What a member has, one `SELECT` for each kind: id, times, and the rest as JSON. In the order of [`KINDS`].
const ITEMS: &str = "
    SELECT 0 kind, r.id id, r.created_at created_at, r.updated_at updated_at,
           json_object('title', r.title, 'body', r.body, 'servings', r.servings, 'photoKey', r.photo_key,
               'totalCost', r.total_cost, 'costPerServing', r.cost_per_serving, 'likeCount', r.like_count,
               'ingredients', (SELECT json_group_array(json_object('ingredientId', ingredient_id,
                                                                   'thousandths', amount, 'cost', cost))
                               FROM recipe_ingredients WHERE recipe_seq = r.seq)) data
    FROM recipes r WHERE r.author_id = :me
    UNION ALL
    SELECT 1, r.id, l.created_at, l.updated_at, json_object('recipeId', r.id)
    FROM recipe_likes l JOIN recipes r ON r.seq = l.recipe_seq WHERE l.member_id = :me
    UNION ALL
    SELECT 2, c.id, c.created_at, c.updated_at,
           json_object('recipeId', r.id, 'body', c.body, 'likeCount', c.like_count)
    FROM comments c JOIN recipes r ON r.seq = c.recipe_seq WHERE c.author_id = :me
    UNION ALL
    SELECT 3, comment_id, created_at, updated_at, json_object('commentId', comment_id)
    FROM comment_likes WHERE member_id = :me";
const KINDS: [&str; 4] = ["recipe", "recipeLike", "comment", "commentLike"];

/// `DELETE /members/{id}`: their recipes with all that stands under them, also of others, and their likes and comments
/// elsewhere. Again changes nothing.
pub(super) async fn delete_member(
    state: Data<Recipes>,
    Leaving(me): Leaving,
) -> Result<HttpResponse, Failure> {
    state.db.write(move |tx| remove(tx, &me)).await?;
    Ok(no_content())
}

/// `GET /members/{id}/export`.
pub(super) async fn export(
    state: Data<Recipes>,
    request: HttpRequest,
    Own(me): Own,
) -> Result<HttpResponse, Failure> {
    let mut query = Query::of(&request);
    let (limit, cursor) = (query.limit("limit", export::PAGE), query.cursor());
    query.done()?;
    let page = state.db.read(move |tx| export::page(tx, ITEMS, &KINDS, &me, cursor, limit)).await?;
    Ok(ok(&request, &page))
}

fn remove(tx: &Transaction<'_>, me: &Id) -> Result<(), Failure> {
    // First: what is written afterwards is refused by the tables themselves.
    tx.prepare_cached(
        "INSERT OR IGNORE INTO deleted_members (id, created_at, updated_at) VALUES (?1, ?2, ?2)",
    )?
    .execute(params![me.as_str(), now()])?;
    for sql in [
        // Triggers take each like and comment off the counts of what it was on.
        "DELETE FROM comment_likes WHERE member_id = ?1",
        "DELETE FROM recipe_likes WHERE member_id = ?1",
        "DELETE FROM comments WHERE author_id = ?1",
        // Lines, likes, comments and their likes go with them.
        "DELETE FROM recipes WHERE author_id = ?1",
    ] {
        tx.prepare_cached(sql)?.execute([me.as_str()])?;
    }
    Ok(())
}
