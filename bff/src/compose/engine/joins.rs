//! Joins: ids are gathered as parts come, and asked for once.

use std::{sync::Arc, time::Duration};

use bytestring::ByteString;
use schemas::{Id, Reason};
use smallvec::SmallVec;

use super::{
    host::Host,
    in_flight::Work,
    reuse::KeptJoin,
    slots::{Known, position},
    state::{JoinRun, Run},
};
use crate::compose::{PartFailure, part::withholds, run::outcome_of};

impl<'p, H: Host> Run<'_, 'p, H> {
    /// Whether a part that a run waits for is undecided.
    fn waits_for_parts(&self, run: &JoinRun<'p>) -> bool {
        let parts = self.tables.joins.get(usize::from(run.join)).map_or(&[][..], |table| &table.parts);
        let own = |part: &&u16| run.part.is_none_or(|own| own == **part);
        parts.iter().filter(own).any(|part| !self.parts[usize::from(*part)].is_decided())
    }

    fn sources(&self, run: usize) -> impl Iterator<Item = usize> {
        let (tables, joins) = (self.tables, self.plan.joins.len());
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
            && (depth > self.plan.joins.len()
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
        let mut ids = SmallVec::<[Arc<[Id]>; 8]>::new();
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
        for id in kept.ids().filter(|id| Id::is_valid(id)) {
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
        self.read_kept();
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
        self.read_kept();
        let join = self.joins[usize::from(run)].join;
        if let Some(kept) = self.kept.as_mut().and_then(|kept| kept.joins.get_mut(usize::from(join))) {
            *kept = KeptJoin::none();
        }
    }

    /// These ids could not be had: what was kept stands in as far as it goes.
    fn fail_slots(&mut self, run: u16, slots: &[u32], reason: Reason, took: Duration) {
        self.read_kept();
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
        let points: SmallVec<[u16; 4]> = one.views.iter().map(|(point, _)| *point).collect();
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
