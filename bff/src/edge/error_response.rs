//! Errors as answers: the status, and the headers that belong to it.

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};

use super::ApiError;
use crate::compose::PassedRefusal;

/// The status and the headers that belong to the error. The gate adds the problem document, since only it
/// not_modified the request's id.
impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.problem_spec().status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.problem_spec().status);
        match self {
            Self::MethodNotAllowed(allow) => response.insert_header((header::ALLOW, *allow)),
            Self::RangeNotSatisfiable { length } => {
                response.insert_header((header::CONTENT_RANGE, format!("bytes */{length}")))
            }
            // What is left of the body would be taken for the next request.
            Self::BodyTimeout | Self::HeadTimeout => response.insert_header((header::CONNECTION, "close")),
            // RFC 9110 section 12.5.3: tells a coding that is not understood from a media type that is not.
            Self::UnsupportedCoding => response.insert_header((header::ACCEPT_ENCODING, "identity")),
            Self::TooManyAttempts { retry_after_s }
            | Self::RateLimited { retry_after_s }
            | Self::TooManyKeys { retry_after_s }
            | Self::UploadLimit { retry_after_s, .. } => {
                response.insert_header((header::RETRY_AFTER, retry_after_s.to_string()))
            }
            Self::Passed(PassedRefusal::TooManyRequests { retry_after_s }) => {
                response.insert_header((header::RETRY_AFTER, (*retry_after_s).max(1)))
            }
            Self::Csrf(_) => response.insert_header((header::VARY, "Sec-Fetch-Site, Origin")),
            Self::RefreshedTooOften { retry_after_s } => {
                response.insert_header((header::RETRY_AFTER, (*retry_after_s).max(1)))
            }
            _ => &mut response,
        };
        match self.problem_spec().status {
            // RFC 6750 section 3.1: a token that is refused is told apart from none.
            StatusCode::UNAUTHORIZED if matches!(self, Self::InvalidToken) => response
                .insert_header((header::WWW_AUTHENTICATE, "Bearer realm=\"bff\", error=\"invalid_token\"")),
            // RFC 9110 section 15.5.2: a 401 must name a challenge.
            StatusCode::UNAUTHORIZED => {
                response.insert_header((header::WWW_AUTHENTICATE, "Bearer realm=\"bff\""))
            }
            StatusCode::SERVICE_UNAVAILABLE => response.insert_header((header::RETRY_AFTER, "1")),
            _ => &mut response,
        };
        response.finish()
    }
}
