//! `DELETE /api/me`.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use schemas::{Credentials, DeleteAccount};

use super::{departed::DELETE_MEMBER, job::Deletion};
use crate::{
    auth::{Api, sign_in::verify, sign_out::sign_out},
    edge::{ApiError, Edge, FieldErrors, JsonBody, RequestContext, SignedIn, Validate},
    store::QueueError,
};

/// When a queue that is full may have room again.
pub(in crate::auth) const FULL: ApiError = ApiError::Refused {
    status: StatusCode::SERVICE_UNAVAILABLE,
    code: "queue_full",
    detail: "Too much is being carried out at the moment. Try again later.",
};

impl Validate for DeleteAccount {
    fn validate(&self, errors: &mut FieldErrors) {
        errors.length("password", &self.password, 1, 256);
        if let Some(otp) = &self.otp {
            errors.length("otp", otp, 1, 64);
        }
    }
}

/// `DELETE /api/me`: 202. When it is answered the deletion is recorded and all sign-ins of the member have ended, on every
/// replica; the services follow.
///
/// # Errors
/// 401 `bad_credentials`, `otp_required` or `otp_invalid`, 403 `csrf_failed`, 404 where nobody can leave, 422, 429
/// `too_many_attempts`, 503.
pub(super) async fn delete_me(
    request: HttpRequest,
    caller: SignedIn,
    input: JsonBody<DeleteAccount>,
    api: web::Data<Api>,
    edge: web::Data<Edge>,
) -> Result<HttpResponse, ApiError> {
    let caller = caller.caller();
    if api.member_calls().plan().delete.is_empty() {
        return Err(ApiError::NotFound);
    }
    let DeleteAccount { password, otp } = input.0;
    // Who has no name has no password either.
    let login = caller.session.profile.username().ok_or(ApiError::BadCredentials)?.to_owned();
    let verified = verify(&request, &api, &edge, Credentials { login, password, otp }).await?;
    if *verified.id() != caller.user {
        return Err(ApiError::BadCredentials);
    }
    let deletion = Deletion {
        member: caller.user.clone(),
        request_id: RequestContext::of(&request).request_id().into(),
    };
    let (jobs, sessions, member) = (api.departed.jobs.clone(), edge.sessions.clone(), caller.user.clone());
    // First, and durable: from now on nobody can sign in as this member, whatever becomes of this process.
    let recording = async move { jobs.enqueue(DELETE_MEMBER, deletion.member.as_str(), &deletion).await };
    api.run_detached(recording).await?.map_err(|error| match error {
        QueueError::Full { .. } => FULL,
        QueueError::Store(error) => ApiError::Store(error),
    })?;
    let ending = async move { Ok(sessions.end_all(&member, None).await?.len() as u64) };
    let mut response = sign_out(&request, &api, &edge, caller, ending).await?;
    *response.status_mut() = StatusCode::ACCEPTED;
    Ok(response)
}
