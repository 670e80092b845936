//! Examples of schemas: those that they bear themselves, else made of what they demand.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// How deep an example goes: a schema may refer to itself.
const MAX_DEPTH: usize = 12;

/// Texts of which most patterns and formats match one.
const TEXTS: [&str; 22] = [
    "text",
    "Text",
    "id-1",
    "1",
    "12",
    "123456",
    "2026-11-20T09:30:00Z",
    "2026-11-20",
    "09:30:00Z",
    "0192f5a0-7c3e-7b1a-9d55-2f6d3c1b8a10",
    "ada@example.org",
    "https://example.org/",
    "/path",
    "example.org",
    "192.0.2.1",
    "2001:db8::1",
    "KRW",
    "KR",
    "ko",
    "1.5",
    "dGV4dA==",
    "P1D",
];

/// A value that is as `schema` says; `shapes` are the schemas that it refers to, by name. Nothing where none is found: a
/// pattern may be one that no text of the gateway's matches.
#[must_use]
pub fn example(schema: &Value, shapes: &BTreeMap<String, Value>) -> Option<Value> {
    Maker { shapes }.value(schema, 0)
}

struct Maker<'s> {
    shapes: &'s BTreeMap<String, Value>,
}

impl Maker<'_> {
    fn value(&self, schema: &Value, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        let Value::Object(fields) = schema else {
            return (*schema != Value::Bool(false)).then(|| json!({}));
        };
        let said = [
            &schema["example"],
            &schema["examples"][0],
            &schema["const"],
            &schema["default"],
            &schema["enum"][0],
        ];
        let names = ["example", "examples", "const", "default", "enum"];
        let said = names.iter().zip(said).find(|(name, _)| fields.contains_key(**name));
        // An empty list of examples says nothing.
        if let Some((name, value)) = said
            && (*name != "examples" || schema["examples"].get(0).is_some())
        {
            return Some(value.clone());
        }
        if let Some(name) = schema["$ref"].as_str().and_then(|at| at.strip_prefix("#/components/schemas/")) {
            return self.value(self.shapes.get(name)?, depth + 1);
        }
        if let Some(all) = schema["allOf"].as_array() {
            return self.all(schema, all, depth);
        }
        for any in ["anyOf", "oneOf"] {
            if let Some(any) = schema[any].as_array() {
                let is_null = |one: &&Value| one["type"] == "null";
                let values = any.iter().filter(|one| !is_null(one));
                let first = values.filter_map(|one| self.value(one, depth + 1)).next();
                return first.or_else(|| any.iter().any(|one| is_null(&one)).then_some(Value::Null));
            }
        }
        self.typed(schema, depth)
    }

    /// A value of the first type that is not null.
    fn typed(&self, schema: &Value, depth: usize) -> Option<Value> {
        let kind = match &schema["type"] {
            Value::Array(types) => {
                types.iter().find(|one| **one != "null").and_then(Value::as_str).unwrap_or("null")
            }
            Value::String(kind) => kind,
            _ if schema["properties"].is_object() => "object",
            _ => return Some(json!({})),
        };
        match kind {
            "object" => self.object(schema, depth),
            "array" => self.array(schema, depth),
            "string" => text(schema),
            "integer" | "number" => Some(number(schema, kind)),
            "boolean" => Some(Value::Bool(false)),
            _ => Some(Value::Null),
        }
    }

    fn all(&self, schema: &Value, all: &[Value], depth: usize) -> Option<Value> {
        let mut merged = Map::new();
        let own = schema["properties"].is_object().then(|| self.object(schema, depth));
        for value in all.iter().map(|one| self.value(one, depth + 1)).chain(own) {
            match value? {
                Value::Object(fields) => merged.extend(fields),
                other if all.len() == 1 => return Some(other),
                _ => {}
            }
        }
        Some(Value::Object(merged))
    }

    fn object(&self, schema: &Value, depth: usize) -> Option<Value> {
        let required = |name: &str| {
            schema["required"].as_array().is_some_and(|names| names.iter().any(|required| required == name))
        };
        let mut object = Map::new();
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            match self.value(field, depth + 1) {
                Some(value) => drop(object.insert(name.clone(), value)),
                None if required(name) => return None,
                None => {}
            }
        }
        Some(Value::Object(object))
    }

    fn array(&self, schema: &Value, depth: usize) -> Option<Value> {
        let least = schema["minItems"].as_u64().unwrap_or_default();
        if schema.get("items").is_none() || schema["maxItems"] == 0 {
            return (least == 0).then(|| json!([]));
        }
        match self.value(&schema["items"], depth + 1) {
            Some(item) => Some(Value::Array(vec![item; usize::try_from(least.max(1)).unwrap_or(1).min(10)])),
            None => (least == 0).then(|| json!([])),
        }
    }
}

