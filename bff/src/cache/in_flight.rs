//! Compositions under way (single flight): one for each document, however many ask for it.

use std::{future::Future, pin::Pin, sync::Arc};

use futures_util::future::Shared;

use super::{
    document::Document,
    served::{FillError, Forward},
};
use crate::{compose::Progress, invalidation::Generation};

/// How a request came to wait for a composition.
pub(super) enum JoinOrStart<E> {
    /// Not at all: it has ended, and its document is there to be looked up.
    AlreadyDone,
    /// One that was under way.
    Joined(InFlight<E>, Forward),
    /// Its own.
    Started(InFlight<E>, Forward),
}

/// What a composition that has ended hands to all that wait for it.
#[derive(Debug, Clone)]
pub(super) struct Completed {
    pub(super) document: Arc<Document>,
    pub(super) stored: bool,
}

pub(super) type Completion<E> = Result<Completed, FillError<E>>;

/// A composition under way.
#[derive(Clone)]
pub(super) struct InFlight<E> {
    /// Which composition: one that completes must not take another's place for its own.
    pub(super) number: u64,
    /// [`Invalidations::generation`] when it began.
    pub(super) begun: Generation,
    pub(super) pending: Pending<E>,
    pub(super) progress: Progress,
}

pub(super) type Pending<E> = Shared<Pin<Box<dyn Future<Output = Completion<E>> + Send>>>;
