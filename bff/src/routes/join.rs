//! The seam of joins: what brings ids and what they name together.

use std::{collections::HashMap, future::Future, pin::Pin, time::Duration};

use bytes::Bytes;
use clients::CallContext;
use smallvec::SmallVec;

use crate::compose::{
    plan::RoutePlan,
    scan::{Capture, Place},
};

/// How long an answer waits for its joins. It is of use without them.
pub(super) const JOIN_TIMEOUT: Duration = Duration::from_millis(500);

/// What was looked up.
#[derive(Debug, Default)]
pub struct Joined {
    /// JSON, by the id that it is of and the place where it goes. What is unknown is not in it.
    pub values: HashMap<Box<str>, SmallVec<[(Place, Bytes); 1]>>,
    /// Whether every id could be looked up. An unknown one was.
    pub complete: bool,
}

/// An id in the answer, and the path that it was found at.
pub type FoundId = (Capture, Box<str>);

/// Looks up what an answer's ids name.
pub trait Joiner: Send + Sync {
    /// Looks up `found`, by the joins of `route`, for the caller of `cx` until its deadline. The future owns what it needs: it
    /// also runs within detached writes.
    fn join(
        &self,
        route: &RoutePlan,
        cx: CallContext,
        found: &[FoundId],
    ) -> Pin<Box<dyn Future<Output = Joined> + Send>>;
}

/// Of a gateway without look-ups: every id is unknown.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoJoins;

impl Joiner for NoJoins {
    fn join(
        &self,
        _: &RoutePlan,
        _: CallContext,
        _: &[FoundId],
    ) -> Pin<Box<dyn Future<Output = Joined> + Send>> {
        Box::pin(std::future::ready(Joined { values: HashMap::new(), complete: true }))
    }
}
