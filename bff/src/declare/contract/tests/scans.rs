//! Plans of random schemas and uses against a slow reference over values, and the types and required fields of answers
//! against a validator of JSON Schema.

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Map, Value, json};

use super::{super::*, of_schema};
use crate::compose::scan::Place;

const NAMES: [&str; 4] = ["a", "b", "c", "id"];
const REFERENCES: [&str; 2] = ["#/components/schemas/Root", "#/components/schemas/Root/$defs/other"];

fn schema() -> impl Strategy<Value = Value> {
    let plain = prop_oneof![
        3 => Just(json!({ "type": "string" })),
        2 => Just(json!({ "type": "integer" })),
        1 => Just(json!({ "type": ["string", "null"] })),
        1 => Just(json!({ "type": "number", "default": 7 })),
        1 => Just(json!({ "type": ["integer", "null"], "default": 7 })),
        1 => Just(json!({})),
        1 => Just(json!({ "type": "object" })),
        1 => select(&REFERENCES[..]).prop_map(|reference| json!({ "$ref": reference })),
    ];
    plain.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            5 => object(inner.clone()),
            2 => inner.clone().prop_map(|items| json!({ "type": "array", "items": items })),
            1 => inner.clone().prop_map(|items| json!({ "type": ["array", "null"], "items": items })),
            1 => inner.clone().prop_map(|one| json!({ "anyOf": [one, { "type": "null" }] })),
            1 => (object(inner.clone()), object(inner)).prop_map(|(one, other)| json!({ "allOf": [one, other] })),
        ]
    })
}

fn object(inner: impl Strategy<Value = Value> + Clone) -> impl Strategy<Value = Value> {
    let others = prop_oneof![
        4 => Just(None),
        1 => any::<bool>().prop_map(|others| Some(json!(others))),
        1 => inner.clone().prop_map(Some),
    ];
    let field = (select(&NAMES[..]), inner, any::<bool>());
    (vec(field, 1..4), others).prop_map(|(fields, others)| {
        let mut properties = Map::new();
        let mut required: Vec<&str> = Vec::new();
        for (name, schema, is_required) in fields {
            properties.insert(name.to_owned(), schema);
            if is_required && !required.contains(&name) {
                required.push(name);
            }
        }
        let mut object = json!({ "type": "object", "properties": properties, "required": required });
        if let Some(others) = others {
            object["additionalProperties"] = others;
        }
        object
    })
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        Just(json!(3)),
        Just(json!(0.5)),
        Just(json!(true)),
        Just(json!("t")),
        Just(json!("x/\"")),
    ];
    leaf.prop_recursive(3, 16, 3, |inner| {
        let field = (select(&NAMES[..]).prop_map(str::to_owned), inner.clone());
        prop_oneof![
            vec(inner, 0..3).prop_map(Value::Array),
            vec(field, 0..4).prop_map(|fields| Value::Object(fields.into_iter().collect()))
        ]
    })
}

/// What a place in the answer has to obey: several schemas at once.
type Parts<'s> = Vec<&'s Value>;

struct Reference<'s> {
    root: &'s Value,
    uses: &'s [(String, Vec<Segment>)],
    found: Vec<(String, String)>,
}

impl<'s> Reference<'s> {
    /// Schemas without references and members. A union here is one with null.
    fn parts(&self, schema: &'s Value) -> Parts<'s> {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let pointer = reference.strip_prefix("#/components/schemas/Root").unwrap_or_default();
            return self.parts(self.root.pointer(pointer).expect("it is there"));
        }
        let members = schema.get("allOf").and_then(Value::as_array).into_iter().flatten();
        let meant = schema.get("anyOf").and_then(|union| union.get(0));
        let mut parts = vec![schema];
        parts.extend(members.chain(meant).flat_map(|member| self.parts(member)));
        parts
    }

    fn child(&self, parts: &Parts<'s>, name: &str) -> Option<Parts<'s>> {
        if !Self::names(parts).contains(&name) {
            return None;
        }
        // A member that does not name it may say something of all fields without a name.
        let of = |part: &&'s Value| {
            let own = part.get("properties").and_then(|properties| properties.get(name));
            own.or_else(|| part.get("additionalProperties").filter(|others| others.is_object()))
        };
        Some(parts.iter().filter_map(of).flat_map(|schema| self.parts(schema)).collect())
    }

