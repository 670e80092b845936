//! Writes the document: once, into one buffer of the right size, out of slices.

use std::ops::Range;

use super::{
    layout::{LIST, NO_ID, ONE_ID},
    segments::{Segments, Splice, View},
    slots::{Known, position},
    state::JoinRun,
};
use crate::compose::scan::{Piece, Place};

/// A value that the gateway adds to a route's answer: where it goes, and its JSON.
pub(super) type AddedValue = (Place, Vec<u8>);

/// Writes pieces, and notes where they came to stand.
pub(super) struct Writer<'w, 'p> {
    joins: &'w [JoinRun<'p>],
    added: &'w [AddedValue],
    pub(super) out: Vec<u8>,
    notes: Option<Notes>,
    pieces: u32,
}

/// Where everything stands.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// In the order of their beginnings; those within follow the one that they are in.
    pub(super) holes: Vec<Hole>,
    pub(super) ids: Vec<HoleId>,
    spans: Vec<Span>,
}

/// The value of a join.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hole {
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) place: u16,
    pub(super) kind: u8,
    pub(super) run: u16,
    /// In [`Notes::ids`].
    pub(super) ids: (u32, u32),
    /// The hole behind those that are in it.
    pub(super) next: u32,
}

/// One id of a hole, and what stands for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct HoleId {
    pub(super) slot: u32,
    /// Where the id stands in what was written; [`NOWHERE`]: it is hidden.
    pub(super) at: u32,
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) failed: bool,
    /// The hole behind those that are in the value.
    pub(super) next: u32,
}

pub(super) const NOWHERE: u32 = u32::MAX;

/// A slice, and where it came to stand.
#[derive(Debug, Clone, Copy)]
struct Span {
    pieces: u32,
    from: u32,
    to: u32,
    at: u32,
}

impl<'w, 'p> Writer<'w, 'p> {
    /// One that notes where things stand, for a document of `size` bytes.
    pub(super) fn noting(joins: &'w [JoinRun<'p>], size: usize) -> Self {
        let notes = Some(Notes::default());
        Self { joins, added: &[], out: Vec::with_capacity(size), notes, pieces: 0 }
    }

    /// One that writes alone.
    pub(super) fn plain(joins: &'w [JoinRun<'p>], size: usize) -> Self {
        Self { joins, added: &[], out: Vec::with_capacity(size), notes: None, pieces: 0 }
    }

    /// One that writes what a route adds, too.
    pub(super) fn adding(
        joins: &'w [JoinRun<'p>],
        added: &'w [AddedValue],
        pieces: &Segments<'p>,
        which: Range<usize>,
    ) -> Self {
        let beside: usize = added.iter().map(|(_, json)| json.len()).sum();
        Self { added, ..Self::plain(joins, size_of(joins, pieces, which) + beside) }
    }

    pub(super) fn at(&self) -> u32 {
        position(self.out.len())
    }

    /// How many holes there are so far.
    pub(super) fn holes(&self) -> u32 {
        self.notes.as_ref().map_or(0, |notes| position(notes.holes.len()))
    }

    pub(super) fn finish(self) -> (Vec<u8>, Notes) {
        (self.out, self.notes.unwrap_or_default())
    }

    /// Writes some of the pieces. Gives the number of what was written, by which [`Writer::place_of`] knows it.
    pub(super) fn write(&mut self, pieces: &Segments<'p>, which: Range<usize>) -> u32 {
        let number = self.pieces;
        self.pieces += 1;
        let (text, notes) = (pieces.text.as_bytes(), !pieces.scanned.found.is_empty());
        for place in pieces.scanned.leaving(which) {
            match pieces.scanned.pieces.get(place) {
                Some(Piece::Answer(from, to)) => {
                    if let Some(all) = self.notes.as_mut().filter(|_| notes) {
                        let at = position(self.out.len());
                        all.spans.push(Span { pieces: number, from: *from, to: *to, at });
                    }
                    self.out.extend_from_slice(text.get(*from as usize..*to as usize).unwrap_or_default());
                }
                Some(Piece::Literal(literal)) => self.out.extend_from_slice(literal),
                Some(Piece::Join { place: at, from, to, list }) => match pieces.splice(place) {
                    Some(splice) => self.join(pieces, splice, at.0, (to - from) as usize, *list, number),
                    None => self.out.extend_from_slice(if *list { b"[]" } else { b"null" }),
                },
                Some(Piece::Added(at)) => {
                    let value = self.added.iter().find(|(known, _)| known == at);
                    self.out.extend_from_slice(value.map_or(b"null", |(_, json)| json));
                }
                None => {}
            }
        }
        number
    }

    fn join(
        &mut self,
        pieces: &Segments<'p>,
        splice: &Splice,
        place: u16,
        count: usize,
        list: bool,
        number: u32,
    ) {
        let ids = pieces.ids(splice, if list { count } else { count.min(1) });
        let kind = match (list, ids) {
            (true, _) => LIST,
            (false, []) => NO_ID,
            (false, _) => ONE_ID,
        };
        let (hole, start) = (self.holes() as usize, self.at());
        let mut first_id = 0;
        if let Some(notes) = &mut self.notes {
            first_id = position(notes.ids.len());
            let ids = (first_id, first_id + position(ids.len()));
            let kind = kind as u8;
            notes.holes.push(Hole { start, end: start, place, kind, run: splice.run, ids, next: 0 });
            let nothing = HoleId { slot: 0, at: NOWHERE, start, end: start, failed: false, next: 0 };
            notes.ids.resize(notes.ids.len() + (ids.1 - ids.0) as usize, nothing);
        }
        if list {
            self.out.push(b'[');
        }
        for (which, id) in ids.iter().enumerate() {
            if which > 0 {
                self.out.push(b',');
            }
            let at = self.notes.as_ref().map_or(NOWHERE, |notes| notes.place_of(number, id.start));
            let start = self.at();
            let failed = self.view(splice, id.slot);
            let (end, next) = (self.at(), self.holes());
            if let Some(one) =
                self.notes.as_mut().and_then(|notes| notes.ids.get_mut(first_id as usize + which))
            {
                *one = HoleId { slot: id.slot, at, start, end, failed, next };
            }
        }
        if list {
            self.out.push(b']');
        } else if ids.is_empty() {
            self.out.extend_from_slice(b"null");
        }
        let (end, next) = (self.at(), self.holes());
        if let Some(hole) = self.notes.as_mut().and_then(|notes| notes.holes.get_mut(hole)) {
            (hole.end, hole.next) = (end, next);
        }
    }

    /// Writes what stands for an id. True: null, but only since it could not be had.
    fn view(&mut self, splice: &Splice, slot: u32) -> bool {
        let joins = self.joins;
        let slot = joins.get(usize::from(splice.run)).and_then(|run| run.slots.get(slot));
        let view = slot.and_then(|slot| slot.views.iter().find(|(point, _)| *point == splice.point));
        match view.map(|(_, view)| view) {
            Some(View::Plain(text)) => self.out.extend_from_slice(text.as_bytes()),
            Some(View::Segments(pieces)) => {
                self.write(pieces, 0..pieces.scanned.pieces.len());
            }
            Some(View::Null | View::Pending) | None => {
                self.out.extend_from_slice(b"null");
                return !slot.is_some_and(|slot| matches!(slot.known, Known::Entity(_) | Known::Kept));
            }
        }
        false
    }
}

