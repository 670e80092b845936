//! Everything that goes wrong, and the one place that knows which status it gets.

use std::fmt::Write;

use actix_web::{
    HttpResponse, HttpResponseBuilder, ResponseError,
    http::{StatusCode, header},
};
use schemas::{FieldError, Id, Problem};
use serde::Serialize;

use crate::{
    db::DatabaseError,
    profile::{PasswordError, SealingError},
    token::TokenError,
};

/// Stands for the id of a member where there is none: as long as ours are, and no id. So an answer is as long, and takes
/// as long to make, to send and to read, whether there is such an account or not.
const NO_ACCOUNT: &str = "                                    ";

/// Why a call is not answered as it wished.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A rule says no.
    #[error("{code}")]
    Refused { status: StatusCode, code: &'static str, detail: &'static str },
    /// The same of a sign-in, by the name of a member or by one that nobody has: the gateway counts failures by account
    /// and tells nobody.
    #[error("{code}")]
    Account { status: StatusCode, code: &'static str, detail: &'static str, account: Option<Id> },
    /// What was sent does not fit the contract.
    #[error("invalid input")]
    Invalid { code: &'static str, errors: Vec<FieldError> },
    #[error("method not allowed")]
    Method { allow: String },
    #[error("no valid service token")]
    Token(#[from] TokenError),
    /// The token is sound, and not for this.
    #[error("the token lacks the scope {0}")]
    Scope(&'static str),
    #[error("database")]
    Database(#[from] DatabaseError),
    #[error("password hashing")]
    Password(#[from] PasswordError),
    #[error("the secret of a second factor")]
    Sealing(#[source] Box<SealingError>),
}

/// What the tables say to a write of a member who is gone.
const MEMBER_DELETED: &str = "member_deleted";

impl From<rusqlite::Error> for Failure {
    fn from(source: rusqlite::Error) -> Self {
        match &source {
            rusqlite::Error::SqliteFailure(_, Some(said)) if said == MEMBER_DELETED => Self::refused(
                StatusCode::FORBIDDEN,
                "no_acting_user",
                "The acting user's account has been deleted.",
            ),
            _ => Self::Database(source.into()),
        }
    }
}

impl From<SealingError> for Failure {
    fn from(error: SealingError) -> Self {
        match error {
            SealingError::Database(error) => Self::Database(error),
            error => Self::Sealing(Box::new(error)),
        }
    }
}

/// `field` is a dotted path, list places in brackets.
pub(crate) fn field_error(
    field: impl Into<String>,
    code: &'static str,
    message: impl Into<String>,
) -> FieldError {
    FieldError { field: field.into(), code: code.to_owned(), message: message.into() }
}

impl Failure {
    pub(crate) const fn refused(status: StatusCode, code: &'static str, detail: &'static str) -> Self {
        Self::Refused { status, code, detail }
    }

    /// A refusal of a sign-in that names the member whose name was given, if it is anybody's.
    pub(crate) fn of_account(self, account: Option<Id>) -> Self {
        match self {
            Self::Refused { status, code, detail } => Self::Account { status, code, detail, account },
            other => other,
        }
    }

    pub(crate) const fn not_found(detail: &'static str) -> Self {
        Self::refused(StatusCode::NOT_FOUND, "not_found", detail)
    }

    pub(crate) const fn no_acting_user() -> Self {
        Self::refused(StatusCode::FORBIDDEN, "no_acting_user", "The token names no acting user.")
    }

    pub(crate) const fn not_author() -> Self {
        Self::refused(StatusCode::FORBIDDEN, "not_author", "Only its author may do this.")
    }

    pub(crate) fn field(field: &str, code: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid { code: "invalid_input", errors: vec![field_error(field, code, message)] }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Refused { status, .. } | Self::Account { status, .. } => *status,
            Self::Invalid { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Token(TokenError::KeysUnavailable) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Token(_) => StatusCode::UNAUTHORIZED,
            Self::Scope(_) => StatusCode::FORBIDDEN,
            Self::Database(_) | Self::Password(_) | Self::Sealing(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Refused { code, .. } | Self::Account { code, .. } | Self::Invalid { code, .. } => code,
            Self::Method { .. } => "method_not_allowed",
            Self::Token(TokenError::KeysUnavailable) => "keys_unavailable",
            Self::Token(TokenError::Missing) => "token_missing",
            Self::Token(_) => "token_invalid",
            Self::Scope(_) => "insufficient_scope",
            Self::Database(_) | Self::Password(_) | Self::Sealing(_) => "internal",
        }
    }

    fn detail(&self) -> &'static str {
        match self {
            Self::Refused { detail, .. } | Self::Account { detail, .. } => detail,
            Self::Invalid { .. } => "Some of what was sent cannot be used; see errors.",
            Self::Method { .. } => "This resource does not know that method; see Allow.",
            Self::Token(TokenError::KeysUnavailable) => "The keys that verify tokens cannot be fetched.",
            Self::Token(TokenError::Missing) => "A service token is needed.",
            Self::Token(_) => "The service token is not valid here.",
            Self::Scope(_) => "The service token is not for this.",
            Self::Database(_) | Self::Password(_) | Self::Sealing(_) => "Something went wrong in here.",
        }
    }

    /// The problem document (RFC 9457). `service` names the realm of a challenge (RFC 6750 section 3).
    pub(crate) fn respond(&self, service: &str, request_id: &str) -> HttpResponse {
        let mut response = HttpResponse::build(self.status());
        match self {
            Self::Method { allow } => {
                response.insert_header((header::ALLOW, allow.as_str()));
            }
            Self::Token(TokenError::KeysUnavailable) => {
                response.insert_header((header::RETRY_AFTER, "1"));
            }
            Self::Token(error) => {
                let mut challenge = format!("Bearer realm=\"{service}\"");
                if !matches!(error, TokenError::Missing) {
                    // Writing into a String cannot fail.
                    let _ = write!(challenge, ", error=\"invalid_token\"");
                }
                response.insert_header((header::WWW_AUTHENTICATE, challenge));
            }
            Self::Scope(scope) => {
                // RFC 6750 section 3.1.
                let challenge =
                    format!("Bearer realm=\"{service}\", error=\"insufficient_scope\", scope=\"{scope}\"");
                response.insert_header((header::WWW_AUTHENTICATE, challenge));
            }
            Self::Refused { .. }
            | Self::Account { .. }
            | Self::Invalid { .. }
            | Self::Database(_)
            | Self::Password(_)
            | Self::Sealing(_) => {}
        }
        let errors = if let Self::Invalid { errors, .. } = self { errors.clone() } else { Vec::new() };
        let account = if let Self::Account { account, .. } = self {
            Some(account.as_ref().map_or(NO_ACCOUNT, Id::as_str))
        } else {
            None
        };
        problem(response, self.status(), (self.code(), self.detail()), request_id, errors, account)
    }
}

/// A problem for what the framework itself refused.
pub(crate) fn framework_problem(status: StatusCode, request_id: &str) -> HttpResponse {
    let code = if status.is_server_error() { "internal" } else { "bad_request" };
    let detail = status.canonical_reason().unwrap_or("Refused");
    problem(HttpResponse::build(status), status, (code, detail), request_id, Vec::new(), None)
}

/// A problem document, and what only the gateway may know.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(flatten)]
    problem: Problem,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a str>,
}

fn problem(
    mut response: HttpResponseBuilder,
    status: StatusCode,
    (code, detail): (&str, &str),
    request_id: &str,
    errors: Vec<FieldError>,
    account: Option<&str>,
) -> HttpResponse {
    let problem = Problem {
        kind: format!("/problems/{code}"),
        title: status.canonical_reason().unwrap_or("Error").to_owned(),
        status: status.as_u16(),
        detail: detail.to_owned(),
        code: code.to_owned(),
        request_id: request_id.to_owned(),
        errors,
    };
    response
        .insert_header((header::CONTENT_TYPE, "application/problem+json"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        // Text and numbers under text keys always serialise.
        .body(serde_json::to_vec(&Body { problem, account }).unwrap_or_default())
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    /// The edge writes it again with the request's id.
    fn error_response(&self) -> HttpResponse {
        self.respond("", "")
    }
}
