//! Binds the places of joins to what their ids name, as far as that is known.

use std::ops::Range;

use bytestring::ByteString;
use schemas::{DegradedPart, Id, PartStatus};
use smallvec::SmallVec;

use super::{
    host::Host,
    segments::{Segments, Splice, SplicedId, View},
    slots::{Known, position},
    state::Run,
};
use crate::compose::{plan::JoinPlan, scan::Piece};

impl<'p, H: Host> Run<'_, 'p, H> {
    /// The run of a join that what came with `part` belongs to.
    pub(super) fn run_of(&self, join: u16, part: u16) -> u16 {
        let group = if self.is_streamed { usize::from(part) } else { 0 };
        u16::try_from(group * self.plan.joins.len() + usize::from(join)).unwrap_or(u16::MAX)
    }

    /// Binds the places of joins in what leaves to their ids. `part` is the one that it came with, `depth` how many joins led
    /// here. True: some id has to be asked for that was not foreseen.
    pub(super) fn bind(
        &mut self,
        part: u16,
        pieces: &mut Segments<'p>,
        which: Range<usize>,
        depth: usize,
    ) -> bool {
        let mut leads_on = false;
        let Segments { text, scanned, splices, ids } = pieces;
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
    pub(super) fn refer(&mut self, part: u16, run: u16, point: u16, id: &str, depth: usize) -> (u32, bool) {
        let Some(join) = self.joins.get_mut(usize::from(run)) else { return (u32::MAX, false) };
        let (slot, is_new) = join.slots.of(id);
        let lookup = join.plan.lookup;
        let Some(one) = join.slots.get_mut(slot) else { return (slot, false) };
        if is_new {
            one.known = match self.host.shared(lookup, id) {
                // What cannot be an id names nothing.
                _ if !Id::is_valid(id) => Known::Entity(None),
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
    pub(super) fn show(&mut self, part: u16, run: u16, slot: u32, point: u16, depth: usize) {
        let join = &mut self.joins[usize::from(run)];
        let kept = self.kept.as_ref().and_then(|kept| kept.joins.get(usize::from(join.join)));
        let Some(one) = join.slots.get(slot) else { return };
        let known = one.known.clone();
        let is_awaited = one.views.iter().any(|(of, view)| *of != point && matches!(view, View::Pending));
        let id = join.slots.id(slot as usize);
        let is_failed = matches!(known, Known::Failed);
        let (view, known, stands_in) = match known {
            Known::Entity(None) => (View::Null, None, false),
            Known::Entity(Some(text)) => (self.seen(run, point, text), None, false),
            Known::No | Known::Kept => {
                match kept.filter(|kept| kept.fresh).and_then(|kept| kept.view(point, id)) {
                    // It is asked for all the same, where it stands at another point that nothing was kept of.
                    Some(view) if is_awaited => (view.clone(), Some(Known::No), true),
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
    pub(super) fn put_view(
        &mut self,
        part: u16,
        run: u16,
        slot: u32,
        point: u16,
        mut view: View<'p>,
        depth: usize,
    ) {
        if let View::Segments(pieces) = &mut view {
            // No plan joins in a circle; whatever it is, it ends.
            if depth > self.plan.joins.len() {
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
    pub(super) fn seen(&self, run: u16, point: u16, text: ByteString) -> View<'p> {
        let plan: &'p JoinPlan = self.joins[usize::from(run)].plan;
        let point = plan.points.get(usize::from(point));
        match point.and_then(|point| point.scan.of(self.tables.compact).as_ref()) {
            None => View::Plain(text),
            Some(scan) => match scan.scan_text(&text) {
                Ok(scanned) => View::Segments(Box::new(Segments::new(text, scanned))),
                Err(_) => View::Null,
            },
        }
    }

    /// Which ids an entity led to, for compositions to come.
    pub(super) fn note_led_to(&self, run: u16, slot: u32, pieces: &Segments<'p>) {
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
            let ids: SmallVec<[Id; 1]> =
                ids.filter_map(|id| Id::new(target.slots.id(id.slot as usize)).ok()).collect();
            foresight.note(from.plan.lookup, target.plan.lookup, from.slots.id(slot as usize), &ids);
        }
    }
}
