//! One composition: starts parts as their needs allow, takes in what comes, and ends with the document.

use std::{
    borrow::Cow,
    time::{Duration, Instant},
};

use bytes::Bytes;
use bytestring::ByteString;
use clients::{Refusal, UpstreamError};
use futures_util::stream::FuturesUnordered;
use schemas::{DegradedPart, PartStatus, Reason};
use smallvec::SmallVec;

use super::{
    Engine,
    call::{Ids, Unprepared, prepare},
    document::{Kept, Previous, RawDocument, Uncomposable},
    hand_out::HandOut,
    host::{Asked, Host, Times},
    in_flight::{Done, Queue, What, Work, give_up, next, perform},
    joins::JoinRun,
    keep::{FieldAt, keep},
    pieces::Pieces,
    reuse::{Reusable, read},
    tables::Tables,
    values::{Answers, Values},
    write::{Writer, size_of},
};
use crate::compose::{
    ComposeError, PartFailure,
    part::{is_refused_question, withholds},
    plan::{FieldSource, PartId, PartPlan, TagTemplate},
    run::outcome_of,
    scan::Capture,
};

/// A composition under way.
pub(super) struct Run<'r, 'p, H: Host> {
    pub(super) engine: &'p Engine,
    pub(super) tables: &'p Tables,
    pub(super) host: &'r H,
    asked: &'r Asked<'r>,
    pub(super) begun: Instant,
    pub(super) ended: Instant,
    deadline: Instant,
    pub(super) generation: u64,
    pub(super) is_streamed: bool,
    /// Ids of the last document are looked up alongside the parts.
    pub(super) foresees: bool,
    pub(super) is_over: bool,
    pub(super) parts: Vec<PartRun<'p>>,
    pub(super) joins: Vec<JoinRun<'p>>,
    pub(super) kept: Option<Reusable>,
    pub(super) queue: Queue<'p>,
    pub(super) log: Log,
    pub(super) handed_out: HandOut,
    /// For tags, one after the other.
    text: String,
}

/// A part of a composition.
pub(super) struct PartRun<'p> {
    pub(super) plan: &'p PartPlan,
    pub(super) state: State<'p>,
    limit: Instant,
    fetched_at: Option<Instant>,
    pub(super) generation: u64,
    pub(super) tags: Vec<u64>,
    /// Of the values of other parts that its call is made with.
    pub(super) inputs: u64,
    failed: Option<PartFailure>,
}

/// What became of a part.
pub(super) enum State<'p> {
    /// What it needs is not there yet.
    Waiting,
    Called,
    /// By each of its plans.
    Came(SmallVec<[Pieces<'p>; 1]>),
    /// It is null.
    Missing,
}

impl<'p> PartRun<'p> {
    pub(super) fn is_decided(&self) -> bool {
        matches!(self.state, State::Came(_) | State::Missing)
    }

    pub(super) fn came(&self) -> &[Pieces<'p>] {
        if let State::Came(came) = &self.state { came } else { &[] }
    }

    /// What is to be kept of it, and since when it has been there.
    pub(super) fn to_keep(&self) -> Option<(&[Pieces<'p>], Instant)> {
        let State::Came(came) = &self.state else { return None };
        Some((came, self.fetched_at?))
    }
}

/// What is said of a composition.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) timings: Vec<(&'static str, Duration)>,
    degraded: Vec<DegradedPart>,
    pub(super) withheld: bool,
    has_unknown_cursor: bool,
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
struct Came<'c, 'p>(&'c [PartRun<'p>]);

impl Answers for Came<'_, '_> {
    fn first(&self, part: PartId, capture: Capture) -> Option<Cow<'_, str>> {
        self.0.get(part.index())?.came().first()?.texts(capture).next()
    }
}

/// Composes a document.
pub(super) async fn compose<H: Host>(
    engine: &Engine,
    host: &H,
    asked: &Asked<'_>,
    previous: Option<Previous<'_>>,
    times: Times,
) -> Result<RawDocument, Uncomposable> {
    let mut run = Run::new(engine, host, asked, previous, times);
    match run.carry_out().await {
        Ok(()) => Ok(run.finish()),
        Err(error) => Err(Uncomposable { error, kept: run.remains() }),
    }
}

