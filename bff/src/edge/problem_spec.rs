//! Errors as callers see them: status, code and words. The one place that not_modified status codes.

use actix_web::http::StatusCode;
use clients::{Refusal, UpstreamError};
use schemas::Reason;

use super::ApiError;
use crate::{
    compose::{ComposeError, PartFailure, PassedRefusal},
    identity::IdentityError,
};

/// The spec of an error: what the problem document and the metrics say.
#[derive(Debug, Clone, Copy)]
pub(super) struct ProblemSpec {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) title: &'static str,
    pub(super) detail: &'static str,
}

const fn problem_spec(
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    detail: &'static str,
) -> ProblemSpec {
    ProblemSpec { status, code, title, detail }
}

const NOT_FOUND: ProblemSpec =
    problem_spec(StatusCode::NOT_FOUND, "not_found", "Not found", "There is nothing here by that name.");
const FORBIDDEN: ProblemSpec =
    problem_spec(StatusCode::FORBIDDEN, "forbidden", "Forbidden", "This is not yours to do.");
const GONE: ProblemSpec = problem_spec(
    StatusCode::GONE,
    "gone",
    "Gone",
    "What was here by that name was taken away, and does not come back.",
);
const LEGAL_REASONS: ProblemSpec = problem_spec(
    StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS,
    "unavailable_for_legal_reasons",
    "Unavailable for legal reasons",
    "What is here by that name may not be shown.",
);
const INVALID: ProblemSpec = problem_spec(
    StatusCode::UNPROCESSABLE_ENTITY,
    "validation_failed",
    "Some fields are wrong",
    "`errors` says which fields are wrong, and how.",
);
const UNAVAILABLE: ProblemSpec = problem_spec(
    StatusCode::BAD_GATEWAY,
    "upstream_unavailable",
    "A service behind the gateway failed",
    "A service that this answer needs is not working. Trying again later may help.",
);
const TIMEOUT: ProblemSpec = problem_spec(
    StatusCode::GATEWAY_TIMEOUT,
    "upstream_timeout",
    "A service behind the gateway is too slow",
    "A service that this answer needs did not answer in time. Trying again later may help.",
);
const OVERLOADED: ProblemSpec = problem_spec(
    StatusCode::SERVICE_UNAVAILABLE,
    "overloaded",
    "Overloaded",
    "A service that this answer needs has no room at the moment. Try again later.",
);
const INTERRUPTED: ProblemSpec = problem_spec(
    StatusCode::SERVICE_UNAVAILABLE,
    "interrupted",
    "Interrupted",
    "What was asked was cut short here. Try again.",
);
const INTERNAL: ProblemSpec = problem_spec(
    StatusCode::INTERNAL_SERVER_ERROR,
    "internal_error",
    "Internal error",
    "Something went wrong here. The request id helps to find out what.",
);
const METHOD_NOT_ALLOWED: ProblemSpec = problem_spec(
    StatusCode::METHOD_NOT_ALLOWED,
    "method_not_allowed",
    "Method not allowed",
    "This path does not answer that method. `Allow` lists those it does.",
);
const RANGE_NOT_SATISFIABLE: ProblemSpec = problem_spec(
    StatusCode::RANGE_NOT_SATISFIABLE,
    "range_not_satisfiable",
    "Range not satisfiable",
    "The range begins behind the end. `Content-Range` says how long it is.",
);
const NOT_ACCEPTABLE: ProblemSpec = problem_spec(
    StatusCode::NOT_ACCEPTABLE,
    "not_acceptable",
    "Not acceptable",
    "This path has no answer of a media type that `Accept` allows.",
);
const UNSUPPORTED_MEDIA_TYPE: ProblemSpec = problem_spec(
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    "unsupported_media_type",
    "Unsupported media type",
    "This path takes no body of that media type or content coding; nearly all paths take plain `application/json`.",
);
const EXPECTATION_FAILED: ProblemSpec = problem_spec(
    StatusCode::EXPECTATION_FAILED,
    "expectation_failed",
    "Unknown expectation",
    "`Expect` may say `100-continue` and nothing else.",
);
const HEAD_TIMEOUT: ProblemSpec = problem_spec(
    StatusCode::REQUEST_TIMEOUT,
    "head_timeout",
    "Request too slow",
    "The head of the request did not come in time.",
);
const BODY_TOO_LARGE: ProblemSpec = problem_spec(
    StatusCode::PAYLOAD_TOO_LARGE,
    "body_too_large",
    "Body too large",
    "The body is longer than this gateway takes.",
);
const BODY_TIMEOUT: ProblemSpec = problem_spec(
    StatusCode::REQUEST_TIMEOUT,
    "body_timeout",
    "Body too slow",
    "The body did not come in time.",
);
const INVALID_BODY: ProblemSpec = problem_spec(
    StatusCode::BAD_REQUEST,
    "invalid_body",
    "Invalid body",
    "The body is not well-formed JSON.",
);
const BAD_REQUEST: ProblemSpec =
    problem_spec(StatusCode::BAD_REQUEST, "bad_request", "Bad request", "The request is malformed.");
