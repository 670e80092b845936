//! Look-ups by id: what several screens and routes ask alike.

use std::time::Duration;

use super::CallPlan;
use crate::compose::scan::{Capture, Export, Plan};

/// A look-up by id.
#[derive(Debug, Clone)]
pub struct LookupPlan {
    /// In metrics.
    pub name: &'static str,
    pub call: CallPlan,
    /// The most ids of one call; `None`: the call takes one id, and is made for each of at most [`Self::max_calls`] ids of a
    /// document.
    pub max_ids: Option<u16>,
    pub max_calls: u16,
    /// What is done with an answer. Of a call with many ids [`Self::ENTITY`] is exported once for each element of the list and
    /// [`Self::KEY`] captured in it, once; of a call with one id the entity is exported once, and no key is captured.
    pub scan: Plan,
    /// The kind of the tag that each id looked up gives the document: `KIND:ID`.
    pub tag: Option<Box<str>>,
    pub shared: Option<Shared>,
}

/// One cache for all users: the call acts for nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shared {
    pub fresh: Duration,
}

impl LookupPlan {
    /// An element of the answer: what leaves the gateway of it, and beside that whatever joins look for in it. What is
    /// hidden again is left out by [`super::JoinPoint::scan`].
    pub const ENTITY: Export = Export(0);
    /// What an element is known by.
    pub const KEY: Capture = Capture(0);
}