    fn names(parts: &Parts<'s>) -> Vec<&'s str> {
        let properties = parts.iter().filter_map(|part| part.get("properties")?.as_object());
        properties.flat_map(|properties| properties.keys().map(String::as_str)).collect()
    }

    fn others(&self, parts: &Parts<'s>) -> (bool, Parts<'s>) {
        let said: Vec<_> = parts.iter().filter_map(|part| part.get("additionalProperties")).collect();
        let of: Parts<'s> = said.iter().copied().filter(|one| one.is_object()).collect();
        let open = said.iter().any(|one| **one != json!(false));
        let free = said.is_empty() && Self::names(parts).is_empty();
        // `{}` says as much as `true`.
        (open || free, of.into_iter().flat_map(|one| self.parts(one)).collect())
    }

    /// Whether null is said to be allowed.
    fn nullable(&self, schema: &'s Value) -> bool {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let pointer = reference.strip_prefix("#/components/schemas/Root").unwrap_or_default();
            return self.nullable(self.root.pointer(pointer).expect("it is there"));
        }
        if let Some(union) = schema.get("anyOf") {
            // Of a member that says nothing, null is no news.
            return self.parts(&union[0]).iter().any(|part| part.get("type").is_some());
        }
        schema
            .get("type")
            .is_some_and(|types| types.as_array().is_some_and(|types| types.contains(&json!("null"))))
    }

    fn used(&self, what: &str, path: &[Segment]) -> bool {
        self.uses.iter().any(|(kind, used)| kind == what && used == path)
    }

    fn wanted(&self, object: &[Segment], name: &str) -> bool {
        let picks = || self.uses.iter().filter(|(kind, _)| kind == "pick").map(|(_, path)| path);
        let whole = picks().any(|pick| object.starts_with(pick));
        let filters = |pick: &&Vec<Segment>| {
            pick.starts_with(object) && matches!(pick.get(object.len()), Some(Segment::Field(_)))
        };
        let next = Segment::Field(name.to_owned());
        whole
            || picks().filter(filters).count() == 0
            || picks().any(|pick| filters(&pick) && pick[object.len()] == next)
    }

    fn leaves(&mut self, parts: &Parts<'s>, value: &Value, path: &mut Vec<Segment>, finds: bool) -> Value {
        if self.used("capture", path) && finds && (value.is_string() || value.is_number()) {
            self.found.push((super::super::path::shown(path), text_of(value)));
        }
        match value {
            Value::Array(items) => {
                let of = parts.iter().filter_map(|part| part.get("items"));
                let of: Parts<'s> = of.flat_map(|items| self.parts(items)).collect();
                let most = if self.used("at_most", path) { 1 } else { usize::MAX };
                path.push(Segment::Items);
                let mut out = Vec::new();
                for (place, item) in items.iter().enumerate() {
                    let here = place < most;
                    let item = self.leaves(&of, item, path, finds && here);
                    out.extend(here.then_some(item));
                }
                path.pop();
                Value::Array(out)
            }
            Value::Object(fields) => self.object(parts, fields, path, finds),
            plain => plain.clone(),
        }
    }