const UNAUTHENTICATED: ProblemSpec = problem_spec(
    StatusCode::UNAUTHORIZED,
    "unauthenticated",
    "Not signed in",
    "Sign in first: the session is missing, unknown or has ended.",
);
const INVALID_TOKEN: ProblemSpec = problem_spec(
    StatusCode::UNAUTHORIZED,
    "invalid_token",
    "Invalid access token",
    "The access token is unknown or has expired, or its sign-in has ended. Refresh it, or sign in again.",
);
const INVALID_GRANT: ProblemSpec = problem_spec(
    StatusCode::UNAUTHORIZED,
    "invalid_grant",
    "Invalid refresh token",
    "The refresh token is missing, unknown or spent, or its sign-in has ended. Sign in again.",
);
const REFRESHED_TOO_OFTEN: ProblemSpec = problem_spec(
    StatusCode::TOO_MANY_REQUESTS,
    "refreshed_too_often",
    "Refreshed too often",
    "These tokens were refreshed too often in too short a time. Try again later.",
);
const INVALID_CALLER_TOKEN: ProblemSpec = problem_spec(
    StatusCode::UNAUTHORIZED,
    "invalid_caller_token",
    "Unknown caller",
    "`X-Caller-Token` is not the token of a server-side caller.",
);
const BAD_CREDENTIALS: ProblemSpec = problem_spec(
    StatusCode::UNAUTHORIZED,
    "bad_credentials",
    "Wrong name or password",
    "No account has this name and password.",
);
const OTP_REQUIRED: ProblemSpec = problem_spec(
    StatusCode::UNAUTHORIZED,
    "otp_required",
    "One-time code needed",
    "This account needs a one-time code in `otp` beside the password.",
);
const OTP_INVALID: ProblemSpec = problem_spec(
    StatusCode::UNAUTHORIZED,
    "otp_invalid",
    "Wrong one-time code",
    "The one-time code is wrong or was used before.",
);
const TOO_MANY_ATTEMPTS: ProblemSpec = problem_spec(
    StatusCode::TOO_MANY_REQUESTS,
    "too_many_attempts",
    "Too many failed attempts",
    "Too many attempts for this account or from this address have failed. `Retry-After` says when to try again.",
);
const RATE_LIMITED: ProblemSpec = problem_spec(
    StatusCode::TOO_MANY_REQUESTS,
    "rate_limited",
    "Too many requests",
    "You have asked more often than `RateLimit-Policy` allows. `Retry-After` says when to go on.",
);
const TOO_MANY_IDEMPOTENCY_KEYS: ProblemSpec = problem_spec(
    StatusCode::TOO_MANY_REQUESTS,
    "too_many_idempotency_keys",
    "Too many new idempotency keys",
    "Too many new keys from this address are kept. `Retry-After` says when to try again.",
);
const STORAGE_UNAVAILABLE: ProblemSpec = problem_spec(
    StatusCode::SERVICE_UNAVAILABLE,
    "storage_unavailable",
    "The storage of files is unavailable",
    "What was asked needs the storage of files, which does not work at the moment. Try again later.",
);
const STORAGE_FULL: ProblemSpec = problem_spec(
    StatusCode::INSUFFICIENT_STORAGE,
    "storage_full",
    "The storage of files is full",
    "The storage of files has no room for this.",
);
const CSRF_FAILED: ProblemSpec = problem_spec(
    StatusCode::FORBIDDEN,
    "csrf_failed",
    "Refused as a possible forgery",
    "The request must come from an allowed origin and bear the session's token in `X-CSRF-Token`.",
);
const OIDC_PROVIDER_UNAVAILABLE: ProblemSpec = problem_spec(
    StatusCode::SERVICE_UNAVAILABLE,
    "oidc_provider_unavailable",
    "The sign-in service is unavailable",
    "The provider that signs people in does not answer as it should. Try again later.",
);
const STORE_UNAVAILABLE: ProblemSpec = problem_spec(
    StatusCode::SERVICE_UNAVAILABLE,
    "store_unavailable",
    "The store is unavailable",
    "What was asked needs the gateway's store, which does not answer. Try again later.",
);
const SESSION_STORE_UNAVAILABLE: ProblemSpec = problem_spec(
    StatusCode::SERVICE_UNAVAILABLE,
    "session_store_unavailable",
    "Sessions are unavailable",
    "Sessions cannot be looked up at the moment. Try again later.",
);
const PRECONDITION_FAILED: ProblemSpec = problem_spec(
    StatusCode::PRECONDITION_FAILED,
    "precondition_failed",
    "Changed meanwhile",
    "It is no longer what `If-Match` names. Read it again.",
);
const PRECONDITION_REQUIRED: ProblemSpec = problem_spec(
    StatusCode::PRECONDITION_REQUIRED,
    "precondition_required",
    "Precondition required",
    "This change must say by `If-Match` what it is a change of.",
);
const TOO_MANY_REQUESTS: ProblemSpec = problem_spec(
    StatusCode::TOO_MANY_REQUESTS,
    "too_many_requests",
    "Too many requests",
    "A service that this answer needs is asked too often. `Retry-After` says when to go on.",
);

