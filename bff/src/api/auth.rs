//! `/auth`: sign-up, sign-in, sessions.

use std::{sync::Arc, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::header::{CACHE_CONTROL, COOKIE, HeaderName, SET_COOKIE, USER_AGENT},
    web,
};
use clients::UpstreamError;
use jiff::Timestamp;
use schemas::{Credentials, CsrfToken, Me, SessionInfo, SignUp, SignedUp};
use secrecy::ExposeSecret;

use super::{Api, calling::call_context, creating::Made, refusals::refusal};
use crate::{
    cache::Tag,
    edge::{
        ApiError, Edge, JsonBody, SignedIn, SignedInUntouched, accepts_json, client_address, origin_check,
    },
    identity::{IdentityError, Session, Sessions, client_label, find_cookie, mask_address},
    telemetry::unix_ms,
};

/// Sign-out takes with it what the browser keeps of us (W3C Clear Site Data section 3.1, as OWASP's session sheet
/// asks).
const CLEAR_SITE_DATA: (HeaderName, &str) =
    (HeaderName::from_static("clear-site-data"), r#""cache", "cookies", "storage""#);

/// `POST /auth/signup`: 201 with the new member. Signs nobody in.
///
/// # Errors
/// 403 `csrf_failed`, 409 `email_taken` or `username_taken`, 422.
pub async fn sign_up(
    request: HttpRequest,
    input: JsonBody<SignUp>,
    api: web::Data<Api>,
) -> Result<HttpResponse, ApiError> {
    origin_check(&request)?;
    // Not by address: a caller who lost the answer may have lost their network with it.
    let keyed = api.idempotency.keyed(&request, None, &input.0)?;
    let (clients, cx) = (Arc::clone(&api.clients), call_context(&request, None));
    let signing_up = async move { clients.profile.sign_up(&cx, &input).await };
    api.create(keyed, signing_up, |user: &Me| Made::new(&SignedUp { user: user.clone() })).await
}

/// `POST /auth/login`: 200 with the session, and its cookie. A session that the browser had before ends: its
/// id may be known to others.
///
/// # Errors
/// 401 `bad_credentials` or `otp_required`, 403 `csrf_failed`, 422, 503.
pub async fn log_in(
    request: HttpRequest,
    credentials: JsonBody<Credentials>,
    api: web::Data<Api>,
    edge: web::Data<Edge>,
) -> Result<HttpResponse, ApiError> {
    origin_check(&request)?;
    let verified = api.clients.profile.verify(&call_context(&request, None), &credentials).await;
    let user =
        verified.map_err(not_verified).inspect_err(|refused| edge.metrics.sign_in(word_for(refused)))?;
    let client = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let address = mask_address(client_address(&request));
    let now_ms = unix_ms();
    let label = client_label(client);
    let cookies = request.headers().get_all(COOKIE).map(|value| value.as_bytes());
    let before = find_cookie(cookies, &edge.cookie.name).map(str::to_owned);
    let sessions = edge.sessions.clone();
    // A caller who hangs up half-way must not be left with the old session beside the new one.
    let signing_in = async move {
        let new = sessions.create(&user, &label, &address, now_ms).await?;
        if let Some(before) = before {
            end_quietly(&sessions, &before, now_ms).await;
        }
        Ok::<_, IdentityError>(new)
    };
    let new = api.to_its_end(signing_in).await??;
    edge.metrics.sign_in("ok");
    edge.metrics.sessions_created.inc();
    let lasts = Duration::from_millis(new.session.absolute_end_ms.saturating_sub(now_ms));
    let cookie = edge.cookie.set(new.id.expose_secret(), lasts);
    let mut response = HttpResponse::Ok();
    response.insert_header((SET_COOKIE, cookie));
    Ok(never_kept(&mut response).json(info(&edge, &new.session)?))
}

/// `POST /auth/logout`: 204. The session is gone from the store, and what was cached for its user is dropped,
/// before this is answered.
///
/// # Errors
/// 401, 403 `csrf_failed`, 503.
pub async fn log_out(
    caller: SignedIn,
    api: web::Data<Api>,
    edge: web::Data<Edge>,
) -> Result<HttpResponse, ApiError> {
    let caller = caller.caller();
    edge.sessions.end(&caller.session.key).await?;
    api.relay.hard(&caller.user, &[Tag::everything()]).await;
    edge.metrics.sessions_ended.inc();
    let mut response = HttpResponse::NoContent();
    response.insert_header((SET_COOKIE, edge.cookie.clear())).insert_header(CLEAR_SITE_DATA);
    Ok(never_kept(&mut response).finish())
}

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

/// `GET /auth/csrf-token`: 200 with the session's token for `X-CSRF-Token`.
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

/// Ends the session that the browser had before. That the new one is made counts for more than that this succeeds.
async fn end_quietly(sessions: &Sessions, raw_id: &str, now_ms: u64) {
    let ended = match sessions.lookup(raw_id, now_ms).await {
        Ok(Some(session)) => sessions.end(&session.key).await.map(|_| ()),
        Ok(None) => Ok(()),
        Err(error) => Err(error),
    };
    if let Err(error) = ended {
        tracing::warn!(%error, "the session that a sign-in replaced is not ended");
    }
}

fn info(edge: &Edge, session: &Session) -> Result<SessionInfo, ApiError> {
    let expires_at =
        i64::try_from(session.expires_at_ms()).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    Ok(SessionInfo {
        user: (*session.profile).clone(),
        csrf_token: edge.csrf.token(&session.key),
        expires_at: expires_at.ok_or(ApiError::Internal("a session ends outside of the calendar"))?.into(),
    })
}

/// An answer that bears a token, or a person's data: no cache may keep it.
fn never_kept(response: &mut HttpResponseBuilder) -> &mut HttpResponseBuilder {
    response.insert_header((CACHE_CONTROL, "no-store"))
}

fn not_verified(error: UpstreamError) -> ApiError {
    if error.status().is_none_or(|status| status.as_u16() != 401) {
        return refusal(error);
    }
    match error.problem_code() {
        Some("bad_credentials") => ApiError::BadCredentials,
        Some("otp_required") => ApiError::OtpRequired { wrong: false },
        Some("otp_invalid") => ApiError::OtpRequired { wrong: true },
        // Any other 401 is the upstream's refusal of our own service token.
        _ => ApiError::Upstream(error),
    }
}

/// How metrics count a sign-in that failed.
fn word_for(error: &ApiError) -> &'static str {
    match error {
        ApiError::BadCredentials => "bad_credentials",
        ApiError::OtpRequired { .. } => "otp_required",
        _ => "failed",
    }
}
