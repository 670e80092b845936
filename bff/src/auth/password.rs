//! Passwords: changed by whoever knows the one before, forgotten, set anew by a mailed link. The upstream that keeps accounts
//! knows them and mails; here attempts are throttled, and sign-ins end.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use clients::UpstreamError;
use schemas::{ForgottenPassword, PasswordChange, PasswordReminder, PasswordReset};

use super::{
    answer::never_kept,
    call_context::call_context,
    languages::{accepted, preferred},
    mutation::Mutation,
    other_sign_ins::{end_others, end_others_and_renew, end_planned, set_cookie},
    planned_ending::PlannedEnding,
    refusals::refusal,
    state::Api,
};
use crate::{
    edge::{ApiError, Edge, JsonBody, OriginChecked, client_address},
    identity::{Attempt, OptionalCall, Subject},
    invalidation::Tag,
};

const BAD_CREDENTIALS: &str = "bad_credentials";
pub(super) const TOKEN_INVALID: &str = "token_invalid";

/// `POST /auth/password`: 204. All other sign-ins have ended, on every replica; a browser's session has a new id, whose CSRF
/// token is in `X-CSRF-Token`.
///
/// # Errors
/// 401, 401 `bad_credentials`, 403 `csrf_failed`, 404 where the upstream does not serve it, 422, 429 `too_many_attempts`, 503.
pub(super) async fn change_password(
    request: HttpRequest,
    writer: Mutation,
    JsonBody(input): JsonBody<PasswordChange>,
    edge: web::Data<Edge>,
) -> Result<HttpResponse, ApiError> {
    let accounts = writer.api().accounts_with(OptionalCall::ChangePassword)?;
    let (ending, session) = (Edge::clone(&edge), Arc::clone(&writer.caller().session));
    let languages = accepted(&request);
    let attempt = writer.api().throttle.begin(Subject::Member(writer.me()), client_address(&request)).await?;
    let jobs = writer.api().departed.jobs.clone();
    let write = |cx: clients::CallContext| async move {
        let planned = match PlannedEnding::record(&jobs, &session.user, Some(&session.key)).await {
            Ok(planned) => planned,
            Err(error) => {
                attempt.undecided().await;
                return Ok(Err(error));
            }
        };
        let changed = accounts.change_password(&cx, &input, languages.as_deref()).await;
        planned.settle(changed.as_ref().err()).await;
        settle(attempt, &changed).await;
        changed?;
        Ok(end_others_and_renew(&ending, &session, &planned).await.map_err(ApiError::from))
    };
    let new = writer.change_by(write, of_password).await??;
    let mut response = never_kept(&mut HttpResponse::NoContent()).finish();
    set_cookie(&request, &mut response, &edge, new.as_ref());
    Ok(response)
}

/// `POST /auth/password/forgot`: 202, whether anybody has the address or not. Counted by address of mail and of network, each
/// time.
///
/// # Errors
/// 403 `csrf_failed`, 404 where the upstream does not serve it, 422, 429 `too_many_attempts`, 503.
pub(super) async fn forget_password(
    request: HttpRequest,
    _: OriginChecked,
    JsonBody(ForgottenPassword { email }): JsonBody<ForgottenPassword>,
    api: web::Data<Api>,
) -> Result<HttpResponse, ApiError> {
    let accounts = api.accounts_with(OptionalCall::ForgetPassword)?;
    let (throttle, address) = (api.throttle.clone(), client_address(&request));
    let (cx, languages) = (call_context(&request, None), accepted(&request));
    let asking = async move {
        let attempt = throttle.begin(Subject::Mail(&email), address).await?;
        let locale = languages.as_deref().and_then(preferred);
        let input = PasswordReminder { email, locale };
        let asked = accounts.forget_password(&cx, &input, languages.as_deref()).await;
        match &asked {
            Ok(()) => attempt.failed().await,
            Err(_) => attempt.undecided().await,
        }
        asked.map_err(refusal)
    };
    api.run_detached(asking).await.flatten()?;
    Ok(never_kept(&mut HttpResponse::Accepted()).finish())
}

