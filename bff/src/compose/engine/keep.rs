//! Writes down what the next composition needs of a document: see [`super::layout`].

use std::time::Instant;

use super::{
    document::Kept,
    host::Host,
    layout::{LIST, put, put_distance},
    slots::position,
    state::{PartRun, Run},
    write::{HoleId, NOWHERE, Notes},
};
use crate::compose::{Packed, scan::Place};

/// Where a field of the document stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct FieldAt {
    pub(super) field: u16,
    pub(super) start: u32,
    pub(super) end: u32,
    /// Its holes, those within them included.
    pub(super) holes: (u32, u32),
    /// By which the writer knows what was written.
    pub(super) number: u32,
}

/// Writes a document's layout.
struct Keeping<'k, 'r, 'p, H: Host> {
    run: &'k Run<'r, 'p, H>,
    notes: &'k Notes,
    /// The document, and what it hides.
    text: Vec<u8>,
    layout: Vec<u8>,
    tags: Vec<u32>,
    base: Instant,
    newest: u32,
    /// Where the id of each slot of each join's run stands.
    known: Vec<Vec<u32>>,
}

/// Keeps what was written as `text`.
pub(super) fn keep<H: Host>(
    run: &Run<'_, '_, H>,
    text: Vec<u8>,
    notes: &Notes,
    fields: &[FieldAt],
    base: Instant,
) -> Kept {
    let known = run.joins.iter().map(|_| Vec::new()).collect();
    let layout = Vec::with_capacity(64 + 8 * notes.holes.len());
    let mut keeping = Keeping { run, notes, text, layout, tags: Vec::new(), base, newest: 0, known };
    for (place, part) in run.parts.iter().enumerate() {
        keeping.part(place, part, fields);
    }
    for join in 0..run.plan.joins.len() {
        keeping.join(join);
    }
    let Keeping { text, layout, tags, base, newest, .. } = keeping;
    Kept { text: Packed::copy_of(&text), layout: layout.into(), tags: tags.into(), base, newest }
}

