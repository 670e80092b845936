//! A table of fixed size: the generation of the last purge, by hash. Two hashes may share a place.

use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug)]
pub(super) struct Places(Box<[AtomicU64]>);

impl Places {
    /// `count` is a power of two.
    pub(super) fn new(count: usize) -> Self {
        // Allocated as zeros, which no page of memory has to be touched for: most of it is not there until it is used.
        Self(bytemuck::zeroed_slice_box(count))
    }

    fn place(&self, hash: u64) -> &AtomicU64 {
        // The high bits of a product are its best mixed ones; what the shift leaves is below the length.
        let index = hash.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - self.0.len().trailing_zeros());
        &self.0[usize::try_from(index).unwrap_or(0)]
    }

    pub(super) fn mark(&self, hash: u64, number: u64) {
        self.place(hash).fetch_max(number, Ordering::AcqRel);
    }

    pub(super) fn last(&self, hash: u64) -> u64 {
        self.place(hash).load(Ordering::Acquire)
    }
}
