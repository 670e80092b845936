//! What goes wrong, by what it is. How callers see it: `problem_spec`.

use std::{fmt, sync::Arc, time::Duration};

use actix_web::http::StatusCode;
use clients::UpstreamError;
use schemas::FieldError;

use crate::{
    compose::{AnswerError, ComposeError, ParamError, PassedRefusal},
    identity::{CsrfRefusal, IdentityError, ThrottleError},
    store::StoreError,
};

pub(super) use super::problem_spec::ProblemSpec;

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
    /// A user has uploaded so much that more fits only after so many seconds. The text tells the limit.
    UploadLimit { retry_after_s: u64, detail: &'static str },
    /// The storage of files does not do what it is asked (`full`: it has no room). The source is for the log.
    Storage { full: bool, source: Arc<dyn std::error::Error + Send + Sync> },
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
            // Rounded up, so that clients never retry too early.
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
            Self::Storage { source, .. } => Some(&**source),
            _ => None,
        }
    }
}

/// For the log: callers see its problem document alone.
impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Internal(what) | Self::Interrupted(what) => f.write_str(what),
            _ => f.write_str(self.problem_spec().code),
        }
    }
}
