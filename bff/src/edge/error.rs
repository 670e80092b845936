//! What goes wrong, as callers see it. The one place that knows status codes.

use std::{fmt, time::Duration};

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use clients::{Refusal, UpstreamError};
use schemas::{FieldError, Reason};

use crate::{
    compose::{AnswerError, ComposeError, ParamError, PartFailure, PassedRefusal},
    identity::{CsrfRefusal, IdentityError, ThrottleError},
    store::StoreError,
};

/// Every way in which a request ends that is not its answer.
#[derive(Debug)]
pub enum ApiError {
    /// Nothing is at this path, or the thing asked for does not exist.
    NotFound,
    /// The path answers other methods, listed for `Allow`.
    MethodNotAllowed(&'static str),
    /// The caller takes none of the types that are offered.
    NotAcceptable,
    /// The body is not `application/json`.
    UnsupportedMediaType,
    /// The body has a content coding; none is understood.
    UnsupportedCoding,
    /// `Expect` names something other than `100-continue`.
    ExpectationFailed,
    /// The head did not come in time.
    HeadTimeout,
    /// The body is longer than the limit, in bytes.
    BodyTooLarge(usize),
    /// The body did not come in time.
    BodyTimeout,
    /// The body is not JSON.
    InvalidBody,
    /// The range that is asked for begins behind the end of what is so many bytes long.
    RangeNotSatisfiable { length: u64 },
    /// The request itself is malformed.
    BadRequest,
    /// The request is well-formed, but these fields are wrong.
    Invalid(Vec<FieldError>),
    /// Nobody is signed in.
    Unauthenticated,
    /// The access token that came with the request is none of ours, has expired, or its sign-in has ended.
    InvalidToken,
    /// The refresh token is none of ours, was spent, or its sign-in has ended.
    InvalidGrant,
    /// One refresh token was refreshed so often in so short a time that it must wait, in seconds.
    RefreshedTooOften { retry_after_s: u64 },
    /// A server-side caller's token is not one that is known.
    InvalidCallerToken,
    /// No account has this name and password.
    BadCredentials,
    /// A one-time code is needed beside the password (`true`: one was given, and it is wrong).
    OtpRequired { wrong: bool },
    /// Too many attempts to sign in have failed: it is worth trying again after so many seconds.
    TooManyAttempts { retry_after_s: u64 },
    /// The caller asks too often: it is worth asking again after so many seconds.
    RateLimited { retry_after_s: u64 },
    /// Too many new idempotency keys have come from an address: it is worth trying again after so many seconds.
    TooManyKeys { retry_after_s: u64 },
    /// The request may have been forged by another site.
    Csrf(CsrfRefusal),
    /// The OpenID provider that is to say who somebody is does not answer, or not usably.
    ProviderUnavailable,
    /// A refusal that is for the caller to see, an upstream's own or ours: its status and its stable code.
    Refused { status: StatusCode, code: &'static str, detail: &'static str },
    /// A refusal of an upstream that passes by its status alone: 410, 412, 428, 429 or 451.
    Passed(PassedRefusal),
    /// An upstream's answer cannot be used.
    Answer(AnswerError),
    /// A screen could not be composed.
    Compose(ComposeError),
    /// An upstream failed where nothing can stand in for it.
    Upstream(UpstreamError),
    /// An upstream does not know what it is there for: a 404 where the caller named nothing.
    Misplaced(UpstreamError),
    /// Sessions cannot be looked up or made.
    Identity(IdentityError),
    /// The store does not take what must be in it.
    Store(StoreError),
    /// The process is stopping, or what was to answer ended without one. The text is for the log.
    Interrupted(&'static str),
    /// A bug. The text is for the log.
    Internal(&'static str),
}

/// The face of an error: what the problem document and the metrics say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Face {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) title: &'static str,
    pub(super) detail: &'static str,
}

const fn face(status: StatusCode, code: &'static str, title: &'static str, detail: &'static str) -> Face {
    Face { status, code, title, detail }
}

const NOT_FOUND: Face =
    face(StatusCode::NOT_FOUND, "not_found", "Not found", "There is nothing here by that name.");
const FORBIDDEN: Face = face(StatusCode::FORBIDDEN, "forbidden", "Forbidden", "This is not yours to do.");
const GONE: Face = face(
    StatusCode::GONE,
    "gone",
    "Gone",
    "What was here by that name was taken away, and does not come back.",
);
const LEGAL_REASONS: Face = face(
    StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS,
    "unavailable_for_legal_reasons",
    "Unavailable for legal reasons",
    "What is here by that name may not be shown.",
);
const INVALID: Face = face(
    StatusCode::UNPROCESSABLE_ENTITY,
    "validation_failed",
    "Some fields are wrong",
    "`errors` says which fields are wrong, and how.",
);
const UNAVAILABLE: Face = face(
    StatusCode::BAD_GATEWAY,
    "upstream_unavailable",
    "A service behind the gateway failed",
    "A service that this answer needs is not working. Trying again later may help.",
);
const TIMEOUT: Face = face(
    StatusCode::GATEWAY_TIMEOUT,
    "upstream_timeout",
    "A service behind the gateway is too slow",
    "A service that this answer needs did not answer in time. Trying again later may help.",
);
const OVERLOADED: Face = face(
    StatusCode::SERVICE_UNAVAILABLE,
    "overloaded",
    "Overloaded",
    "A service that this answer needs has no room at the moment. Try again later.",
);
const INTERRUPTED: Face = face(
    StatusCode::SERVICE_UNAVAILABLE,
    "interrupted",
    "Interrupted",
    "What was asked was cut short here. Try again.",
);
const INTERNAL: Face = face(
    StatusCode::INTERNAL_SERVER_ERROR,
    "internal_error",
    "Internal error",
    "Something went wrong here. The request id helps to find out what.",
);

impl ApiError {
    /// The stable word for it, where there is no room for a problem document.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.face().code
    }

    /// Status, code and words. No `_` arm: a new kind of error must choose its own.
    pub(super) fn face(&self) -> Face {
        match self {
            Self::NotFound => NOT_FOUND,
            Self::MethodNotAllowed(_) => face(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "Method not allowed",
                "This path does not answer that method. `Allow` lists those it does.",
            ),
            Self::RangeNotSatisfiable { .. } => face(
                StatusCode::RANGE_NOT_SATISFIABLE,
                "range_not_satisfiable",
                "Range not satisfiable",
                "The range begins behind the end. `Content-Range` says how long it is.",
            ),
            Self::NotAcceptable => face(
                StatusCode::NOT_ACCEPTABLE,
                "not_acceptable",
                "Not acceptable",
                "This path has no answer of a media type that `Accept` allows.",
            ),
            Self::UnsupportedMediaType | Self::UnsupportedCoding => face(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "Unsupported media type",
                "This path takes no body of that media type or content coding; nearly all paths take plain `application/json`.",
            ),
            Self::ExpectationFailed => face(
                StatusCode::EXPECTATION_FAILED,
                "expectation_failed",
                "Unknown expectation",
                "`Expect` may say `100-continue` and nothing else.",
            ),
            Self::HeadTimeout => face(
                StatusCode::REQUEST_TIMEOUT,
                "head_timeout",
                "Request too slow",
                "The head of the request did not come in time.",
            ),
            Self::BodyTooLarge(_) => face(
                StatusCode::PAYLOAD_TOO_LARGE,
                "body_too_large",
                "Body too large",
                "The body is longer than this gateway takes.",
            ),
            Self::BodyTimeout => face(
                StatusCode::REQUEST_TIMEOUT,
                "body_timeout",
                "Body too slow",
                "The body did not come in time.",
            ),
            Self::InvalidBody => face(
                StatusCode::BAD_REQUEST,
                "invalid_body",
                "Invalid body",
                "The body is not well-formed JSON.",
            ),
            Self::BadRequest => {
                face(StatusCode::BAD_REQUEST, "bad_request", "Bad request", "The request is malformed.")
            }
            Self::Invalid(_) => INVALID,
            Self::Unauthenticated => face(
                StatusCode::UNAUTHORIZED,
                "unauthenticated",
                "Not signed in",
                "Sign in first: the session is missing, unknown or has ended.",
            ),
            Self::InvalidToken => face(
                StatusCode::UNAUTHORIZED,
                "invalid_token",
                "Invalid access token",
                "The access token is unknown or has expired, or its sign-in has ended. Refresh it, or sign in again.",
            ),
            Self::InvalidGrant => face(
                StatusCode::UNAUTHORIZED,
                "invalid_grant",
                "Invalid refresh token",
                "The refresh token is missing, unknown or spent, or its sign-in has ended. Sign in again.",
            ),
            Self::RefreshedTooOften { .. } => face(
                StatusCode::TOO_MANY_REQUESTS,
                "refreshed_too_often",
                "Refreshed too often",
                "These tokens were refreshed too often in too short a time. Try again later.",
            ),
            Self::InvalidCallerToken => face(
                StatusCode::UNAUTHORIZED,
                "invalid_caller_token",
                "Unknown caller",
                "`X-Caller-Token` is not the token of a server-side caller.",
            ),
            Self::BadCredentials => face(
                StatusCode::UNAUTHORIZED,
                "bad_credentials",
                "Wrong name or password",
                "No account has this name and password.",
            ),
            Self::OtpRequired { wrong: false } => face(
                StatusCode::UNAUTHORIZED,
                "otp_required",
                "One-time code needed",
                "This account needs a one-time code in `otp` beside the password.",
            ),
            Self::OtpRequired { wrong: true } => face(
                StatusCode::UNAUTHORIZED,
                "otp_invalid",
                "Wrong one-time code",
                "The one-time code is wrong or was used before.",
            ),
            Self::TooManyAttempts { .. } => face(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_attempts",
                "Too many failed attempts",
                "Too many attempts for this account or from this address have failed. `Retry-After` says when to try again.",
            ),
            Self::RateLimited { .. } => face(
                StatusCode::TOO_MANY_REQUESTS,
                "rate_limited",
                "Too many requests",
                "You have asked more often than `RateLimit-Policy` allows. `Retry-After` says when to go on.",
            ),
            Self::TooManyKeys { .. } => face(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_idempotency_keys",
                "Too many new idempotency keys",
                "Too many new keys from this address are kept. `Retry-After` says when to try again.",
            ),
            Self::Csrf(_) => face(
                StatusCode::FORBIDDEN,
                "csrf_failed",
                "Refused as a possible forgery",
                "The request must come from an allowed origin and bear the session's token in `X-CSRF-Token`.",
            ),
            Self::ProviderUnavailable => face(
                StatusCode::SERVICE_UNAVAILABLE,
                "oidc_provider_unavailable",
                "The sign-in service is unavailable",
                "The provider that signs people in does not answer as it should. Try again later.",
            ),
            Self::Refused { status, code, detail } => face(*status, code, "Refused", detail),
            Self::Passed(refusal) => of_passed(*refusal),
            Self::Answer(_) => UNAVAILABLE,
            Self::Compose(error) => of_composition(error),
            Self::Upstream(error) => of_upstream(error),
            Self::Misplaced(error) => of_reason(error.reason()),
            Self::Identity(error) => of_identity(error),
            Self::Store(_) => face(
                StatusCode::SERVICE_UNAVAILABLE,
                "store_unavailable",
                "The store is unavailable",
                "What was asked needs the gateway's store, which does not answer. Try again later.",
            ),
            Self::Interrupted(_) => INTERRUPTED,
            Self::Internal(_) => INTERNAL,
        }
    }
}

fn of_identity(error: &IdentityError) -> Face {
    match error {
        IdentityError::Store(_) => face(
            StatusCode::SERVICE_UNAVAILABLE,
            "session_store_unavailable",
            "Sessions are unavailable",
            "Sessions cannot be looked up at the moment. Try again later.",
        ),
        IdentityError::Interrupted(_) => INTERRUPTED,
        // Not the store's fault, and trying again would not help.
        IdentityError::Randomness(_)
        | IdentityError::Record(_)
        | IdentityError::Key(_)
        | IdentityError::Sealing => INTERNAL,
    }
}

fn of_composition(error: &ComposeError) -> Face {
    match error {
        ComposeError::Required { source: PartFailure::Timeout, .. } => TIMEOUT,
        ComposeError::Required { source, .. } => of_reason(source.reason()),
        ComposeError::Refused { refusal, .. } => of_refusal(*refusal),
        ComposeError::UnknownCursor => INVALID,
        ComposeError::NothingLeft { reason, .. } => of_reason(*reason),
        ComposeError::Serialise(_) | ComposeError::UnknownUpstream(_) => INTERNAL,
    }
}

fn of_upstream(error: &UpstreamError) -> Face {
    error.refusal().map_or_else(|| of_reason(error.reason()), of_refusal)
}

fn of_passed(refusal: PassedRefusal) -> Face {
    match refusal {
        PassedRefusal::Gone => GONE,
        PassedRefusal::LegalReasons => LEGAL_REASONS,
        PassedRefusal::PreconditionFailed => face(
            StatusCode::PRECONDITION_FAILED,
            "precondition_failed",
            "Changed meanwhile",
            "It is no longer what `If-Match` names. Read it again.",
        ),
        PassedRefusal::PreconditionRequired => face(
            StatusCode::PRECONDITION_REQUIRED,
            "precondition_required",
            "Precondition required",
            "This change must say by `If-Match` what it is a change of.",
        ),
        PassedRefusal::TooManyRequests { .. } => face(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_requests",
            "Too many requests",
            "A service that this answer needs is asked too often. `Retry-After` says when to go on.",
        ),
    }
}

fn of_refusal(refusal: Refusal) -> Face {
    match refusal {
        Refusal::Forbidden => FORBIDDEN,
        Refusal::NotFound => NOT_FOUND,
        Refusal::Gone => GONE,
        Refusal::LegalReasons => LEGAL_REASONS,
    }
}

fn of_reason(reason: Reason) -> Face {
    match reason {
        Reason::Timeout => TIMEOUT,
        Reason::Overloaded => OVERLOADED,
        Reason::Unavailable | Reason::Invalid | Reason::Rejected => UNAVAILABLE,
    }
}

impl From<UpstreamError> for ApiError {
    fn from(error: UpstreamError) -> Self {
        Self::Upstream(error)
    }
}

impl From<IdentityError> for ApiError {
    fn from(error: IdentityError) -> Self {
        Self::Identity(error)
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<ThrottleError> for ApiError {
    fn from(error: ThrottleError) -> Self {
        match error {
            // Rounded up: who comes too early is refused again.
            ThrottleError::TooMany { retry_after, .. } => Self::TooManyAttempts {
                retry_after_s: (retry_after + Duration::from_millis(999)).as_secs().max(1),
            },
            ThrottleError::Store(error) => Self::Store(error),
        }
    }
}

impl From<ParamError> for ApiError {
    fn from(error: ParamError) -> Self {
        match error {
            ParamError::NotFound => Self::NotFound,
            ParamError::Invalid(errors) => Self::Invalid(errors),
        }
    }
}

impl From<AnswerError> for ApiError {
    fn from(error: AnswerError) -> Self {
        Self::Answer(error)
    }
}

impl From<CsrfRefusal> for ApiError {
    fn from(refusal: CsrfRefusal) -> Self {
        Self::Csrf(refusal)
    }
}

impl std::error::Error for ApiError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Csrf(refusal) => Some(refusal),
            Self::Compose(error) => Some(error),
            Self::Upstream(error) | Self::Misplaced(error) => Some(error),
            Self::Answer(error) => Some(error),
            Self::Identity(error) => Some(error),
            Self::Store(error) => Some(error),
            _ => None,
        }
    }
}

/// For the log: callers see its face alone.
impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Internal(what) | Self::Interrupted(what) => f.write_str(what),
            _ => f.write_str(self.face().code),
        }
    }
}

/// The status and the headers that belong to the error. The gate adds the problem document, since only it
/// knows the request's id.
impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.face().status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.face().status);
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
            | Self::TooManyKeys { retry_after_s } => {
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
        match self.face().status {
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
