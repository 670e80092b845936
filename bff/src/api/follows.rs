//! `/api/follows/{memberId}`.

use actix_web::{HttpRequest, HttpResponse, web};
use schemas::Id;

use super::writing::{Api, Changes, id};
use crate::{
    cache::Tag,
    edge::{ApiError, SignedIn},
};

/// `PUT /api/follows/{memberId}`: 204, also when I follow them already.
///
/// # Errors
/// 401, 403 `csrf_failed`, 404.
pub async fn follow(
    request: HttpRequest,
    caller: SignedIn,
    path: web::Path<String>,
    api: web::Data<Api>,
) -> Result<HttpResponse, ApiError> {
    let member = id(&path)?;
    let changes = changes(&caller.caller().user, &member);
    api.write(
        &request,
        &caller,
        |clients, cx| async move { clients.timeline.follow(&cx, &member).await },
        |_| changes,
    )
    .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `DELETE /api/follows/{memberId}`: 204, also when I do not follow them.
///
/// # Errors
/// 401, 403 `csrf_failed`, 404.
pub async fn unfollow(
    request: HttpRequest,
    caller: SignedIn,
    path: web::Path<String>,
    api: web::Data<Api>,
) -> Result<HttpResponse, ApiError> {
    let member = id(&path)?;
    let changes = changes(&caller.caller().user, &member);
    api.write(
        &request,
        &caller,
        |clients, cx| async move { clients.timeline.unfollow(&cx, &member).await },
        |_| changes,
    )
    .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// My timeline, and the counts on both pages. That the other one has a follower more is no reason to fetch
/// every document in which they appear.
fn changes(me: &Id, member: &Id) -> Changes {
    Changes { mine: vec![Tag::timeline(me), Tag::member(me), Tag::member(member)], everybodys: Vec::new() }
}
