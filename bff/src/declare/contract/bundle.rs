//! A schema with all that it refers to, as JSON by itself.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::{
    document::Contract,
    schema::{SchemaId, Source},
    tree::{Fields, Json, Tree, percent_decoded},
};

/// What is data and no schema.
const DATA: [&str; 5] = ["const", "default", "enum", "example", "examples"];

/// Writes schemas as they stand in the contract, each `$ref` as `refer` says for the pointer that it names.
pub(super) struct Rewriter<'c, F> {
    pub(super) contract: &'c Contract,
    pub(super) refer: F,
    /// As bodies have to be: without what only answers have.
    pub(super) for_body: bool,
}

impl<F: FnMut(String) -> String> Rewriter<'_, F> {
    pub(super) fn value(&mut self, tree: &Tree) -> Value {
        match &tree.value {
            Json::List(items) => Value::Array(items.iter().map(|item| self.value(item)).collect()),
            Json::Object(fields) => Value::Object(self.object(fields)),
            _ => tree.to_json(),
        }
    }

    fn object(&mut self, fields: &Fields) -> Map<String, Value> {
        let mut out = Map::new();
        for (name, value) in fields {
            let written = match (name.as_str(), &value.value) {
                ("$ref", Json::Text(reference)) => {
                    let pointer = percent_decoded(reference.trim_start_matches('#'));
                    Value::String((self.refer)(pointer))
                }
                ("properties", Json::Object(named)) => {
                    let one = |(name, tree): (&String, &Tree)| (name.clone(), self.value(tree));
                    Value::Object(named.iter().map(one).collect())
                }
                ("required", Json::List(_)) if self.for_body => self.required(fields, value),
                ("nullable" | "xml" | "externalDocs" | "discriminator", _) => continue,
                (name, _) if name.starts_with("x-") => continue,
                (name, _) if DATA.contains(&name) => value.to_json(),
                _ => self.value(value),
            };
            out.insert(name.clone(), written);
        }
        out
    }

    /// What a body has to have: not what the service gives.
    fn required(&self, fields: &Fields, names: &Tree) -> Value {
        let properties = fields.get("properties");
        let read_only = |name: &Tree| {
            let property = properties.and_then(|properties| properties.get(name.as_text()?));
            property.is_some_and(|property| self.is_read_only(property))
        };
        let names = names.as_list().unwrap_or_default().iter();
        Value::Array(names.filter(|name| !read_only(name)).map(Tree::to_json).collect())
    }

    fn is_read_only(&self, property: &Tree) -> bool {
        let says = |tree: &Tree| tree.get("readOnly").and_then(Tree::as_bool).unwrap_or_default();
        let reference = property.get("$ref").and_then(Tree::as_text);
        let target = reference
            .and_then(|reference| self.contract.tree.at(&percent_decoded(reference.trim_start_matches('#'))));
        says(property) || target.is_some_and(says)
    }
}

/// Pointers that were met, in order, and their numbers.
#[derive(Default)]
struct Met(HashMap<String, usize>, Vec<String>);

impl Met {
    fn number(&mut self, pointer: String) -> usize {
        if let Some(known) = self.0.get(&pointer) {
            return *known;
        }
        let number = self.1.len();
        self.0.insert(pointer.clone(), number);
        self.1.push(pointer);
        number
    }
}

impl Contract {
    /// A schema with all that it refers to in `$defs` (JSON Schema 2020-12).
    pub(super) fn bundle(&self, id: SchemaId, for_body: bool) -> Value {
        let mut met = Met::default();
        let root = self.entry(id, &mut met);
        self.bundled(root, met, for_body)
    }

    /// The same for what stands at a pointer.
    pub(super) fn bundle_at(&self, pointer: &str) -> Value {
        let mut met = Met::default();
        let root = json!({ "$ref": format!("#/$defs/{}", met.number(pointer.to_owned())) });
        self.bundled(root, met, false)
    }

    fn bundled(&self, mut root: Value, mut met: Met, for_body: bool) -> Value {
        let (mut defs, mut next) = (Map::new(), 0);
        while let Some(pointer) = met.1.get(next).cloned() {
            let schema = self.tree.at(&pointer).map_or(Value::Bool(true), |tree| {
                let refer = |pointer| format!("#/$defs/{}", met.number(pointer));
                Rewriter { contract: self, refer, for_body }.value(tree)
            });
            defs.insert(next.to_string(), schema);
            next += 1;
        }
        if let Value::Object(root) = &mut root {
            root.insert("$schema".into(), "https://json-schema.org/draft/2020-12/schema".into());
            root.insert("$defs".into(), Value::Object(defs));
        }
        root
    }

    fn entry(&self, id: SchemaId, met: &mut Met) -> Value {
        match &self.schemas.get(id).source {
            Source::At(pointer) => json!({ "$ref": format!("#/$defs/{}", met.number(pointer.clone())) }),
            Source::All(ids) => json!({ "allOf": self.entries(ids, met) }),
            Source::Any(ids) => json!({ "anyOf": self.entries(ids, met) }),
        }
    }

    fn entries<'i>(&self, ids: impl IntoIterator<Item = &'i SchemaId>, met: &mut Met) -> Value {
        let mut all: Vec<Value> = ids.into_iter().map(|id| self.entry(*id, met)).collect();
        if all.is_empty() {
            all.push(Value::Bool(true));
        }
        Value::Array(all)
    }
}