impl<'r, 'p, H: Host> Run<'r, 'p, H> {
    fn new(
        engine: &'p Engine,
        host: &'r H,
        asked: &'r Asked<'r>,
        previous: Option<Previous<'_>>,
        times: Times,
    ) -> Self {
        let (plan, begun, generation) = (&engine.plan, Instant::now(), host.generation());
        let tables = engine.tables(asked.compact);
        let kept = previous.and_then(|previous| read(previous, plan, tables, host, &times, begun));
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
                .zip(&engine.lookups)
                .zip(0..)
                .map(move |((plan, lookup), number)| JoinRun::new(plan, lookup, number, part))
        });
        Self {
            engine,
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
            queue: Queue::default(),
            log: Log::default(),
            handed_out: HandOut::default(),
            text: String::new(),
        }
    }

    async fn carry_out(&mut self) -> Result<(), ComposeError> {
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

    /// When the next of what is under way is late; nothing where nothing is.
    fn next_limit(&self) -> Option<Instant> {
        let called = self.parts.iter().filter(|part| matches!(part.state, State::Called));
        let looking_up = self.looks_up().then_some(self.deadline);
        called.map(|part| part.limit).chain(looking_up).min()
    }

    /// Starts the parts whose needs have been decided, as long as that decides others.
    fn start_parts(&mut self) -> Result<(), ComposeError> {
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

    fn start_part(&mut self, place: usize) -> Result<(), ComposeError> {
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
            all.rotate_left(5).wrapping_mul(0x9E37_79B9_7F4A_7C15)
                ^ value.map_or(1, |text| super::slots::hash(&text))
        });
        let prepared = prepare(&plan.call, &values, Ids::None);
        self.parts[place].inputs = inputs;
        let kept = self.kept.as_mut().and_then(|kept| kept.parts.get_mut(place));
        let is_good = |kept: &super::reuse::KeptPart| kept.origin.fresh && kept.inputs == inputs;
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
    fn leave_out(&mut self, place: usize) -> Result<(), ComposeError> {
        let part = &mut self.parts[place];
        part.state = State::Missing;
        if part.plan.required {
            let (part, source) = (part.plan.name, PartFailure::Mismatch);
            return Err(ComposeError::Required { part, source });
        }
        Ok(())
    }

    /// What is declared to stand for an answer stands. `fetched_at`: when an upstream said so.
    fn stand_by_else(&mut self, place: usize, fetched_at: Option<Instant>) -> Result<(), ComposeError> {
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

    fn scan(&self, plan: &'p PartPlan, text: ByteString) -> Result<SmallVec<[Pieces<'p>; 1]>, PartFailure> {
        let compact = self.tables.compact;
        let further = plan.further.of(compact);
        let mut came = SmallVec::with_capacity(1 + further.len());
        for scan in std::iter::once(plan.scan.of(compact)).chain(further) {
            let scanned = scan.scan_text(&text).map_err(PartFailure::Invalid)?;
            came.push(Pieces::new(text.clone(), scanned));
        }
        Ok(came)
    }

    /// Takes what was kept of a part for its answer.
    fn take_kept(&mut self, place: usize) {
        let kept = self.kept.as_mut().and_then(|kept| kept.parts.get_mut(place)).and_then(Option::take);
        let Some(kept) = kept else { return };
        let part = &mut self.parts[place];
        part.generation = kept.origin.generation;
        part.tags = kept.origin.tags;
        let fetched_at = kept.origin.fetched_at;
        part.fetched_at = Some(fetched_at);
        self.log.oldest = self.log.oldest.into_iter().chain([fetched_at]).min();
        let mut came: SmallVec<[Pieces<'p>; 1]> = SmallVec::new();
        came.push(kept.pieces);
        self.bind_part(place, came);
    }

    /// Takes in an answer that can be used.
    fn came(&mut self, place: usize, came: SmallVec<[Pieces<'p>; 1]>, fetched_at: Option<Instant>) {
        self.parts[place].fetched_at = fetched_at;
        self.parts[place].tags = self.tags_of(place, &came);
        self.bind_part(place, came);
    }

    /// Binds what of an answer is in the document, and remembers what there is to remember.
    fn bind_part(&mut self, place: usize, mut came: SmallVec<[Pieces<'p>; 1]>) {
        let number = u16::try_from(place).unwrap_or(u16::MAX);
        let plan = self.parts[place].plan;
        let fields = self.tables.parts.get(place).map_or(&[][..], |table| &table.fields);
        let document = &self.engine.plan.document;
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
                for (key, value) in pieces.texts(*key).zip(pieces.texts(*value)) {
                    self.host.remember(*table, &key, &value);
                }
            }
        }
        self.parts[place].state = State::Came(came);
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

    fn answered(
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
        let text = ByteString::try_from(answer)
            .map_err(|_| PartFailure::Invalid(crate::compose::scan::ScanError::NotUtf8(0)));
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
    fn is_expected(&self, plan: &PartPlan, came: &[Pieces<'_>]) -> bool {
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
    fn fail(&mut self, place: usize, failure: PartFailure, took: Duration) -> Result<(), ComposeError> {
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
    fn fail_for_need(&mut self, place: usize, failure: PartFailure) -> Result<(), ComposeError> {
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
    fn expire(&mut self, now: Instant) -> Result<(), ComposeError> {
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

    /// What a part is about, as texts of tags.
    fn subjects(&self, place: usize) -> Vec<String> {
        let answers = Came(&self.parts);
        let values = Values { asked: self.asked, answers: &answers };
        let text = |tag: &TagTemplate| {
            let mut text = String::new();
            write_tag(tag, &values, &mut text).then_some(text)
        };
        self.parts[place].plan.tags.iter().filter_map(text).collect()
    }

    /// Hashes of the tags of a part, by what is known of it.
    fn tags_of(&mut self, place: usize, came: &[Pieces<'_>]) -> Vec<u64> {
        let plan = self.parts[place].plan;
        let mut text = std::mem::take(&mut self.text);
        let answers = Came(&self.parts);
        let values = Values { asked: self.asked, answers: &answers };
        let mut tags = Vec::with_capacity(8);
        for tag in &plan.tags {
            text.clear();
            text.push('!');
            if write_tag(tag, &values, &mut text) {
                tags.extend(text.get(1..).map(|text| self.host.hash_tag(text)));
                // What only those documents bear that cannot be without the thing.
                if plan.required {
                    tags.push(self.host.hash_tag(&text));
                }
            }
        }
        for (kind, capture) in &plan.tags_of {
            for id in came.iter().take(1).flat_map(|pieces| pieces.texts(*capture)) {
                text.clear();
                text.extend([kind, ":", &*id]);
                tags.push(self.host.hash_tag(&text));
            }
        }
        self.text = text;
        tags.sort_unstable();
        tags.dedup();
        tags
    }

    /// Hashes of the tags of what a join's run looked up.
    pub(super) fn tags_of_join(&self, run: &JoinRun<'_>, tags: &mut Vec<u64>) {
        let Some(kind) = &run.lookup.tag else { return };
        let mut text = String::with_capacity(64);
        for (slot, _) in run.slots.iter().enumerate().filter(|(_, slot)| !slot.views.is_empty()) {
            text.clear();
            text.extend([kind, ":", run.slots.id(slot)]);
            tags.push(self.host.hash_tag(&text));
        }
    }

    fn check_something_is_left(&self) -> Result<(), ComposeError> {
        if self.log.has_unknown_cursor {
            return Err(ComposeError::UnknownCursor);
        }
        let plan = &self.engine.plan;
        let is_missing = |field: &usize| match plan.document.get(*field).map(|field| &field.source) {
            Some(FieldSource::Part(part, _)) => {
                self.parts.get(part.index()).is_none_or(|part| part.came().is_empty())
            }
            _ => false,
        };
        if !plan.at_least_one.iter().any(|fields| fields.iter().all(is_missing)) {
            return Ok(());
        }
        let timed_out = self.log.degraded.iter().all(|part| part.reason == Reason::Timeout);
        let reason = if timed_out { Reason::Timeout } else { Reason::Unavailable };
        Err(ComposeError::NothingLeft { reason, withheld: self.log.withheld })
    }

    /// Where a field of the document is found, if its part is there.
    pub(super) fn exported(&self, field: usize) -> Option<(&Pieces<'p>, std::ops::Range<usize>)> {
        let FieldSource::Part(part, export) = &self.engine.plan.document.get(field)?.source else {
            return None;
        };
        let came = self.parts.get(part.index())?.came();
        came.iter().find_map(|pieces| pieces.export(*export).map(|which| (pieces, which)))
    }

    /// Writes the document.
    fn write(&self) -> (usize, Kept) {
        let answers = Came(&self.parts);
        let values = Values { asked: self.asked, answers: &answers };
        let shown = |field: &&(usize, &crate::compose::plan::DocumentField)| {
            !(self.tables.compact && field.1.only_full)
        };
        let fields: SmallVec<[_; 12]> = self.engine.plan.document.iter().enumerate().collect();
        let mut beside = Vec::new();
        let mut size = 32;
        for (place, field) in fields.iter().filter(shown) {
            size += 1 + field.key.len();
            size += match (self.exported(*place), &field.source) {
                (Some((pieces, which)), _) => size_of(&self.joins, pieces, which),
                (None, FieldSource::Value(value)) => {
                    beside.clear();
                    values.write_json(value, &mut beside);
                    beside.len()
                }
                (None, FieldSource::Part(..)) => 4,
            };
        }
        let degraded = self.degraded_json();
        let mut writer = Writer::noting(&self.joins, size + degraded.len());
        writer.out.push(b'{');
        let mut at: SmallVec<[FieldAt; 12]> = SmallVec::new();
        for (place, field) in fields.iter().filter(shown) {
            writer.out.extend_from_slice(&field.key);
            match (self.exported(*place), &field.source) {
                (Some((pieces, which)), _) => {
                    let (start, first) = (writer.at(), writer.holes());
                    let number = writer.write(pieces, which);
                    let field = u16::try_from(*place).unwrap_or(u16::MAX);
                    let holes = (first, writer.holes());
                    at.push(FieldAt { field, start, end: writer.at(), holes, number });
                }
                (None, FieldSource::Value(value)) => values.write_json(value, &mut writer.out),
                (None, FieldSource::Part(..)) => writer.out.extend_from_slice(b"null"),
            }
            writer.out.push(b',');
        }
        writer.out.extend_from_slice(b"\"degraded\":");
        writer.out.extend_from_slice(&degraded);
        writer.out.push(b'}');
        let (text, notes) = writer.finish();
        let length = text.len();
        let base = self.log.oldest.unwrap_or(self.begun).min(self.begun);
        let kept = keep(self, text, &notes, &at, base);
        (length, kept)
    }

    fn degraded_json(&self) -> Vec<u8> {
        if self.log.degraded.is_empty() {
            return b"[]".to_vec();
        }
        // Words of our own always serialise.
        serde_json::to_vec(&self.log.degraded).unwrap_or_else(|_| b"[]".to_vec())
    }

    fn finish(self) -> RawDocument {
        let (length, kept) = self.write();
        RawDocument {
            body: kept.text.slice(..length),
            kept,
            degraded: self.log.degraded,
            withheld: self.log.withheld,
            // What was fetched just now counts from now on, however long it took: from its request on, a document that is
            // slow to make would be stale on arrival, and be made again and again.
            made_at: self.log.oldest.unwrap_or(self.ended),
            timings: self.log.timings,
        }
    }

    /// What came before the composition failed: good for the next one.
    fn remains(&mut self) -> Option<Kept> {
        self.ended = Instant::now();
        self.give_up_joins();
        for place in 0..self.parts.len() {
            let is_wanted = !self.parts[place].is_decided();
            let kept = self.kept.as_ref().and_then(|kept| kept.parts.get(place)).is_some_and(Option::is_some);
            // What was kept before, and was not asked for yet, is kept on.
            if is_wanted && kept {
                self.take_kept(place);
            }
        }
        let any = self.parts.iter().any(|part| part.to_keep().is_some());
        any.then(|| self.write().1)
    }
}

/// Writes a tag; false where it names nothing.
fn write_tag(tag: &TagTemplate, values: &Values<'_>, text: &mut String) -> bool {
    text.push_str(&tag.kind);
    let Some(id) = &tag.id else { return true };
    let Some(id) = values.text(id) else { return false };
    text.extend([":", &*id]);
    true
}