/// `POST /auth/password/reset`: 204. Signs nobody in; all sign-ins of the account have ended, on every replica.
///
/// # Errors
/// 403 `csrf_failed`, 404 where the upstream does not serve it, 422, 422 `token_invalid`, 429 `too_many_attempts`, 503.
pub(super) async fn reset_password(
    request: HttpRequest,
    _: OriginChecked,
    JsonBody(input): JsonBody<PasswordReset>,
    api: web::Data<Api>,
    edge: web::Data<Edge>,
) -> Result<HttpResponse, ApiError> {
    let accounts = api.accounts_with(OptionalCall::ResetPassword)?;
    let (beside, edge) = (Api::clone(&api), Edge::clone(&edge));
    let (cx, languages, address) =
        (call_context(&request, None), accepted(&request), client_address(&request));
    let resetting = async move {
        let attempt = beside.throttle.begin(Subject::Link(&input.token), address).await?;
        let owner = accounts.check_reset(&cx, &input.token).await;
        let planned = match owner {
            Ok(None) => None,
            Ok(Some(member)) => match PlannedEnding::record(&beside.departed.jobs, &member, None).await {
                Ok(planned) => Some(planned),
                Err(error) => {
                    attempt.undecided().await;
                    return Err(error);
                }
            },
            Err(error) => {
                let refused = Err::<(), _>(error);
                settle(attempt, &refused).await;
                return refused.map_err(refusal);
            }
        };
        let reset = accounts.reset_password(&cx, &input, languages.as_deref()).await;
        if let Some(planned) = &planned {
            planned.settle(reset.as_ref().err()).await;
        }
        settle(attempt, &reset).await;
        let user = reset.map_err(refusal)?;
        beside.bus.written(user.id(), &[Tag::everything()], &[]).await;
        match &planned {
            Some(planned) => end_planned(&edge, user.id(), None, planned).await?,
            // A service that does not say whose a token is: this process alone sees to it.
            None => end_others(&edge, user.id(), None).await?,
        }
        Ok::<_, ApiError>(())
    };
    api.run_detached(resetting).await.flatten()?;
    Ok(never_kept(&mut HttpResponse::NoContent()).finish())
}

/// Tells the throttle how an attempt went: a wrong password or token counts, and what the upstream did not decide does not.
pub(super) async fn settle<T>(attempt: Attempt, answer: &Result<T, UpstreamError>) {
    match answer {
        Ok(_) => attempt.succeeded().await,
        Err(error) if is_wrong(error) => attempt.failed().await,
        Err(_) => attempt.undecided().await,
    }
}

fn is_wrong(error: &UpstreamError) -> bool {
    let status = error.status().map(|status| status.as_u16());
    matches!(
        (status, error.problem_code()),
        (Some(401), Some(BAD_CREDENTIALS)) | (Some(422), Some(TOKEN_INVALID))
    )
}

/// What callers see of a refusal where their password was asked for. Any other 401 is the upstream's refusal of our own
/// service token.
pub(super) fn of_password(error: UpstreamError) -> ApiError {
    let unauthorized =
        error.status().is_some_and(|status| status.as_u16() == StatusCode::UNAUTHORIZED.as_u16());
    if unauthorized && error.problem_code() == Some(BAD_CREDENTIALS) {
        ApiError::BadCredentials
    } else {
        refusal(error)
    }
}

#[cfg(test)]
mod tests {
    use clients::Problem;

    use super::*;

    fn refused(status: u16, code: &str) -> UpstreamError {
        let problem = Some(Arc::new(Problem { code: code.to_owned(), ..Problem::default() }));
        let status = http::StatusCode::from_u16(status).expect("a status");
        UpstreamError::Status { upstream: "accounts", status, problem }
    }

    #[test]
    fn a_wrong_password_is_told_and_a_refusal_of_our_token_is_not() {
        assert!(matches!(of_password(refused(401, "bad_credentials")), ApiError::BadCredentials));
        for (status, code) in [(401, "token_invalid"), (401, ""), (500, "bad_credentials")] {
            assert!(matches!(of_password(refused(status, code)), ApiError::Upstream(_)), "{status} {code}");
        }
    }

    #[test]
    fn only_what_was_looked_at_and_wrong_counts_as_a_guess() {
        for (status, code, wrong) in [
            (401, "bad_credentials", true),
            (422, "token_invalid", true),
            // The upstream's word on our own token.
            (401, "token_invalid", false),
            (422, "invalid_input", false),
            (503, "bad_credentials", false),
        ] {
            assert_eq!(is_wrong(&refused(status, code)), wrong, "{status} {code}");
        }
    }
}
