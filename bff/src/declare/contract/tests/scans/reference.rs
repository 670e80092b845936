//! What leaves of an answer, worked out over values by the schema as it stands.

use serde_json::{Map, Value, json};

use crate::declare::contract::Segment;

/// What a place in the answer has to obey: several schemas at once.
pub(super) type Parts<'s> = Vec<&'s Value>;

pub(super) struct Reference<'s> {
    pub(super) root: &'s Value,
    pub(super) uses: &'s [(String, Vec<Segment>)],
    pub(super) found: Vec<String>,
}

impl<'s> Reference<'s> {
    /// Schemas without references and members. A union here is one with null.
    pub(super) fn parts(&self, schema: &'s Value) -> Parts<'s> {
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

    pub(super) fn others(&self, parts: &Parts<'s>) -> (bool, Parts<'s>) {
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

    pub(super) fn leaves(
        &mut self,
        parts: &Parts<'s>,
        value: &Value,
        path: &mut Vec<Segment>,
        finds: bool,
    ) -> Value {
        if self.used("capture", path) && finds && (value.is_string() || value.is_number()) {
            self.found.push(text_of(value));
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
    pub(super) fn answer(&self, parts: &Parts<'s>, choose: &mut dyn FnMut() -> u8, depth: usize) -> Value {
        let types: Vec<&Value> = parts.iter().filter_map(|part| part.get("type")).collect();
        let allows = |name: &str| {
            types.iter().all(|types| {
                *types == name || types.as_array().is_some_and(|types| types.contains(&json!(name)))
            })
        };
        if depth > 6 || choose().is_multiple_of(16) {
            return Value::Null;
        }
        if allows("object") {
            let mut fields = Map::new();
            for name in Self::names(parts) {
                if !choose().is_multiple_of(3)
                    || (Self::requires(parts, name) && !choose().is_multiple_of(16))
                {
                    let child = self.child(parts, name).unwrap_or_default();
                    fields.insert(name.to_owned(), self.answer(&child, choose, depth + 1));
                }
            }
            if choose().is_multiple_of(4) {
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
    pub(super) fn paths(&self, parts: &Parts<'s>, path: &mut Vec<Segment>, out: &mut Vec<Vec<Segment>>) {
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
