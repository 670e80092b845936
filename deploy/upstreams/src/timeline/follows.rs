//! Who follows whom.

use actix_web::{HttpRequest, HttpResponse, web::Data};
use rusqlite::Transaction;
use schemas::Id;

use super::Timeline;
use crate::{
    http::{Acting, Caller, Failure, PathId, no_content, ok},
    wire::{Counts, Following},
};

/// `GET /follows/{memberId}`: whether I follow them.
pub(super) async fn following(
    state: Data<Timeline>,
    request: HttpRequest,
    Acting(me): Acting,
    PathId(them): PathId,
) -> Result<HttpResponse, Failure> {
    let following = state.db.read(move |tx| follows(tx, &me, &them)).await?;
    Ok(ok(&request, &Following { following }))
}

/// `PUT /follows/{memberId}`.
pub(super) async fn follow(
    state: Data<Timeline>,
    Acting(me): Acting,
    PathId(them): PathId,
) -> Result<HttpResponse, Failure> {
    if me == them {
        return Err(Failure::field("memberId", "own_account", "is your own"));
    }
    let sql = "INSERT OR IGNORE INTO follows (follower_id, followee_id) VALUES (?, ?)";
    state.db.write(move |tx| set(tx, sql, &me, &them)).await?;
    Ok(no_content())
}

/// `DELETE /follows/{memberId}`.
pub(super) async fn unfollow(
    state: Data<Timeline>,
    Acting(me): Acting,
    PathId(them): PathId,
) -> Result<HttpResponse, Failure> {
    let sql = "DELETE FROM follows WHERE follower_id = ? AND followee_id = ?";
    state.db.write(move |tx| set(tx, sql, &me, &them)).await?;
    Ok(no_content())
}

/// `GET /members/{id}/counts`.
pub(super) async fn counts(
    state: Data<Timeline>,
    request: HttpRequest,
    _: Caller,
    PathId(id): PathId,
) -> Result<HttpResponse, Failure> {
    let counts = state.db.read(move |tx| count(tx, &id)).await?;
    Ok(ok(&request, &counts))
}

fn follows(tx: &Transaction<'_>, me: &Id, them: &Id) -> Result<bool, Failure> {
    let mut statement =
        tx.prepare_cached("SELECT 1 FROM follows WHERE follower_id = ? AND followee_id = ?")?;
    Ok(statement.exists([me.as_str(), them.as_str()])?)
}

fn set(tx: &Transaction<'_>, sql: &str, me: &Id, them: &Id) -> Result<(), Failure> {
    tx.prepare_cached(sql)?.execute([me.as_str(), them.as_str()])?;
    Ok(())
}

fn count(tx: &Transaction<'_>, id: &Id) -> Result<Counts, Failure> {
    let mut statement = tx.prepare_cached(
        "SELECT (SELECT count(*) FROM posts WHERE author_id = :id),
                (SELECT count(*) FROM follows WHERE followee_id = :id),
                (SELECT count(*) FROM follows WHERE follower_id = :id)",
    )?;
    let counts = statement.query_row([id.as_str()], |row| {
        Ok(Counts { posts: row.get(0)?, followers: row.get(1)?, following: row.get(2)? })
    })?;
    Ok(counts)
}
