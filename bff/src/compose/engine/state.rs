//! What a composition knows while it is under way.

use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, Instant},
};

use schemas::{DegradedPart, PartStatus, Reason};
use smallvec::SmallVec;

use super::{
    asked::{Asked, Times},
    document::Previous,
    host::Host,
    in_flight::Queue,
    reuse::Reusable,
    segments::Segments,
    slots::{Known, Slots},
    tables::Tables,
    values::Answers,
};
use crate::compose::{
    PartFailure,
    plan::{JoinPlan, LookupPlan, PartId, PartPlan, ScreenPlan},
    scan::Capture,
};

/// A composition under way.
pub(super) struct Run<'r, 'p, H: Host> {
    pub(super) plan: &'p ScreenPlan,
    pub(super) tables: &'p Tables,
    pub(super) host: &'r H,
    pub(super) asked: &'r Asked<'r>,
    pub(super) begun: Instant,
    pub(super) ended: Instant,
    pub(super) deadline: Instant,
    pub(super) generation: u64,
    pub(super) is_streamed: bool,
    /// Ids of the last document are looked up alongside the parts.
    pub(super) foresees: bool,
    pub(super) is_over: bool,
    pub(super) parts: Vec<PartRun<'p>>,
    pub(super) joins: Vec<JoinRun<'p>>,
    pub(super) kept: Option<Reusable>,
    /// What was kept, where nothing of it is as good as a call: only a failure needs it, and most compositions have none.
    pub(super) unread: Option<(Previous<'r>, Times)>,
    pub(super) queue: Queue<'p>,
    pub(super) log: Log,
    pub(super) handed_out: HandOut,
    /// For tags, one after the other.
    pub(super) text: String,
}

/// A part of a composition.
pub(super) struct PartRun<'p> {
    pub(super) plan: &'p PartPlan,
    pub(super) state: State<'p>,
    pub(super) limit: Instant,
    pub(super) fetched_at: Option<Instant>,
    pub(super) generation: u64,
    pub(super) tags: Vec<u32>,
    /// Of the values of other parts that its call is made with.
    pub(super) inputs: u64,
    pub(super) failed: Option<PartFailure>,
}

/// What became of a part.
#[expect(clippy::large_enum_variant, reason = "there are few, and most parts come")]
pub(super) enum State<'p> {
    /// What it needs is not there yet.
    Waiting,
    Called,
    /// By each of its plans.
    Came(SmallVec<[Segments<'p>; 1]>),
    /// It is null.
    Missing,
}

impl<'p> PartRun<'p> {
    pub(super) fn is_decided(&self) -> bool {
        matches!(self.state, State::Came(_) | State::Missing)
    }

    pub(super) fn came(&self) -> &[Segments<'p>] {
        if let State::Came(came) = &self.state { came } else { &[] }
    }

    /// What is to be kept of it, and since when it has been there.
    pub(super) fn to_keep(&self) -> Option<(&[Segments<'p>], Instant)> {
        let State::Came(came) = &self.state else { return None };
        Some((came, self.fetched_at?))
    }
}

/// What is said of a composition.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) timings: Vec<(&'static str, Duration)>,
    pub(super) degraded: Vec<DegradedPart>,
    pub(super) withheld: bool,
    pub(super) has_unknown_cursor: bool,
    pub(super) oldest: Option<Instant>,
}

impl Log {
    /// A part that takes several calls has one entry: the longest.
    pub(super) fn note_time(&mut self, part: &'static str, took: Duration) {
        match self.timings.iter_mut().find(|(known, _)| *known == part) {
            Some((_, longest)) => *longest = took.max(*longest),
            None => self.timings.push((part, took)),
        }
    }

    /// A part is named once: the graver word stands.
    pub(super) fn note_degraded(&mut self, degraded: DegradedPart) {
        match self.degraded.iter_mut().find(|known| known.part == degraded.part) {
            Some(known) if known.status == PartStatus::Stale => *known = degraded,
            Some(_) => {}
            None => self.degraded.push(degraded),
        }
    }
}

/// Answers that are there.
pub(super) struct Came<'c, 'p>(pub(super) &'c [PartRun<'p>]);

impl Answers for Came<'_, '_> {
    fn first(&self, part: PartId, capture: Capture) -> Option<Cow<'_, str>> {
        self.0.get(part.index())?.came().first()?.texts(capture).next()
    }
}
/// A join of one composition: of all of it, or where fields are handed out one by one, of what came with one part.
#[derive(Debug)]
pub(super) struct JoinRun<'p> {
    pub(super) plan: &'p JoinPlan,
    pub(super) lookup: &'p Arc<LookupPlan>,
    pub(super) join: u16,
    /// The part that it belongs to; `None`: all.
    pub(super) part: Option<u16>,
    pub(super) slots: Slots<'p>,
    pub(super) in_flight: usize,
    /// Whether it was time for its first step.
    pub(super) is_begun: bool,
    pub(super) steps: usize,
    /// Calls of a look-up that takes one id.
    pub(super) calls: u16,
    /// What stands in was fetched then.
    pub(super) kept_since: Option<Instant>,
    pub(super) uses_kept: bool,
    /// Why ids could not be had.
    pub(super) failed: Option<Reason>,
}

impl<'p> JoinRun<'p> {
    pub(super) fn new(plan: &'p JoinPlan, lookup: &'p Arc<LookupPlan>, join: u16, part: Option<u16>) -> Self {
        let slots = Slots::default();
        let (in_flight, is_begun, steps, calls) = (0, false, 0, 0);
        let (kept_since, uses_kept, failed) = (None, false, None);
        Self {
            plan,
            lookup,
            join,
            part,
            slots,
            in_flight,
            is_begun,
            steps,
            calls,
            kept_since,
            uses_kept,
            failed,
        }
    }

    pub(super) fn asks(&self) -> bool {
        self.slots.iter().any(|slot| matches!(slot.known, Known::No))
    }
}

/// Which fields were handed out.
#[derive(Debug, Default)]
pub(super) struct HandOut {
    pub(super) done: SmallVec<[u16; 12]>,
    /// What is optional may go: something of what the screen requires went before.
    pub(super) is_open: bool,
}
