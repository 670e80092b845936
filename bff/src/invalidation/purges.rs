//! When each tag was last purged: what bears it is gone from then on, for everybody or for one caller.
//!
//! A Bloom filter whose cells hold generations instead of bits: each hash has three cells, and counts as purged since a
//! generation where all three hold a later one. Nothing that was purged is ever forgotten. A hash that was not purged
//! seems so only where three others meet it: with 20 purges a second and documents of 60 tags, one document in 200 that
//! is as old as stale-if-error allows (10 minutes) is composed once more than needed.

use std::sync::atomic::{AtomicU64, Ordering};

use super::cells::Cells;

/// A power of two, with room in 64 bits for one index of each cell. 4 MiB.
const CELLS: usize = 1 << 19;
/// Bits of a hash between two indices.
const STRIDE: u32 = 21;

/// The generation of the last purge, by hash.
#[derive(Debug)]
pub(super) struct Purges {
    cells: Cells,
    /// Of any hash: most look-ups need no other.
    latest: AtomicU64,
}

impl Default for Purges {
    fn default() -> Self {
        Self { cells: Cells::new(CELLS), latest: AtomicU64::new(0) }
    }
}

impl Purges {
    /// What bears one of `hashes`, and is of a generation before `generation`, is gone.
    pub(super) fn mark(&self, hashes: impl Iterator<Item = u64>, generation: u64) {
        for cell in hashes.flat_map(cells_of) {
            self.cells.mark(cell, generation);
        }
        // After the cells: a look-up that sees this sees them.
        self.latest.fetch_max(generation, Ordering::AcqRel);
    }

    /// Whether anything at all was purged after the generation `since`.
    pub(super) fn any_since(&self, since: u64) -> bool {
        self.latest.load(Ordering::Acquire) > since
    }

    /// Whether what bears `hash` was purged after the generation `since`.
    pub(super) fn has_since(&self, hash: u64, since: u64) -> bool {
        cells_of(hash).all(|cell| self.cells.get(cell) > since)
    }
}

fn cells_of(hash: u64) -> impl Iterator<Item = usize> {
    (0..3).map(move |which| {
        let index = (hash >> (which * STRIDE)) & (CELLS as u64 - 1);
        // Below the number of cells, which fits.
        usize::try_from(index).unwrap_or(0)
    })
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, RandomState};

    use super::Purges;

    #[test]
    fn what_was_purged_is_never_forgotten_and_little_else_seems_so() {
        let (purges, hasher) = (Purges::default(), RandomState::new());
        let hash = |number: u64| hasher.hash_one(number);
        assert!(!purges.any_since(0));
        // 20 a second for ten minutes.
        for number in 0..12_000 {
            purges.mark([hash(number)].into_iter(), number + 1);
        }
        assert!(purges.any_since(11_999) && !purges.any_since(12_000));
        for number in 0..12_000 {
            assert!(purges.has_since(hash(number), number), "{number}");
        }
        let seem = (12_000..1_012_000).filter(|number| purges.has_since(hash(*number), 0)).count();
        // 3 cells each in 2^19: (0.066)^3 of them, about 290 of a million.
        assert!(seem < 1000, "{seem}");
        assert!((0..12_000).filter(|number| purges.has_since(hash(*number), 12_000)).count() == 0);
    }
}
