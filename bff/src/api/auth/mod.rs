//! `/auth`: who somebody is, and where they are signed in. A browser gets a session and its cookie, an app tokens;
//! both stand in one registry, and what ends there ends everywhere.

mod arrival;
mod contract;
mod cookies;
mod second_factor;
mod sessions;
mod sign_in;
mod tokens;

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::header::{CACHE_CONTROL, HeaderName},
};
use jiff::Timestamp;
use schemas::Rfc3339;

use crate::{
    api::Api,
    edge::{ApiError, Edge},
    identity::{Caller, IdentityError, SessionKey},
    telemetry::unix_ms,
};

pub(super) use arrival::Arrival;
pub(super) use contract::describe;
pub(super) use cookies::{SentCookies, add_cookie};
pub(super) use second_factor::{OTP_INVALID, of_code};
pub use second_factor::{confirm_totp, enrol_totp, remove_totp};
pub use sessions::{csrf_token, end_session, list_sessions, log_out, log_out_everywhere, session};
pub(super) use sign_in::{SessionInfo, info};
pub use sign_in::{log_in, sign_up};
pub use tokens::{issue_tokens, refresh_tokens, revoke_tokens};

/// W3C Clear Site Data section 3.1. It reaches further than us: what it says is the operator's to decide.
const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

/// An answer that bears a token, or a person's data: no cache may keep it.
fn never_kept(response: &mut HttpResponseBuilder) -> &mut HttpResponseBuilder {
    response.insert_header((CACHE_CONTROL, "no-store"))
}

/// How long a cookie lasts that ends with what it is for: whole seconds, and not the last one less.
fn lasts(absolute_end_ms: u64) -> Duration {
    Duration::from_secs(absolute_end_ms.saturating_sub(unix_ms()).div_ceil(1000))
}

fn time(unix_ms: u64) -> Result<Rfc3339, ApiError> {
    let time = i64::try_from(unix_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    Ok(time.ok_or(ApiError::Internal("a session is outside of the calendar"))?.into())
}

/// 204 for a caller whom `own` signs out: it goes on when the caller hangs up. A browser keeps nothing of us
/// afterwards, so that what its cookies are good for beside that ends as well, and first: what cannot be ended can be
/// tried again for as long as one is signed in.
async fn sign_out(
    request: &HttpRequest,
    api: &Api,
    edge: &Edge,
    caller: &Caller,
    own: impl Future<Output = Result<u64, IdentityError>> + Send + 'static,
) -> Result<HttpResponse, ApiError> {
    let (session, token) = (SentCookies::session(request, edge), SentCookies::refresh(request, edge));
    let (raw_ids, tokens) = (session.values.clone(), token.values.clone());
    let (beside, own_key) = (edge.clone(), caller.session.key);
    let ending = async move {
        for raw_id in raw_ids {
            end_session_of(&beside, &raw_id, Some(&own_key)).await?;
        }
        for token in tokens {
            revoke_refresh_token(&beside, &token).await?;
        }
        own.await
    };
    edge.metrics.sessions_ended.inc_by(api.to_its_end(ending).await??);
    let mut response = HttpResponse::NoContent();
    if let Some(types) = &edge.clear_site_data {
        response.insert_header((CLEAR_SITE_DATA, types.clone()));
    }
    let mut response = never_kept(&mut response).finish();
    session.clear(response.headers_mut());
    if token.present {
        token.clear(response.headers_mut());
    }
    Ok(response)
}

/// Ends the session behind a cookie, if there is one, unless it is `except`.
async fn end_session_of(edge: &Edge, raw_id: &str, except: Option<&SessionKey>) -> Result<(), IdentityError> {
    if let Some(session) = edge.sessions.lookup(raw_id, unix_ms()).await?
        && except != Some(&session.key)
        && edge.sessions.end(&session.key).await?
    {
        edge.metrics.sessions_ended.inc();
    }
    Ok(())
}

/// Ends the sign-in that a refresh token belongs to; says whether there was one.
async fn revoke_refresh_token(edge: &Edge, token: &str) -> Result<bool, IdentityError> {
    let ended = edge.tokens.revoke(token, unix_ms()).await?.is_some();
    if ended {
        edge.metrics.sessions_ended.inc();
    }
    Ok(ended)
}
