//! The second step of a sign-in through a provider: a member whose second factor is on shows a code before there is a
//! session. A page with a form for browsers, and the same by JSON for a front end that asks on a page of its own.

use actix_web::{
    FromRequest, HttpRequest, HttpResponse,
    dev::Payload,
    http::{StatusCode, header::CONTENT_TYPE},
    web,
};
use clients::{CallContext, ClientKind, UpstreamError};
use schemas::{FieldError, Rfc3339, SecondFactorCode};
use serde::Serialize;
use serde_json::value::RawValue;
use url::{Url, form_urlencoded};

use super::{
    callback::{member, open_linked, see_other},
    provider::Provider,
    refusals::{Fault, second_factor_unavailable},
    state::Oidc,
};
use crate::{
    auth::{
        call_context::call_context,
        cookies::add_cookie,
        refusals::refusal,
        second_factor::{OTP_INVALID, of_code},
        sign_in::{SessionInfo, info},
        sign_in_context::SignInContext,
        state::Api,
    },
    edge::{ApiError, Edge, JsonBody, Language, client_address, origin_check, page},
    identity::{
        NewSession, Subject,
        oidc::{SecondStep, TokenFault},
    },
};

/// Longest form: a code and its name.
const FORM_BYTES: usize = 4 * 1024;
/// Characters of a code.
const LONGEST: usize = 64;

/// `schemas::ProviderSignedIn`, with the profile as it came.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProviderSignedIn<'a> {
    user: &'a RawValue,
    csrf_token: String,
    expires_at: Rfc3339,
    return_to: String,
}

/// `GET /auth/oidc/{provider}/second-factor`: the page that asks for the code.
///
/// # Errors
/// 400 `oidc_state_invalid` where no sign-in waits for one, 404.
pub(super) async fn show_second_factor(
    request: HttpRequest,
    oidc: web::Data<Oidc>,
) -> Result<HttpResponse, ApiError> {
    let provider = oidc.provider(&request)?;
    let step = waiting(&request, &oidc, provider)?;
    Ok(form(&request, provider, &step, false))
}

/// `POST /auth/oidc/{provider}/second-factor`: with the right code the sign-in is finished. A form is answered with 303 to
/// where the sign-in began, or with the page again; JSON with 200 and the session. What the browser was signed in with
/// before ends.
///
/// # Errors
/// 400 `oidc_state_invalid` or `oidc_token_invalid`, 401 `otp_invalid`, 403 `csrf_failed` or
/// `second_factor_unavailable`, 404, 422, 429 `too_many_attempts`, 503.
pub(super) async fn check_second_factor(
    request: HttpRequest,
    payload: web::Payload,
    oidc: web::Data<Oidc>,
    api: web::Data<Api>,
    edge: web::Data<Edge>,
) -> Result<HttpResponse, ApiError> {
    let provider = oidc.provider(&request)?;
    origin_check(&request)?;
    let by_form = is_form(&request);
    let otp = if by_form {
        of_form(payload, &edge).await?
    } else {
        let mut payload: Payload = payload.into_inner();
        JsonBody::<SecondFactorCode>::from_request(&request, &mut payload).await?.0.otp
    };
    let step = waiting(&request, &oidc, provider)?;
    let arrival = SignInContext::of_browser(&request, &api, &edge);
    let new = match sign_in(&request, &oidc, provider, &api, &edge, &arrival, &step, otp).await {
        Err(ApiError::OtpRequired { .. }) if by_form => return Ok(form(&request, provider, &step, true)),
        done => done?,
    };
    let mut response = if by_form {
        see_other(step.return_to().as_str())?.finish()
    } else {
        let SessionInfo { user, csrf_token, expires_at } = info(&edge, &new.session)?;
        let return_to = step.return_to().as_str().to_owned();
        let done = ProviderSignedIn { user, csrf_token, expires_at, return_to };
        HttpResponse::Ok().insert_header(("cache-control", "no-store")).json(done)
    };
    add_cookie(response.headers_mut(), &oidc.attempts.second_step_cookie().clear());
    arrival.set_session_cookie(&new, response.headers_mut());
    Ok(response)
}

