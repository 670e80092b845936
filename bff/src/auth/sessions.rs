//! Sessions of either kind: the caller's own, all of the user's, and their end.

use actix_web::{HttpRequest, HttpResponse, web};
use schemas::{CsrfToken, Items, ListedSession, SignInKind};

use super::{
    answer::{never_kept, time},
    call_context::PathId,
    sign_in::info,
    sign_out::sign_out,
    state::Api,
};
use crate::{
    edge::{ApiError, Edge, SignedIn, SignedInUntouched, accepts_json},
    identity::{SessionKind, SessionSummary},
    telemetry::unix_ms,
};

/// `GET /auth/session`: 200 with the session. Does not extend it.
///
/// # Errors
/// 401, 406, 503.
pub(super) async fn session(
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
pub(super) async fn csrf_token(
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
pub(super) async fn list_sessions(
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
pub(super) async fn end_session(
    request: HttpRequest,
    PathId(id): PathId,
    caller: SignedIn,
    api: web::Data<Api>,
    edge: web::Data<Edge>,
) -> Result<HttpResponse, ApiError> {
    if id.as_str() == caller.caller().session.public_id() {
        return log_out(request, caller, api, edge).await;
    }
    let ended = edge.sessions.end_listed(&caller.caller().user, id.as_str()).await?;
    ended.ok_or(ApiError::NotFound)?;
    edge.metrics.sessions_ended.inc();
    Ok(never_kept(&mut HttpResponse::NoContent()).finish())
}

/// `POST /auth/logout`: 204. The session is gone from the store, what was cached for its user is dropped, and its live
/// connections are closed, before this is answered.
///
/// # Errors
/// 401, 403 `csrf_failed`, 503.
pub(super) async fn log_out(
    request: HttpRequest,
    caller: SignedIn,
    api: web::Data<Api>,
    edge: web::Data<Edge>,
) -> Result<HttpResponse, ApiError> {
    let (caller, sessions) = (caller.caller(), edge.sessions.clone());
    let key = caller.session.key;
    let own = async move { sessions.end(&key).await.map(u64::from) };
    sign_out(&request, &api, &edge, caller, own).await
}

/// `POST /auth/logout-everywhere`: 204. As [`log_out`], of browsers and apps, on all devices.
///
/// # Errors
/// 401, 403 `csrf_failed`, 503.
pub(super) async fn log_out_everywhere(
    request: HttpRequest,
    caller: SignedIn,
    api: web::Data<Api>,
    edge: web::Data<Edge>,
) -> Result<HttpResponse, ApiError> {
    let (caller, sessions) = (caller.caller(), edge.sessions.clone());
    let user = caller.user.clone();
    let own = async move { Ok(sessions.end_all(&user, None).await?.len() as u64) };
    sign_out(&request, &api, &edge, caller, own).await
}
