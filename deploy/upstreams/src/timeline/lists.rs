//! Lists of posts, newest first, walked by cursor.

use actix_web::{HttpRequest, HttpResponse, web::Data};
use rusqlite::{CachedStatement, Row, ToSql, Transaction, named_params};
use schemas::{Id, Page, RawText};

use super::Timeline;
use crate::{
    db::{Cursor, id_at, optional_id_at, page_of, rfc3339},
    http::{Acting, Caller, Failure, PathId, Query, ok},
    wire::Post,
};

const DEFAULT_LIMIT: u32 = 20;

/// The newest `:limit` posts of each author are looked up in the index, then the newest of all those
/// are taken: however much has been written, no more rows are touched than authors times limit.
const MINE: &str = "
    WITH authors (id) AS (SELECT :me UNION SELECT followee_id FROM follows WHERE follower_id = :me)
    SELECT p.id, p.author_id, p.text, p.recipe_id, p.created_at, p.like_count,
           EXISTS (SELECT 1 FROM post_likes l WHERE l.post_id = p.id AND l.member_id = :me)
    FROM authors a CROSS JOIN posts p ON p.rowid IN (
        SELECT q.rowid FROM posts q
        WHERE q.author_id = a.id AND (q.created_at, q.id) < (:at, :id)
        ORDER BY q.created_at DESC, q.id DESC LIMIT :limit)
    ORDER BY p.created_at DESC, p.id DESC LIMIT :limit";

const OF_MEMBER: &str = "
    SELECT p.id, p.author_id, p.text, p.recipe_id, p.created_at, p.like_count,
           EXISTS (SELECT 1 FROM post_likes l WHERE l.post_id = p.id AND l.member_id = :me)
    FROM posts p
    WHERE p.author_id = :author AND (p.created_at, p.id) < (:at, :id)
    ORDER BY p.created_at DESC, p.id DESC LIMIT :limit";

/// `GET /timeline`: my posts and those of whom I follow.
pub(super) async fn mine(
    state: Data<Timeline>,
    request: HttpRequest,
    Acting(me): Acting,
) -> Result<HttpResponse, Failure> {
    let mut query = Query::of(&request);
    let (limit, cursor) = (query.limit("limit", DEFAULT_LIMIT), query.cursor());
    query.done()?;
    let page = state.db.read(move |tx| page_mine(tx, &me, limit, cursor)).await?;
    Ok(ok(&request, &page))
}

/// `GET /members/{id}/posts`.
pub(super) async fn of_member(
    state: Data<Timeline>,
    request: HttpRequest,
    caller: Caller,
    PathId(author): PathId,
) -> Result<HttpResponse, Failure> {
    let mut query = Query::of(&request);
    let (limit, cursor) = (query.limit("limit", DEFAULT_LIMIT), query.cursor());
    query.done()?;
    let me = caller.acting;
    let page = state.db.read(move |tx| page_of_member(tx, &author, me.as_ref(), limit, cursor)).await?;
    Ok(ok(&request, &page))
}

pub(super) fn page_mine(
    tx: &Transaction<'_>,
    me: &Id,
    limit: u32,
    cursor: Option<Cursor>,
) -> Result<Page<Post>, Failure> {
    let Cursor { at, id } = cursor.unwrap_or_else(newest);
    let mut statement = tx.prepare_cached(MINE)?;
    let params = named_params! { ":me": me.as_str(), ":at": at, ":id": id, ":limit": limit + 1 };
    collect(&mut statement, params, limit)
}

fn page_of_member(
    tx: &Transaction<'_>,
    author: &Id,
    me: Option<&Id>,
    limit: u32,
    cursor: Option<Cursor>,
) -> Result<Page<Post>, Failure> {
    let Cursor { at, id } = cursor.unwrap_or_else(newest);
    let mut statement = tx.prepare_cached(OF_MEMBER)?;
    let params = named_params! {
        ":author": author.as_str(), ":me": me.map(Id::as_str), ":at": at, ":id": id, ":limit": limit + 1,
    };
    collect(&mut statement, params, limit)
}

fn collect(
    statement: &mut CachedStatement<'_>,
    params: &[(&str, &dyn ToSql)],
    limit: u32,
) -> Result<Page<Post>, Failure> {
    let rows = statement
        .query_map(params, |row| Ok((Cursor { at: row.get(4)?, id: row.get(0)? }, post_of(row)?)))?;
    Ok(page_of(rows.collect::<Result<_, _>>()?, limit as usize))
}

/// Above every row there is.
fn newest() -> Cursor {
    Cursor { at: i64::MAX, id: String::new() }
}

/// Columns: id, author, text, recipe, time, likes, mine.
pub(super) fn post_of(row: &Row<'_>) -> rusqlite::Result<Post> {
    Ok(Post {
        id: id_at(row, 0)?,
        author_id: id_at(row, 1)?,
        text: RawText::new(row.get_ref(2)?.as_str()?),
        recipe_id: optional_id_at(row, 3)?,
        created_at: rfc3339(row.get(4)?),
        like_count: row.get(5)?,
        liked_by_me: row.get(6)?,
    })
}
