//! Generations by index, most of them 0: memory is taken for those alone that were ever set, and for their neighbours.

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering},
};

/// So many neighbours share an allocation: a page of memory.
const CHUNK: usize = 512;

type Chunk = Box<[AtomicU64]>;

/// A table of fixed length whose cells only grow.
#[derive(Debug)]
pub(super) struct Cells(Box<[OnceLock<Chunk>]>);

impl Cells {
    /// `count` zeros: a power of two, and at least 512.
    pub(super) fn new(count: usize) -> Self {
        Self((0..count.div_ceil(CHUNK)).map(|_| OnceLock::new()).collect())
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len() * CHUNK
    }

    /// Sets the cell at `index`, below the length, to `generation`, unless it holds a later one.
    pub(super) fn mark(&self, index: usize, generation: u64) {
        let chunk = self.0[index / CHUNK].get_or_init(|| (0..CHUNK).map(|_| AtomicU64::new(0)).collect());
        chunk[index % CHUNK].fetch_max(generation, Ordering::AcqRel);
    }

    /// The cell at `index`, below the length.
    pub(super) fn get(&self, index: usize) -> u64 {
        self.0[index / CHUNK].get().map_or(0, |chunk| chunk[index % CHUNK].load(Ordering::Acquire))
    }
}

#[cfg(test)]
mod tests {
    use super::{CHUNK, Cells};

    #[test]
    fn a_cell_only_grows_and_takes_memory_with_its_neighbours_alone() {
        let cells = Cells::new(8 * CHUNK);
        assert_eq!(cells.len(), 8 * CHUNK);
        cells.mark(3 * CHUNK + 7, 5);
        cells.mark(3 * CHUNK + 7, 4);
        let set: Vec<_> = (0..cells.len()).filter(|index| cells.get(*index) > 0).collect();
        assert_eq!((set, cells.get(3 * CHUNK + 7)), (vec![3 * CHUNK + 7], 5));
        assert_eq!(cells.0.iter().filter(|chunk| chunk.get().is_some()).count(), 1);
    }
}