impl ApiError {
    /// The stable word for it, where there is no room for a problem document.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.problem_spec().code
    }

    /// Status, code and words. No `_` arm: a new kind of error must choose its own.
    pub(super) fn problem_spec(&self) -> ProblemSpec {
        match self {
            Self::NotFound => NOT_FOUND,
            Self::MethodNotAllowed(_) => METHOD_NOT_ALLOWED,
            Self::RangeNotSatisfiable { .. } => RANGE_NOT_SATISFIABLE,
            Self::NotAcceptable => NOT_ACCEPTABLE,
            Self::UnsupportedMediaType | Self::UnsupportedCoding => UNSUPPORTED_MEDIA_TYPE,
            Self::ExpectationFailed => EXPECTATION_FAILED,
            Self::HeadTimeout => HEAD_TIMEOUT,
            Self::BodyTooLarge(_) => BODY_TOO_LARGE,
            Self::BodyTimeout => BODY_TIMEOUT,
            Self::InvalidBody => INVALID_BODY,
            Self::BadRequest => BAD_REQUEST,
            Self::Invalid(_) => INVALID,
            Self::Unauthenticated => UNAUTHENTICATED,
            Self::InvalidToken => INVALID_TOKEN,
            Self::InvalidGrant => INVALID_GRANT,
            Self::RefreshedTooOften { .. } => REFRESHED_TOO_OFTEN,
            Self::InvalidCallerToken => INVALID_CALLER_TOKEN,
            Self::BadCredentials => BAD_CREDENTIALS,
            Self::OtpRequired { wrong: false } => OTP_REQUIRED,
            Self::OtpRequired { wrong: true } => OTP_INVALID,
            Self::TooManyAttempts { .. } => TOO_MANY_ATTEMPTS,
            Self::RateLimited { .. } => RATE_LIMITED,
            Self::TooManyKeys { .. } => TOO_MANY_IDEMPOTENCY_KEYS,
            Self::UploadLimit { detail, .. } => {
                problem_spec(StatusCode::TOO_MANY_REQUESTS, "upload_limit", "Too much was uploaded", detail)
            }
            Self::Storage { full: false, .. } => STORAGE_UNAVAILABLE,
            Self::Storage { full: true, .. } => STORAGE_FULL,
            Self::Csrf(_) => CSRF_FAILED,
            Self::ProviderUnavailable => OIDC_PROVIDER_UNAVAILABLE,
            Self::Refused { status, code, detail } => problem_spec(*status, code, "Refused", detail),
            Self::Passed(refusal) => of_passed(*refusal),
            Self::Answer(_) => UNAVAILABLE,
            Self::Compose(error) => of_composition(error),
            Self::Upstream(error) => of_upstream(error),
            Self::Misplaced(error) => of_reason(error.reason()),
            Self::Identity(error) => of_identity(error),
            Self::Store(_) => STORE_UNAVAILABLE,
            Self::Interrupted(_) => INTERRUPTED,
            Self::Internal(_) => INTERNAL,
        }
    }
}

