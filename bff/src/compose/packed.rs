//! Bytes that are kept for long, in as little memory as they take.
//!
//! Allocators round up to size classes, of which there are four to a doubling (jemalloc, mimalloc): text of any length takes
//! about a tenth more than its bytes, and up to a quarter. In two pieces, the first of which fills a size class, it takes about
//! a hundredth more.

use bytes::Bytes;

/// Shorter text is kept in one piece: what a second one costs by itself is more than what it saves.
const SHORT: usize = 1024;

/// Bytes in one piece or two. Cheap to clone: clones share them.
#[derive(Debug, Clone, Default)]
pub struct Packed {
    first: Bytes,
    second: Bytes,
}

impl Packed {
    /// A copy of `bytes`.
    #[must_use]
    pub fn copy_of(bytes: &[u8]) -> Self {
        let (first, second) = bytes.split_at(first_piece(bytes.len()));
        Self { first: Bytes::copy_from_slice(first), second: Bytes::copy_from_slice(second) }
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.first.len() + self.second.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The first `length` bytes, which stay shared.
    ///
    /// # Panics
    /// Where there are fewer.
    #[must_use]
    pub fn up_to(&self, length: usize) -> Self {
        let first = self.first.slice(..length.min(self.first.len()));
        let second = self.second.slice(..length - first.len());
        Self { first, second }
    }

    /// The pieces; the second may be empty.
    #[must_use]
    pub fn pieces(&self) -> (&Bytes, &Bytes) {
        (&self.first, &self.second)
    }

    /// All of it in a row: copied where there are two pieces.
    #[must_use]
    pub fn in_a_row(&self) -> Bytes {
        if self.second.is_empty() {
            return self.first.clone();
        }
        [&*self.first, &*self.second].concat().into()
    }

    /// Whether it begins with the very bytes of `other`, in the same memory.
    #[must_use]
    pub fn begins_with(&self, other: &Self) -> bool {
        self.first.as_ptr() == other.first.as_ptr() && self.len() >= other.len()
    }
}

/// How many of `length` bytes are the first piece: as many as the largest size class that they fill, or all where the next
/// one is hardly larger than they are.
fn first_piece(length: usize) -> usize {
    if length < SHORT {
        return length;
    }
    // A size class has its highest three bits alone.
    let step = 1_usize << (length.ilog2() - 2);
    let (filled, next) = (length / step * step, length.next_multiple_of(step));
    if next - length <= length / 64 { length } else { filled }
}
