//! Comments on recipes, oldest first, and their likes.

use actix_web::{HttpRequest, HttpResponse, web::Data};
use rusqlite::{OptionalExtension, Row, Transaction, named_params, params};
use schemas::{Id, Page, RawText};

use super::{Recipes, reading::row_and_author};
use crate::{
    db::{Cursor, Stamp, id_at, now, page_of, rfc3339},
    http::{Acting, Caller, Checks, Failure, Json, PathId, Query, created, no_content, ok},
    wire::{Comment, CommentInput},
};

const NO_COMMENT: Failure = Failure::not_found("There is no such comment.");

const COMMENT: &str = "
    SELECT c.id, r.id, c.author_id, c.body, c.like_count, c.created_at, c.updated_at,
           EXISTS (SELECT 1 FROM comment_likes l WHERE l.comment_id = c.id AND l.member_id = :me)
    FROM comments c JOIN recipes r ON r.seq = c.recipe_seq ";

/// `GET /recipes/{id}/comments`.
pub(super) async fn list(
    state: Data<Recipes>,
    request: HttpRequest,
    caller: Caller,
    PathId(id): PathId,
) -> Result<HttpResponse, Failure> {
    let mut query = Query::of(&request);
    let (limit, cursor) = (query.limit("limit", 20), query.cursor());
    query.done()?;
    let page = state.db.read(move |tx| page(tx, &id, caller.acting.as_ref(), limit, cursor)).await?;
    Ok(ok(&request, &page))
}

/// `POST /recipes/{id}/comments`.
pub(super) async fn create(
    state: Data<Recipes>,
    Acting(me): Acting,
    PathId(recipe): PathId,
    Json(input): Json<CommentInput>,
) -> Result<HttpResponse, Failure> {
    check(&input)?;
    let comment = state.db.write(move |tx| insert(tx, &recipe, &me, &input)).await?;
    Ok(created(format!("/comments/{}", comment.id), &comment))
}

/// `PUT /comments/{id}`.
pub(super) async fn edit(
    state: Data<Recipes>,
    request: HttpRequest,
    Acting(me): Acting,
    PathId(id): PathId,
    Json(input): Json<CommentInput>,
) -> Result<HttpResponse, Failure> {
    check(&input)?;
    let comment = state.db.write(move |tx| rewrite(tx, &id, &me, &input)).await?;
    Ok(ok(&request, &comment))
}

/// `DELETE /comments/{id}`: its likes go with it.
pub(super) async fn delete(
    state: Data<Recipes>,
    Acting(me): Acting,
    PathId(id): PathId,
) -> Result<HttpResponse, Failure> {
    state.db.write(move |tx| remove(tx, &id, &me)).await?;
    Ok(no_content())
}

/// `PUT /comments/{id}/like`.
pub(super) async fn like(
    state: Data<Recipes>,
    Acting(me): Acting,
    PathId(id): PathId,
) -> Result<HttpResponse, Failure> {
    let sql = "INSERT OR IGNORE INTO comment_likes (comment_id, member_id) VALUES (?, ?)";
    state.db.write(move |tx| set_like(tx, sql, &id, &me)).await?;
    Ok(no_content())
}

/// `DELETE /comments/{id}/like`.
pub(super) async fn unlike(
    state: Data<Recipes>,
    Acting(me): Acting,
    PathId(id): PathId,
) -> Result<HttpResponse, Failure> {
    let sql = "DELETE FROM comment_likes WHERE comment_id = ? AND member_id = ?";
    state.db.write(move |tx| set_like(tx, sql, &id, &me)).await?;
    Ok(no_content())
}

fn check(input: &CommentInput) -> Result<(), Failure> {
    let mut checks = Checks::default();
    checks.text("body", &input.body, 1, 10_000);
    checks.done()
}

fn page(
    tx: &Transaction<'_>,
    recipe: &Id,
    me: Option<&Id>,
    limit: u32,
    cursor: Option<Cursor>,
) -> Result<Page<Comment>, Failure> {
    let (seq, _) = row_and_author(tx, recipe)?;
    let Cursor { at, id } = cursor.unwrap_or(Cursor { at: i64::MIN, id: String::new() });
    let mut statement = tx.prepare_cached(&format!(
        "{COMMENT} WHERE c.recipe_seq = :seq AND (c.created_at, c.id) > (:at, :id)
         ORDER BY c.created_at, c.id LIMIT :limit"
    ))?;
    let params = named_params! {
        ":seq": seq, ":me": me.map(Id::as_str), ":at": at, ":id": id, ":limit": limit + 1,
    };
    let rows = statement
        .query_map(params, |row| Ok((Cursor { at: row.get(5)?, id: row.get(0)? }, comment_of(row)?)))?;
    Ok(page_of(rows.collect::<Result<_, _>>()?, limit as usize))
}

fn insert(tx: &Transaction<'_>, recipe: &Id, me: &Id, input: &CommentInput) -> Result<Comment, Failure> {
    let (seq, _) = row_and_author(tx, recipe)?;
    let stamp = Stamp::next();
    tx.prepare_cached(
        "INSERT INTO comments (id, recipe_seq, author_id, body, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
    )?
    .execute(params![stamp.id, seq, me.as_str(), input.body, stamp.at])?;
    read(tx, &stamp.id, me)
}

fn rewrite(tx: &Transaction<'_>, id: &Id, me: &Id, input: &CommentInput) -> Result<Comment, Failure> {
    owned(tx, id, me)?;
    tx.prepare_cached("UPDATE comments SET body = ?, updated_at = ? WHERE id = ?")?.execute(params![
        input.body,
        now(),
        id.as_str()
    ])?;
    read(tx, id.as_str(), me)
}

fn remove(tx: &Transaction<'_>, id: &Id, me: &Id) -> Result<(), Failure> {
    owned(tx, id, me)?;
    tx.prepare_cached("DELETE FROM comments WHERE id = ?")?.execute([id.as_str()])?;
    Ok(())
}

fn set_like(tx: &Transaction<'_>, sql: &str, id: &Id, me: &Id) -> Result<(), Failure> {
    author(tx, id)?;
    tx.prepare_cached(sql)?.execute([id.as_str(), me.as_str()])?;
    Ok(())
}

fn read(tx: &Transaction<'_>, id: &str, me: &Id) -> Result<Comment, Failure> {
    let mut statement = tx.prepare_cached(&format!("{COMMENT} WHERE c.id = :id"))?;
    let params = named_params! { ":id": id, ":me": me.as_str() };
    statement.query_row(params, comment_of).optional()?.ok_or(NO_COMMENT)
}

fn owned(tx: &Transaction<'_>, id: &Id, me: &Id) -> Result<(), Failure> {
    if author(tx, id)? == me.as_str() { Ok(()) } else { Err(Failure::not_author()) }
}

fn author(tx: &Transaction<'_>, id: &Id) -> Result<String, Failure> {
    let mut statement = tx.prepare_cached("SELECT author_id FROM comments WHERE id = ?")?;
    statement.query_row([id.as_str()], |row| row.get(0)).optional()?.ok_or(NO_COMMENT)
}

fn comment_of(row: &Row<'_>) -> rusqlite::Result<Comment> {
    Ok(Comment {
        id: id_at(row, 0)?,
        recipe_id: id_at(row, 1)?,
        author_id: id_at(row, 2)?,
        body: RawText::new(row.get_ref(3)?.as_str()?),
        like_count: row.get(4)?,
        created_at: rfc3339(row.get(5)?),
        updated_at: rfc3339(row.get(6)?),
        liked_by_me: row.get(7)?,
    })
}
