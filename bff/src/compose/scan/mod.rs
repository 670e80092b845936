//! One pass over an upstream's answer, on raw bytes: is it JSON of the shape that the contract names, where do its ids
//! stand, what of it leaves the gateway, and where do joins go in. Nothing is built as a tree and nothing is serialised:
//! [`Scanned::write`] puts the document together out of slices of what came.
//!
//! What a scan does is compiled once, into [`Plan`]. An answer that is no JSON (RFC 8259), no UTF-8, nested deeper than
//! [`MAX_DEPTH`], of another shape, or that names a field of an object twice, is an [`ScanError`].

mod emit;
mod number;
mod plan;
mod scanned;
mod scanner;
mod string;
#[cfg(test)]
mod tests;

pub(in crate::compose) use number::number;
pub use plan::{Capture, Export, Field, JoinPlace, Node, NodeId, Place, Plan, PlanBuilder, Types};
pub(in crate::compose) use scanned::Piece;
pub use scanned::{Found, Scanned};
pub(in crate::compose) use string::end_of_string;

/// How deep arrays and objects may be nested: as serde_json's own limit, so that whoever reads the document can.
pub const MAX_DEPTH: usize = 128;
/// The largest answer, in bytes: positions are kept in 32 bits.
pub const MAX_BYTES: usize = u32::MAX as usize;

/// Why an answer cannot be used. Says where, and nothing of what stands there: it may be somebody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    #[error("no UTF-8 at byte {0}")]
    NotUtf8(usize),
    #[error("no JSON at byte {0}")]
    NotJson(usize),
    #[error("nested deeper than {MAX_DEPTH} at byte {0}")]
    TooDeep(usize),
    #[error("a field is named twice at byte {0}")]
    DuplicateField(usize),
    #[error("a value of another type than the contract names at byte {0}")]
    WrongType(usize),
    #[error("a required field is missing in the object that ends at byte {0}")]
    MissingField(usize),
    #[error("larger than {MAX_BYTES} bytes")]
    TooLarge,
}
