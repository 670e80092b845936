//! Joins: ids become what they name. Ids are gathered as parts come, asked for once, and bound to the places where they stand.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytestring::ByteString;
use schemas::{DegradedPart, Id, PartStatus, Reason};

use super::{
    host::Host,
    in_flight::Work,
    pieces::{Pieces, Splice, SplicedId, View},
    reuse::KeptJoin,
    run::Run,
    slots::{Known, Slots, position},
};
use crate::compose::{
    PartFailure,
    part::withholds,
    plan::{JoinPlan, LookupPlan},
    run::outcome_of,
    scan::Piece,
};

/// A join of one composition: of all of it, or where fields are handed out one by one, of what came with one part.
#[derive(Debug)]
pub(super) struct JoinRun<'p> {
    pub(super) plan: &'p JoinPlan,
    pub(super) lookup: &'p Arc<LookupPlan>,
    pub(super) join: u16,
    /// The part that it belongs to; `None`: all.
    pub(super) part: Option<u16>,
    pub(super) slots: Slots<'p>,
    in_flight: usize,
    /// Whether it was time for its first step.
    is_begun: bool,
    steps: usize,
    /// Calls of a look-up that takes one id.
    calls: u16,
    /// What stands in was fetched then.
    pub(super) kept_since: Option<Instant>,
    pub(super) uses_kept: bool,
    /// Why ids could not be had.
    failed: Option<Reason>,
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

    fn asks(&self) -> bool {
        self.slots.iter().any(|slot| matches!(slot.known, Known::No))
    }
}