impl<H: Host> Keeping<'_, '_, '_, H> {
    fn part(&mut self, place: usize, part: &PartRun<'_>, fields: &[FieldAt]) {
        let Some((came, fetched_at)) = part.to_keep() else {
            return put(&mut self.layout, 0);
        };
        let Some(table) = self.run.tables.parts.get(place) else { return };
        put(&mut self.layout, 1);
        self.times(fetched_at, part.generation);
        if !table.inputs.is_empty() {
            self.layout.extend_from_slice(&part.inputs.to_le_bytes());
        }
        self.own_tags(&part.tags);
        let mut last = 0;
        for field in &table.fields {
            let Some(at) = fields.iter().find(|at| at.field == *field) else {
                put(&mut self.layout, 0);
                continue;
            };
            put(&mut self.layout, 1);
            put(&mut self.layout, u64::from(at.start - last));
            put(&mut self.layout, u64::from(at.end - at.start));
            last = at.end;
            self.holes(at.start, at.holes);
        }
        for capture in &table.captures {
            let found = came
                .first()
                .into_iter()
                .flat_map(|pieces| pieces.found(*capture).map(move |one| (pieces, one)));
            put(&mut self.layout, found.clone().count() as u64);
            for (pieces, one) in found {
                let own = fields.iter().filter(|at| table.fields.contains(&at.field));
                let mut shown =
                    own.map(|at| self.notes.place_of(at.number, one.start)).filter(|at| *at != NOWHERE);
                let at = shown.next().unwrap_or_else(|| {
                    let text = pieces.text.get(one.start as usize..one.end as usize);
                    self.hide(text.unwrap_or_default(), one.is_string)
                });
                put(&mut self.layout, u64::from(at));
            }
        }
    }

    /// A join's times are those of the oldest of its values.
    fn join(&mut self, join: usize) {
        let plan = &self.run.plan.joins;
        let runs = self.run.joins.iter().skip(join).step_by(plan.len().max(1));
        let kept = self.run.kept.as_ref().and_then(|kept| kept.joins.get(join));
        let (mut any, mut fetched_at, mut generation, mut tags) =
            (false, self.run.ended, self.run.generation, Vec::new());
        for run in runs {
            any |= run.slots.len() > 0;
            fetched_at = run.kept_since.map_or(fetched_at, |since| since.min(fetched_at));
            if run.uses_kept {
                generation = kept.map_or(generation, |kept| kept.generation.min(generation));
            }
            self.run.tags_of_join(run, &mut tags);
        }
        if !any {
            return put(&mut self.layout, 0);
        }
        put(&mut self.layout, 1);
        self.times(fetched_at, generation);
        tags.sort_unstable();
        tags.dedup();
        self.own_tags(&tags);
    }

    fn times(&mut self, fetched_at: Instant, generation: u64) {
        let since = fetched_at.saturating_duration_since(self.base).as_millis();
        let since = u32::try_from(since).unwrap_or(0);
        self.newest = self.newest.max(since);
        put(&mut self.layout, u64::from(since));
        put(&mut self.layout, generation);
    }

    fn own_tags(&mut self, tags: &[u32]) {
        put(&mut self.layout, tags.len() as u64);
        self.tags.extend_from_slice(tags);
    }

    /// The holes of a stretch that begins at `start`; `which`: those within them included.
    fn holes(&mut self, start: u32, which: (u32, u32)) {
        let notes = self.notes;
        let next = |hole: &u32| notes.holes.get(*hole as usize).map(|hole| hole.next);
        let outer = || std::iter::successors(Some(which.0), next).take_while(|hole| *hole < which.1);
        put(&mut self.layout, outer().count() as u64);
        let mut last = start;
        for (number, hole) in outer().filter_map(|number| Some((number, notes.holes.get(number as usize)?))) {
            put(&mut self.layout, u64::from(hole.start - last));
            put(&mut self.layout, u64::from(hole.place) << 2 | u64::from(hole.kind));
            last = hole.end;
            let ids = notes.ids.get(hole.ids.0 as usize..hole.ids.1 as usize).unwrap_or_default();
            if u64::from(hole.kind) == LIST {
                put(&mut self.layout, ids.len() as u64);
            }
            let of = self.run.tables.place(Place(hole.place));
            // Those within the first value follow the hole itself.
            let mut within = number + 1;
            for id in ids {
                let at = self.id(hole.run, id);
                put_distance(&mut self.layout, at, hole.start);
                put(&mut self.layout, u64::from(id.end - id.start) << 1 | u64::from(id.failed));
                let is_null = self.text.get(id.start as usize..id.end as usize) == Some(b"null");
                if of.is_some_and(|of| of.nested) && !is_null {
                    self.holes(id.start, (within, id.next));
                }
                within = id.next;
            }
        }
    }

    /// Where the text of an id stands.
    fn id(&mut self, run: u16, id: &HoleId) -> u32 {
        let Some(join) = self.run.joins.get(usize::from(run)) else { return NOWHERE };
        let known = &mut self.known[usize::from(run)];
        if known.is_empty() {
            known.resize(join.slots.len(), NOWHERE);
        }
        let slot = id.slot as usize;
        let before = known.get(slot).copied().unwrap_or(NOWHERE);
        if id.at != NOWHERE {
            if let Some(known) = known.get_mut(slot) {
                *known = id.at;
            }
            return id.at;
        }
        if before != NOWHERE {
            return before;
        }
        let text = join.slots.id(slot);
        let at = self.within(text, id).unwrap_or_else(|| self.hide_text(text));
        if let Some(known) = self.known[usize::from(run)].get_mut(slot) {
            *known = at;
        }
        at
    }

    /// Where an id stands in what it names: most entities say what they are.
    fn within(&self, id: &str, at: &HoleId) -> Option<u32> {
        let value = self.text.get(at.start as usize..at.end as usize)?;
        let is_whole = |start: usize| {
            let end = start + id.len();
            start > 0 && value.get(start - 1) == Some(&b'"') && value.get(end) == Some(&b'"')
        };
        if id.is_empty() || memchr::memchr2(b'"', b'\\', id.as_bytes()).is_some() {
            return None;
        }
        // There are few quotes, and building a searcher for a text of this length takes longer than they do.
        let stands_at = |start: usize| {
            value.get(start..).is_some_and(|rest| rest.starts_with(id.as_bytes())) && is_whole(start)
        };
        // Mostly its first field says so: behind the first colon and a quote.
        let first = memchr::memchr(b':', value).map(|colon| colon + 2);
        let first = first.filter(|start| stands_at(*start));
        let anywhere =
            || memchr::memchr_iter(b'"', value).map(|quote| quote + 1).find(|start| stands_at(*start));
        first.or_else(anywhere).map(|start| at.start + position(start))
    }

    /// Puts a value behind the document, as it was written.
    fn hide(&mut self, raw: &str, is_string: bool) -> u32 {
        // Two values do not run into one.
        self.text.push(if is_string { b'"' } else { b' ' });
        let at = position(self.text.len());
        self.text.extend_from_slice(raw.as_bytes());
        self.text.push(if is_string { b'"' } else { b' ' });
        at
    }

    fn hide_text(&mut self, text: &str) -> u32 {
        let at = position(self.text.len()) + 1;
        super::values::write_string(text, &mut self.text);
        at
    }
}
