//! Why there is no document.

use clients::UpstreamError;
use schemas::Reason;

/// Why a part could not be fetched.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PartFailure {
    /// Its time, or the screen's, ran out.
    #[error("no answer in time")]
    Timeout,
    /// The upstream, or the way to it.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
}

impl PartFailure {
    /// What `degraded` says of it.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Timeout => Reason::Timeout,
            Self::Upstream(error) => error.reason(),
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
    /// What the screen is about does not exist.
    #[error("there is no such `{part}`")]
    NotFound { part: &'static str },
    /// The page that the caller asked for begins where nothing is.
    #[error("the upstream does not know the cursor")]
    UnknownCursor,
    /// Each of the parts that make the screen worth showing.
    #[error("nothing is left of the screen")]
    NothingLeft { reason: Reason },
    /// The document could not be written as JSON.
    #[error("the document could not be serialised")]
    Serialise(#[source] std::sync::Arc<serde_json::Error>),
}
