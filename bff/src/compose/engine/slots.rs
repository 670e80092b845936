//! The ids of one join in one composition, each once, with what they name.

use std::{hash::BuildHasher, sync::LazyLock};

use bytestring::ByteString;
use smallvec::SmallVec;

use super::segments::View;

/// Seeded at random for each process: ids are an upstream's, and may be anybody's.
static HASHER: LazyLock<foldhash::fast::RandomState> = LazyLock::new(foldhash::fast::RandomState::default);

/// A hash of a text that holds for the life of this process.
pub(super) fn hash(text: &str) -> u64 {
    HASHER.hash_one(text)
}

/// Ids in the order in which they were found.
#[derive(Debug, Default)]
pub(super) struct Slots<'p> {
    text: String,
    slots: Vec<Slot<'p>>,
    /// Open addressing: a place holds a slot's number and 1, or 0. Its length is a power of two.
    index: Vec<u32>,
}

/// One id.
#[derive(Debug)]
pub(super) struct Slot<'p> {
    end: u32,
    hash: u64,
    pub(super) known: Known,
    /// By point; one for each point that the id was found for.
    pub(super) views: SmallVec<[(u16, View<'p>); 1]>,
}

/// What is known of an id.
#[derive(Debug, Clone)]
pub(super) enum Known {
    /// Nothing: it is to be asked for.
    No,
    /// It is being asked for.
    Asked,
    /// The entity; `None`: there is no such thing.
    Entity(Option<ByteString>),
    /// What was kept of the last document is good enough.
    Kept,
    /// It could not be had.
    Failed,
}

impl<'p> Slots<'p> {
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Slot<'p>> {
        self.slots.iter()
    }

    pub(super) fn get(&self, slot: u32) -> Option<&Slot<'p>> {
        self.slots.get(slot as usize)
    }

    pub(super) fn get_mut(&mut self, slot: u32) -> Option<&mut Slot<'p>> {
        self.slots.get_mut(slot as usize)
    }

    /// The id of a slot.
    pub(super) fn id(&self, slot: usize) -> &str {
        let start = slot.checked_sub(1).and_then(|before| self.slots.get(before)).map_or(0, |slot| slot.end);
        let end = self.slots.get(slot).map_or(start, |slot| slot.end);
        self.text.get(start as usize..end as usize).unwrap_or_default()
    }

    /// The slot of an id, and whether it is a new one.
    pub(super) fn of(&mut self, id: &str) -> (u32, bool) {
        let hash = hash(id);
        if self.slots.len() * 2 >= self.index.len() {
            self.grow();
        }
        let mask = self.index.len() - 1;
        let mut at = usize::try_from(hash & (mask as u64)).unwrap_or(0);
        while let Some(slot) = self.index[at].checked_sub(1) {
            let same = self.get(slot).is_some_and(|slot| slot.hash == hash);
            if same && self.id(slot as usize) == id {
                return (slot, false);
            }
            at = (at + 1) & mask;
        }
        self.text.push_str(id);
        let slot = position(self.slots.len());
        self.index[at] = slot + 1;
        let end = position(self.text.len());
        self.slots.push(Slot { end, hash, known: Known::No, views: SmallVec::new() });
        (slot, true)
    }

    fn grow(&mut self) {
        let places = (self.index.len() * 2).max(64);
        self.index.clear();
        self.index.resize(places, 0);
        if self.slots.is_empty() {
            self.slots.reserve(places / 2);
            self.text.reserve(places * 18);
        }
        for (slot, one) in self.slots.iter().enumerate() {
            let mut at = usize::try_from(one.hash & (places as u64 - 1)).unwrap_or(0);
            while self.index[at] != 0 {
                at = (at + 1) & (places - 1);
            }
            self.index[at] = position(slot) + 1;
        }
    }
}

/// Answers are below 4 GiB, and so is what is made of them.
pub(super) fn position(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
