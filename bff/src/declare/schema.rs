//! The JSON Schema of declarations, for editors (Taplo, VS Code): made of the grammar that the reader checks files against.

use serde_json::{Map, Value, json};

use super::read::{GATEWAY, Grammar, Kind, ROUTES, SCREEN};

/// The schema of the three kinds of file: each is one of `$defs`, and a file is any of them.
#[must_use]
pub fn declarations_schema() -> Value {
    let defs = [("gateway", &GATEWAY), ("screen", &SCREEN), ("routes", &ROUTES)];
    let refer = |(name, _): &(&str, _)| json!({ "$ref": format!("#/$defs/{name}") });
    let any: Vec<Value> = defs.iter().map(refer).collect();
    let defs: Map<String, Value> =
        defs.iter().map(|(name, grammar)| ((*name).to_owned(), table(grammar))).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Declarations of a gateway: gateway.toml, screens/*.toml, routes/*.toml",
        "anyOf": any,
        "$defs": defs,
    })
}

fn table(grammar: &Grammar) -> Value {
    let property = |key: &super::read::Key| {
        let mut schema = kind(key.kind);
        if let Some(fields) = schema.as_object_mut() {
            fields.insert("description".to_owned(), key.about.into());
        }
        (key.name.to_owned(), schema)
    };
    let required: Vec<&str> = grammar.keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    let properties: Map<String, Value> = grammar.keys.iter().map(property).collect();
    json!({
        "type": "object",
        "description": grammar.about,
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn kind(kind: Kind) -> Value {
    let texts = || json!({ "type": "array", "items": { "type": "string" } });
    let map = |of: Value| json!({ "type": "object", "additionalProperties": of });
    match kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::OneOf(names) => json!({ "type": "string", "enum": names }),
        Kind::Boolean => json!({ "type": "boolean" }),
        Kind::Integer(from, to) => json!({ "type": "integer", "minimum": from, "maximum": to }),
        Kind::Number(from, to) => json!({ "type": "number", "minimum": from, "maximum": to }),
        Kind::Scalar => json!({ "type": ["string", "integer", "boolean"] }),
        Kind::Texts => texts(),
        Kind::TextLists => json!({ "type": "array", "items": texts() }),
        Kind::TextMap => map(json!({ "type": "string" })),
        Kind::TextsMap => map(texts()),
        Kind::CountMap => map(json!({ "type": "integer", "minimum": 1 })),
        Kind::Table(grammar) => table(grammar),
        Kind::TextOr(names, grammar) => {
            json!({ "anyOf": [{ "type": "string", "enum": names }, table(grammar)] })
        }
        Kind::Tables(grammar) => map(table(grammar)),
        Kind::List(grammar) => json!({ "type": "array", "items": table(grammar) }),
    }
}
