//! What a document kept, read again: parts and join values that a composition takes instead of a call, or in place of one that
//! fails.

use std::{collections::HashMap, time::Instant};

use bytes::Bytes;
use bytestring::ByteString;
use smallvec::SmallVec;

use super::{
    asked::Times,
    document::Previous,
    host::{Host, Validity},
    layout::{LIST, NO_ID, Reader},
    segments::{Segments, View},
    tables::Tables,
};
use crate::compose::{
    plan::{FieldSource, ScreenPlan},
    scan::{Capture, Found, Piece, Scanned, end_of_string, number},
};

/// All that was kept, by place in the plan.
#[derive(Debug)]
pub(super) struct Reusable {
    pub(super) parts: Vec<Option<KeptPart>>,
    pub(super) joins: Vec<KeptJoin>,
}

/// Where and when something kept came from, and whether it can be used.
#[derive(Debug)]
pub(super) struct Origin {
    pub(super) fetched_at: Instant,
    pub(super) generation: u64,
    pub(super) tags: Vec<u32>,
    /// As good as a call.
    pub(super) fresh: bool,
    /// It may stand in for a failed call.
    pub(super) usable: bool,
}

#[derive(Debug)]
pub(super) struct KeptPart {
    pub(super) origin: Origin,
    /// Of the values that its call was made with.
    pub(super) inputs: u64,
    pub(super) pieces: Segments<'static>,
}

/// By id, and by point.
type Views = HashMap<Box<str>, SmallVec<[(u16, View<'static>); 1]>, foldhash::fast::RandomState>;

/// What was kept of a join.
#[derive(Debug)]
pub(super) struct KeptJoin {
    pub(super) fetched_at: Instant,
    pub(super) generation: u64,
    pub(super) fresh: bool,
    pub(super) usable: bool,
    views: Views,
}

impl KeptJoin {
    /// Nothing.
    pub(super) fn none() -> Self {
        Self {
            fetched_at: Instant::now(),
            generation: 0,
            fresh: false,
            usable: false,
            views: HashMap::default(),
        }
    }

    /// What stood for an id at a point.
    pub(super) fn view(&self, point: u16, id: &str) -> Option<&View<'static>> {
        let views = self.views.get(id)?;
        views.iter().find(|(known, _)| *known == point).map(|(_, view)| view)
    }

    /// The ids that stood in the document, in no order.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.views.keys().map(|id| &**id)
    }

    pub(super) fn knows(&self, id: &str) -> bool {
        self.views.contains_key(id)
    }
}

/// Reads what the last composition kept.
pub(super) fn read<H: Host>(
    previous: Previous<'_>,
    plan: &ScreenPlan,
    tables: &Tables,
    host: &H,
    times: &Times,
    now: Instant,
) -> Option<Reusable> {
    let kept = previous.kept;
    let text = ByteString::try_from(kept.text.in_a_row()).ok()?;
    let joins = plan.joins.iter().map(|_| KeptJoin::none()).collect();
    let mut reading = Reading { layout: Reader(&kept.layout), tags: &kept.tags, text: &text, tables, joins };
    let origin = |reading: &mut Reading<'_>, inputs: bool| {
        let fetched_at = kept.base + std::time::Duration::from_millis(reading.layout.number()?);
        let generation = reading.layout.number()?;
        let inputs = if inputs { reading.layout.hash()? } else { 0 };
        let (tags, rest) = reading.tags.split_at_checked(reading.layout.small()? as usize)?;
        reading.tags = rest;
        let (validity, age) = (host.validity(tags, generation), now.saturating_duration_since(fetched_at));
        let is_new = previous.reuse_after.is_none_or(|after| fetched_at > after);
        let fresh = is_new && validity == Validity::Valid && age < times.fresh;
        let usable = validity != Validity::Gone && age < times.usable;
        Some((Origin { fetched_at, generation, tags: tags.to_vec(), fresh, usable }, inputs))
    };
    let mut parts = Vec::with_capacity(plan.parts.len());
    for table in &tables.parts {
        if reading.layout.number()? == 0 {
            parts.push(None);
            continue;
        }
        let (origin, inputs) = origin(&mut reading, !table.inputs.is_empty())?;
        let mut scanned = Scanned::default();
        let mut end = 0;
        for field in &table.fields {
            if reading.layout.number()? == 0 {
                continue;
            }
            let start = end + reading.layout.small()?;
            end = start + reading.layout.small()?;
            let first = scanned.pieces.len();
            reading.segment(start, end, &mut scanned)?;
            if let Some(FieldSource::Part(_, export)) =
                plan.document.get(usize::from(*field)).map(|field| &field.source)
            {
                scanned.exports.push((*export, first..scanned.pieces.len()));
            }
        }
        for capture in &table.captures {
            for _ in 0..reading.layout.small()? {
                let at = reading.layout.small()?;
                scanned.found.push(reading.found(*capture, at)?);
            }
        }
        parts.push(Some(KeptPart { origin, inputs, pieces: Segments::new(text.clone(), scanned) }));
    }
    for join in 0..plan.joins.len() {
        if reading.layout.number()? == 0 {
            continue;
        }
        let (origin, _) = origin(&mut reading, false)?;
        let views = std::mem::take(&mut reading.joins[join].views);
        let Origin { fetched_at, generation, fresh, usable, .. } = origin;
        reading.joins[join] = KeptJoin { fetched_at, generation, fresh, usable, views };
    }
    Some(Reusable { parts, joins: reading.joins })
}

