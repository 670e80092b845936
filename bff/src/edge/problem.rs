//! Errors on the wire: RFC 9457 problem documents.

use actix_web::{
    HttpRequest,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue},
    },
};
use schemas::{FieldError, Problem};

use super::{ApiError, context::RequestId, problem_spec::ProblemSpec};

const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Answers 404: for paths that nothing is at.
///
/// # Errors
/// Always.
pub async fn not_found(_: HttpRequest) -> Result<String, ApiError> {
    Err(ApiError::NotFound)
}

/// Answers 405 with `Allow`: the default service of a resource that answers the methods in `allow`.
pub fn method_not_allowed(
    allow: &'static str,
) -> impl Fn() -> std::future::Ready<Result<String, ApiError>> + Clone + 'static {
    move || std::future::ready(Err(ApiError::MethodNotAllowed(allow)))
}

/// The document for an error.
pub(super) fn document(spec: ProblemSpec, errors: &[FieldError], id: &str) -> Problem {
    Problem {
        kind: format!("/problems/{}", spec.code.replace('_', "-")),
        title: spec.title.into(),
        status: spec.status.as_u16(),
        detail: spec.detail.into(),
        code: spec.code.into(),
        request_id: id.into(),
        errors: errors.to_vec(),
    }
}

/// The same as text, and its headers.
pub(super) fn write(
    spec: ProblemSpec,
    errors: &[FieldError],
    id: &RequestId,
    headers: &mut HeaderMap,
) -> String {
    let problem = document(spec, errors, id.as_str());
    headers.insert(CONTENT_TYPE, PROBLEM_JSON);
    headers.insert(CACHE_CONTROL, NO_STORE);
    // A struct of strings always serialises.
    serde_json::to_string(&problem).unwrap_or_default()
}

/// The spec of a refusal that did not come from our code but from a library in the way: CORS, the HTTP parser.
pub(super) fn spec_of_status(status: StatusCode) -> ProblemSpec {
    let error = match status {
        StatusCode::NOT_FOUND => ApiError::NotFound,
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::BodyTooLarge(0),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ApiError::UnsupportedMediaType,
        status if status.is_client_error() => ApiError::BadRequest,
        _ => ApiError::Internal("unexplained"),
    };
    let spec = error.problem_spec();
    ProblemSpec { status, ..spec }
}
