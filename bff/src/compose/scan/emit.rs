//! What leaves is written down: slices of the answer that follow each other become one, without a look at what is there.

use std::ops::Range;

use super::{
    plan::{Capture, JoinPlace},
    scanned::{Piece, Scanned, position},
};

/// Nothing ends here: positions are below [`super::MAX_BYTES`].
const NOWHERE: usize = usize::MAX;

/// A scan's result while it is made.
pub(super) struct Output<'p> {
    pub(super) scanned: Scanned<'p>,
    /// The slice that may go on. Its end is [`NOWHERE`] where there is none.
    start: usize,
    end: usize,
}

impl<'p> Output<'p> {
    /// Of an answer of so many bytes.
    pub(super) fn new(pieces: usize, found: usize) -> Self {
        let scanned = Scanned {
            pieces: Vec::with_capacity(pieces),
            found: Vec::with_capacity(found),
            ..Scanned::default()
        };
        Self { scanned, start: 0, end: NOWHERE }
    }

    /// The answer's bytes from `start` to `end` leave.
    #[inline]
    pub(super) fn push(&mut self, start: usize, end: usize) {
        if start != self.end {
            self.part();
            self.start = start;
        }
        self.end = end;
    }

    pub(super) fn push_literal(&mut self, literal: &'p [u8]) {
        self.part();
        self.scanned.pieces.push(Piece::Literal(literal));
    }

    pub(super) fn push_join(&mut self, join: &'p JoinPlace, found: Range<usize>, list: bool) {
        self.push_literal(&join.key);
        if join.of == Capture::NONE {
            self.scanned.pieces.push(Piece::Added(join.place));
            return;
        }
        let (from, to) = (position(found.start), position(found.end));
        self.scanned.pieces.push(Piece::Join { place: join.place, from, to, list });
    }

    /// Nothing that comes is joined to what is there. Gives how many pieces there are.
    pub(super) fn part(&mut self) -> usize {
        if self.end != NOWHERE {
            self.scanned.pieces.push(Piece::Answer(position(self.start), position(self.end)));
            self.end = NOWHERE;
        }
        self.scanned.pieces.len()
    }

    pub(super) fn finish(mut self) -> Scanned<'p> {
        self.part();
        self.scanned
    }
}
