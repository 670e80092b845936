//! Schemas that declarations give a name: one name, one schema, and wherever the same stands written out it becomes a
//! reference.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::names::{is_nullable, nullable, reference, without_null};

/// Schemas by the names that declarations give them.
#[derive(Default)]
pub(super) struct Named(BTreeMap<String, Value>);

impl Named {
    /// Gives a schema a name. One that has the name already is widened to what both describe.
    pub(super) fn set(&mut self, name: &str, schema: Value) -> Value {
        let schema = match self.0.remove(name) {
            Some(known) => either(known, schema),
            None => schema,
        };
        self.0.insert(name.to_owned(), schema);
        reference(name)
    }

    /// All schemas, those of `components` included, with references to named ones.
    pub(super) fn fold(self, mut components: BTreeMap<String, Value>) -> BTreeMap<String, Value> {
        let own: BTreeSet<String> = self.0.keys().cloned().collect();
        components.extend(self.0);
        // What is within another one first: that is found with the reference in it.
        let mut names: Vec<(usize, String)> =
            own.into_iter().map(|name| (size(&components[&name]), name)).collect();
        names.sort();
        for (_, name) in names {
            let content = components[&name].clone();
            if content.get("properties").is_none() {
                continue;
            }
            for (other, schema) in &mut components {
                let is_itself = *other == name;
                replace(schema, &content, &name, is_itself);
            }
        }
        components
    }
}

fn size(schema: &Value) -> usize {
    match schema {
        Value::Object(fields) => 1 + fields.values().map(size).sum::<usize>(),
        Value::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        _ => 1,
    }
}

fn replace(schema: &mut Value, content: &Value, name: &str, is_root: bool) {
    if !is_root && schema == content {
        *schema = reference(name);
        return;
    }
    match schema {
        Value::Object(fields) => fields.values_mut().for_each(|value| replace(value, content, name, false)),
        Value::Array(items) => items.iter_mut().for_each(|value| replace(value, content, name, false)),
        _ => {}
    }
}

/// What is either of two schemas, as narrow as can be said without `anyOf` where they are objects of the same fields.
fn either(one: Value, other: Value) -> Value {
    if one == other {
        return one;
    }
    if is_nullable(&one) || is_nullable(&other) {
        let (plain, other) = (without_null(&one).clone(), without_null(&other).clone());
        if plain == other {
            return nullable(plain);
        }
    }
    match (&one, &other) {
        (Value::Object(a), Value::Object(b)) if is_object(a) && is_object(b) => objects(a, b),
        _ => serde_json::json!({ "anyOf": [one, other] }),
    }
}

fn is_object(schema: &Map<String, Value>) -> bool {
    schema.get("properties").is_some_and(Value::is_object)
}

fn objects(one: &Map<String, Value>, other: &Map<String, Value>) -> Value {
    let names = |schema: &Map<String, Value>| -> Vec<Value> {
        schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let fields = |schema: &Map<String, Value>| {
        schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default()
    };
    let mut properties = fields(one);
    for (name, schema) in fields(other) {
        let both = match properties.remove(&name) {
            Some(known) => either(known, schema),
            None => schema,
        };
        properties.insert(name, both);
    }
    let of_other = names(other);
    let required: Vec<Value> = names(one).into_iter().filter(|name| of_other.contains(name)).collect();
    let mut out = one.clone();
    out.insert("properties".to_owned(), Value::Object(properties));
    out.insert("required".to_owned(), Value::Array(required));
    Value::Object(out)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::{Named, reference};

    #[test]
    fn a_name_that_is_given_twice_describes_both() {
        let mut named = Named::default();
        let with = |author: serde_json::Value| json!({ "type": "object", "properties": { "author": author }, "required": ["author"] });
        let nullable = json!({ "oneOf": [{ "type": "null" }, reference("Card")] });
        named.set("Order", with(reference("Card")));
        named.set("Order", with(nullable.clone()));
        assert_eq!(named.fold(BTreeMap::new())["Order"], with(nullable));
    }

    #[test]
    fn what_has_a_name_is_referred_to_within_others() {
        let mut named = Named::default();
        let card = json!({ "type": "object", "properties": { "id": {} } });
        let list = json!({ "type": "object", "properties": { "items": { "type": "array", "items": card } } });
        named.set("Card", card.clone());
        named.set("List", list);
        let all = named.fold(BTreeMap::new());
        assert_eq!(all["Card"], card);
        assert_eq!(all["List"]["properties"]["items"]["items"], reference("Card"));
    }
}
