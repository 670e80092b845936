//! Sessions of either kind: the caller's own, all of the user's, and their end.

use actix_web::{HttpRequest, HttpResponse, web};
use schemas::{CsrfToken, Items, ListedSession, SignInKind};

use super::{never_kept, sign_in::info, signed_out, time};
use crate::{
    api::calling::PathId,
    edge::{ApiError, Edge, SignedIn, SignedInUntouched, accepts_json},
    identity::{SessionKind, SessionSummary},
    telemetry::unix_ms,
};

/// `GET /auth/session`: 200 with the session. Does not extend it.
///
/// # Errors
/// 401, 406, 503.
pub async fn session(
    request: HttpRequest,
    caller: SignedInUntouched,
    edge: web::Data<Edge>,
) -> Result<HttpResponse, ApiError> {
    accepts_json(&request)?;
    let info = info(&edge, &caller.0.caller().session)?;
    Ok(never_kept(&mut HttpResponse::Ok()).json(info))
}

/// `GET /auth/csrf-token`: 200 with the session's token for `X-CSRF-Token`. Apps need none.
///
/// # Errors
/// 401, 406, 503.
pub async fn csrf_token(
    request: HttpRequest,
    caller: SignedInUntouched,
    edge: web::Data<Edge>,
) -> Result<HttpResponse, ApiError> {
    accepts_json(&request)?;
    let csrf = edge.csrf.token(&caller.0.caller().session.key);
    Ok(never_kept(&mut HttpResponse::Ok()).json(CsrfToken { csrf }))
}

/// `GET /auth/sessions`: 200 with everywhere that the caller is signed in, the last used first.
///
/// # Errors
/// 401, 406, 503.
pub async fn list_sessions(
    request: HttpRequest,
    caller: SignedIn,
    edge: web::Data<Edge>,
) -> Result<HttpResponse, ApiError> {
    accepts_json(&request)?;
    let caller = caller.caller();
    let current = caller.session.public_id();
    let listed = edge.sessions.list(&caller.user, unix_ms()).await?;
    let items: Result<_, _> = listed.into_iter().map(|summary| line(summary, &current)).collect();
    Ok(never_kept(&mut HttpResponse::Ok()).json(Items::<ListedSession> { items: items? }))
}

fn line(summary: SessionSummary, current: &str) -> Result<ListedSession, ApiError> {
    Ok(ListedSession {
        current: summary.id == current,
        kind: match summary.kind {
            SessionKind::Browser => SignInKind::Browser,
            SessionKind::App => SignInKind::App,
        },
        client: summary.client.into(),
        address: summary.address.into(),
        created_at: time(summary.created_ms)?,
        last_seen_at: time(summary.last_seen_ms)?,
        id: summary.id,
    })
}

/// `DELETE /auth/sessions/{id}`: 204. To end one's own is to sign out.
///
/// # Errors
/// 401, 403 `csrf_failed`, 404 where the caller is signed in nowhere by that name, 503.
pub async fn end_session(
    request: HttpRequest,
    PathId(id): PathId,
    caller: SignedIn,
    edge: web::Data<Edge>,
) -> Result<HttpResponse, ApiError> {
    let caller = caller.caller();
    let ended = edge.sessions.end_listed(&caller.user, id.as_str()).await?;
    let key = ended.ok_or(ApiError::NotFound)?;
    edge.metrics.sessions_ended.inc();
    if key == caller.session.key {
        return signed_out(&request, &edge).await;
    }
    Ok(never_kept(&mut HttpResponse::NoContent()).finish())
}

/// `POST /auth/logout`: 204. The session is gone from the store, what was cached for its user is dropped, and its live
/// connections are closed, before this is answered.
///
/// # Errors
/// 401, 403 `csrf_failed`, 503.
pub async fn log_out(
    request: HttpRequest,
    caller: SignedIn,
    edge: web::Data<Edge>,
) -> Result<HttpResponse, ApiError> {
    edge.sessions.end(&caller.caller().session.key).await?;
    edge.metrics.sessions_ended.inc();
    signed_out(&request, &edge).await
}

/// `POST /auth/logout-everywhere`: 204. As [`log_out`], of browsers and apps, on all devices.
///
/// # Errors
/// 401, 403 `csrf_failed`, 503.
pub async fn log_out_everywhere(
    request: HttpRequest,
    caller: SignedIn,
    edge: web::Data<Edge>,
) -> Result<HttpResponse, ApiError> {
    let ended = edge.sessions.end_all(&caller.caller().user, None).await?;
    edge.metrics.sessions_ended.inc_by(ended.len() as u64);
    signed_out(&request, &edge).await
}