    fn object(
        &mut self,
        parts: &Parts<'s>,
        fields: &Map<String, Value>,
        path: &mut Vec<Segment>,
        finds: bool,
    ) -> Value {
        let (open, others) = self.others(parts);
        let mut out = Map::new();
        for (name, value) in fields {
            let known = self.child(parts, name);
            let kept = (known.is_some() || open) && self.wanted(path, name);
            path.push(Segment::Field(name.clone()));
            let dropped = self.used("drop", path);
            let ours = if self.used("rename", path) { format!("our {name}") } else { name.clone() };
            let value = self.leaves(known.as_ref().unwrap_or(&others), value, path, finds);
            path.pop();
            if kept && !dropped {
                out.insert(ours, value);
            }
        }
        for name in Self::names(parts) {
            path.push(Segment::Field(name.to_owned()));
            let (dropped, renamed) = (self.used("drop", path), self.used("rename", path));
            path.pop();
            if fields.contains_key(name) || Self::requires(parts, name) || dropped || !self.wanted(path, name)
            {
                continue;
            }
            let child = self.child(parts, name).unwrap_or_default();
            let default = child.iter().find_map(|part| part.get("default")).cloned();
            let described: Vec<_> = parts
                .iter()
                .filter_map(|part| {
                    let own = part.get("properties").and_then(|properties| properties.get(name));
                    own.or_else(|| part.get("additionalProperties").filter(|others| others.is_object()))
                })
                .collect();
            let untyped = |schema| self.parts(schema).iter().all(|part| part.get("type").is_none());
            let nullable = described.iter().all(|schema| self.nullable(schema) || untyped(schema))
                && described.iter().any(|schema| self.nullable(schema));
            if let Some(value) = default.or(nullable.then_some(Value::Null)) {
                out.insert(if renamed { format!("our {name}") } else { name.to_owned() }, value);
            }
        }
        for (_, ids) in
            self.uses.iter().filter(|(kind, ids)| kind == "join" && ids[..ids.len() - 1] == path[..])
        {
            let Some(Segment::Field(name)) = ids.last() else { continue };
            let id = fields.get(name).filter(|id| id.is_string() || id.is_number());
            out.insert("joined".to_owned(), id.map_or(Value::Null, |id| json!({ "of": text_of(id) })));
        }
        Value::Object(out)
    }

    fn requires(parts: &Parts<'s>, name: &str) -> bool {
        let lists = parts.iter().filter_map(|part| part.get("required")?.as_array());
        lists.flatten().any(|required| required == name)
    }

    /// An answer that mostly is as the schema says.
    fn answer(&self, parts: &Parts<'s>, choose: &mut dyn FnMut() -> u8, depth: usize) -> Value {
        let types: Vec<&Value> = parts.iter().filter_map(|part| part.get("type")).collect();
        let allows = |name: &str| {
            types.iter().all(|types| {
                *types == name || types.as_array().is_some_and(|types| types.contains(&json!(name)))
            })
        };
        if depth > 6 || choose() % 16 == 0 {
            return Value::Null;
        }
        if allows("object") {
            let mut fields = Map::new();
            for name in Self::names(parts) {
                if choose() % 3 > 0 || (Self::requires(parts, name) && choose() % 16 > 0) {
                    let child = self.child(parts, name).unwrap_or_default();
                    fields.insert(name.to_owned(), self.answer(&child, choose, depth + 1));
                }
            }
            if choose() % 4 == 0 {
                fields.insert("other".to_owned(), self.answer(&self.others(parts).1, choose, depth + 1));
            }
            return Value::Object(fields);
        }
        if allows("array") {
            let items = parts.iter().filter_map(|part| part.get("items"));
            let items: Parts<'s> = items.flat_map(|items| self.parts(items)).collect();
            return (0..choose() % 3).map(|_| self.answer(&items, choose, depth + 1)).collect();
        }
        if allows("integer") { json!(choose()) } else { json!(format!("s{}", choose())) }
    }

    /// Paths that the schema has, down to a depth.
    fn paths(&self, parts: &Parts<'s>, path: &mut Vec<Segment>, out: &mut Vec<Vec<Segment>>) {
        if path.len() > 4 {
            return;
        }
        let items: Vec<_> = parts.iter().filter_map(|part| part.get("items")).collect();
        if !items.is_empty() {
            path.push(Segment::Items);
            out.push(path.clone());
            self.paths(&items.into_iter().flat_map(|items| self.parts(items)).collect(), path, out);
            path.pop();
        }
        for name in Self::names(parts) {
            path.push(Segment::Field(name.to_owned()));
            out.push(path.clone());
            self.paths(&self.child(parts, name).unwrap_or_default(), path, out);
            path.pop();
        }
    }
}

fn text_of(id: &Value) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}

/// The schema as JSON Schema knows it, where a field without a name is no mistake: it does not leave, that is all.
fn lenient(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => {
            let kept = fields
                .iter()
                .filter(|(name, value)| *name != "additionalProperties" || **value != json!(false));
            kept.map(|(name, value)| (name.clone(), lenient(value))).collect::<Map<_, _>>().into()
        }
        Value::Array(items) => items.iter().map(lenient).collect(),
        plain => plain.clone(),
    }
}

