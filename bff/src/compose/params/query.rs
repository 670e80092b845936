//! The pairs of a query.

use std::borrow::Cow;

use smallvec::SmallVec;
use url::form_urlencoded;

/// The query of one request. Parameters that no plan names are passed over: trackers add theirs to every link.
pub(super) struct Query<'q>(SmallVec<[(Cow<'q, str>, Cow<'q, str>); 4]>);

impl<'q> Query<'q> {
    pub(super) fn of(text: &'q str) -> Self {
        Self(form_urlencoded::parse(text.as_bytes()).collect())
    }

    /// All values of a parameter.
    pub(super) fn values<'v>(&'v self, name: &'v str) -> impl Iterator<Item = &'v str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| &**value)
    }
}
