//! A contract that was read.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use serde_json::Value;

use super::{
    operations::{Operation, PathItem},
    schema::{SchemaId, Schemas, Source},
    tree::{Tree, escaped, percent_decoded},
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

    /// The codes that the contract names of refusals with a status: values of their field `code`. `None`: it names no such
    /// status, or leaves open which codes there are.
    #[must_use]
    pub fn problem_codes(&self, operation: &Operation, status: u16) -> Option<BTreeSet<String>> {
        let (path, method) = (escaped(&operation.path), operation.method.to_ascii_lowercase());
        let tree = self.tree.at(&format!("/paths/{path}/{method}/responses/{status}"))?;
        let referred = tree.get("$ref").and_then(Tree::as_text);
        let tree = match referred {
            Some(reference) => self.tree.at(&percent_decoded(reference.trim_start_matches('#')))?,
            None => tree,
        };
        let mut codes = BTreeSet::new();
        collect_codes(&tree.to_json(), &mut codes);
        (!codes.is_empty()).then_some(codes)
    }

    /// Where a schema stands.
    pub(super) fn place(&self, id: SchemaId) -> (u32, &str) {
        let schema = self.schemas.get(id);
        (schema.line, if let Source::At(pointer) = &schema.source { pointer } else { "" })
    }
}

/// The values that schemas in `value` allow a field `code`.
fn collect_codes(value: &Value, codes: &mut BTreeSet<String>) {
    let code = &value["properties"]["code"];
    let listed = code["enum"].as_array().into_iter().flatten().chain([&code["const"]]);
    codes.extend(listed.filter_map(Value::as_str).map(str::to_owned));
    match value {
        Value::Object(fields) => fields.values().for_each(|value| collect_codes(value, codes)),
        Value::Array(items) => items.iter().for_each(|value| collect_codes(value, codes)),
        _ => {}
    }
}
