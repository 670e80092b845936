//! Tokens of apps: a pair for a password, the next pair for a refresh token, and their end. The names are those of
//! OAuth 2.0 (RFC 6749, RFC 7009), the bodies are JSON.

use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use schemas::{Credentials, FieldError, RefreshRequest, RevokeRequest, TokenRequest, Tokens};
use secrecy::ExposeSecret;

use super::{
    answer::{lasts, never_kept},
    cookies::SentCookies,
    sign_in::{refuse_if_overtaken, verify},
    sign_in_context::SignInContext,
    sign_out::revoke_refresh_token,
    state::Api,
};
use crate::{
    edge::{ApiError, Edge, JsonBody, OptionalJsonBody, SignedIn, bears_token, origin_check},
    identity::{IdentityError, RefreshError, SessionKey, TokenPair},
    telemetry::unix_ms,
};

/// `POST /auth/token`: 200 with a pair of tokens. With `refresh_cookie` the refresh token is in the cookie `rt` instead
/// of the body, and what the browser was signed in with before ends.
///
/// # Errors
/// 401 `bad_credentials`, `otp_required` or `otp_invalid`, 403 `csrf_failed`, 422, 429 `too_many_attempts`, 503.
pub(super) async fn issue_tokens(
    request: HttpRequest,
    JsonBody(asked): JsonBody<TokenRequest>,
    api: web::Data<Api>,
    edge: web::Data<Edge>,
) -> Result<HttpResponse, ApiError> {
    let TokenRequest { login, password, otp, refresh_cookie: by_cookie } = asked;
    if by_cookie {
        origin_check(&request)?;
    }
    let began_ms = unix_ms();
    let user = verify(&request, &api, &edge, Credentials { login, password, otp }).await?;
    if !by_cookie {
        let pair = SignInContext::of_app(&request, &api, &edge).issue_tokens(user, false).await?;
        refuse_if_overtaken(&edge, &pair.session, began_ms).await?;
        return Ok(answer(&pair, false));
    }
    let arrival = SignInContext::of_browser(&request, &api, &edge);
    let pair = arrival.issue_tokens(user, true).await?;
    refuse_if_overtaken(&edge, &pair.session, began_ms).await?;
    let mut response = answer(&pair, true);
    arrival.set_refresh_cookie(&pair, response.headers_mut());
    Ok(response)
}

/// `POST /auth/refresh`: 200 with the next pair, for the refresh token in the body or else in the cookie `rt`. It is
/// carried out also when the caller hangs up: who asks again with the same token shortly after gets the same pair, and
/// the same refresh token later, unless it was used.
///
/// # Errors
/// 401 `invalid_grant`, 403 `csrf_failed`, 429 `refreshed_too_often`, 503.
pub(super) async fn refresh_tokens(
    request: HttpRequest,
    OptionalJsonBody(asked): OptionalJsonBody<RefreshRequest>,
    api: web::Data<Api>,
    edge: web::Data<Edge>,
) -> Result<HttpResponse, ApiError> {
    let cookies = SentCookies::refresh(&request, &edge);
    let (presented, by_cookie) = match asked.and_then(|asked| asked.refresh_token) {
        Some(token) => (token, false),
        None => {
            origin_check(&request)?;
            let chosen = edge.tokens.choose(&cookies.values, unix_ms()).await?;
            (chosen.map(str::to_owned).unwrap_or_default(), true)
        }
    };
    if by_cookie && !cookies.present {
        return Err(ApiError::InvalidGrant);
    }
    let tokens = edge.tokens.clone();
    let refreshing = async move { tokens.refresh(&presented, by_cookie, unix_ms()).await };
    let refused = match api.run_detached(refreshing).await? {
        Ok(pair) => {
            let mut response = answer(&pair, by_cookie);
            if by_cookie {
                let lasts = lasts(pair.absolute_end_ms);
                let cookie = edge.refresh_cookie.set(pair.refresh_token.expose_secret(), lasts);
                cookies.replace(&cookie, response.headers_mut());
            }
            return Ok(response);
        }
        Err(RefreshError::Invalid | RefreshError::Reused) => ApiError::InvalidGrant,
        Err(RefreshError::TooFast { retry_ms }) => {
            ApiError::RefreshedTooOften { retry_after_s: retry_ms.div_ceil(1000) }
        }
        Err(RefreshError::Identity(error)) => error.into(),
    };
    let over = by_cookie && matches!(refused, ApiError::InvalidGrant);
    let mut response = HttpResponse::from_error(refused);
    if over {
        cookies.clear(response.headers_mut());
    }
    Ok(response)
}

/// `POST /auth/revoke`: 204, also for a token that is not known here or was revoked before (RFC 7009 section 2.2). It
/// names a refresh or an access token, or comes with an access token or the cookie `rt`; the whole sign-in ends.
///
/// # Errors
/// 401 `invalid_token` for a wrong access token of its own, 403 `csrf_failed`, 422, 503.
pub(super) async fn revoke_tokens(
    request: HttpRequest,
    OptionalJsonBody(asked): OptionalJsonBody<RevokeRequest>,
    api: web::Data<Api>,
    edge: web::Data<Edge>,
) -> Result<HttpResponse, ApiError> {
    let says_something = asked.is_some();
    let named = asked.and_then(|asked| asked.token.or(asked.refresh_token));
    let cookies = match named {
        None => SentCookies::refresh(&request, &edge),
        Some(_) => SentCookies::none(&edge.refresh_cookie),
    };
    // A misspelt name must not pass for a sign-out.
    if says_something && named.is_none() && !cookies.present && !bears_token(&request) {
        let (code, message) = ("required".into(), "must be given".into());
        return Err(ApiError::Invalid(vec![FieldError { field: "token".into(), code, message }]));
    }
    let own = if named.is_some() {
        None
    } else if bears_token(&request) {
        Some(SignedIn::extract(&request).await?.caller().session.key)
    } else {
        origin_check(&request)?;
        None
    };
    let revoking = revoke(edge.get_ref().clone(), named, cookies.values.clone(), own);
    api.run_detached(revoking).await??;
    let mut response = never_kept(&mut HttpResponse::NoContent()).finish();
    if cookies.present {
        cookies.clear(response.headers_mut());
    }
    Ok(response)
}

/// Ends what a named token of either kind belongs to, what the cookies are good for, and the caller's own sign-in.
async fn revoke(
    edge: Edge,
    named: Option<String>,
    by_cookie: Vec<String>,
    own: Option<SessionKey>,
) -> Result<(), IdentityError> {
    let mut key = own;
    if let Some(token) = named
        && !revoke_refresh_token(&edge, &token).await?
    {
        key = edge.tokens.load_access(&token, unix_ms()).await?.map(|session| session.key);
    }
    for token in by_cookie {
        revoke_refresh_token(&edge, &token).await?;
    }
    if let Some(key) = key
        && edge.sessions.end(&key).await?
    {
        edge.metrics.sessions_ended.inc();
    }
    Ok(())
}

/// RFC 6749 section 5.1.
fn answer(pair: &TokenPair, by_cookie: bool) -> HttpResponse {
    never_kept(&mut HttpResponse::Ok()).json(Tokens {
        access_token: pair.access_token.expose_secret().to_owned(),
        token_type: "Bearer".to_owned(),
        expires_in: pair.expires_in_s,
        refresh_token: (!by_cookie).then(|| pair.refresh_token.expose_secret().to_owned()),
    })
}