/// The second step that this browser is at.
fn waiting(request: &HttpRequest, oidc: &Oidc, provider: &Provider) -> Result<SecondStep, ApiError> {
    let step = oidc.second_step(request, provider);
    step.ok_or_else(|| {
        Fault::State("no sign-in of this browser waits for a code").told(request, &provider.name)
    })
}

#[expect(clippy::too_many_arguments, reason = "all that a sign-in is made of, in the one place that has it")]
async fn sign_in(
    request: &HttpRequest,
    oidc: &Oidc,
    provider: &Provider,
    api: &Api,
    edge: &Edge,
    arrival: &SignInContext,
    step: &SecondStep,
    otp: String,
) -> Result<NewSession, ApiError> {
    let told = |fault: Fault| {
        edge.metrics.sign_in("oidc_refused");
        fault.told(request, &provider.name)
    };
    // As of now: they may have switched it off, or be somebody else's.
    let user = member(request, api, provider, &step.token).await?;
    if *user.id() != step.member {
        return Err(told(Fault::State("its member is another one by now")));
    }
    if user.totp_enabled() {
        verify(request, provider, api, edge, step, otp).await?;
    }
    // After the code: a wrong one may be corrected. Before the session: of two requests with two right codes one counts.
    if !oidc.sessions.spend(&step.ticket()).await? {
        return Err(told(Fault::State("it was used before")));
    }
    let new = open_linked(arrival, oidc, provider, edge, user, &step.token, &step.attempt()).await?;
    new.ok_or_else(|| told(Fault::Token(TokenFault::SignedOut)))
}

/// Has the code checked. It counts as a guess as one beside a password does, also when the caller hangs up.
async fn verify(
    request: &HttpRequest,
    provider: &Provider,
    api: &Api,
    edge: &Edge,
    step: &SecondStep,
    otp: String,
) -> Result<(), ApiError> {
    let (throttle, accounts) = (api.throttle.clone(), api.accounts()?);
    let (member, address) = (step.member.clone(), client_address(request));
    let nobodys = call_context(request, None);
    let cx = CallContext { acting: Some(member.clone()), client: ClientKind::Web, ..nobodys };
    let verifying = async move {
        let attempt = throttle.begin(Subject::Member(&member), address).await?;
        let verified = accounts.verify_totp(&cx, &otp).await;
        let verified = verified.map_err(refused);
        match &verified {
            Ok(()) => attempt.succeeded().await,
            Err(ApiError::OtpRequired { .. }) => attempt.failed().await,
            Err(_) => attempt.undecided().await,
        }
        verified
    };
    let verified = api.run_detached(verifying).await.flatten();
    verified.inspect_err(|error| {
        let word = match error {
            ApiError::OtpRequired { .. } => "otp_required",
            ApiError::TooManyAttempts { .. } => "too_many_attempts",
            _ => "failed",
        };
        edge.metrics.sign_in(word);
        if error.code() == second_factor_unavailable().code() {
            tracing::error!(
                oidc.provider = provider.name,
                "the profile service has no `POST /members/me/totp/verify`: members with a second factor cannot sign in \
                 through a provider unless `second_factor` is \"provider\""
            );
        }
    })
}

/// What the profile service's refusal means here. A service that does not know the call lets nobody in.
fn refused(error: UpstreamError) -> ApiError {
    if error.status().is_some_and(|status| matches!(status.as_u16(), 404 | 405 | 501)) {
        return second_factor_unavailable();
    }
    let error = of_code(error);
    if error.problem_code() == Some(OTP_INVALID) {
        ApiError::OtpRequired { wrong: true }
    } else {
        refusal(error)
    }
}

