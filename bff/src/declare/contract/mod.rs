//! Contracts: the OpenAPI documents of the services behind the gateway. Declarations are checked against them, answers are
//! scanned by plans that are compiled from them, bodies are validated by them, and the contract with callers is written
//! out of them. All of it happens at the start; only [`BodyValidator`] and the compiled plans see requests.
//!
//! OpenAPI 3.0 and 3.1, in JSON or YAML. A 3.0 document is rewritten in the dialect of 3.1 first.

mod body;
mod body_errors;
mod build;
mod bundle;
mod calls;
mod json;
mod keywords;
mod merge;
mod operations;
mod output;
mod path;
mod plan;
mod read;
mod schema;
mod strict;
mod tree;
mod upgrade;
mod uses;
mod yaml;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt, path::PathBuf};

pub use body::{BodyMistake, BodyValidator};
pub use calls::{CallMatch, CallMistake, CallSegment, call_segments};
pub use operations::{Media, Operation, Parameter, ParameterPlace, RequestBody, Success};
pub use output::Components;
pub use path::{PathMistake, Segment, ShapePath};
pub use schema::{Check, Others, Schema, SchemaId, Schemas};
pub use uses::{ShapeUse, UseMistake};

/// The contract of one service.
#[derive(Debug)]
pub struct Contract {
    /// As it was named in the declaration.
    file: PathBuf,
    /// In the dialect of 3.1.
    tree: tree::Tree,
    schemas: Schemas,
    paths: Vec<operations::PathItem>,
    /// `components.schemas` by name.
    named: BTreeMap<String, SchemaId>,
}

impl Contract {
    /// All schemas of the contract.
    #[must_use]
    pub const fn schemas(&self) -> &Schemas {
        &self.schemas
    }

    /// A schema out of `components.schemas`.
    #[must_use]
    pub fn schema_named(&self, name: &str) -> Option<SchemaId> {
        self.named.get(name).copied()
    }

    /// The names in `components.schemas`, sorted.
    pub fn schema_names(&self) -> impl Iterator<Item = &str> {
        self.named.keys().map(String::as_str)
    }

    /// All operations, in the order of the document.
    pub fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.paths.iter().flat_map(|path| &path.operations)
    }
}

/// What is wrong with a contract: where, and what. Written `FILE:LINE: POINTER: what`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ContractMistake {
    pub file: PathBuf,
    /// Counted from 1.
    pub line: Option<u32>,
    /// A JSON pointer (RFC 6901), empty where the document as a whole is wrong.
    pub pointer: String,
    pub what: String,
}

impl fmt::Display for ContractMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        let pointer = if self.pointer.is_empty() { "/" } else { &self.pointer };
        write!(f, ": {pointer}: {}", self.what)
    }
}

/// A mistake before it is known of which file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mistake {
    /// 0 where there is none.
    line: u32,
    pointer: String,
    what: String,
}

impl Mistake {
    fn at(line: u32, pointer: &str, what: impl Into<String>) -> Self {
        Self { line, pointer: pointer.to_owned(), what: what.into() }
    }

    fn of(self, file: &std::path::Path) -> ContractMistake {
        let line = (self.line > 0).then_some(self.line);
        ContractMistake { file: file.to_owned(), line, pointer: self.pointer, what: self.what }
    }
}