fn of_identity(error: &IdentityError) -> ProblemSpec {
    match error {
        IdentityError::Store(_) => SESSION_STORE_UNAVAILABLE,
        IdentityError::Interrupted(_) => INTERRUPTED,
        // Not the store's fault, and trying again would not help.
        IdentityError::Randomness(_)
        | IdentityError::Record(_)
        | IdentityError::Key(_)
        | IdentityError::Sealing => INTERNAL,
    }
}

fn of_composition(error: &ComposeError) -> ProblemSpec {
    match error {
        ComposeError::Required { source: PartFailure::Timeout, .. } => TIMEOUT,
        ComposeError::Required { source, .. } => of_reason(source.reason()),
        ComposeError::Refused { refusal, .. } => of_refusal(*refusal),
        ComposeError::UnknownCursor => INVALID,
        ComposeError::NothingLeft { reason, .. } => of_reason(*reason),
        ComposeError::Serialise(_) | ComposeError::UnknownUpstream(_) => INTERNAL,
    }
}

fn of_upstream(error: &UpstreamError) -> ProblemSpec {
    error.refusal().map_or_else(|| of_reason(error.reason()), of_refusal)
}

fn of_passed(refusal: PassedRefusal) -> ProblemSpec {
    match refusal {
        PassedRefusal::Gone => GONE,
        PassedRefusal::LegalReasons => LEGAL_REASONS,
        PassedRefusal::PreconditionFailed => PRECONDITION_FAILED,
        PassedRefusal::PreconditionRequired => PRECONDITION_REQUIRED,
        PassedRefusal::TooManyRequests { .. } => TOO_MANY_REQUESTS,
    }
}

fn of_refusal(refusal: Refusal) -> ProblemSpec {
    match refusal {
        Refusal::Forbidden => FORBIDDEN,
        Refusal::NotFound => NOT_FOUND,
        Refusal::Gone => GONE,
        Refusal::LegalReasons => LEGAL_REASONS,
    }
}

fn of_reason(reason: Reason) -> ProblemSpec {
    match reason {
        Reason::Timeout => TIMEOUT,
        Reason::Overloaded => OVERLOADED,
        Reason::Unavailable | Reason::Invalid | Reason::Rejected => UNAVAILABLE,
    }
}
