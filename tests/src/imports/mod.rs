//! Who uses what within a crate, as its sources say it. Reads tokens, not lines: comments and texts are no
//! imports, paths within braces, macros and serde's attributes are.

mod paths;
mod sources;

pub use paths::Import;
pub use sources::read;

/// The parts of a path, from the crate's own root (`crate`) or another crate's name.
type Names = Vec<String>;
