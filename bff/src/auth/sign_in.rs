//! Sign-up, and sign-in of browsers.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use clients::UpstreamError;
use schemas::{Credentials, Rfc3339, SignUp};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    answer::{never_kept, time},
    call_context::call_context,
    languages::accepted,
    refusals::refusal,
    sign_in_context::SignInContext,
    state::Api,
};
use crate::{
    edge::{ApiError, Edge, JsonBody, OriginChecked, client_address},
    idempotency::Created,
    identity::{ProfileDocument, Session, Subject},
    telemetry::unix_ms,
};

/// `POST /auth/signup`: 201 with the new member. Signs nobody in.
///
/// # Errors
/// 403 `csrf_failed`, 409 `email_taken` or `username_taken`, 422.
pub(super) async fn sign_up(
    request: HttpRequest,
    _: OriginChecked,
    input: JsonBody<SignUp>,
    api: web::Data<Api>,
) -> Result<HttpResponse, ApiError> {
    // Not by address: a caller who lost the answer may have lost their network with it.
    let keyed = api.idempotency.keyed(&request, None, &input.0)?;
    let (accounts, cx) = (api.accounts()?, call_context(&request, None));
    let languages = accepted(&request);
    let signing_up = async move { accounts.sign_up(&cx, &input, languages.as_deref()).await };
    api.create(keyed, signing_up, |user: &Arc<ProfileDocument>| Created::new(&SignedUp { user: user.json() }))
        .await
}

/// `POST /auth/login`: 200 with the session, and its cookie. What the browser was signed in with before ends.
///
/// # Errors
/// 401 `bad_credentials`, `otp_required` or `otp_invalid`, 403 `csrf_failed`, 422, 429 `too_many_attempts`, 503.
pub(super) async fn log_in(
    request: HttpRequest,
    _: OriginChecked,
    credentials: JsonBody<Credentials>,
    api: web::Data<Api>,
    edge: web::Data<Edge>,
) -> Result<HttpResponse, ApiError> {
    let began_ms = unix_ms();
    let user = verify(&request, &api, &edge, credentials.0).await?;
    let arrival = SignInContext::of_browser(&request, &api, &edge);
    let new = arrival.open_session(user).await?;
    refuse_if_overtaken(&edge, &new.session, began_ms).await?;
    let mut response = never_kept(&mut HttpResponse::Ok()).json(info(&edge, &new.session)?);
    arrival.set_session_cookie(&new, response.headers_mut());
    Ok(response)
}

/// Whose credentials these are. The one place where passwords are tried.
pub(super) async fn verify(
    request: &HttpRequest,
    api: &Api,
    edge: &Edge,
    credentials: Credentials,
) -> Result<Arc<ProfileDocument>, ApiError> {
    let (throttle, accounts) = (api.throttle.clone(), api.accounts()?);
    let (cx, address) = (call_context(request, None), client_address(request));
    let verifying = async move {
        let attempt = throttle.begin(Subject::Login(&credentials.login), address).await?;
        let verified = accounts.verify(&cx, &credentials).await;
        let named = match &verified {
            Ok(user) => Some(user.id().clone()),
            Err(error) => error.account().cloned(),
        };
        let verified = verified.map_err(not_verified);
        let attempt = match &verified {
            Ok(_) | Err(ApiError::BadCredentials | ApiError::OtpRequired { .. }) => {
                attempt.of(named.as_ref()).await?
            }
            Err(_) => attempt,
        };
        match &verified {
            Ok(_) => attempt.succeeded().await,
            Err(ApiError::BadCredentials | ApiError::OtpRequired { wrong: true }) => attempt.failed().await,
            Err(_) => attempt.undecided().await,
        }
        verified
    };
    // Who hangs up has guessed all the same.
    let verified = api.run_detached(verifying).await.flatten();
    verified.inspect_err(|refused| edge.metrics.sign_in(word_for(refused)))
}

/// Ends a sign-in whose password was checked before it was changed, and which was made after that: it is refused as the old
/// password is.
///
/// # Errors
/// 401 `bad_credentials`, 503.
pub(super) async fn refuse_if_overtaken(
    edge: &Edge,
    session: &Session,
    began_ms: u64,
) -> Result<(), ApiError> {
    if !edge.sessions.secret_changed_since(&session.user, began_ms).await? {
        return Ok(());
    }
    edge.sessions.end(&session.key).await?;
    Err(ApiError::BadCredentials)
}

/// `schemas::SignedUp`, with the profile as it came.
#[derive(Serialize)]
struct SignedUp<'a> {
    user: &'a RawValue,
}

/// `schemas::SessionInfo`, with the profile as it came.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::auth) struct SessionInfo<'a> {
    pub(in crate::auth) user: &'a RawValue,
    pub(in crate::auth) csrf_token: String,
    pub(in crate::auth) expires_at: Rfc3339,
}

/// A session as its browser sees it.
pub(in crate::auth) fn info<'s>(edge: &Edge, session: &'s Session) -> Result<SessionInfo<'s>, ApiError> {
    Ok(SessionInfo {
        user: session.profile.json(),
        csrf_token: edge.csrf.token(&session.key),
        expires_at: time(session.expires_at_ms())?,
    })
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
        ApiError::TooManyAttempts { .. } => "too_many_attempts",
        _ => "failed",
    }
}
