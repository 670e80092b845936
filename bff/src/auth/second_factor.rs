//! The second factor: one-time codes (RFC 6238) out of an app. The profile service keeps the secret and knows which
//! codes were used; here its QR code is drawn, and what the change means for sessions is carried out.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use clients::{BodyFault, CallContext, Problem, UpstreamError};
// The upstream side's status type: another major version of the crate that actix-web uses.
use http::StatusCode;
use qrcode::{EcLevel, QrCode, render::svg};
use schemas::{Credentials, TotpBegin, TotpCode, TotpEnabled, TotpEnrolment, TotpSetup, TotpStart};

use super::{
    answer::never_kept,
    mutation::Mutation,
    other_sign_ins::{end_others_and_renew, end_planned, set_cookie},
    password::{of_password, settle},
    planned_ending::PlannedEnding,
};
use crate::{
    edge::{ApiError, Edge, JsonBody, accepts_json, client_address},
    identity::{Accounts, IdentityError, NewSession, ProfileDocument, Session, SessionKind, Subject},
    jobs::Jobs,
    telemetry::unix_ms,
};

pub(in crate::auth) const OTP_INVALID: &str = "otp_invalid";
const TOTP_ENABLED: &str = "totp_enabled";
const TOTP_NOT_ENROLLED: &str = "totp_not_enrolled";

/// Width and height of the QR code: pixels, where a page does not say otherwise.
const QR_SIZE: u32 = 240;

/// `POST /auth/2fa/totp`: 200 with a secret, which counts once it is confirmed. Another one takes its place. It takes the
/// password, where the account has one: whoever has got hold of a session must not shut its owner out. With `endOthers` all
/// other sign-ins have ended, on every replica.
///
/// # Errors
/// 401, 401 `bad_credentials`, 403 `csrf_failed`, 406, 409 `totp_enabled`, 422, 429 `too_many_attempts`, 503.
pub(super) async fn enrol_totp(
    request: HttpRequest,
    writer: Mutation,
    JsonBody(TotpStart { password, end_others: end }): JsonBody<TotpStart>,
    edge: web::Data<Edge>,
) -> Result<HttpResponse, ApiError> {
    accepts_json(&request)?;
    let accounts = writer.api().accounts()?;
    let (ending, session) = (Edge::clone(&edge), Arc::clone(&writer.caller().session));
    let attempt = writer.api().throttle.begin(Subject::Member(writer.me()), client_address(&request)).await?;
    let jobs = writer.api().departed.jobs.clone();
    let begin = |cx: CallContext| async move {
        let planned = match planned(&jobs, &session, end).await {
            Ok(planned) => planned,
            Err(error) => {
                attempt.undecided().await;
                return Ok(Err(error));
            }
        };
        let begun = begin(&accounts, &cx, &session, password).await;
        if let Some(planned) = &planned {
            planned.settle(begun.as_ref().err()).await;
        }
        settle(attempt, &begun).await;
        let begun = begun?;
        let ended = match &planned {
            Some(planned) => end_planned(&ending, &session.user, Some(&session.key), planned).await,
            None => Ok(()),
        };
        Ok(ended.map(|()| begun).map_err(ApiError::from))
    };
    let refused = |error| of_password(in_agreed_words(error, TOTP_ENABLED));
    let enrolment = writer.change_by(begin, refused).await??;
    let qr_svg = qr_code(&enrolment.otpauth_uri)?;
    let setup = TotpSetup { secret: enrolment.secret, otpauth_uri: enrolment.otpauth_uri, qr_svg };
    Ok(never_kept(&mut HttpResponse::Ok()).json(setup))
}

/// Records that the other sign-ins end, where they do.
async fn planned(jobs: &Jobs, session: &Session, end: bool) -> Result<Option<PlannedEnding>, ApiError> {
    if !end {
        return Ok(None);
    }
    PlannedEnding::record(jobs, &session.user, Some(&session.key)).await.map(Some)
}

/// Begins a second factor with the password, which the service checks; one that does not take it there has it checked as at a
/// sign-in.
async fn begin(
    accounts: &Accounts,
    cx: &CallContext,
    session: &Session,
    password: Option<String>,
) -> Result<TotpEnrolment, UpstreamError> {
    if accounts.totp_takes_password() {
        return accounts.enrol_totp(cx, Some(&TotpBegin { password })).await;
    }
    let login = session.profile.username().unwrap_or_default().to_owned();
    let credentials = Credentials { login, password: password.unwrap_or_default(), otp: None };
    let verified = accounts.verify(&cx.anonymous(), &credentials).await?;
    if *verified.id() != session.user {
        return Err(UpstreamError::Body { upstream: "accounts", source: BodyFault::Mismatch });
    }
    accounts.enrol_totp(cx, None).await
}

