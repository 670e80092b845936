//! What a request has come to, as the stages between the first look and the answer know it.

use std::{any::Any, fmt, sync::Arc};

/// What the stages in front of a handler leave out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Exempt {
    /// The rate limits pass the request by.
    pub rate_limit_exempt: bool,
    /// The identity stage passes the request by: the answer is the same for every caller.
    pub caller_independent: bool,
}

/// What a request has come to: its place in the table of what was served when it came.
#[derive(Clone)]
pub(super) struct Resolved {
    pub(super) served: Arc<dyn Any + Send + Sync>,
    pub(super) place: Place,
}

impl fmt::Debug for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolved").field("place", &self.place).finish_non_exhaustive()
    }
}

/// Where in its table a request has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) entry: usize,
    /// Which of its methods; nothing where it has another one.
    pub(super) method: Option<usize>,
}
