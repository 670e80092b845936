//! Schemas of the contract with callers (OpenAPI 3.1), made of the contracts of services and of what declarations do with
//! their answers.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use super::{
    bundle::Rewriter,
    document::Contract,
    path::{Segment, ShapePath},
    planner,
    schema::{Others, Schema, SchemaId, Source},
    use_tree::UseTree,
    uses::ShapeUse,
};
use crate::compose::scan::{Place, Types};

const PREFIX: &str = "/components/schemas/";

/// `components.schemas` of the contract with callers. Schemas of several services share it: one that has the name of another
/// one, and not its content, gets the service's name in front.
#[derive(Debug, Default)]
pub struct Components {
    schemas: BTreeMap<String, Value>,
    /// Service and pointer of what has a name.
    names: HashMap<(String, String), String>,
    /// What a name stands for, with all that it refers to.
    contents: HashMap<String, Value>,
    /// Schemas of the gateway's own, by their names, without words and examples.
    own: HashMap<String, Value>,
}

impl Components {
    /// Defines a schema, or replaces it, and refers to it.
    pub fn define(&mut self, name: &str, schema: Value) -> Value {
        self.schemas.insert(name.to_owned(), schema);
        reference(name)
    }

    /// Keeps a name for a schema that is defined later: none of a service gets it.
    pub fn reserve(&mut self, name: &str) {
        self.contents.insert(name.to_owned(), Value::Null);
    }

    /// Keeps a name for a schema of the gateway's own. A service's schema of that name and shape is taken for the same one.
    pub fn reserve_own(&mut self, name: &str, schema: &Value) {
        self.reserve(name);
        self.own.insert(name.to_owned(), without_words(schema));
    }

    /// All that was defined.
    #[must_use]
    pub fn into_schemas(self) -> BTreeMap<String, Value> {
        self.schemas
    }

    /// Gives a schema of a service the name that it has for callers, before it is first referred to.
    pub fn name(&mut self, service: &str, contract: &Contract, id: SchemaId, name: &str) {
        if let Source::At(pointer) = &contract.schemas().get(id).source {
            self.contents.insert(name.to_owned(), contract.bundle_at(pointer));
            self.names.insert((service.to_owned(), pointer.clone()), name.to_owned());
        }
    }

    /// A schema as it stands in the contract of a `service`: a reference where it has a name there. What it refers to is
    /// defined as well.
    pub fn refer(&mut self, service: &str, contract: &Contract, id: SchemaId) -> Value {
        let many = |components: &mut Self, ids: &std::collections::BTreeSet<SchemaId>| {
            Value::Array(ids.iter().map(|id| components.refer(service, contract, *id)).collect())
        };
        match &contract.schemas().get(id).source {
            Source::All(ids) if ids.is_empty() => json!({}),
            Source::All(ids) => json!({ "allOf": many(self, ids) }),
            Source::Any(ids) => json!({ "anyOf": many(self, ids) }),
            Source::At(pointer) => {
                let key = (service.to_owned(), pointer.clone());
                let has_name = pointer.strip_prefix(PREFIX).is_some_and(|name| !name.contains('/'));
                if has_name || self.names.contains_key(&key) {
                    let name = self.named(service, contract, pointer);
                    return reference(&name);
                }
                self.written(service, contract, pointer)
            }
        }
    }

    /// The name of what stands at a pointer, which is defined under it.
    fn named(&mut self, service: &str, contract: &Contract, pointer: &str) -> String {
        let key = (service.to_owned(), pointer.to_owned());
        let name = match self.names.get(&key) {
            Some(name) => name.clone(),
            None => {
                let name = self.new_name(service, contract, pointer);
                self.names.insert(key, name.clone());
                name
            }
        };
        let is_own = self.own.contains_key(&name) && self.contents.get(&name) == Some(&Value::Null);
        if !self.schemas.contains_key(&name) && !is_own {
            // It may refer to itself.
            self.schemas.insert(name.clone(), Value::Bool(true));
            let schema = self.written(service, contract, pointer);
            self.schemas.insert(name.clone(), schema);
        }
        name
    }