/// `POST /auth/2fa/totp/confirm`: 200 with the recovery codes. From now on a sign-in takes a code as well. All other
/// sign-ins have ended, on every replica; the browser's session gets a new id, and with it a new CSRF token.
///
/// # Errors
/// 401, 403 `csrf_failed`, 409 `totp_enabled` or `totp_not_enrolled`, 422 `otp_invalid`, 429 `too_many_attempts`.
pub(super) async fn confirm_totp(
    request: HttpRequest,
    writer: Mutation,
    code: JsonBody<TotpCode>,
    edge: web::Data<Edge>,
) -> Result<HttpResponse, ApiError> {
    let kind = writer.caller().session.kind;
    let old = writer.caller().session.key;
    let confirm =
        |accounts: Accounts, cx: CallContext| async move { accounts.confirm_totp(&cx, &code.code).await };
    let (confirmed, new) = switch(&request, writer, &edge, true, confirm).await?;
    let session = new.as_ref().map_or(old, |new| new.session.key);
    let enabled = TotpEnabled {
        recovery_codes: confirmed.recovery_codes,
        csrf_token: (kind == SessionKind::Browser).then(|| edge.csrf.token(&session)),
    };
    let mut response = never_kept(&mut HttpResponse::Ok()).json(enabled);
    set_cookie(&request, &mut response, &edge, new.as_ref());
    Ok(response)
}

/// `DELETE /auth/2fa/totp`: 204, with a one-time or a recovery code. The browser's session gets a new id; its CSRF token
/// is in `X-CSRF-Token` and at `/auth/csrf-token`.
///
/// # Errors
/// 401, 403 `csrf_failed`, 409 `totp_not_enrolled`, 422 `otp_invalid`, 429 `too_many_attempts`.
pub(super) async fn remove_totp(
    request: HttpRequest,
    writer: Mutation,
    code: JsonBody<TotpCode>,
    edge: web::Data<Edge>,
) -> Result<HttpResponse, ApiError> {
    let remove =
        |accounts: Accounts, cx: CallContext| async move { accounts.remove_totp(&cx, &code.code).await };
    let ((), new) = switch(&request, writer, &edge, false, remove).await?;
    let mut response = never_kept(&mut HttpResponse::NoContent()).finish();
    set_cookie(&request, &mut response, &edge, new.as_ref());
    Ok(response)
}

/// Switches the second factor on or off by `call`, and lets the sessions know. A wrong code counts as a failed sign-in:
/// who has got hold of a session must not find out the code by trying.
async fn switch<T, Fut>(
    request: &HttpRequest,
    writer: Mutation,
    edge: &Edge,
    on: bool,
    call: impl FnOnce(Accounts, CallContext) -> Fut,
) -> Result<(T, Option<NewSession>), ApiError>
where
    T: Send + 'static,
    Fut: Future<Output = Result<T, UpstreamError>> + Send + 'static,
{
    let accounts = writer.api().accounts()?.clone();
    let (beside, session) = (edge.clone(), Arc::clone(&writer.caller().session));
    let jobs = writer.api().departed.jobs.clone();
    let subject = Subject::Member(writer.me());
    let attempt = writer.api().throttle.begin(subject, client_address(request)).await?;
    let write = |cx: CallContext| {
        let calling = call(accounts.clone(), cx.clone());
        async move {
            let planned = match planned(&jobs, &session, on).await {
                Ok(planned) => planned,
                Err(error) => {
                    attempt.undecided().await;
                    return Ok(Err(error));
                }
            };
            let answer = calling.await.map_err(of_code);
            if let Some(planned) = &planned {
                planned.settle(answer.as_ref().err()).await;
            }
            match &answer {
                Ok(_) => attempt.succeeded().await,
                Err(error) if error.problem_code() == Some(OTP_INVALID) => attempt.failed().await,
                Err(_) => attempt.undecided().await,
            }
            let answer = answer?;
            // It is switched, and the recovery codes are told this once: nothing that fails from here on may keep
            // them back.
            let me = accounts.me(&cx).await.unwrap_or_else(|_| switched(&session, on));
            let renewed = renewed(&beside, &session, &me, planned.as_ref()).await.unwrap_or_else(|error| {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "sign-ins do not follow yet after a second factor was switched");
                None
            });
            Ok(Ok((answer, renewed)))
        }
    };
    writer.change(write).await?
}

/// What the profile service says to a code. That a code is wrong has a name in its contract and no status, and a code is
/// all that it was sent: what it cannot take is the code, and counts as a guess.
pub(in crate::auth) fn of_code(error: UpstreamError) -> UpstreamError {
    let named = error.problem_code() == Some(OTP_INVALID);
    let wrong = error.status().is_some_and(|status| match status {
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => true,
        _ => named && status.is_client_error(),
    });
    if wrong {
        worded(&error, StatusCode::UNPROCESSABLE_ENTITY, OTP_INVALID)
    } else {
        in_agreed_words(error, TOTP_NOT_ENROLLED)
    }
}

