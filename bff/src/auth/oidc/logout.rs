//! A provider's order to sign somebody out (OpenID Connect Back-Channel Logout 1.0).

use actix_web::{HttpRequest, HttpResponse, http::header::CACHE_CONTROL, web};
use url::form_urlencoded;

use super::{
    provider::Provider,
    refusals::{Fault, logout_refused},
    state::Oidc,
};
use crate::{
    edge::{ApiError, Edge, takes_body},
    identity::{
        IdentityError,
        oidc::{LogoutToken, TokenFault, verify_logout_token},
    },
    telemetry::unix_ms,
};

/// Longest body: a token and its name.
const BODY_BYTES: usize = 64 * 1024;

/// `POST /auth/oidc/{provider}/backchannel-logout`: 200 when the sessions that the token names have ended, on every
/// replica. No cookie and no CSRF check: the token itself proves that the provider sent it.
///
/// # Errors
/// 400 `oidc_logout_token_invalid` or `oidc_logout_failed`, 404, 408, 413, 415.
pub(super) async fn backchannel_logout(
    request: HttpRequest,
    payload: web::Payload,
    oidc: web::Data<Oidc>,
    edge: web::Data<Edge>,
) -> Result<HttpResponse, ApiError> {
    let provider = oidc.provider(&request)?;
    let body = read(&request, payload, &edge).await?;
    let mut tokens =
        form_urlencoded::parse(&body).filter_map(|(name, value)| (name == "logout_token").then_some(value));
    let (Some(token), None) = (tokens.next(), tokens.next()) else { return Err(ApiError::BadRequest) };
    let token = match verify(provider, &token).await {
        Ok(token) => token,
        Err(fault) => {
            // Whether it is sound cannot be said while the provider's keys are out of reach.
            let unsound = matches!(fault, Fault::Token(_));
            return Err(logout_refused(&request, &provider.name, &fault, !unsound));
        }
    };
    match sign_out(&oidc, provider, &edge, &token).await {
        Ok(true) => Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).finish()),
        Ok(false) => Err(logout_refused(&request, &provider.name, &TokenFault::Replayed, false)),
        Err(error) => Err(logout_refused(&request, &provider.name, &error, true)),
    }
}

async fn verify(provider: &Provider, token: &str) -> Result<LogoutToken, Fault> {
    let metadata = provider.metadata().await?;
    let client = provider.as_client(&metadata);
    let now_s = unix_ms() / 1000;
    provider.verified(|keys| verify_logout_token(token, keys, &client, now_s)).await
}

/// Ends what the token names; says whether it was unused. It is used up when that is done and not before, so that an
/// order which fails half-way can be sent again.
async fn sign_out(
    oidc: &Oidc,
    provider: &Provider,
    edge: &Edge,
    token: &LogoutToken,
) -> Result<bool, IdentityError> {
    let issuer = provider.client.issuer();
    if oidc.sessions.is_used(issuer, token).await? {
        return Ok(false);
    }
    for session in oidc.sessions.sign_out(issuer, token, unix_ms()).await? {
        if edge.sessions.end(&session).await? {
            edge.metrics.sessions_ended.inc();
        }
        oidc.sessions.unlink(&session).await?;
    }
    oidc.sessions.use_up(issuer, token).await?;
    Ok(true)
}

async fn read(request: &HttpRequest, payload: web::Payload, edge: &Edge) -> Result<web::Bytes, ApiError> {
    takes_body(request, "application/x-www-form-urlencoded", BODY_BYTES)?;
    tokio::time::timeout(edge.body_timeout, payload.to_bytes_limited(BODY_BYTES))
        .await
        .map_err(|_| ApiError::BodyTimeout)?
        .map_err(|_| ApiError::BodyTooLarge(BODY_BYTES))?
        .map_err(|_| ApiError::BadRequest)
}
