//! What callers see of an upstream's failure, and what a failure means for a write.

use actix_web::http::StatusCode;
use clients::UpstreamError;
// The upstream side's status type: another major version of the crate that actix-web uses.
use http::{Method, StatusCode as UpstreamStatus};
use schemas::FieldError;

use super::{Routes, state::KnownRefusal};
use crate::{
    compose::{
        PassedRefusal,
        plan::{ParamSource, RoutePlan},
    },
    edge::ApiError,
};

impl Routes {
    /// What callers of `route` see of `error`. Of an upstream's own words there are a field's path and codes in it, where they
    /// are plain, and nothing else.
    pub(super) fn refused(&self, route: &RoutePlan, error: UpstreamError) -> ApiError {
        let Some(status) = error.status() else { return ApiError::Upstream(error) };
        let known = error.problem_code().and_then(|code| self.refusal(code));
        if let Some(KnownRefusal { status, code, detail }) =
            known.filter(|known| known.status.as_u16() == status)
        {
            return ApiError::Refused { status, code, detail };
        }
        let passed = route.passes.contains(&status.as_u16()).then(|| passed(&error)).flatten();
        if let Some(passed) = passed {
            return ApiError::Passed(passed);
        }
        match status {
            UpstreamStatus::FORBIDDEN => FORBIDDEN,
            UpstreamStatus::NOT_FOUND if names_something(route) => ApiError::NotFound,
            UpstreamStatus::UNPROCESSABLE_ENTITY => ApiError::Invalid(fields(&error)),
            // Not about what the caller asked for, but about how the gateway asked.
            _ => ApiError::Misplaced(error),
        }
    }
}

const FORBIDDEN: ApiError = ApiError::Refused {
    status: StatusCode::FORBIDDEN,
    code: "forbidden",
    detail: "This is not yours to do.",
};

/// Whether a 404 is about what the caller names, or about their own account: of a plain list it is the gateway's mistake.
fn names_something(route: &RoutePlan) -> bool {
    let in_path = |source: &ParamSource| matches!(source, ParamSource::Path | ParamSource::Rest);
    !route.is_read() || route.profile || route.params.iter().any(|param| in_path(&param.source))
}

fn passed(error: &UpstreamError) -> Option<PassedRefusal> {
    match error.status()? {
        UpstreamStatus::GONE => Some(PassedRefusal::Gone),
        UpstreamStatus::PRECONDITION_FAILED => Some(PassedRefusal::PreconditionFailed),
        UpstreamStatus::PRECONDITION_REQUIRED => Some(PassedRefusal::PreconditionRequired),
        UpstreamStatus::TOO_MANY_REQUESTS => {
            let retry_after_s = error.retry_after().map_or(1, |after| after.as_secs().max(1));
            Some(PassedRefusal::TooManyRequests { retry_after_s })
        }
        UpstreamStatus::UNAVAILABLE_FOR_LEGAL_REASONS => Some(PassedRefusal::LegalReasons),
        _ => None,
    }
}

fn fields(error: &UpstreamError) -> Vec<FieldError> {
    if error.field_errors().is_empty() {
        // What it was asked is the caller's, also where it does not say which field it dislikes.
        return vec![in_our_words("", "invalid")];
    }
    error.field_errors().iter().map(|error| in_our_words(&error.field, &error.code)).collect()
}

/// An upstream's word on a field: which one and the code pass, where they are plain; its prose does not.
fn in_our_words(field: &str, code: &str) -> FieldError {
    let plain = |text: &str, extra: &[u8]| {
        text.len() <= 100
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || extra.contains(&b))
    };
    FieldError {
        field: if plain(field, b".[]-") { field.into() } else { String::new() },
        code: if plain(code, b"") && !code.is_empty() { code.into() } else { "invalid".into() },
        message: "refused by the service that keeps it".into(),
    }
}

/// Whether the upstream looked at a write and said no, in a way that tells nothing new: what is not found, or is there
/// already, was changed by somebody else, and the documents here may not know it.
pub(super) fn was_refused(error: &UpstreamError) -> bool {
    let tells = [UpstreamStatus::NOT_FOUND, UpstreamStatus::CONFLICT, UpstreamStatus::GONE];
    error.status().is_some_and(|status| status.is_client_error() && !tells.contains(&status))
}

/// Whether a write that has no usable answer may have been carried out all the same: unless nothing was sent, or the upstream
/// refused it. One that says that it failed may have done so after its write was committed, and many answer a write that they
/// did carry out with a redirect to what came of it.
pub(super) fn may_be_done(error: &UpstreamError) -> bool {
    match error {
        UpstreamError::Timeout { .. }
        | UpstreamError::Body { .. }
        | UpstreamError::TooLarge { .. }
        | UpstreamError::Redirect { .. } => true,
        UpstreamError::Connect { source, .. } => !source.is_connect(),
        UpstreamError::Status { status, .. } => !status.is_client_error(),
        UpstreamError::Overloaded { .. } | UpstreamError::Token { .. } => false,
    }
}

/// Whether the route takes something away for good that its last path parameter names.
pub(super) fn deletes(route: &RoutePlan) -> Option<&str> {
    let last = route.path.rsplit('/').next()?;
    let name = last.strip_prefix('{')?.strip_suffix('}')?;
    (route.method == Method::DELETE).then_some(name)
}