/// Chooses what is done with an answer, as a reference and as a plan know it.
fn uses(
    contract: &Contract,
    root: SchemaId,
    paths: &[Vec<Segment>],
    choices: &[(u8, prop::sample::Index)],
) -> (ShapeUse, Vec<(String, Vec<Segment>)>) {
    let (mut uses, mut known) = (ShapeUse::default(), Vec::new());
    for (kind, at) in choices.iter().filter(|_| !paths.is_empty()) {
        let mut path = at.get(paths).clone();
        let is_field = matches!(path.last(), Some(Segment::Field(_)));
        // Members that contradict each other leave nothing.
        let Ok(there) = contract.schemas().at(Some(root), &path) else { continue };
        let is_id = there.is_none_or(|id| contract.schemas().get(id).can_be_id());
        let shape = ShapePath(path.clone());
        let kind = match kind % 6 {
            0 => {
                uses.pick(shape);
                "pick"
            }
            1 if is_field => {
                uses.drop_field(shape);
                "drop"
            }
            2 if is_field => {
                let Some(Segment::Field(name)) = path.last() else { continue };
                uses.rename(shape, format!("our {name}"));
                "rename"
            }
            3 if is_id => {
                let _ = uses.capture(shape);
                "capture"
            }
            4 if !is_field => {
                path.pop();
                uses.at_most(ShapePath(path.clone()), 1);
                "at_most"
            }
            5 if is_field && is_id => {
                let _ = uses.join(shape, Place(0), "joined").expect("an object");
                known.push(("capture".to_owned(), path.clone()));
                "join"
            }
            _ => continue,
        };
        known.push((kind.to_owned(), path));
    }
    (uses, known)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn a_compiled_plan_does_what_the_reference_says(
        mut root in object(schema().boxed()),
        other in object(schema().boxed()),
        choices in vec((any::<u8>(), any::<prop::sample::Index>()), 0..5),
        seed in vec(any::<u8>(), 8..64),
        strange in value(),
        which in 0..4_u8,
    ) {
        root["$defs"] = json!({ "other": other });
        let (contract, id) = of_schema(&root.to_string());
        let (root_parts, mut paths) = (Reference { root: &root, uses: &[], found: Vec::new() }, Vec::new());
        let parts = root_parts.parts(&root);
        root_parts.paths(&parts, &mut Vec::new(), &mut paths);
        let (uses, known) = uses(&contract, id, &paths, &choices);
        let compiled = uses.compile(contract.schemas(), Some(id), true);
        let twice = known.iter().filter(|(kind, _)| kind == "join").count() > 1;
        prop_assert!(compiled.is_ok() || twice, "{compiled:?}");
        let Ok(plan) = compiled else { return Ok(()) };
        let mut next = seed.iter().copied().cycle();
        let answer = if which == 0 { strange } else { root_parts.answer(&parts, &mut || next.next().unwrap_or(1), 0) };

        let valid = jsonschema::validator_for(&json!({
            "$ref": "#/components/schemas/Root", "components": { "schemas": { "Root": lenient(&root) } }
        })).expect("a schema").is_valid(&answer);
        let text = answer.to_string();
        let scanned = plan.scan(text.as_bytes());
        prop_assert_eq!(scanned.is_ok(), valid, "{} {}", root, answer);
        let Ok((text, scanned)) = scanned else { return Ok(()) };

        let mut reference = Reference { root: &root, uses: &known, found: Vec::new() };
        let expected = reference.leaves(&parts, &answer, &mut Vec::new(), true);
        let mut out = Vec::new();
        let joined: BTreeMap<String, Vec<u8>> = scanned.found.iter().map(|found| {
            let id = found.text(text).into_owned();
            let value = json!({ "of": id }).to_string().into_bytes();
            (id, value)
        }).collect();
        scanned.write(text, &mut out, |_, id| joined.get(id).map(Vec::as_slice));
        prop_assert!(crate::compose::scan::Plan::untyped().scan(&out).is_ok(), "{}", String::from_utf8_lossy(&out));
        let written: Value = serde_json::from_slice(&out).expect("JSON");
        prop_assert_eq!(written, expected, "{} {} {:?}", root, answer, known);
        let found: Vec<String> = scanned.found.iter().map(|found| found.text(text).into_owned()).collect();
        let expected: Vec<String> = reference.found.into_iter().map(|(_, id)| id).collect();
        prop_assert_eq!(found, expected);
    }
}