impl<'p, H: Host> Run<'_, 'p, H> {
    /// The run of a join that what came with `part` belongs to.
    fn run_of(&self, join: u16, part: u16) -> u16 {
        let group = if self.is_streamed { usize::from(part) } else { 0 };
        u16::try_from(group * self.engine.plan.joins.len() + usize::from(join)).unwrap_or(u16::MAX)
    }

    /// Binds the places of joins in what leaves to their ids. `part` is the one that it came with, `depth` how many joins led
    /// here. True: some id has to be asked for that was not foreseen.
    pub(super) fn bind(
        &mut self,
        part: u16,
        pieces: &mut Pieces<'p>,
        which: std::ops::Range<usize>,
        depth: usize,
    ) -> bool {
        let mut leads_on = false;
        let Pieces { text, scanned, splices, ids } = pieces;
        for place in scanned.leaving(which) {
            let Some(Piece::Join { place: at, from, to, .. }) = scanned.pieces.get(place) else { continue };
            let Some(of) = self.tables.place(*at) else { continue };
            let Err(order) = splices.binary_search_by_key(&place, |splice| splice.piece as usize) else {
                continue;
            };
            let run = self.run_of(of.join, part);
            let first = position(ids.len());
            for found in scanned.found.get(*from as usize..*to as usize).unwrap_or_default() {
                let (slot, is_new) = self.refer(part, run, of.point, &found.text(text), depth);
                leads_on |= is_new;
                ids.push(SplicedId { slot, start: found.start });
            }
            splices.insert(order, Splice { piece: position(place), run, point: of.point, first });
        }
        leads_on
    }

    /// The slot of an id that stands at a point of a join, and whether it has to be asked for, and nobody knew.
    fn refer(&mut self, part: u16, run: u16, point: u16, id: &str, depth: usize) -> (u32, bool) {
        let Some(join) = self.joins.get_mut(usize::from(run)) else { return (u32::MAX, false) };
        let (slot, is_new) = join.slots.of(id);
        let lookup = join.plan.lookup;
        let Some(one) = join.slots.get_mut(slot) else { return (slot, false) };
        if is_new {
            one.known = match self.host.shared(lookup, id) {
                // What cannot be an id names nothing.
                _ if Id::new(id).is_err() => Known::Entity(None),
                Some(known) => Known::Entity(known),
                None if self.is_over => Known::Failed,
                None => Known::No,
            };
        }
        if one.views.iter().all(|(known, _)| *known != point) {
            one.views.push((point, View::Pending));
            self.show(part, run, slot, point, depth);
        }
        let known = self.joins[usize::from(run)].slots.get(slot).map(|slot| &slot.known);
        (slot, is_new && matches!(known, Some(Known::No)))
    }

    /// Makes what stands at a point of what is known of an id, if anything is.
    fn show(&mut self, part: u16, run: u16, slot: u32, point: u16, depth: usize) {
        let join = &mut self.joins[usize::from(run)];
        let kept = self.kept.as_ref().and_then(|kept| kept.joins.get(usize::from(join.join)));
        let Some(known) = join.slots.get(slot).map(|slot| slot.known.clone()) else { return };
        let id = join.slots.id(slot as usize);
        let is_failed = matches!(known, Known::Failed);
        let (view, known, stands_in) = match known {
            Known::Entity(None) => (View::Null, None, false),
            Known::Entity(Some(text)) => (self.seen(run, point, text), None, false),
            Known::No | Known::Kept => {
                match kept.filter(|kept| kept.fresh).and_then(|kept| kept.view(point, id)) {
                    Some(view) => (view.clone(), Some(Known::Kept), true),
                    None => (View::Pending, Some(Known::No), false),
                }
            }
            Known::Failed => match kept.filter(|kept| kept.usable).and_then(|kept| kept.view(point, id)) {
                Some(view) => (view.clone(), None, true),
                None => (View::Null, None, false),
            },
            Known::Asked => (View::Pending, None, false),
        };
        let join = &mut self.joins[usize::from(run)];
        if stands_in {
            join.uses_kept = true;
            join.kept_since = kept.map(|kept| kept.fetched_at);
        }
        if let Some(reason) = join.failed.filter(|_| is_failed) {
            let status = if stands_in { PartStatus::Stale } else { PartStatus::Missing };
            self.log.note_degraded(DegradedPart { part: join.plan.part, status, reason });
        }
        if let (Some(known), Some(slot)) = (known, join.slots.get_mut(slot)) {
            slot.known = known;
        }
        self.put_view(part, run, slot, point, view, depth);
    }

    /// Puts a view in its place, once what it leads to is bound.
    fn put_view(&mut self, part: u16, run: u16, slot: u32, point: u16, mut view: View<'p>, depth: usize) {
        if let View::Pieces(pieces) = &mut view {
            // No plan joins in a circle; whatever it is, it ends.
            if depth > self.engine.plan.joins.len() {
                view = View::Null;
            } else {
                let all = 0..pieces.scanned.pieces.len();
                if self.bind(part, pieces, all, depth + 1) {
                    self.note_led_to(run, slot, pieces);
                }
            }
        }
        let slot = self.joins[usize::from(run)].slots.get_mut(slot);
        let views = slot.into_iter().flat_map(|slot| &mut slot.views);
        for (_, there) in views.filter(|(known, _)| *known == point) {
            // Pending ones have nothing to lose, and what stands in is replaced by nothing.
            *there = std::mem::replace(&mut view, View::Null);
        }
    }

    /// An entity as a point shows it. One that the point cannot read is none.
    fn seen(&self, run: u16, point: u16, text: ByteString) -> View<'p> {
        let plan: &'p JoinPlan = self.joins[usize::from(run)].plan;
        let point = plan.points.get(usize::from(point));
        match point.and_then(|point| point.scan.of(self.tables.compact).as_ref()) {
            None => View::Plain(text),
            Some(scan) => match scan.scan_text(&text) {
                Ok(scanned) => View::Pieces(Box::new(Pieces::new(text, scanned))),
                Err(_) => View::Null,
            },
        }
    }

    /// Which ids an entity led to, for compositions to come.
    fn note_led_to(&self, run: u16, slot: u32, pieces: &Pieces<'p>) {
        let Some(foresight) = self.host.foresight() else { return };
        let (from, mut at) = (&self.joins[usize::from(run)], 0);
        while let Some(splice) = pieces.splices.get(at) {
            let to = splice.run;
            at += 1;
            if pieces.splices[..at - 1].iter().any(|before| before.run == to) {
                continue;
            }
            let target = &self.joins[usize::from(to)];
            let end =
                |place: usize| pieces.splices.get(place).map_or(pieces.ids.len(), |one| one.first as usize);
            let all = pieces.splices.iter().enumerate().filter(|(_, splice)| splice.run == to);
            let ids = all.flat_map(|(place, splice)| &pieces.ids[splice.first as usize..end(place + 1)]);
            let ids: smallvec::SmallVec<[Id; 1]> =
                ids.filter_map(|id| Id::new(target.slots.id(id.slot as usize)).ok()).collect();
            foresight.note(from.plan.lookup, target.plan.lookup, from.slots.id(slot as usize), &ids);
        }
    }

    /// Whether a part that a run waits for is undecided.
    fn waits_for_parts(&self, run: &JoinRun<'p>) -> bool {
        let parts = self.tables.joins.get(usize::from(run.join)).map_or(&[][..], |table| &table.parts);
        let own = |part: &&u16| run.part.is_none_or(|own| own == **part);
        parts.iter().filter(own).any(|part| !self.parts[usize::from(*part)].is_decided())
    }

    fn sources(&self, run: usize) -> impl Iterator<Item = usize> {
        let (tables, joins) = (self.tables, self.engine.plan.joins.len());
        let first = run - run % joins.max(1);
        let table = tables.joins.get(run % joins.max(1));
        table
            .into_iter()
            .flat_map(move |table| table.sources.iter().map(move |join| first + usize::from(*join)))
    }

    /// Whether nothing more will come of a join. `depth` bounds circles that no plan has.
    pub(super) fn is_settled(&self, run: usize, depth: usize) -> bool {
        let join = &self.joins[run];
        join.in_flight == 0
            && !join.asks()
            && !self.waits_for_parts(join)
            && (depth > self.engine.plan.joins.len()
                || self.sources(run).all(|source| self.is_settled(source, depth + 1)))
    }

    /// Asks for what joins wait for, where it is time. The first step of a chain's second join goes out with the first's, for
    /// the ids that are foreseen; a further one waits for all that may bring ids.
    pub(super) fn start_joins(&mut self) {
        let mut again = true;
        while std::mem::take(&mut again) {
            for run in 0..self.joins.len() {
                let join = &self.joins[run];
                if join.in_flight > 0 {
                    continue;
                }
                if self.waits_for_parts(join) {
                    self.foresee_as_before(run);
                    continue;
                }
                if !join.is_begun {
                    if !self.sources(run).all(|source| self.joins[source].is_begun) {
                        continue;
                    }
                    self.joins[run].is_begun = true;
                    // Those that come before it in the plan may have waited for it.
                    again = true;
                    self.foresee(run);
                } else if !self.sources(run).all(|source| self.is_settled(source, 0)) {
                    continue;
                }
                if self.joins[run].asks() {
                    self.ask(run);
                }
            }
        }
    }

    /// Adds the ids that what is being asked for will lead to.
    fn foresee(&mut self, run: usize) {
        let Some(foresight) = self.host.foresight() else { return };
        let mut ids = smallvec::SmallVec::<[Arc<[Id]>; 8]>::new();
        let to = self.joins[run].plan.lookup;
        for source in self.sources(run) {
            let source = &self.joins[source];
            for (slot, one) in source.slots.iter().enumerate() {
                if matches!(one.known, Known::No | Known::Asked) {
                    ids.extend(foresight.get(source.plan.lookup, to, source.slots.id(slot)));
                }
            }
        }
        let (join, host) = (&mut self.joins[run], self.host);
        let kept = self.kept.as_ref().and_then(|kept| kept.joins.get(usize::from(join.join)));
        let kept = kept.filter(|kept| kept.fresh);
        for id in ids.iter().flat_map(|ids| ids.iter()) {
            if kept.is_some_and(|kept| kept.knows(id.as_str())) {
                continue;
            }
            let (slot, is_new) = join.slots.of(id.as_str());
            if let (true, Some(slot)) = (is_new, join.slots.get_mut(slot)) {
                slot.known = host.shared(to, id.as_str()).map_or(Known::No, Known::Entity);
            }
        }
    }

    /// Asks for the ids of the last document, alongside the parts that will most likely name them again.
    fn foresee_as_before(&mut self, run: usize) {
        let (join, host) = (&mut self.joins[run], self.host);
        // Where fields are handed out one by one, it is not known which of them an id was of.
        if !self.foresees || self.is_streamed || join.slots.len() > 0 {
            return;
        }
        let kept = self.kept.as_ref().and_then(|kept| kept.joins.get(usize::from(join.join)));
        let Some(kept) = kept.filter(|kept| !kept.fresh) else { return };
        for id in kept.ids().filter(|id| Id::new(id).is_ok()) {
            if host.shared(join.plan.lookup, id).is_none() {
                join.slots.of(id);
            }
        }
        if join.asks() {
            self.ask(run);
        }
    }

    /// The composition is over: what was not to be had by now is left as it was before.
    pub(super) fn give_up_joins(&mut self) {
        self.is_over = true;
        for run in 0..self.joins.len() {
            for slot in 0..position(self.joins[run].slots.len()) {
                let known = self.joins[run].slots.get(slot).map(|slot| &slot.known);
                if matches!(known, Some(Known::No | Known::Asked)) {
                    self.learn(u16::try_from(run).unwrap_or(u16::MAX), slot, Known::Failed);
                }
            }
        }
    }

    fn ask(&mut self, run: usize) {
        let number = u16::try_from(run).unwrap_or(u16::MAX);
        let join = &mut self.joins[run];
        join.steps += 1;
        let (lookup, slots) = (join.plan.lookup, &mut join.slots);
        let (mut asked, mut ids) = (Vec::new(), Vec::new());
        for slot in 0..position(slots.len()) {
            if !matches!(slots.get(slot).map(|slot| &slot.known), Some(Known::No)) {
                continue;
            }
            // All others were found to name nothing.
            let Ok(id) = Id::new(slots.id(slot as usize)) else { continue };
            if let Some(slot) = slots.get_mut(slot) {
                slot.known = Known::Asked;
            }
            asked.push(slot);
            ids.push(id);
        }
        if join.lookup.max_ids.is_some() {
            join.in_flight += 1;
            self.queue.add(Work::LookUp { run: number, lookup, slots: asked, ids });
            return;
        }
        let room = usize::from(join.lookup.max_calls - join.calls.min(join.lookup.max_calls));
        let beyond = asked.split_off(room.min(asked.len()));
        join.calls += u16::try_from(asked.len()).unwrap_or(u16::MAX);
        join.in_flight += asked.len();
        for (slot, id) in asked.into_iter().zip(ids) {
            self.queue.add(Work::LookUpOne { run: number, lookup, slot, id });
        }
        if !beyond.is_empty() {
            self.fail_slots(number, &beyond, Reason::Overloaded, Duration::ZERO);
        }
    }

    /// Takes in what a look-up brought.
    pub(super) fn entities_came(
        &mut self,
        run: u16,
        slots: &[u32],
        came: Result<Vec<Option<ByteString>>, PartFailure>,
        took: Duration,
    ) {
        let join = &mut self.joins[usize::from(run)];
        if join.in_flight == 0 {
            return;
        }
        join.in_flight -= 1;
        let name = join.plan.part;
        match came {
            Ok(mut entities) => {
                entities.resize(slots.len(), None);
                for (slot, entity) in slots.iter().zip(entities) {
                    self.learn(run, *slot, Known::Entity(entity));
                }
                self.log.note_time(name, took);
                self.host.observe(name, "ok", took);
            }
            Err(failure) => {
                if withholds(&failure) {
                    self.log.withheld = true;
                    self.forget_join(run);
                }
                self.fail_slots(run, slots, failure.reason(), took);
            }
        }
    }

    /// Nothing of a join may stand in any more.
    fn forget_join(&mut self, run: u16) {
        let join = self.joins[usize::from(run)].join;
        if let Some(kept) = self.kept.as_mut().and_then(|kept| kept.joins.get_mut(usize::from(join))) {
            *kept = KeptJoin::none();
        }
    }

    /// These ids could not be had: what was kept stands in as far as it goes.
    fn fail_slots(&mut self, run: u16, slots: &[u32], reason: Reason, took: Duration) {
        let join = &mut self.joins[usize::from(run)];
        let name = join.plan.part;
        join.failed.get_or_insert(reason);
        for slot in slots {
            self.learn(run, *slot, Known::Failed);
        }
        self.log.note_time(name, took);
        self.host.observe(name, outcome_of(reason), took);
    }

    /// Says what an id names, wherever it stands.
    fn learn(&mut self, run: u16, slot: u32, known: Known) {
        let join = &mut self.joins[usize::from(run)];
        let part = join.part.unwrap_or_default();
        let Some(one) = join.slots.get_mut(slot) else { return };
        one.known = known;
        let points: smallvec::SmallVec<[u16; 4]> = one.views.iter().map(|(point, _)| *point).collect();
        for point in points {
            self.show(part, run, slot, point, 0);
        }
    }

    /// All that was asked for is late.
    pub(super) fn expire_joins(&mut self) {
        for run in 0..self.joins.len() {
            let join = &mut self.joins[run];
            if join.in_flight == 0 {
                continue;
            }
            join.in_flight = 0;
            let late =
                |slot: &u32| matches!(join.slots.get(*slot).map(|slot| &slot.known), Some(Known::Asked));
            let slots: Vec<u32> = (0..position(join.slots.len())).filter(late).collect();
            let took = self.begun.elapsed();
            self.fail_slots(u16::try_from(run).unwrap_or(u16::MAX), &slots, Reason::Timeout, took);
        }
    }

    /// Whether a look-up is under way.
    pub(super) fn looks_up(&self) -> bool {
        self.joins.iter().any(|join| join.in_flight > 0)
    }

    /// Joins that needed no call are as it should be, too.
    pub(super) fn note_kept_joins(&mut self) {
        for join in &self.joins {
            self.log.oldest = self.log.oldest.into_iter().chain(join.kept_since).min();
            if join.slots.len() > 0 && join.steps == 0 {
                self.log.note_time(join.plan.part, Duration::ZERO);
                self.host.observe(join.plan.part, "kept", Duration::ZERO);
            }
        }
    }
}
