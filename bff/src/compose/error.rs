//! Why there is no document.

use clients::{Refusal, UpstreamError};
use schemas::Reason;

use super::scan::ScanError;
use crate::invalidation::Tag;

/// Why an upstream's answer to a route cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// It is no JSON of the shape that the contract names.
    #[error("the answer of `{upstream}` cannot be used")]
    Invalid {
        upstream: &'static str,
        #[source]
        source: ScanError,
    },
    /// It speaks of something else than what was asked for.
    #[error("the answer of `{upstream}` speaks of something else than what was asked for")]
    Mismatch { upstream: &'static str },
}

/// Refusals of an upstream that pass by their status alone, where its contract lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassedRefusal {
    /// 410.
    Gone,
    /// 412 (RFC 9110 section 15.5.13).
    PreconditionFailed,
    /// 428 (RFC 6585 section 3).
    PreconditionRequired,
    /// 429 (RFC 6585 section 4), and when it is worth asking again.
    TooManyRequests { retry_after_s: u64 },
    /// 451 (RFC 7725).
    LegalReasons,
}

/// Why a part could not be fetched.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PartFailure {
    /// Its time, or the screen's, ran out.
    #[error("no answer in time")]
    Timeout,
    /// The upstream, or the way to it.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// The answer is no JSON of the shape that the contract names.
    #[error("the answer cannot be used")]
    Invalid(#[source] ScanError),
    /// The answer is about something else, or what it says cannot be asked after.
    #[error("the answer speaks of something else than what was asked for")]
    Mismatch,
}

impl PartFailure {
    /// What `degraded` says of it.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Timeout => Reason::Timeout,
            Self::Upstream(error) => error.reason(),
            Self::Invalid(_) | Self::Mismatch => Reason::Invalid,
        }
    }

    /// The upstream's definite answer, where that is why.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Timeout | Self::Invalid(_) | Self::Mismatch => None,
            Self::Upstream(error) => error.refusal(),
        }
    }
}

/// Why a screen has no document.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ComposeError {
    /// A part that the screen cannot do without.
    #[error("required part `{part}` is unavailable")]
    Required {
        part: &'static str,
        #[source]
        source: PartFailure,
    },
    /// A part that the screen cannot do without, and for which its upstream has a definite answer instead. That answer is
    /// about what `subjects` name.
    #[error("required part `{part}` is refused")]
    Refused { part: &'static str, refusal: Refusal, subjects: Vec<Tag> },
    /// The page that the caller asked for begins where nothing is.
    #[error("the upstream does not know the cursor")]
    UnknownCursor,
    /// Each of the parts that make the screen worth showing.
    #[error("nothing is left of the screen")]
    NothingLeft {
        reason: Reason,
        /// One of them was refused for good: an older document would show it.
        withheld: bool,
    },
    /// The document could not be written as JSON.
    #[error("the document could not be serialised")]
    Serialise(#[source] std::sync::Arc<serde_json::Error>),
    /// A screen in Rust calls an upstream that the settings do not name.
    #[error("there is no upstream `{0}`")]
    UnknownUpstream(&'static str),
}

impl ComposeError {
    /// `part` is refused, which is about what the texts of `subjects` name as tags.
    pub(super) fn refused(part: &'static str, refusal: Refusal, subjects: &[String]) -> Self {
        let subjects = subjects.iter().filter_map(|text| Tag::parse(text)).collect();
        Self::Refused { part, refusal, subjects }
    }
}
