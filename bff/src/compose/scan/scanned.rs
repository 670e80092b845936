//! What a scan found: slices of the answer, in the order in which they leave the gateway, and what goes between them.

use std::{borrow::Cow, ops::Range};

use super::{
    plan::{Capture, Export, Place},
    string::unescaped,
};

/// An id that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    pub capture: Capture,
    /// Where it stands in the answer, without quotes.
    pub(in crate::compose) start: u32,
    pub(in crate::compose) end: u32,
    /// Whether it is a string (a number otherwise).
    pub is_string: bool,
}

impl Found {
    pub(in crate::compose) fn new(capture: Capture, at: Range<usize>, is_string: bool) -> Self {
        Self { capture, start: position(at.start), end: position(at.end), is_string }
    }

    /// The id as text, of the `answer` that was scanned. Ids of numbers are as they were written.
    #[must_use]
    pub fn text(self, answer: &str) -> Cow<'_, str> {
        let raw = answer.get(self.start as usize..self.end as usize).unwrap_or_default();
        if self.is_string { unescaped(raw) } else { Cow::Borrowed(raw) }
    }
}

/// What leaves the gateway, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::compose) enum Piece<'p> {
    /// A slice of the answer.
    Answer(u32, u32),
    /// Out of the plan.
    Literal(&'p [u8]),
    /// The value of a join over the ids `found[from..to]`.
    Join { place: Place, from: u32, to: u32, list: bool },
    /// A value that depends on no id.
    Added(Place),
}

/// What a scan made of an answer. `'p` is the plan's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scanned<'p> {
    pub(in crate::compose) pieces: Vec<Piece<'p>>,
    /// In the order of the answer.
    pub found: Vec<Found>,
    /// Which pieces each export is.
    pub(in crate::compose) exports: Vec<(Export, Range<usize>)>,
    /// Exports out of what else does not leave: no pieces of the whole, or of an export around them.
    pub(super) hidden: Vec<Range<usize>>,
}

/// Positions are below [`super::MAX_BYTES`], which was checked at the beginning.
pub(super) fn position(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

impl Scanned<'_> {
    /// Writes what leaves of the whole `answer`. `join` says what stands for an id at a place: JSON, or nothing for null.
    pub fn write<'j>(
        &self,
        answer: &str,
        out: &mut Vec<u8>,
        join: impl FnMut(Place, &str) -> Option<&'j [u8]>,
    ) {
        let mut join = join;
        self.write_pieces(0..self.pieces.len(), answer, out, &mut join);
    }

    /// The pieces among `which` that leave with them.
    pub(in crate::compose) fn leaving(&self, which: Range<usize>) -> impl Iterator<Item = usize> {
        let within = which.clone();
        let inner = move |hidden: &&Range<usize>| {
            within.start <= hidden.start && hidden.end <= within.end && **hidden != within
        };
        which.filter(move |place| {
            self.hidden.is_empty() || !self.hidden.iter().filter(&inner).any(|hidden| hidden.contains(place))
        })
    }

    /// Writes one export; false where the answer has no such value.
    pub fn write_export<'j>(
        &self,
        export: Export,
        answer: &str,
        out: &mut Vec<u8>,
        mut join: impl FnMut(Place, &str) -> Option<&'j [u8]>,
    ) -> bool {
        let pieces =
            self.exports.iter().find(|(known, _)| *known == export).map(|(_, pieces)| pieces.clone());
        pieces.map(|pieces| self.write_pieces(pieces, answer, out, &mut join)).is_some()
    }

    pub(in crate::compose) fn write_pieces<'j>(
        &self,
        pieces: Range<usize>,
        answer: &str,
        out: &mut Vec<u8>,
        join: &mut dyn FnMut(Place, &str) -> Option<&'j [u8]>,
    ) {
        for piece in self.leaving(pieces).filter_map(|place| self.pieces.get(place)) {
            match piece {
                Piece::Answer(start, end) => {
                    out.extend_from_slice(
                        answer.as_bytes().get(*start as usize..*end as usize).unwrap_or_default(),
                    );
                }
                Piece::Literal(literal) => out.extend_from_slice(literal),
                Piece::Added(place) => out.extend_from_slice(join(*place, "").unwrap_or(b"null")),
                Piece::Join { place, from, to, list } => {
                    let ids = self.found.get(*from as usize..*to as usize).unwrap_or_default();
                    let mut one = |id: &Found, out: &mut Vec<u8>| {
                        out.extend_from_slice(join(*place, &id.text(answer)).unwrap_or(b"null"));
                    };
                    match (list, ids) {
                        (false, [id, ..]) => one(id, out),
                        (false, []) => out.extend_from_slice(b"null"),
                        (true, ids) => {
                            out.push(b'[');
                            for (place, id) in ids.iter().enumerate() {
                                if place > 0 {
                                    out.push(b',');
                                }
                                one(id, out);
                            }
                            out.push(b']');
                        }
                    }
                }
            }
        }
    }

    /// A copy of some of the pieces, where no join is among them: one would be null.
    pub(in crate::compose) fn text_of(&self, which: Range<usize>, answer: &str) -> String {
        let piece = |place: usize| match self.pieces.get(place) {
            Some(Piece::Answer(start, end)) => answer.get(*start as usize..*end as usize).unwrap_or_default(),
            // What a plan puts between slices is text.
            Some(Piece::Literal(literal)) => str::from_utf8(literal).unwrap_or_default(),
            Some(Piece::Join { list: true, .. }) => "[]",
            Some(Piece::Join { .. } | Piece::Added(_)) => "null",
            None => "",
        };
        let mut text =
            String::with_capacity(self.leaving(which.clone()).map(|place| piece(place).len()).sum());
        text.extend(self.leaving(which).map(piece));
        text
    }
}