    fn new_name(&mut self, service: &str, contract: &Contract, pointer: &str) -> String {
        let (content, last) = (contract.bundle_at(pointer), pointer.rsplit('/').next().unwrap_or_default());
        let allowed = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
        let base: String = last.chars().map(allowed).collect();
        if let (Some(own), Some(tree)) = (self.own.get(&base), contract.tree.at(pointer)) {
            let mut plain = Rewriter { contract, refer: |pointer| format!("#{pointer}"), for_body: false };
            if without_words(&plain.value(tree)) == *own {
                return base;
            }
        }
        let mut service = service.to_owned();
        if let Some(first) = service.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        let own = format!("{service}{base}");
        let numbered = (2..).map(|number: u32| format!("{own}{number}"));
        let names = [base, own.clone()].into_iter().chain(numbered);
        for name in names {
            let is_free = !self.contents.contains_key(&name) && !self.schemas.contains_key(&name);
            if is_free || self.contents.get(&name) == Some(&content) {
                self.contents.insert(name.clone(), content);
                return name;
            }
        }
        own
    }

    /// What stands at a pointer. References from it are followed one after the other.
    fn written(&mut self, service: &str, contract: &Contract, pointer: &str) -> Value {
        let Some(tree) = contract.tree.at(pointer) else { return json!({}) };
        let mut referred = Vec::new();
        let refer = |pointer: String| {
            let key = (service.to_owned(), pointer.clone());
            let name = match self.names.get(&key) {
                Some(name) => name.clone(),
                None => {
                    let name = self.new_name(service, contract, &pointer);
                    self.names.insert(key, name.clone());
                    name
                }
            };
            referred.push(pointer);
            format!("#/components/schemas/{name}")
        };
        let value = Rewriter { contract, refer, for_body: false }.value(tree);
        for pointer in referred {
            self.named(service, contract, &pointer);
        }
        value
    }

    /// What leaves the gateway of an answer that is as `id` says (untyped without one): a reference where all of it leaves
    /// as it is, else an object of its own. `joined` is the schema of what is put at a place.
    pub fn shaped(
        &mut self,
        service: &str,
        contract: &Contract,
        id: Option<SchemaId>,
        uses: &ShapeUse,
        joined: &mut dyn FnMut(Place) -> Value,
    ) -> Value {
        self.shaped_at(service, contract, id, uses, &ShapePath::default(), joined)
    }

    /// The same for what stands at a path in the answer.
    pub fn shaped_at(
        &mut self,
        service: &str,
        contract: &Contract,
        id: Option<SchemaId>,
        uses: &ShapeUse,
        path: &ShapePath,
        joined: &mut dyn FnMut(Place) -> Value,
    ) -> Value {
        let (uses, _) = planner::tree(uses, contract.schemas(), id);
        let there = contract.schemas().at(id, &path.0).ok().flatten();
        let mut at = Some(0);
        let mut free = false;
        for segment in &path.0 {
            free |= at.is_some_and(|at| uses.0[at].picked);
            at = at.and_then(|at| match segment {
                Segment::Field(name) => uses.0[at].fields.get(name).copied(),
                Segment::Items => uses.0[at].items,
            });
        }
        let mut writer = Writer { components: self, service, contract, uses: &uses, joined };
        writer.value(there, at, free)
    }
}

