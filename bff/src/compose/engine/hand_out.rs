//! Hands fields of the document out as they become final: a server that renders pages can send the top of one before the
//! slowest upstream has answered.

use smallvec::SmallVec;

use super::{
    host::Host,
    segments::{Segments, View},
    state::Run,
    write::{Writer, size_of},
};
use crate::compose::{plan::FieldSource, scan::Piece};

impl<H: Host> Run<'_, '_, H> {
    /// Hands out what is final, in the document's order. Nothing goes before all that the screen requires is there, since
    /// without that there may be no document at all; and with the first field the answer's status is decided, so that it is one
    /// of what is required.
    pub(super) fn hand_out_fields(&mut self) {
        if !self.host.is_streamed()
            || !self.parts.iter().all(|part| !part.plan.required || !part.came().is_empty())
        {
            return;
        }
        let plan = &self.plan;
        let is_required = |field: usize| match plan.document.get(field).map(|field| &field.source) {
            Some(FieldSource::Part(part, _)) => {
                plan.parts.get(part.index()).is_some_and(|part| part.required)
            }
            _ => false,
        };
        let shown = |field: &usize| !(self.tables.compact && plan.document[*field].only_full);
        let required = (0..plan.document.len()).filter(|field| is_required(*field)).filter(shown);
        let optional = (0..plan.document.len()).filter(|field| !is_required(*field)).filter(shown);
        let has_required = required.clone().next().is_some();
        let mut now: SmallVec<[usize; 12]> = required.filter(|field| self.is_final(*field)).collect();
        let is_open = self.handed_out.is_open || !has_required || !now.is_empty();
        if is_open {
            now.extend(optional.filter(|field| self.is_final(*field)));
        }
        self.handed_out.is_open = is_open;
        for field in now {
            let Some((pieces, which)) = self.exported(field) else { continue };
            let mut writer = Writer::plain(&self.joins, size_of(&self.joins, pieces, which.clone()));
            writer.write(pieces, which);
            let (json, _) = writer.finish();
            self.host.hand_out(plan.document[field].name, json.into());
            self.handed_out.done.push(u16::try_from(field).unwrap_or(u16::MAX));
        }
    }

    /// Whether a field is there and will not change, and was not handed out.
    fn is_final(&self, field: usize) -> bool {
        let is_done = self.handed_out.done.iter().any(|done| usize::from(*done) == field);
        !is_done && self.exported(field).is_some_and(|(pieces, which)| self.is_bound(pieces, which))
    }

    fn is_bound(&self, pieces: &Segments<'_>, which: std::ops::Range<usize>) -> bool {
        pieces.scanned.leaving(which).all(|place| {
            let Some(Piece::Join { from, to, .. }) = pieces.scanned.pieces.get(place) else {
                return true;
            };
            let Some(splice) = pieces.splice(place) else { return true };
            pieces.ids(splice, (to - from) as usize).iter().all(|id| {
                let slot = self.joins.get(usize::from(splice.run)).and_then(|run| run.slots.get(id.slot));
                let mut views = slot.into_iter().flat_map(|slot| &slot.views);
                views.all(|(point, view)| match view {
                    _ if *point != splice.point => true,
                    View::Pending => false,
                    View::Segments(pieces) => self.is_bound(pieces, 0..pieces.scanned.pieces.len()),
                    View::Null | View::Plain(_) => true,
                })
            })
        })
    }
}
