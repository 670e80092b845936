//! Which file of a crate uses which, and how long files and functions are, as the crate's sources say it.
//!
//! Nodes are the files that the compiler reads from a root file on, without test code (`#[cfg(test)]`). File A has an
//! edge to file B where A names an item that B defines:
//! * by a `use`, or by a path of two or more names, also within macros and in texts of attributes;
//! * re-exports are followed to the definition: `use super::Plan` where the parent says `pub use plan::Plan` is an edge
//!   to `plan.rs`, and none to `mod.rs`;
//! * a re-export (`pub use`, however restricted) is no edge of its own, unless its file names the item elsewhere;
//! * `mod x;` is no edge, nor is a `use` of a module: what is taken from it shows where it is named.
//!
//! Method calls are not seen. They need a value whose type is named somewhere.

mod names;
mod sources;

use std::{collections::BTreeMap, fmt, io, path::Path};

pub use sources::Function;

use sources::Sources;

/// Why one file depends on another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// From the folder of the sources, as [`Edge::to`] is.
    pub from: String,
    pub line: usize,
    /// As it is written.
    pub path: String,
    pub to: String,
}

impl fmt::Display for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} uses {} of {}", self.from, self.line, self.path, self.to)
    }
}

/// What the sources of one crate say.
#[derive(Debug)]
pub struct FileGraph {
    files: Vec<String>,
    edges: Vec<(usize, usize, Edge)>,
    functions: Vec<Function>,
}

impl FileGraph {
    /// Reads the crate whose root file is `root` in `folder`.
    ///
    /// # Errors
    /// A file that cannot be read or is no Rust.
    pub fn read(folder: &Path, root: &str) -> io::Result<Self> {
        let sources = Sources::read(folder, root)?;
        let edges = names::edges(&sources);
        Ok(Self { files: sources.files, edges, functions: sources.functions })
    }

    /// Functions outside of test code.
    #[must_use]
    pub fn functions(&self) -> &[Function] {
        &self.functions
    }

    /// Sets of files that depend on each other, each with one edge for each pair of files that is in the way.
    #[must_use]
    pub fn cycles(&self) -> Vec<Vec<&Edge>> {
        let mut next = vec![Vec::new(); self.files.len()];
        for (from, to, _) in &self.edges {
            next[*from].push(*to);
        }
        let reached: Vec<Vec<bool>> = (0..next.len()).map(|from| reach(&next, from)).collect();
        // Files of one cycle reach the same files, so that the first of them names it.
        let mut cycles: BTreeMap<usize, BTreeMap<(usize, usize), &Edge>> = BTreeMap::new();
        for (from, to, edge) in &self.edges {
            if reached[*to][*from] {
                let first = (0..next.len()).find(|file| reached[*file][*from] && reached[*from][*file]);
                cycles.entry(first.unwrap_or(*from)).or_default().entry((*from, *to)).or_insert(edge);
            }
        }
        cycles.into_values().map(|edges| edges.into_values().collect()).collect()
    }
}

/// Which files are reached from `from`, by at least one edge.
fn reach(next: &[Vec<usize>], from: usize) -> Vec<bool> {
    let mut reached = vec![false; next.len()];
    let mut waiting = vec![from];
    while let Some(file) = waiting.pop() {
        for to in &next[file] {
            if !std::mem::replace(&mut reached[*to], true) {
                waiting.push(*to);
            }
        }
    }
    reached
}
