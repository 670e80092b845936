//! Examples: those that the contract gives, and where it gives none, one made of the shape.

use serde_json::{Map, Value, json};

use super::shape::{Root, list, word};

/// Shapes may contain themselves.
const DEEPEST: usize = 8;

/// An example of JSON content: `example`, the first of `examples`, or one that is made.
pub(super) fn of_content(root: Root<'_>, content: &Value) -> Option<Value> {
    let named = content.get("examples").and_then(Value::as_object).and_then(|all| all.values().next());
    let given = content.get("example").or_else(|| root.resolve(named?).get("value"));
    given.cloned().or_else(|| content.get("schema").map(|shape| of_shape(root, shape, 0)))
}

/// An example of a value of that shape.
pub(super) fn of_shape(root: Root<'_>, shape: &Value, depth: usize) -> Value {
    let shape = root.resolve(shape);
    let given =
        [shape.get("example"), list(shape, "examples").first(), shape.get("const"), shape.get("default")];
    if let Some(given) = given.into_iter().flatten().next() {
        return given.clone();
    }
    if let Some(first) = list(shape, "enum").first() {
        return first.clone();
    }
    if depth > DEEPEST {
        return Value::Null;
    }
    let choices = list(shape, "oneOf").iter().chain(list(shape, "anyOf"));
    if let Some(choice) = choices.into_iter().find(|choice| word(choice, "type") != "null") {
        return of_shape(root, choice, depth + 1);
    }
    let fields = root.fields(shape);
    if !fields.is_empty() {
        let each =
            |(name, field, _): (&str, &Value, bool)| (name.to_owned(), of_shape(root, field, depth + 1));
        return Value::Object(fields.into_iter().map(each).collect::<Map<_, _>>());
    }
    of_type(root, shape, depth)
}

fn of_type(root: Root<'_>, shape: &Value, depth: usize) -> Value {
    let kind = match shape.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null"),
        kind => kind.and_then(Value::as_str),
    };
    match (kind.unwrap_or_default(), word(shape, "format")) {
        ("array", _) => {
            json!(
                shape
                    .get("items")
                    .map(|items| of_shape(root, items, depth + 1))
                    .into_iter()
                    .collect::<Vec<_>>()
            )
        }
        ("integer" | "number", _) => shape.get("minimum").cloned().unwrap_or(json!(1)),
        ("boolean", _) => json!(false),
        ("object", _) => json!({}),
        ("string", "date-time") => json!("2026-11-20T09:30:00Z"),
        ("string", "email") => json!("ada@example.org"),
        ("string", "uri") => json!("https://example.org/"),
        ("string", _) => json!("text"),
        _ => Value::Null,
    }
}