fn is_form(request: &HttpRequest) -> bool {
    let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = media_type.and_then(|value| value.split(';').next()).unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

async fn of_form(payload: web::Payload, edge: &Edge) -> Result<String, ApiError> {
    let body = tokio::time::timeout(edge.body_timeout, payload.to_bytes_limited(FORM_BYTES))
        .await
        .map_err(|_| ApiError::BodyTimeout)?
        .map_err(|_| ApiError::BodyTooLarge(FORM_BYTES))?
        .map_err(|_| ApiError::BadRequest)?;
    let mut given =
        form_urlencoded::parse(&body).filter_map(|(name, value)| (name == "otp").then_some(value));
    match (given.next(), given.next()) {
        (Some(otp), None) if (1..=LONGEST).contains(&otp.chars().count()) => Ok(otp.into_owned()),
        (Some(_), None) => Err(wrong("too_long", "must have 1 to 64 characters")),
        _ => Err(wrong("required", "must be given once")),
    }
}

fn wrong(code: &str, message: &str) -> ApiError {
    ApiError::Invalid(vec![FieldError { field: "otp".into(), code: code.into(), message: message.into() }])
}

/// The page that asks for the code; `again`: because the one that was given is wrong.
fn form(request: &HttpRequest, provider: &Provider, step: &SecondStep, again: bool) -> HttpResponse {
    let language = Language::of(request);
    let title = language.pick("One more step", "2단계 인증");
    let about = language.pick(
        "Enter the code that your authenticator app shows, or a recovery code.",
        "인증 앱에 표시된 코드 또는 복구 코드를 입력해 주세요.",
    );
    let label = language.pick("Code", "인증 코드");
    let send = language.pick("Sign in", "로그인");
    let wrong = language.pick(
        "That code is wrong or was used before. Try the next one.",
        "코드가 틀렸거나 이미 사용되었습니다. 다음 코드를 입력해 주세요.",
    );
    let wrong = if again { format!("<p class=\"wrong\" role=\"alert\">{wrong}</p>") } else { String::new() };
    let main = format!(
        "<p>{about}</p>{wrong}<form method=\"post\" action=\"/auth/oidc/{}/second-factor\"><label for=\"otp\">{label}\
         </label><input id=\"otp\" name=\"otp\" required autofocus maxlength=\"{LONGEST}\" autocomplete=\"one-time-code\" \
         autocapitalize=\"none\" spellcheck=\"false\"><button>{send}</button></form>",
        provider.name
    );
    // The form's answer leads there.
    let there = Url::parse(step.return_to().as_str()).map(|url| url.origin().ascii_serialization());
    let mut response = HttpResponse::new(if again { StatusCode::UNAUTHORIZED } else { StatusCode::OK });
    if again {
        let challenge = actix_web::http::header::HeaderValue::from_static("Bearer realm=\"bff\"");
        response.headers_mut().insert(actix_web::http::header::WWW_AUTHENTICATE, challenge);
    }
    let text = page(language, title, &main, there.as_deref().unwrap_or_default(), response.headers_mut());
    response.set_body(actix_web::body::BoxBody::new(text))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use clients::{Problem, UpstreamError};
    use http::StatusCode;

    use super::refused;

    #[test]
    fn whatever_is_no_yes_lets_nobody_in() {
        for (status, code, told) in [
            (422, Some("otp_invalid"), "otp_invalid"),
            (401, Some("otp_invalid"), "otp_invalid"),
            (422, None, "otp_invalid"),
            (404, None, "second_factor_unavailable"),
            (404, Some("not_found"), "second_factor_unavailable"),
            (405, None, "second_factor_unavailable"),
            (501, None, "second_factor_unavailable"),
            (409, Some("totp_not_enrolled"), "totp_not_enrolled"),
            (401, None, "upstream_unavailable"),
            (500, None, "upstream_unavailable"),
        ] {
            let problem = code.map(|code| Arc::new(Problem { code: code.to_owned(), ..Problem::default() }));
            let status = StatusCode::from_u16(status).expect("a status");
            let error = UpstreamError::Status { upstream: "profile", status, problem };
            assert_eq!(refused(error).code(), told, "{status} {code:?}");
        }
    }
}
