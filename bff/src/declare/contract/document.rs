//! A contract that was read.

use std::{collections::BTreeMap, path::PathBuf};

use super::{
    operations::{Operation, PathItem},
    schema::{SchemaId, Schemas, Source},
    tree::Tree,
};

/// The contract of one service.
#[derive(Debug)]
pub struct Contract {
    /// As it was named in the declaration.
    pub(super) file: PathBuf,
    /// In the dialect of 3.1.
    pub(super) tree: Tree,
    pub(super) schemas: Schemas,
    pub(super) paths: Vec<PathItem>,
    /// `components.schemas` by name.
    pub(super) named: BTreeMap<String, SchemaId>,
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

    /// Where a schema stands.
    pub(super) fn place(&self, id: SchemaId) -> (u32, &str) {
        let schema = self.schemas.get(id);
        (schema.line, if let Source::At(pointer) = &schema.source { pointer } else { "" })
    }
}
