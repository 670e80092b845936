//! One composition: starts parts and look-ups as their needs allow, takes in what comes, and ends with the document.

use std::{sync::Arc, time::Instant};

use clients::Refusal;
use futures_util::stream::FuturesUnordered;

use super::{
    asked::{Asked, Times},
    document::{Previous, RawDocument, Uncomposable},
    host::Host,
    in_flight::{Done, Queue, What, give_up, next, perform},
    reuse::read,
    state::{HandOut, JoinRun, Log, PartRun, Run, State},
    tables::Tables,
};
use crate::compose::{
    ComposeError, PartFailure,
    plan::{LookupPlan, PartPlan, ScreenPlan},
};

/// Composes a document.
pub(super) async fn compose<H: Host>(
    (plan, lookups, tables): (&ScreenPlan, &[Arc<LookupPlan>], &Tables),
    host: &H,
    asked: &Asked<'_>,
    previous: Option<Previous<'_>>,
    times: Times,
) -> Result<RawDocument, Uncomposable> {
    let mut run = Run::new((plan, lookups, tables), host, asked, previous, times);
    match run.carry_out().await {
        Ok(()) => Ok(run.finish()),
        Err(error) => Err(Uncomposable { error, kept: run.remains() }),
    }
}
/// A composition that has begun.
pub(super) fn started<'r, 'p, H: Host>(
    of: (&'p ScreenPlan, &'p [Arc<LookupPlan>], &'p Tables),
    host: &'r H,
    asked: &'r Asked<'r>,
    previous: Option<Previous<'r>>,
    times: Times,
) -> Run<'r, 'p, H> {
    Run::new(of, host, asked, previous, times)
}

impl<'r, 'p, H: Host> Run<'r, 'p, H> {
    fn new(
        (plan, lookups, tables): (&'p ScreenPlan, &'p [Arc<LookupPlan>], &'p Tables),
        host: &'r H,
        asked: &'r Asked<'r>,
        previous: Option<Previous<'r>>,
        times: Times,
    ) -> Self {
        let (begun, generation) = (Instant::now(), host.generation());
        let needed = previous.filter(|previous| previous.foresees || previous.may_be_fresh(&times, begun));
        let kept = needed.and_then(|previous| read(previous, plan, tables, host, &times, begun));
        let unread = if needed.is_some() { None } else { previous.map(|previous| (previous, times)) };
        let is_streamed = host.is_streamed();
        let part = |part: &'p PartPlan| PartRun {
            plan: part,
            state: State::Waiting,
            limit: begun
                + part.share.map_or(times.deadline, |share| times.deadline.mul_f64(share.clamp(0.0, 1.0))),
            fetched_at: None,
            generation,
            tags: Vec::new(),
            inputs: 0,
            failed: None,
        };
        let groups = if is_streamed { plan.parts.len() } else { 1 };
        let joins = (0..groups).flat_map(|group| {
            let part = is_streamed.then(|| u16::try_from(group).unwrap_or(u16::MAX));
            plan.joins
                .iter()
                .zip(lookups)
                .zip(0..)
                .map(move |((plan, lookup), number)| JoinRun::new(plan, lookup, number, part))
        });
        Self {
            plan,
            tables,
            host,
            asked,
            begun,
            ended: begun,
            deadline: begun + times.deadline,
            generation,
            is_streamed,
            foresees: previous.is_some_and(|previous| previous.foresees),
            is_over: false,
            parts: plan.parts.iter().map(part).collect(),
            joins: joins.collect(),
            kept,
            unread,
            queue: Queue::default(),
            log: Log::default(),
            handed_out: HandOut::default(),
            text: String::new(),
        }
    }

    pub(super) async fn carry_out(&mut self) -> Result<(), ComposeError> {
        let (mut calls, mut timer) = (FuturesUnordered::new(), None);
        loop {
            self.start_parts()?;
            self.start_joins();
            self.hand_out_fields();
            let until = self.next_limit();
            let Some(until) = until else { break };
            self.queue.start(self.host, &mut calls, perform);
            match next(&mut calls, &mut timer, until).await {
                Some(done) => self.take_in(done)?,
                None => {
                    let now = Instant::now();
                    let late = |part: &PartRun<'_>| matches!(part.state, State::Called) && part.limit <= now;
                    give_up(&mut calls, |part| self.parts.get(usize::from(part)).is_some_and(late));
                    self.expire(now)?;
                }
            }
        }
        self.ended = Instant::now();
        self.note_kept_joins();
        self.check_something_is_left()
    }

    /// Reads what was kept, where that was put off.
    pub(super) fn read_kept(&mut self) {
        if let Some((previous, times)) = self.unread.take() {
            self.kept = read(previous, self.plan, self.tables, self.host, &times, self.begun);
        }
    }

    /// When the next of what is under way is late; nothing where nothing is.
    fn next_limit(&self) -> Option<Instant> {
        let called = self.parts.iter().filter(|part| matches!(part.state, State::Called));
        let looking_up = self.looks_up().then_some(self.deadline);
        called.map(|part| part.limit).chain(looking_up).min()
    }
    fn take_in(&mut self, done: Done) -> Result<(), ComposeError> {
        let took = done.took;
        match done.what {
            What::Called(part, answer) => self.answered(usize::from(part), answer, took),
            What::LookedUp(run, slots, came) => {
                self.entities_came(run, &slots, came.map_err(PartFailure::Upstream), took);
                Ok(())
            }
            What::LookedUpOne(run, slot, came) => {
                let none = matches!(&came, Err(error) if error.refusal() == Some(Refusal::NotFound));
                let came = if none { Ok(None) } else { came };
                let came = came.map(|one| vec![one]).map_err(PartFailure::Upstream);
                self.entities_came(run, &[slot], came, took);
                Ok(())
            }
        }
    }
}