impl Notes {
    /// Where a position of the pieces with that `number` came to stand, if that was written.
    pub(super) fn place_of(&self, number: u32, position: u32) -> u32 {
        for span in self.spans.iter().rev().filter(|span| span.pieces == number) {
            if (span.from..span.to).contains(&position) {
                return span.at + (position - span.from);
            }
            // Slices stand in the order of the text.
            if span.to <= position {
                break;
            }
        }
        NOWHERE
    }
}

/// How many bytes some of the pieces take.
pub(super) fn size_of(joins: &[JoinRun<'_>], pieces: &Segments<'_>, which: Range<usize>) -> usize {
    let of_view = |splice: &Splice, slot: u32| {
        let slot = joins.get(usize::from(splice.run)).and_then(|run| run.slots.get(slot));
        let view = slot.and_then(|slot| slot.views.iter().find(|(point, _)| *point == splice.point));
        match view.map(|(_, view)| view) {
            Some(View::Plain(text)) => text.len(),
            Some(View::Segments(pieces)) => size_of(joins, pieces, 0..pieces.scanned.pieces.len()),
            Some(View::Null | View::Pending) | None => 4,
        }
    };
    let mut size = 0;
    for place in pieces.scanned.leaving(which) {
        size += match pieces.scanned.pieces.get(place) {
            Some(Piece::Answer(from, to)) => (to - from) as usize,
            Some(Piece::Literal(literal)) => literal.len(),
            Some(Piece::Join { from, to, list, .. }) => match (pieces.splice(place), list) {
                (Some(splice), true) => {
                    let ids = pieces.ids(splice, (to - from) as usize);
                    ids.iter().map(|id| of_view(splice, id.slot) + 1).sum::<usize>().max(1) + 1
                }
                (Some(splice), false) if from < to => {
                    pieces.ids(splice, 1).first().map_or(4, |id| of_view(splice, id.slot))
                }
                (_, true) => 2,
                (_, false) => 4,
            },
            Some(Piece::Added(_)) => 4,
            None => 0,
        };
    }
    size
}
