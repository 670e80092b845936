//! Names and small schemas of the contract with callers.

use serde_json::{Map, Value, json};

use super::super::super::contract::Segment;

/// A path as a pointer into the first of each list (RFC 6901).
pub(super) fn pointer(path: &[Segment]) -> String {
    let step = |segment: &Segment| match segment {
        Segment::Field(name) => format!("/{}", name.replace('~', "~0").replace('/', "~1")),
        Segment::Items => "/0".to_owned(),
    };
    path.iter().map(step).collect()
}

/// `home-feed` as `homeFeed`.
pub(super) fn camel(text: &str) -> String {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut name = String::new();
    for word in words {
        if name.is_empty() {
            name.push_str(word);
            if let Some(first) = name.get_mut(..1) {
                first.make_ascii_lowercase();
            }
        } else {
            name.push_str(&pascal_word(word));
        }
    }
    name
}

/// `homeFeed` as `HomeFeed`.
pub(super) fn pascal_word(word: &str) -> String {
    let mut word = word.to_owned();
    if let Some(first) = word.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    word
}

/// A reference to a schema.
pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// The name that a reference leads to.
pub(super) fn referred(schema: &Value) -> Option<&str> {
    schema.as_object().filter(|fields| fields.len() == 1)?;
    schema["$ref"].as_str()?.strip_prefix("#/components/schemas/")
}

/// An object of fields of which nothing is known.
pub(super) fn untyped(fields: &[&str]) -> Value {
    let properties: Map<String, Value> = fields.iter().map(|name| ((*name).to_owned(), json!({}))).collect();
    json!({ "type": "object", "properties": properties, "required": fields })
}

/// Whether a schema says by itself that null may stand there.
pub(super) fn is_nullable(schema: &Value) -> bool {
    let is_null = |one: &Value| one["type"] == "null";
    let any = |list: &Value| list.as_array().is_some_and(|list| list.iter().any(is_null));
    let named = match &schema["type"] {
        Value::Array(types) => types.iter().any(|one| one == "null"),
        one => one == "null",
    };
    named || any(&schema["oneOf"]) || any(&schema["anyOf"]) || schema.as_object().is_some_and(Map::is_empty)
}

/// The same, or null.
pub(super) fn nullable(schema: Value) -> Value {
    if is_nullable(&schema) {
        return schema;
    }
    // A plain type says it by itself. A list of values would have to name null as well, and an object may have a name.
    let is_plain = |kind: &&str| *kind != "object" && schema.get("enum").or(schema.get("const")).is_none();
    if let Some(kind) = schema["type"].as_str().filter(is_plain) {
        let types = json!([kind, "null"]);
        let mut schema = schema;
        schema["type"] = types;
        return schema;
    }
    json!({ "oneOf": [{ "type": "null" }, schema] })
}

/// What a schema says of values that are not null.
pub(super) fn without_null(schema: &Value) -> &Value {
    let one_of = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array());
    let Some([one, other]) = one_of.map(Vec::as_slice) else { return schema };
    match (one["type"] == "null", other["type"] == "null") {
        (true, false) => other,
        (false, true) => one,
        _ => schema,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{camel, is_nullable, nullable, pascal_word, without_null};

    #[test]
    fn names_are_those_of_programs() {
        assert_eq!(camel("home-feed"), "homeFeed");
        assert_eq!(camel("get /api/orders/{id}"), "getApiOrdersId");
        assert_eq!(pascal_word("homeFeed"), "HomeFeed");
    }

    #[test]
    fn null_is_added_once() {
        assert_eq!(nullable(json!({ "type": "string" })), json!({ "type": ["string", "null"] }));
        let referred = json!({ "$ref": "#/components/schemas/Card" });
        let once = nullable(referred.clone());
        assert_eq!(once, json!({ "oneOf": [{ "type": "null" }, referred] }));
        assert_eq!(nullable(once.clone()), once);
        assert_eq!(without_null(&once), &referred);
        assert!(nullable(json!({ "type": "string", "enum": ["a"] }))["oneOf"].is_array());
        assert!(is_nullable(&json!({})) && is_nullable(&json!({ "type": ["string", "null"] })));
    }
}