/// A text that the schema allows.
fn text(schema: &Value) -> Option<Value> {
    let rules = ["type", "format", "pattern", "minLength", "maxLength"];
    let rules: Map<String, Value> =
        rules.iter().filter_map(|rule| Some(((*rule).to_owned(), schema.get(*rule)?.clone()))).collect();
    let options =
        jsonschema::options().with_draft(jsonschema::Draft::Draft202012).should_validate_formats(true);
    // A pattern that cannot be compiled matches nothing here.
    let validator = options.build(&Value::Object(rules)).ok()?;
    let least = usize::try_from(schema["minLength"].as_u64().unwrap_or_default()).unwrap_or(usize::MAX);
    let long = "text ".repeat(least.min(1000) / 5 + 1).chars().take(least.min(1000)).collect::<String>();
    let digits = "1".repeat(least.min(1000));
    let texts = TEXTS.into_iter().chain([long.trim_end(), &digits]);
    texts.map(Value::from).find(|text| validator.is_valid(text))
}

/// The number nearest to 1 that the schema allows.
fn number(schema: &Value, kind: &str) -> Value {
    let bound = |name: &str| schema[name].as_f64();
    let step = schema["multipleOf"].as_f64().filter(|step| *step > 0.0);
    let small = if kind == "integer" { 1.0 } else { step.unwrap_or(0.5) };
    let mut number = step.filter(|_| kind == "integer").unwrap_or(1.0);
    if let Some(least) = bound("minimum").or_else(|| bound("exclusiveMinimum").map(|least| least + small)) {
        number = number.max(least);
    }
    if let Some(most) = bound("maximum").or_else(|| bound("exclusiveMaximum").map(|most| most - small)) {
        number = number.min(most);
    }
    if number.fract() == 0.0 && number.abs() < 9e15 {
        // Whole, and small enough to be exact.
        #[expect(clippy::cast_possible_truncation, reason = "whole, and within what an i64 holds")]
        return Value::from(number as i64);
    }
    Value::from(number)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::example;

    fn of(schema: Value) -> Option<Value> {
        example(&schema, &BTreeMap::new())
    }

    #[test]
    fn what_a_schema_demands_is_there() {
        let schema = json!({
            "type": "object",
            "properties": {
                "id": { "type": "string", "pattern": "^[A-Za-z0-9._~-]{1,128}$" },
                "count": { "type": "integer", "minimum": 3 },
                "price": { "type": "number", "exclusiveMinimum": 1 },
                "when": { "type": "string", "format": "date-time" },
                "state": { "enum": ["open", "done"] },
                "tags": { "type": "array", "items": { "type": "string" }, "minItems": 2 },
                "note": { "type": ["null", "string"] },
            },
        });
        let made = of(schema.clone()).expect("an example");
        assert!(jsonschema::draft202012::is_valid(&schema, &made), "{made}");
        assert_eq!(made["state"], "open");
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let node = json!({
            "type": "object",
            "properties": { "next": { "oneOf": [{ "type": "null" }, { "$ref": "#/components/schemas/Node" }] } },
            "required": ["next"],
        });
        let shapes = BTreeMap::from([("Node".to_owned(), node.clone())]);
        assert!(example(&node, &shapes).is_some());
        let endless = json!({
            "type": "object",
            "properties": { "next": { "$ref": "#/components/schemas/Endless" } },
            "required": ["next"],
        });
        let shapes = BTreeMap::from([("Endless".to_owned(), endless.clone())]);
        assert_eq!(example(&endless, &shapes), None);
    }

    #[test]
    fn a_pattern_that_no_text_matches_has_no_example() {
        assert_eq!(of(json!({ "type": "string", "pattern": "^QQ[0-9]{17}$" })), None);
        assert_eq!(
            of(json!({ "type": "object", "properties": { "a": { "type": "string", "pattern": "^QQ$" } } })),
            Some(json!({}))
        );
    }
}
