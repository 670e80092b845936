//! Carries out a declared screen on raw bytes, between `cache` and the upstream clients: parts are called as early as their
//! needs allow, all in one task and under one timer; each answer is scanned once; joins are spliced in; the document is written
//! once.
//!
//! The engine knows neither the clients nor the cache: [`Host`] is how it reaches them. What it makes is a [`RawDocument`],
//! whose [`Kept`] is all that the next composition of the same document needs to take over what is still good, and to let old
//! parts stand in for those that cannot be had.

mod asked;
mod binding;
mod call;
mod document;
mod entities;
mod finish;
mod foresight;
mod hand_out;
mod host;
mod in_flight;
mod joins;
mod keep;
mod layout;
mod parts;
mod reuse;
mod route;
mod run;
mod segments;
mod slots;
mod state;
mod tables;
mod tags;
#[cfg(test)]
mod tests;
mod values;
mod write;

use std::sync::Arc;

pub use asked::{Asked, AskingSession, AskingUser, Times};
pub use call::{Ids, PreparedCall, Unprepared, prepare, prepare_lookup};
pub use document::{Kept, Previous, RawDocument, Uncomposable};
pub use entities::{EntityCache, entities_of};
pub use foresight::Foresight;
pub use host::{Host, Validity};
pub use route::{JOIN_TIMEOUT, RouteAnswer, RouteEngine, names_session};
pub use values::{Answers, NoAnswers, Values};

use self::tables::Tables;
use crate::compose::plan::{LookupPlan, ScreenPlan};

/// A screen, ready to be composed. One for each plan; shared by all compositions.
#[derive(Debug)]
pub struct Engine {
    plan: Arc<ScreenPlan>,
    /// Of each join.
    lookups: Box<[Arc<LookupPlan>]>,
    full: Tables,
    compact: Tables,
}

/// A join names a look-up that there is none of: the plan is of another gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a join names no look-up of this plan")]
pub struct UnknownLookup;

impl Engine {
    /// Of a screen and all look-ups of its gateway.
    ///
    /// # Errors
    /// [`UnknownLookup`].
    pub fn new(plan: Arc<ScreenPlan>, lookups: &[Arc<LookupPlan>]) -> Result<Self, UnknownLookup> {
        let of_join = plan.joins.iter().map(|join| lookups.get(join.lookup.index()).cloned());
        let lookups = of_join.collect::<Option<_>>().ok_or(UnknownLookup)?;
        let (full, compact) = (Tables::new(&plan, false), Tables::new(&plan, true));
        Ok(Self { plan, lookups, full, compact })
    }

    /// The plan that is carried out.
    #[must_use]
    pub fn plan(&self) -> &Arc<ScreenPlan> {
        &self.plan
    }

    /// Composes the document. All calls are made within this future: dropped, it cancels them. Must run where tokio's time
    /// does.
    ///
    /// # Errors
    /// [`Uncomposable`], with what did come.
    pub async fn compose<H: Host>(
        &self,
        host: &H,
        asked: &Asked<'_>,
        previous: Option<Previous<'_>>,
        times: Times,
    ) -> Result<RawDocument, Uncomposable> {
        let tables = if asked.compact { &self.compact } else { &self.full };
        run::compose((&self.plan, &self.lookups, tables), host, asked, previous, times).await
    }
}
