//! What is asked of the cache, and how it answers.

use std::sync::Arc;

use schemas::Id;

use super::{document::Document, encoding::Encodings, key::DocumentKey, policy::Policy};

/// Which document, for whom, by which rules.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    pub key: &'a DocumentKey,
    /// `None`: the document that all who are not signed in share.
    pub user: Option<&'a Id>,
    pub policy: Policy,
    /// What the caller can read: made while the document is, off the worker threads.
    pub encodings: Encodings,
    /// The caller reads along while it is composed: [`Documents::follow`](super::Documents::follow).
    pub stream: bool,
    /// The caller waits rather than take a document that is known to be old: they were told that it is.
    pub require_fresh: bool,
}

/// Why there is no document.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FillError<E> {
    /// The composition answered that it cannot.
    #[error("the document could not be composed")]
    Failed(#[source] E),
    /// There is a definite answer instead: nothing older may be served.
    #[error("there is an answer instead of the document")]
    Refused(#[source] E),
    /// The composition ended without an answer: it panicked, or the process is stopping.
    #[error("the composition was lost")]
    Lost,
}

/// How a document came to be served: what `Cache-Status` says (RFC 9211) and what metrics count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// In its fresh time.
    Hit,
    /// In its stale time; a refresh runs behind or is about to.
    Stale,
    /// Composed for this request, or for one that it waited with.
    Composed { forward: Forward, collapsed: bool, stored: bool },
    /// Old, because composing failed.
    StaleIfError,
}

/// Why the cache could not answer by itself (RFC 9211 section 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forward {
    /// There was nothing under the key.
    Miss,
    /// There was something too old, or purged.
    Stale,
}

/// A document and how it came.
#[derive(Debug, Clone)]
pub struct Served {
    pub document: Arc<Document>,
    pub outcome: Outcome,
}
