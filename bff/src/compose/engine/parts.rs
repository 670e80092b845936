//! Parts: called, taken in, and stood in for.

use std::time::{Duration, Instant};

use bytes::Bytes;
use bytestring::ByteString;
use clients::{Refusal, UpstreamError};
use schemas::{DegradedPart, PartStatus};
use smallvec::SmallVec;

use super::{
    call::{Ids, Unprepared, prepare},
    host::Host,
    in_flight::Work,
    reuse::KeptPart,
    segments::Segments,
    slots::hash,
    state::{Came, PartRun, Run, State},
    values::{Answers, Values},
};
use crate::compose::{
    ComposeError, PartFailure,
    part::{is_refused_question, withholds},
    plan::{FieldSource, PartId, PartPlan},
    run::outcome_of,
    scan::ScanError,
};

impl<'p, H: Host> Run<'_, 'p, H> {
    /// Starts the parts whose needs have been decided, as long as that decides others.
    pub(super) fn start_parts(&mut self) -> Result<(), ComposeError> {
        let mut again = true;
        while std::mem::take(&mut again) {
            for place in 0..self.parts.len() {
                let part = &self.parts[place];
                let ready = |need: &PartId| self.parts.get(need.index()).is_none_or(PartRun::is_decided);
                if matches!(part.state, State::Waiting) && part.plan.needs.iter().all(ready) {
                    self.start_part(place)?;
                    again |= self.parts[place].is_decided();
                }
            }
        }
        Ok(())
    }

    pub(super) fn start_part(&mut self, place: usize) -> Result<(), ComposeError> {
        let plan = self.parts[place].plan;
        let answers = Came(&self.parts);
        let values = Values { asked: self.asked, answers: &answers };
        if plan.when.as_ref().is_some_and(|when| !values.holds(when)) {
            return self.stand_by_else(place, None);
        }
        let is_missing =
            |need: &&PartId| self.parts.get(need.index()).is_none_or(|part| part.came().is_empty());
        if let Some(need) = plan.needs.iter().find(is_missing) {
            // Where that is missing for a reason, so is this.
            let failed = self.parts.get(need.index()).and_then(|part| part.failed.clone());
            return match failed {
                Some(failure) => self.fail_for_need(place, failure),
                None => self.leave_out(place),
            };
        }
        let inputs = self.tables.parts.get(place).map_or(&[][..], |table| &table.inputs);
        let inputs = inputs.iter().fold(0_u64, |all, (part, capture)| {
            let value = answers.first(*part, *capture);
            all.rotate_left(5).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ value.map_or(1, |text| hash(&text))
        });
        let prepared = prepare(&plan.call, &values, Ids::None);
        self.parts[place].inputs = inputs;
        let kept = self.kept.as_mut().and_then(|kept| kept.parts.get_mut(place));
        let is_good = |kept: &KeptPart| kept.origin.fresh && kept.inputs == inputs;
        if kept.as_ref().is_some_and(|kept| kept.as_ref().is_some_and(is_good)) {
            self.take_kept(place);
            self.log.note_time(plan.name, Duration::ZERO);
            self.host.observe(plan.name, "kept", Duration::ZERO);
            return Ok(());
        }
        match prepared {
            Ok(call) => {
                self.parts[place].state = State::Called;
                let part = u16::try_from(place).unwrap_or(u16::MAX);
                self.queue.add(Work::Call { part, plan: &plan.call, call });
                Ok(())
            }
            Err(Unprepared::NotFound) => {
                let subjects = self.subjects(place);
                Err(ComposeError::refused(plan.name, Refusal::NotFound, &subjects))
            }
            Err(Unprepared::Invalid) => self.fail(place, PartFailure::Mismatch, Duration::ZERO),
            Err(Unprepared::Absent) => self.leave_out(place),
        }
    }

    /// There is nothing to ask after: the part is null, and nothing is wrong with that.
    pub(super) fn leave_out(&mut self, place: usize) -> Result<(), ComposeError> {
        let part = &mut self.parts[place];
        part.state = State::Missing;
        if part.plan.required {
            let (part, source) = (part.plan.name, PartFailure::Mismatch);
            return Err(ComposeError::Required { part, source });
        }
        Ok(())
    }

    /// What is declared to stand for an answer stands. `fetched_at`: when an upstream said so.
    pub(super) fn stand_by_else(
        &mut self,
        place: usize,
        fetched_at: Option<Instant>,
    ) -> Result<(), ComposeError> {
        let plan = self.parts[place].plan;
        let Some(text) = plan.otherwise.as_deref() else { return self.leave_out(place) };
        match self.scan(plan, ByteString::from(text)) {
            Ok(came) => {
                self.came(place, came, fetched_at);
                Ok(())
            }
            Err(_) => self.leave_out(place),
        }
    }

    pub(super) fn scan(
        &self,
        plan: &'p PartPlan,
        text: ByteString,
    ) -> Result<SmallVec<[Segments<'p>; 1]>, PartFailure> {
        let compact = self.tables.compact;
        let further = plan.further.of(compact);
        let mut came = SmallVec::with_capacity(1 + further.len());
        for scan in std::iter::once(plan.scan.of(compact)).chain(further) {
            let scanned = scan.scan_text(&text).map_err(PartFailure::Invalid)?;
            came.push(Segments::new(text.clone(), scanned));
        }
        Ok(came)
    }

    /// Takes what was kept of a part for its answer.
    pub(super) fn take_kept(&mut self, place: usize) {
        let kept = self.kept.as_mut().and_then(|kept| kept.parts.get_mut(place)).and_then(Option::take);
        let Some(kept) = kept else { return };
        let part = &mut self.parts[place];
        part.generation = kept.origin.generation;
        part.tags = kept.origin.tags;
        let fetched_at = kept.origin.fetched_at;
        part.fetched_at = Some(fetched_at);
        self.log.oldest = self.log.oldest.into_iter().chain([fetched_at]).min();
        let mut came: SmallVec<[Segments<'p>; 1]> = SmallVec::new();
        came.push(kept.pieces);
        self.bind_part(place, came);
    }

    /// Takes in an answer that can be used.
    pub(super) fn came(
        &mut self,
        place: usize,
        came: SmallVec<[Segments<'p>; 1]>,
        fetched_at: Option<Instant>,
    ) {
        self.parts[place].fetched_at = fetched_at;
        self.parts[place].tags = self.tags_of(place, &came);
        self.bind_part(place, came);
    }

    /// Binds what of an answer is in the document, and remembers what there is to remember.
    pub(super) fn bind_part(&mut self, place: usize, mut came: SmallVec<[Segments<'p>; 1]>) {
        let number = u16::try_from(place).unwrap_or(u16::MAX);
        let plan = self.parts[place].plan;
        let fields = self.tables.parts.get(place).map_or(&[][..], |table| &table.fields);
        let document = &self.plan.document;
        for pieces in &mut came {
            for field in fields {
                if let Some(FieldSource::Part(_, export)) =
                    document.get(usize::from(*field)).map(|field| &field.source)
                    && let Some(which) = pieces.export(*export)
                {
                    self.bind(number, pieces, which, 0);
                }
            }
        }
        if let Some(pieces) = came.first() {
            for (table, key, value) in &plan.remember {
                for (key, value) in pieces.pairs(*key, *value) {
                    self.host.remember(*table, &key, &value);
                }
            }
        }
        self.parts[place].state = State::Came(came);
    }

    pub(super) fn answered(
        &mut self,
        place: usize,
        answer: Result<Bytes, UpstreamError>,
        took: Duration,
    ) -> Result<(), ComposeError> {
        if !matches!(self.parts[place].state, State::Called) {
            return Ok(());
        }
        let plan = self.parts[place].plan;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) if plan.not_found_is_otherwise && error.refusal() == Some(Refusal::NotFound) => {
                self.log.note_time(plan.name, took);
                self.host.observe(plan.name, "ok", took);
                return self.stand_by_else(place, Some(Instant::now()));
            }
            Err(error) => return self.fail(place, PartFailure::Upstream(error), took),
        };
        let text = ByteString::try_from(answer).map_err(|_| PartFailure::Invalid(ScanError::NotUtf8(0)));
        let came = text.and_then(|text| self.scan(plan, text)).and_then(|came| {
            if self.is_expected(plan, &came) { Ok(came) } else { Err(PartFailure::Mismatch) }
        });
        match came {
            Ok(came) => {
                self.log.note_time(plan.name, took);
                self.host.observe(plan.name, "ok", took);
                self.came(place, came, Some(Instant::now()));
                Ok(())
            }
            Err(failure) => self.fail(place, failure, took),
        }
    }

    /// Whether an answer is about what was asked for.
    pub(super) fn is_expected(&self, plan: &PartPlan, came: &[Segments<'_>]) -> bool {
        let answers = Came(&self.parts);
        let values = Values { asked: self.asked, answers: &answers };
        plan.expect.iter().all(|(capture, template)| {
            let (Some(pieces), Some(expected)) = (came.first(), values.template(template)) else {
                return true;
            };
            pieces.texts(*capture).all(|found| found == expected)
        })
    }

    /// A part could not be had: without one that is required there is no document, else what was kept stands in.
    pub(super) fn fail(
        &mut self,
        place: usize,
        failure: PartFailure,
        took: Duration,
    ) -> Result<(), ComposeError> {
        let plan = self.parts[place].plan;
        self.host.observe(plan.name, outcome_of(failure.reason()), took);
        let refusal = failure.refusal();
        let is_subject = plan.subject && refusal == Some(Refusal::NotFound);
        if plan.required || is_subject {
            self.parts[place].state = State::Missing;
            return Err(match refusal {
                Some(refusal) if is_subject || refusal != Refusal::NotFound => {
                    ComposeError::refused(plan.name, refusal, &self.subjects(place))
                }
                _ => ComposeError::Required { part: plan.name, source: failure },
            });
        }
        let param = plan.page.and_then(|param| self.asked.params.get(param.index()));
        if param.is_some_and(Option::is_some) && is_refused_question(&failure) {
            self.log.has_unknown_cursor = true;
        }
        let inputs = self.parts[place].inputs;
        self.read_kept();
        let kept = self.kept.as_mut().and_then(|kept| kept.parts.get_mut(place));
        if withholds(&failure) {
            self.log.withheld = true;
            if let Some(kept) = kept {
                *kept = None;
            }
        } else if let Some(kept) = kept
            && kept.as_ref().is_none_or(|kept| !kept.origin.usable || kept.inputs != inputs)
        {
            *kept = None;
        }
        let stands_in =
            self.kept.as_ref().is_some_and(|kept| kept.parts.get(place).is_some_and(Option::is_some));
        let status = if stands_in { PartStatus::Stale } else { PartStatus::Missing };
        let reason = failure.reason();
        self.log.note_time(plan.name, took);
        self.log.note_degraded(DegradedPart { part: plan.name, status, reason });
        let part = &mut self.parts[place];
        part.failed = Some(failure);
        if stands_in {
            self.take_kept(place);
        } else {
            part.state = State::Missing;
            self.parts[place].tags = self.tags_of(place, &[]);
        }
        Ok(())
    }

    /// What a part needs could not be had, and neither can it: nobody was asked for it, so that nobody refused it.
    pub(super) fn fail_for_need(&mut self, place: usize, failure: PartFailure) -> Result<(), ComposeError> {
        let part = &mut self.parts[place];
        part.state = State::Missing;
        let (name, reason) = (part.plan.name, failure.reason());
        self.host.observe(name, outcome_of(reason), Duration::ZERO);
        if part.plan.required {
            return Err(ComposeError::Required { part: name, source: failure });
        }
        part.failed = Some(failure);
        self.log.note_time(name, Duration::ZERO);
        self.log.note_degraded(DegradedPart { part: name, status: PartStatus::Missing, reason });
        self.parts[place].tags = self.tags_of(place, &[]);
        Ok(())
    }

    /// What is under way and late has failed.
    pub(super) fn expire(&mut self, now: Instant) -> Result<(), ComposeError> {
        for place in 0..self.parts.len() {
            let part = &self.parts[place];
            if matches!(part.state, State::Called) && part.limit <= now {
                let took = now - self.begun;
                self.fail(place, PartFailure::Timeout, took)?;
            }
        }
        if self.deadline <= now {
            self.expire_joins();
        }
        Ok(())
    }
}
