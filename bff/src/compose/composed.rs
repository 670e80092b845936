//! What a composition hands to the cache.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{ComposeError, engine::Kept, packed::Packed};
use crate::invalidation::Tag;

/// What a composition hands to the cache.
#[derive(Debug)]
pub struct Composed {
    /// The document, serialised.
    pub body: Packed,
    /// What it was made of.
    pub tags: MadeOf,
    /// Whether every part is there and current.
    pub complete: bool,
    /// Whether a part is missing because it was refused for good: an older document would show what this one must not.
    pub withheld: bool,
    /// When its oldest part was fetched: freshness and `Age` count from there.
    pub made_at: Instant,
    /// How long each part took.
    pub timings: Vec<(&'static str, Duration)>,
}

/// What a document was made of.
#[derive(Debug, Clone)]
pub enum MadeOf {
    /// Of a screen in Rust.
    Tags(Vec<Tag>),
    /// Of a declared screen: its slices bear the tags of each part, hashed.
    Slices(Arc<Kept>),
}

/// How a composition ends without a document.
#[derive(Debug, Clone)]
pub enum Uncomposed<E> {
    /// It cannot be made now: an older one may stand in (RFC 5861 section 4).
    Failed(E),
    /// There is a definite answer instead, which holds for whoever asked: no older document may hide it. What was made for
    /// them of `subjects` is gone.
    Refused { error: E, subjects: Vec<Tag> },
}

impl From<ComposeError> for Uncomposed<ComposeError> {
    fn from(error: ComposeError) -> Self {
        match &error {
            ComposeError::Refused { subjects, .. } => Self::Refused { subjects: subjects.clone(), error },
            // A page that begins where nothing is any more, of a list that goes on.
            ComposeError::UnknownCursor | ComposeError::NothingLeft { withheld: true, .. } => {
                Self::Refused { subjects: Vec::new(), error }
            }
            ComposeError::Required { .. }
            | ComposeError::NothingLeft { .. }
            | ComposeError::Serialise(_)
            | ComposeError::UnknownUpstream(_) => Self::Failed(error),
        }
    }
}
