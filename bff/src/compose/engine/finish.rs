//! The end of a composition: whether there is a document, and its bytes.

use std::{ops::Range, time::Instant};

use schemas::Reason;
use smallvec::SmallVec;

use super::{
    document::{Kept, RawDocument},
    host::Host,
    keep::{FieldAt, keep},
    segments::Segments,
    state::{Came, Run},
    values::Values,
    write::{Writer, size_of},
};
use crate::compose::{
    ComposeError,
    plan::{DocumentField, FieldSource},
};

impl<'p, H: Host> Run<'_, 'p, H> {
    pub(super) fn check_something_is_left(&self) -> Result<(), ComposeError> {
        if self.log.has_unknown_cursor {
            return Err(ComposeError::UnknownCursor);
        }
        let plan = &self.plan;
        let is_missing = |field: &usize| match plan.document.get(*field).map(|field| &field.source) {
            Some(FieldSource::Part(part, _)) => {
                self.parts.get(part.index()).is_none_or(|part| part.came().is_empty())
            }
            _ => false,
        };
        if !plan.at_least_one.iter().any(|fields| fields.iter().all(is_missing)) {
            return Ok(());
        }
        let degraded = &self.log.degraded;
        // A part that the engine did not ask for is not late.
        let timed_out = !degraded.is_empty() && degraded.iter().all(|part| part.reason == Reason::Timeout);
        let reason = if timed_out { Reason::Timeout } else { Reason::Unavailable };
        Err(ComposeError::NothingLeft { reason, withheld: self.log.withheld })
    }

    /// Where a field of the document is found, if its part is there.
    pub(super) fn exported(&self, field: usize) -> Option<(&Segments<'p>, Range<usize>)> {
        let FieldSource::Part(part, export) = &self.plan.document.get(field)?.source else {
            return None;
        };
        let came = self.parts.get(part.index())?.came();
        came.iter().find_map(|pieces| pieces.export(*export).map(|which| (pieces, which)))
    }

    /// Writes the document.
    pub(super) fn write(&self) -> (usize, Kept) {
        let answers = Came(&self.parts);
        let values = Values { asked: self.asked, answers: &answers };
        let shown = |field: &&(usize, &DocumentField)| !(self.tables.compact && field.1.only_full);
        let fields: SmallVec<[_; 12]> = self.plan.document.iter().enumerate().collect();
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

    pub(super) fn degraded_json(&self) -> Vec<u8> {
        if self.log.degraded.is_empty() {
            return b"[]".to_vec();
        }
        // Words of our own always serialise.
        serde_json::to_vec(&self.log.degraded).unwrap_or_else(|_| b"[]".to_vec())
    }

    pub(super) fn finish(self) -> RawDocument {
        let (length, kept) = self.write();
        RawDocument {
            body: kept.text.up_to(length),
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
    pub(super) fn remains(&mut self) -> Option<Kept> {
        self.ended = Instant::now();
        self.read_kept();
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
