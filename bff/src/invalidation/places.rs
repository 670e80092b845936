//! A table of fixed size: the generation of the last purge, by hash. Two hashes may share a place.

use super::cells::Cells;

#[derive(Debug)]
pub(super) struct Places(Cells);

impl Places {
    /// `count` is a power of two.
    pub(super) fn new(count: usize) -> Self {
        Self(Cells::new(count))
    }

    fn place(&self, hash: u64) -> usize {
        // The high bits of a product are its best mixed ones; what the shift leaves is below the length.
        let index = hash.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - self.0.len().trailing_zeros());
        usize::try_from(index).unwrap_or(0)
    }

    pub(super) fn mark(&self, hash: u64, number: u64) {
        self.0.mark(self.place(hash), number);
    }

    pub(super) fn last(&self, hash: u64) -> u64 {
        self.0.get(self.place(hash))
    }
}
