//! Posts and their likes.

use actix_web::{HttpResponse, web::Data};
use rusqlite::{OptionalExtension, Transaction, params};
use schemas::{Id, RawText};

use super::Timeline;
use crate::{
    db::{Stamp, rfc3339},
    http::{Acting, Checks, Failure, Json, PathId, created, no_content},
    wire::{Post, PostInput},
};

const NO_POST: Failure = Failure::not_found("There is no such post.");

/// `POST /posts`.
pub(super) async fn create(
    state: Data<Timeline>,
    Acting(me): Acting,
    Json(input): Json<PostInput>,
) -> Result<HttpResponse, Failure> {
    let mut checks = Checks::default();
    checks.text("text", &input.text, 1, 10_000);
    checks.done()?;
    let post = state.db.write(move |tx| insert(tx, &me, &input)).await?;
    Ok(created(format!("/posts/{}", post.id), &post))
}

/// `DELETE /posts/{id}`: its likes go with it.
pub(super) async fn delete(
    state: Data<Timeline>,
    Acting(me): Acting,
    PathId(id): PathId,
) -> Result<HttpResponse, Failure> {
    state.db.write(move |tx| remove(tx, &me, &id)).await?;
    Ok(no_content())
}

/// `PUT /posts/{id}/like`.
pub(super) async fn like(
    state: Data<Timeline>,
    Acting(me): Acting,
    PathId(id): PathId,
) -> Result<HttpResponse, Failure> {
    let sql = "INSERT OR IGNORE INTO post_likes (post_id, member_id) VALUES (?, ?)";
    state.db.write(move |tx| set_like(tx, sql, &me, &id)).await?;
    Ok(no_content())
}

/// `DELETE /posts/{id}/like`.
pub(super) async fn unlike(
    state: Data<Timeline>,
    Acting(me): Acting,
    PathId(id): PathId,
) -> Result<HttpResponse, Failure> {
    let sql = "DELETE FROM post_likes WHERE post_id = ? AND member_id = ?";
    state.db.write(move |tx| set_like(tx, sql, &me, &id)).await?;
    Ok(no_content())
}

pub(super) fn insert(tx: &Transaction<'_>, me: &Id, input: &PostInput) -> Result<Post, Failure> {
    let stamp = Stamp::next();
    tx.prepare_cached(
        "INSERT INTO posts (id, author_id, text, recipe_id, created_at) VALUES (?, ?, ?, ?, ?)",
    )?
    .execute(params![
        stamp.id,
        me.as_str(),
        input.text,
        input.recipe_id.as_ref().map(Id::as_str),
        stamp.at
    ])?;
    Ok(Post {
        id: Id::new(&stamp.id).map_err(|_| NO_POST)?,
        author_id: me.clone(),
        text: RawText::new(&input.text),
        recipe_id: input.recipe_id.clone(),
        created_at: rfc3339(stamp.at),
        like_count: 0,
        liked_by_me: false,
    })
}

fn remove(tx: &Transaction<'_>, me: &Id, id: &Id) -> Result<(), Failure> {
    if author(tx, id)? != me.as_str() {
        return Err(Failure::not_author());
    }
    tx.prepare_cached("DELETE FROM posts WHERE id = ?")?.execute([id.as_str()])?;
    Ok(())
}

fn set_like(tx: &Transaction<'_>, sql: &str, me: &Id, id: &Id) -> Result<(), Failure> {
    author(tx, id)?;
    tx.prepare_cached(sql)?.execute([id.as_str(), me.as_str()])?;
    Ok(())
}

fn author(tx: &Transaction<'_>, id: &Id) -> Result<String, Failure> {
    let mut statement = tx.prepare_cached("SELECT author_id FROM posts WHERE id = ?")?;
    statement.query_row([id.as_str()], |row| row.get(0)).optional()?.ok_or(NO_POST)
}
