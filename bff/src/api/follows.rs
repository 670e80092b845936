//! `/api/follows/{memberId}`.

use actix_web::HttpResponse;
use schemas::Id;

use super::{
    calling::PathId,
    tags,
    writing::{Changes, Writer},
};
use crate::edge::ApiError;

/// `PUT /api/follows/{memberId}`: 204, also when I follow them already.
///
/// # Errors
/// 401, 403 `csrf_failed`, 404.
pub async fn follow(writer: Writer, PathId(member): PathId) -> Result<HttpResponse, ApiError> {
    let changes = between(writer.me(), &member);
    writer.perform(changes, |clients, cx| async move { clients.timeline.follow(&cx, &member).await }).await
}

/// `DELETE /api/follows/{memberId}`: 204, also when I do not follow them.
///
/// # Errors
/// 401, 403 `csrf_failed`, 404.
pub async fn unfollow(writer: Writer, PathId(member): PathId) -> Result<HttpResponse, ApiError> {
    let changes = between(writer.me(), &member);
    writer.perform(changes, |clients, cx| async move { clients.timeline.unfollow(&cx, &member).await }).await
}

/// My timeline, and the counts on both pages. That the other one has a follower more is no reason to fetch
/// every document in which they appear.
fn between(me: &Id, member: &Id) -> Changes {
    Changes::default().and_mine([tags::timeline(me), tags::member(me), tags::member(member)])
}
