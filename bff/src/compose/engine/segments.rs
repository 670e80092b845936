//! What leaves of an answer or an entity: slices of a text, with the places of joins between them.

use std::{borrow::Cow, ops::Range};

use bytestring::ByteString;
use smallvec::SmallVec;

use crate::compose::scan::{Capture, Export, Found, Scanned};

/// A scanned text whose places of joins are bound to entities.
#[derive(Debug, Clone)]
pub(super) struct Segments<'p> {
    pub(super) text: ByteString,
    pub(super) scanned: Scanned<'p>,
    /// In the order of the pieces.
    pub(super) splices: SmallVec<[Splice; 1]>,
    /// What splices are made of.
    pub(super) ids: SmallVec<[SplicedId; 2]>,
}

/// A piece that is a join's value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Splice {
    pub(super) piece: u32,
    /// Which run of which join.
    pub(super) run: u16,
    pub(super) point: u16,
    /// In [`Segments::ids`].
    pub(super) first: u32,
}

/// An entity that a place names.
#[derive(Debug, Clone, Copy)]
pub(super) struct SplicedId {
    /// Of the join's run.
    pub(super) slot: u32,
    /// Where the id stands in the text.
    pub(super) start: u32,
}

impl<'p> Segments<'p> {
    pub(super) fn new(text: ByteString, scanned: Scanned<'p>) -> Self {
        Self { text, scanned, splices: SmallVec::new(), ids: SmallVec::new() }
    }

    /// Which pieces an export is.
    pub(super) fn export(&self, export: Export) -> Option<Range<usize>> {
        self.scanned.exports.iter().find(|(known, _)| *known == export).map(|(_, pieces)| pieces.clone())
    }

    pub(super) fn splice(&self, piece: usize) -> Option<&Splice> {
        let place = self.splices.binary_search_by_key(&piece, |splice| splice.piece as usize).ok()?;
        self.splices.get(place)
    }

    pub(super) fn ids(&self, splice: &Splice, count: usize) -> &[SplicedId] {
        let first = splice.first as usize;
        self.ids.get(first..first + count).unwrap_or_default()
    }

    /// What was found at a path.
    pub(super) fn found(&self, capture: Capture) -> impl Iterator<Item = &Found> + Clone {
        self.scanned.found.iter().filter(move |found| found.capture == capture)
    }

    /// The pairs to remember of two paths of the same object: none where an object lacks one of them, which would pair its
    /// neighbours wrongly.
    pub(super) fn pairs(
        &self,
        key: Capture,
        value: Capture,
    ) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        let is_whole = self.found(key).count() == self.found(value).count();
        self.texts(key).zip(self.texts(value)).filter(move |_| is_whole)
    }

    /// The texts that were found at a path.
    pub(super) fn texts(&self, capture: Capture) -> impl Iterator<Item = Cow<'_, str>> + Clone {
        self.found(capture).map(|found| found.text(&self.text))
    }
}

/// An entity as it stands at one point of a join.
#[derive(Debug, Clone)]
pub(super) enum View<'p> {
    /// Not known yet.
    Pending,
    /// There is none.
    Null,
    /// All of it.
    Plain(ByteString),
    Segments(Box<Segments<'p>>),
}
