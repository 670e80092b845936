//! The end of a member, and what the service knows of one.

use actix_web::{HttpRequest, HttpResponse, web::Data};
use rusqlite::{Transaction, params};
use schemas::Id;

use super::Timeline;
use crate::{
    db::now,
    export,
    http::{Failure, Leaving, Own, Query, no_content, ok},
};

/// What a member has, one `SELECT` for each kind: id, times, and the rest as JSON. In the order of [`KINDS`].
const ITEMS: &str = "
    SELECT 0 kind, id, created_at, updated_at,
           json_object('text', text, 'recipeId', recipe_id, 'likeCount', like_count) data
    FROM posts WHERE author_id = :me
    UNION ALL
    SELECT 1, post_id, created_at, updated_at, json_object('postId', post_id)
    FROM post_likes WHERE member_id = :me
    UNION ALL
    SELECT 2, followee_id, created_at, updated_at, json_object('memberId', followee_id)
    FROM follows WHERE follower_id = :me
    UNION ALL
    SELECT 3, follower_id, created_at, updated_at, json_object('memberId', follower_id)
    FROM follows WHERE followee_id = :me";
const KINDS: [&str; 4] = ["post", "like", "following", "follower"];

/// `DELETE /members/{id}`: their posts with the likes of them, their likes, and whom they follow and who follows them.
/// Again changes nothing.
pub(super) async fn delete_member(
    state: Data<Timeline>,
    Leaving(me): Leaving,
) -> Result<HttpResponse, Failure> {
    state.db.write(move |tx| remove(tx, &me)).await?;
    Ok(no_content())
}

/// `GET /members/{id}/export`.
pub(super) async fn export(
    state: Data<Timeline>,
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
        // A trigger takes each like off its post's count.
        "DELETE FROM post_likes WHERE member_id = ?1",
        "DELETE FROM follows WHERE follower_id = ?1 OR followee_id = ?1",
        // Likes of them go with them.
        "DELETE FROM posts WHERE author_id = ?1",
    ] {
        tx.prepare_cached(sql)?.execute([me.as_str()])?;
    }
    Ok(())
}