/// A schema as it checks values: without descriptions and examples, and in one order.
fn without_words(schema: &Value) -> Value {
    const WORDS: [&str; 4] = ["description", "title", "example", "examples"];
    match schema {
        Value::Object(fields) => {
            let one = |(name, value): (&String, &Value)| {
                let value = match (name.as_str(), value) {
                    ("properties", Value::Object(named)) => {
                        named.iter().map(|(name, value)| (name.clone(), without_words(value))).collect()
                    }
                    ("required", Value::Array(names)) => {
                        let mut names = names.clone();
                        names.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
                        Value::Array(names)
                    }
                    _ => without_words(value),
                };
                (name.clone(), value)
            };
            fields.iter().filter(|(name, _)| !WORDS.contains(&name.as_str())).map(one).collect()
        }
        Value::Array(items) => Value::Array(items.iter().map(without_words).collect()),
        _ => schema.clone(),
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

struct Writer<'w> {
    components: &'w mut Components,
    service: &'w str,
    contract: &'w Contract,
    uses: &'w UseTree,
    joined: &'w mut dyn FnMut(Place) -> Value,
}

impl Writer<'_> {
    fn value(&mut self, id: Option<SchemaId>, at: Option<usize>, free: bool) -> Value {
        let Some(at) = at.filter(|at| self.uses.shapes(*at)) else {
            return id.map_or_else(|| json!({}), |id| self.components.refer(self.service, self.contract, id));
        };
        let schema = id.map(|id| self.contract.schemas().get(id));
        let types = schema.map_or(Types::ANY, |schema| schema.types);
        let free = free || self.uses.0[at].picked;
        let mut out = Map::new();
        if types != Types::ANY {
            out.insert("type".to_owned(), names(types));
        }
        for (name, text) in [
            ("title", schema.and_then(|schema| schema.title.as_ref())),
            ("description", schema.and_then(|schema| schema.description.as_ref())),
        ] {
            if let Some(text) = text {
                out.insert(name.to_owned(), text.clone().into());
            }
        }
        if types.allow(Types::ARRAY) {
            let items = schema.and_then(|schema| schema.items);
            let written = self.value(items, self.uses.0[at].items, free);
            if written != json!({}) {
                out.insert("items".to_owned(), written);
            }
        }
        if types.allow(Types::OBJECT) {
            self.object(schema, at, free, &mut out);
        }
        Value::Object(out)
    }

    fn object(&mut self, schema: Option<&Schema>, at: usize, free: bool, out: &mut Map<String, Value>) {
        let node = &self.uses.0[at];
        let filtered = node.filtered && !free;
        let (mut properties, mut required) = (Map::new(), Vec::new());
        let known = schema.into_iter().flat_map(|schema| &schema.properties);
        let mut fields: Vec<(&str, Option<SchemaId>)> =
            known.map(|(name, id)| (name.as_str(), Some(*id))).collect();
        // Without a contract, what is picked or renamed is all that is known.
        let named = node.fields.keys().map(String::as_str);
        let open = schema.is_none_or(Schema::is_open);
        let is_new = |name: &&str| schema.is_none_or(|schema| !schema.properties.contains_key(*name));
        fields.extend(named.filter(is_new).filter(|_| open).map(|name| (name, None)));
        for (name, id) in fields {
            let child = node.fields.get(name).copied();
            let uses = child.map(|child| &self.uses.0[child]);
            let hidden =
                uses.is_some_and(|uses| uses.dropped) || (filtered && !uses.is_some_and(|uses| uses.wanted));
            let value = id.map(|id| self.contract.schemas().get(id));
            if hidden || value.is_some_and(|value| value.write_only) {
                continue;
            }
            let ours = uses.and_then(|uses| uses.renamed.as_deref()).unwrap_or(name);
            let filled_in = value.is_some_and(|value| value.default.is_some() || value.is_nullable());
            if filled_in || schema.is_some_and(|schema| schema.required.contains(name)) {
                required.push(Value::from(ours));
            }
            properties.insert(ours.to_owned(), self.value(id, child, free));
        }
        for (place, name, _) in &node.joins {
            properties.insert(name.clone(), (self.joined)(*place));
            required.push(Value::from(name.as_str()));
        }
        out.insert("properties".to_owned(), Value::Object(properties));
        if !required.is_empty() {
            out.insert("required".to_owned(), Value::Array(required));
        }
        if open && !filtered {
            let others =
                schema.and_then(|schema| if let Others::Of(id) = schema.others { Some(id) } else { None });
            let others = others.map(|id| self.components.refer(self.service, self.contract, id));
            out.insert("additionalProperties".to_owned(), others.unwrap_or(Value::Bool(true)));
        }
    }
}

/// The name of a type, or those of several.
fn names(types: Types) -> Value {
    let known = [
        (Types::STRING, "string"),
        (Types::NUMBER, "number"),
        (Types::BOOLEAN, "boolean"),
        (Types::ARRAY, "array"),
        (Types::OBJECT, "object"),
        (Types::NULL, "null"),
    ];
    let mut names: Vec<Value> =
        known.iter().filter(|(one, _)| types.allow(*one)).map(|(_, name)| (*name).into()).collect();
    if types.allow(Types::INTEGER) && !types.allow(Types::NUMBER) {
        names.insert(0, "integer".into());
    }
    if names.len() == 1 { names.remove(0) } else { Value::Array(names) }
}
