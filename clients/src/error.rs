//! What can go wrong in a call to an upstream. Made by the transport, turned into HTTP only by the
//! gateway's edge. The texts never quote an upstream: its words may hold what a log must not.

use std::{sync::Arc, time::Duration};

use http::StatusCode;
use schemas::{FieldError, Id, Reason};
use serde::{Deserialize, Deserializer};

use crate::{KeyError, SendError};

/// A call that has no usable answer. Cloning is cheap, so that one failure can be shared by all who
/// waited for it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum UpstreamError {
    /// The upstream's timeout or the caller's deadline came first, at whatever stage.
    #[error("`{upstream}` did not answer in time")]
    Timeout { upstream: &'static str },
    /// No connection, or one that was lost before an answer began.
    #[error("`{upstream}` cannot be reached")]
    Connect {
        upstream: &'static str,
        #[source]
        source: Arc<SendError>,
    },
    /// A 4xx or 5xx.
    #[error("`{upstream}` answered {}", status.as_u16())]
    Status { upstream: &'static str, status: StatusCode, problem: Option<Arc<Problem>> },
    /// The answer is not HTTP, is cut off, or is not the agreed JSON.
    #[error("the answer of `{upstream}` cannot be used")]
    Body {
        upstream: &'static str,
        #[source]
        source: BodyFault,
    },
    /// A 3xx. Upstreams are called by name; a redirect would take the service token elsewhere.
    #[error("`{upstream}` answered with a redirect")]
    Redirect { upstream: &'static str },
    /// The answer is larger than the limit; the rest was not read.
    #[error("the answer of `{upstream}` has more than {limit_bytes} bytes")]
    TooLarge { upstream: &'static str, limit_bytes: usize },
    /// The gateway's own limit for this upstream has no room (or the gateway is stopping). Nothing was sent.
    #[error("there is no room for another call to `{upstream}`")]
    Overloaded { upstream: &'static str },
    /// No service token could be signed. Nothing was sent.
    #[error("no service token for `{upstream}`")]
    Token {
        upstream: &'static str,
        #[source]
        source: KeyError,
    },
}

/// A streamed call without a usable answer: because of the upstream, or because of the body that was to be sent.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StreamError {
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// The body to be sent is larger than the limit. The upstream has seen a part of it at most.
    #[error("the body for `{upstream}` has more than {limit_bytes} bytes")]
    UploadTooLarge { upstream: &'static str, limit_bytes: u64 },
    /// The sender of the body was silent for too long.
    #[error("the body for `{upstream}` stopped arriving")]
    UploadTimeout { upstream: &'static str },
    /// The sender of the body went away, or sent what cannot be read.
    #[error("the body for `{upstream}` broke off")]
    UploadBroken { upstream: &'static str },
}

impl StreamError {
    /// Stable label for metrics.
    #[must_use]
    pub fn outcome(&self) -> &'static str {
        match self {
            Self::Upstream(error) => error.outcome(),
            Self::UploadTooLarge { .. } | Self::UploadTimeout { .. } | Self::UploadBroken { .. } => "upload",
        }
    }
}

/// An upstream's definite answer instead of what it was asked for. It is no outage, and nothing that was kept from before may
/// stand in for it (RFC 5861 section 4). Other 4xx are about the question (400, 422), the gateway itself (401) or the moment
/// (408, 429), and say nothing of the thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// 403: not for this caller.
    Forbidden,
    /// 404: there is no such thing.
    NotFound,
    /// 410: there is no such thing any more.
    Gone,
    /// 451: it may not be shown (RFC 7725).
    LegalReasons,
}

impl Refusal {
    pub(crate) fn of(status: StatusCode) -> Option<Self> {
        match status {
            StatusCode::FORBIDDEN => Some(Self::Forbidden),
            StatusCode::NOT_FOUND => Some(Self::NotFound),
            StatusCode::GONE => Some(Self::Gone),
            StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS => Some(Self::LegalReasons),
            _ => None,
        }
    }
}

/// What is wrong with an answer's bytes.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BodyFault {
    #[error("it is not HTTP")]
    Http(#[source] Arc<SendError>),
    #[error("it was cut off")]
    CutOff(#[source] Arc<reqwest::Error>),
    /// serde_json's own text would quote the body.
    #[error("json {} error at line {line} column {column}", category_name(*category))]
    Json { category: serde_json::error::Category, line: usize, column: usize },
    #[error("it speaks of something else than what was asked for")]
    Mismatch,
}

fn category_name(category: serde_json::error::Category) -> &'static str {
    match category {
        serde_json::error::Category::Io => "i/o",
        serde_json::error::Category::Syntax => "syntax",
        serde_json::error::Category::Data => "data",
        serde_json::error::Category::Eof => "end-of-input",
    }
}

impl From<serde_json::Error> for BodyFault {
    fn from(error: serde_json::Error) -> Self {
        Self::Json { category: error.classify(), line: error.line(), column: error.column() }
    }
}

/// What programs may decide by in an upstream's problem document (RFC 9457); its prose is not kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Problem {
    /// Stable, snake_case; empty where there is none.
    #[serde(default)]
    pub code: String,
    /// What is wrong with which field (422 only).
    #[serde(default, deserialize_with = "field_errors")]
    pub errors: Vec<FieldError>,
    /// The member whose name it was that somebody could not sign in by (401 of the profile service only). What is no id
    /// counts as nothing: a problem that is otherwise sound is one.
    #[serde(default, deserialize_with = "id_or_nothing")]
    pub account: Option<Id>,
    /// `Retry-After` of the answer, where it is a number of seconds; at most a day.
    #[serde(skip)]
    pub retry_after: Option<Duration>,
    /// There was no problem document: only the headers say something.
    #[serde(skip)]
    pub without_document: bool,
}

/// More mistakes help nobody.
const MAX_FIELD_ERRORS: usize = 100;
/// Longer codes and paths of fields are none.
const MAX_CODE_BYTES: usize = 128;
const MAX_FIELD_BYTES: usize = 512;

impl Problem {
    /// Reads a problem document. What is longer than programs need is left out.
    pub(crate) fn read(json: &[u8]) -> Option<Self> {
        let mut problem: Self = serde_json::from_slice(json).ok()?;
        if !is_code(&problem.code) {
            problem.code.clear();
        }
        problem.errors.retain(|error| is_code(&error.code) && is_field(&error.field));
        problem.errors.truncate(MAX_FIELD_ERRORS);
        Some(problem)
    }
}

fn is_code(text: &str) -> bool {
    text.len() <= MAX_CODE_BYTES && text.bytes().all(|b| b.is_ascii_graphic())
}

fn is_field(text: &str) -> bool {
    text.len() <= MAX_FIELD_BYTES && !text.chars().any(char::is_control)
}

fn field_errors<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<FieldError>, D::Error> {
    #[derive(Deserialize)]
    struct Told {
        field: String,
        code: String,
    }
    // The message is the upstream's prose: it is not kept.
    let error = |Told { field, code }| FieldError { field, code, message: String::new() };
    Ok(Vec::<Told>::deserialize(deserializer)?.into_iter().map(error).collect())
}

fn id_or_nothing<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Id>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(value.as_str().and_then(|text| Id::new(text).ok()))
}

impl UpstreamError {
    /// The upstream's name as configured.
    #[must_use]
    pub const fn upstream(&self) -> &'static str {
        match self {
            Self::Timeout { upstream }
            | Self::Connect { upstream, .. }
            | Self::Status { upstream, .. }
            | Self::Body { upstream, .. }
            | Self::Redirect { upstream }
            | Self::TooLarge { upstream, .. }
            | Self::Overloaded { upstream }
            | Self::Token { upstream, .. } => upstream,
        }
    }

    /// What a front-end is told of it.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Timeout { .. } => Reason::Timeout,
            Self::Connect { .. } | Self::Token { .. } => Reason::Unavailable,
            Self::Status { status, .. } if *status == StatusCode::TOO_MANY_REQUESTS => Reason::Overloaded,
            Self::Status { status, .. } if status.is_server_error() => Reason::Unavailable,
            Self::Status { .. } => Reason::Rejected,
            Self::Body { .. } | Self::Redirect { .. } | Self::TooLarge { .. } => Reason::Invalid,
            Self::Overloaded { .. } => Reason::Overloaded,
        }
    }

    /// The upstream's status, where it answered 4xx or 5xx.
    #[must_use]
    pub const fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// The upstream's definite answer, where this is one.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        self.status().and_then(Refusal::of)
    }

    /// `code` of the upstream's problem document.
    #[must_use]
    pub fn problem_code(&self) -> Option<&str> {
        self.problem().map(|problem| problem.code.as_str()).filter(|code| !code.is_empty())
    }

    /// Whether the upstream itself explains it, in a problem document: nothing on the way does.
    #[must_use]
    pub fn is_explained(&self) -> bool {
        self.problem().is_some_and(|problem| !problem.without_document)
    }

    /// `errors` of the upstream's problem document; empty where there are none.
    #[must_use]
    pub fn field_errors(&self) -> &[FieldError] {
        self.problem().map_or(&[], |problem| &problem.errors)
    }

    /// `account` of the upstream's problem document.
    #[must_use]
    pub fn account(&self) -> Option<&Id> {
        self.problem()?.account.as_ref()
    }

    /// `Retry-After` of the upstream's answer, where it is a number of seconds; at most a day.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.problem()?.retry_after
    }

    fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Status { problem, .. } => problem.as_deref(),
            _ => None,
        }
    }

    /// Stable label for metrics.
    #[must_use]
    pub fn outcome(&self) -> &'static str {
        match self {
            Self::Timeout { .. } => "timeout",
            Self::Connect { .. } => "connect",
            Self::Status { status, .. } if status.is_server_error() => "status_5xx",
            Self::Status { .. } => "status_4xx",
            Self::Body { .. } => "invalid",
            Self::Redirect { .. } => "redirect",
            Self::TooLarge { .. } => "too_large",
            Self::Overloaded { .. } => "overloaded",
            Self::Token { .. } => "token",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::StatusCode;
    use schemas::Reason;

    use super::{BodyFault, Problem, Refusal, UpstreamError};

    fn status(code: u16) -> UpstreamError {
        let status = StatusCode::from_u16(code).expect("a status");
        UpstreamError::Status { upstream: "orders", status, problem: None }
    }

    #[test]
    fn a_front_end_is_told_one_of_five_reasons() {
        let upstream = "orders";
        assert_eq!(UpstreamError::Timeout { upstream }.reason(), Reason::Timeout);
        assert_eq!(UpstreamError::Redirect { upstream }.reason(), Reason::Invalid);
        assert_eq!(UpstreamError::TooLarge { upstream, limit_bytes: 1 }.reason(), Reason::Invalid);
        assert_eq!(UpstreamError::Body { upstream, source: BodyFault::Mismatch }.reason(), Reason::Invalid);
        assert_eq!(UpstreamError::Overloaded { upstream }.reason(), Reason::Overloaded);
        assert_eq!(status(500).reason(), Reason::Unavailable);
        assert_eq!(status(503).reason(), Reason::Unavailable);
        assert_eq!(status(404).reason(), Reason::Rejected);
        assert_eq!(status(429).reason(), Reason::Overloaded);
    }

    #[test]
    fn a_definite_answer_is_about_the_thing_and_not_about_the_question() {
        let refusals = [
            (403, Refusal::Forbidden),
            (404, Refusal::NotFound),
            (410, Refusal::Gone),
            (451, Refusal::LegalReasons),
        ];
        for code in 400..600 {
            let expected = refusals.iter().find(|(refused, _)| *refused == code).map(|(_, refusal)| *refusal);
            assert_eq!(status(code).refusal(), expected, "{code}");
        }
        assert_eq!(UpstreamError::Timeout { upstream: "orders" }.refusal(), None);
    }

    #[test]
    fn the_text_of_a_broken_body_does_not_quote_it() {
        let error = serde_json::from_str::<u32>("\"ada@example.org\"").expect_err("not a number");
        assert!(error.to_string().contains("ada@example.org"), "or this test proves nothing");
        let fault = BodyFault::from(error);
        assert_eq!(fault.to_string(), "json data error at line 1 column 17");
        let error = UpstreamError::Body { upstream: "profile", source: fault };
        assert!(!format!("{error} {error:?}").contains("ada@"));
    }

    #[test]
    fn only_a_status_has_a_problem() {
        let problem = Problem { code: "email_taken".to_owned(), ..Problem::default() };
        let error = UpstreamError::Status {
            upstream: "profile",
            status: StatusCode::CONFLICT,
            problem: Some(Arc::new(problem)),
        };
        assert_eq!(error.problem_code(), Some("email_taken"));
        assert_eq!(error.status(), Some(StatusCode::CONFLICT));
        assert_eq!(error.to_string(), "`profile` answered 409");
        let error = UpstreamError::Timeout { upstream: "profile" };
        assert_eq!((error.problem_code(), error.status(), error.field_errors()), (None, None, &[][..]));
    }
}