struct Reading<'r> {
    layout: Reader<'r>,
    tags: &'r [u32],
    text: &'r ByteString,
    tables: &'r Tables,
    joins: Vec<KeptJoin>,
}

impl Reading<'_> {
    /// A stretch of the document with its holes.
    fn segment(&mut self, start: u32, end: u32, out: &mut Scanned<'static>) -> Option<()> {
        let mut at = start;
        for _ in 0..self.layout.small()? {
            let hole = at + self.layout.small()?;
            out.pieces.push(Piece::Answer(at, hole));
            at = self.hole(hole, out)?;
        }
        out.pieces.push(Piece::Answer(at, end));
        Some(())
    }

    /// A hole; gives its end.
    fn hole(&mut self, at: u32, out: &mut Scanned<'static>) -> Option<u32> {
        let head = self.layout.number()?;
        let place = crate::compose::scan::Place(u16::try_from(head >> 2).ok()?);
        let kind = head & 3;
        let many = match kind {
            LIST => self.layout.small()?,
            NO_ID => 0,
            _ => 1,
        };
        let (from, mut end) = (out.found.len(), at);
        let mut found = SmallVec::<[Found; 4]>::new();
        for number in 0..many {
            // The bracket or comma before it.
            end += u32::from(kind == LIST);
            let _ = number;
            let id = self.layout.before(at)?;
            found.push(self.found(Capture(u16::MAX), id)?);
            let value = self.layout.number()?;
            let (start, failed) = (end, value & 1 == 1);
            end = start + u32::try_from(value >> 1).ok()?;
            self.value(place, *found.last()?, start, end, failed)?;
        }
        end += match kind {
            LIST if many == 0 => 2,
            LIST => 1,
            NO_ID => 4,
            _ => 0,
        };
        out.found.extend(found);
        let (from, to) = (u32::try_from(from).ok()?, u32::try_from(out.found.len()).ok()?);
        out.pieces.push(Piece::Join { place, from, to, list: kind == LIST });
        Some(end)
    }

    /// What stood for an id.
    fn value(
        &mut self,
        place: crate::compose::scan::Place,
        id: Found,
        start: u32,
        end: u32,
        failed: bool,
    ) -> Option<()> {
        let of = self.tables.place(place)?;
        let range = start as usize..end as usize;
        let bytes: Bytes = self.text.as_bytes().slice(range.clone());
        let view = if &*bytes == b"null" {
            View::Null
        } else if of.nested {
            let mut scanned = Scanned::default();
            self.segment(start, end, &mut scanned)?;
            View::Segments(Box::new(Segments::new(self.text.clone(), scanned)))
        } else {
            View::Plain(self.text.slice_ref(self.text.get(range)?))
        };
        if !failed {
            let id = id.text(self.text);
            let join = self.joins.get_mut(usize::from(of.join))?;
            if join.view(of.point, &id).is_none() {
                join.views.entry(id.as_ref().into()).or_default().push((of.point, view));
            }
        }
        Some(())
    }

    /// The string or number whose text begins at `at`.
    fn found(&self, capture: Capture, at: u32) -> Option<Found> {
        let (bytes, start) = (self.text.as_bytes(), at as usize);
        let is_string = start.checked_sub(1).and_then(|before| bytes.get(before)) == Some(&b'"');
        let end = if is_string {
            end_of_string(bytes, start).ok()?.0.checked_sub(1)?
        } else {
            bytes.get(start)?;
            number(bytes, start)?.0
        };
        Some(Found::new(capture, start..end, is_string))
    }
}