/// A conflict by whatever name is `conflict`, unless it is named as agreed.
fn in_agreed_words(error: UpstreamError, conflict: &str) -> UpstreamError {
    let agreed = error.problem_code().is_some_and(|code| [TOTP_ENABLED, TOTP_NOT_ENROLLED].contains(&code));
    if error.status() == Some(StatusCode::CONFLICT) && !agreed {
        worded(&error, StatusCode::CONFLICT, conflict)
    } else {
        error
    }
}

fn worded(error: &UpstreamError, status: StatusCode, code: &str) -> UpstreamError {
    let problem = Problem { code: code.to_owned(), ..Problem::default() };
    UpstreamError::Status { upstream: error.upstream(), status, problem: Some(Arc::new(problem)) }
}

/// The profile of a session whose second factor was switched, where the service does not say what it is now.
fn switched(session: &Session, on: bool) -> Arc<ProfileDocument> {
    // One that has no room for the word stays as it is until the service says what it is.
    session.profile.with_totp_enabled(on).map_or_else(|_| Arc::clone(&session.profile), Arc::new)
}

/// Has all sessions of the member show `me`, and puts one with a new id in the place of `session`. Where the factor was
/// switched on, all others have ended as `planned`: they were made without it.
async fn renewed(
    edge: &Edge,
    session: &Arc<Session>,
    me: &Arc<ProfileDocument>,
    planned: Option<&PlannedEnding>,
) -> Result<Option<NewSession>, IdentityError> {
    let refreshed = edge.sessions.refresh_profile(me).await;
    if let Some(planned) = planned {
        return end_others_and_renew(edge, session, planned).await;
    }
    refreshed?;
    match edge.sessions.find(&session.key, unix_ms()).await? {
        Some(session) => edge.sessions.renew(&session, unix_ms()).await,
        None => Ok(None),
    }
}

/// An SVG element. Nothing of `text` is in it as text: it is drawn.
fn qr_code(text: &str) -> Result<String, ApiError> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M);
    let code = code.map_err(|_| ApiError::Internal("an otpauth URI is too long for a QR code"))?;
    let drawn = code.render::<svg::Color<'_>>().min_dimensions(QR_SIZE, QR_SIZE).build();
    // A declaration may not stand within a page.
    let element = drawn.find("<svg").map(|start| drawn[start..].to_owned());
    element.ok_or(ApiError::Internal("a QR code is not drawn as an SVG element"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use clients::{Problem, UpstreamError};
    use http::StatusCode;

    use super::{TOTP_ENABLED, in_agreed_words, of_code, qr_code};

    fn refused(status: u16, code: Option<&str>) -> UpstreamError {
        let problem = code.map(|code| Arc::new(Problem { code: code.to_owned(), ..Problem::default() }));
        let status = StatusCode::from_u16(status).expect("a status");
        UpstreamError::Status { upstream: "profile", status, problem }
    }

    fn told(error: &UpstreamError) -> (u16, Option<&str>) {
        (error.status().map_or(0, |status| status.as_u16()), error.problem_code())
    }

    #[test]
    fn a_wrong_code_is_one_with_whatever_status_it_is_refused() {
        let wrong = (422, Some("otp_invalid"));
        for status in [400, 401, 403, 409, 422] {
            assert_eq!(told(&of_code(refused(status, Some("otp_invalid")))), wrong, "{status}");
        }
        for (status, code) in
            [(400, None), (422, None), (400, Some("bad_request")), (422, Some("invalid_code"))]
        {
            assert_eq!(told(&of_code(refused(status, code))), wrong, "{status} {code:?}");
        }
        for (status, code) in [(409, None), (409, Some("conflict")), (409, Some("totp_not_enrolled"))] {
            assert_eq!(told(&of_code(refused(status, code))), (409, Some("totp_not_enrolled")), "{code:?}");
        }
        // The refusal of our own token, and failures, say nothing of the code.
        for (status, code) in [
            (401, None),
            (401, Some("bad_credentials")),
            (403, None),
            (404, None),
            (409, Some("totp_enabled")),
            (500, Some("otp_invalid")),
            (503, None),
        ] {
            assert_eq!(told(&of_code(refused(status, code))), (status, code));
        }
        for (status, code) in [(409, Some("conflict")), (409, None), (409, Some("totp_enabled"))] {
            let enrolling = in_agreed_words(refused(status, code), TOTP_ENABLED);
            assert_eq!(told(&enrolling), (409, Some("totp_enabled")), "{code:?}");
        }
        assert_eq!(told(&in_agreed_words(refused(400, None), TOTP_ENABLED)), (400, None));
    }

    #[test]
    fn a_qr_code_is_one_element_and_holds_no_text() {
        let uri = "otpauth://totp/Example:ada?secret=ABCDEFGHIJKLMNOPQRSTUVWXYZ234567&issuer=<script>";
        let drawn = qr_code(uri).expect("it fits");
        assert!(drawn.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""), "{drawn}");
        assert!(drawn.ends_with("</svg>"));
        assert!(!drawn.contains("ABCDEF") && !drawn.contains("script"));
        assert!(qr_code(&"x".repeat(10_000)).is_err());
    }
}
