//! Rewrites the schemas of an OpenAPI 3.0 document in the dialect of 3.1 (JSON Schema 2020-12), so that everything after it
//! knows one dialect.

use super::tree::{Fields, Json, Tree};

/// Keywords whose value is a schema.
const ONE: [&str; 3] = ["items", "not", "additionalProperties"];
/// Keywords whose value is a list of schemas.
const LISTS: [&str; 3] = ["allOf", "anyOf", "oneOf"];

/// Rewrites all schemas of a 3.0 document.
pub(super) fn document(tree: &mut Tree) {
    match &mut tree.value {
        Json::List(items) => items.iter_mut().for_each(document),
        Json::Object(fields) => {
            for (name, value) in fields {
                match name.as_str() {
                    // Not described by the contract but by the caller's data.
                    "example" | "examples" => {}
                    name if name.starts_with("x-") => {}
                    "schema" => schema(value),
                    "schemas" => {
                        if let Json::Object(named) = &mut value.value {
                            named.values_mut().for_each(schema);
                        }
                    }
                    _ => document(value),
                }
            }
        }
        _ => {}
    }
}

fn schema(tree: &mut Tree) {
    let Json::Object(fields) = &mut tree.value else { return };
    if fields.contains_key("$ref") {
        // OpenAPI 3.0.3, Reference Object: all that stands beside it is ignored.
        fields.retain(|name, _| name == "$ref");
        return;
    }
    for (name, value) in fields.iter_mut() {
        match (name.as_str(), &mut value.value) {
            ("properties", Json::Object(named)) => named.values_mut().for_each(schema),
            (name, Json::List(items)) if LISTS.contains(&name) => items.iter_mut().for_each(schema),
            (name, _) if ONE.contains(&name) => schema(value),
            _ => {}
        }
    }
    exclusive(fields, "minimum", "exclusiveMinimum");
    exclusive(fields, "maximum", "exclusiveMaximum");
    if let Some(Tree { value: Json::Bool(true), .. }) = fields.shift_remove("nullable") {
        nullable(tree);
    }
}

/// `exclusiveMinimum: true` beside `minimum: 1` is `exclusiveMinimum: 1` in 3.1.
fn exclusive(fields: &mut Fields, limit: &str, exclusive: &str) {
    let Some(Tree { value: Json::Bool(is), .. }) = fields.get(exclusive) else { return };
    let is = *is;
    fields.shift_remove(exclusive);
    if is && let Some(limit) = fields.shift_remove(limit) {
        fields.insert(exclusive.to_owned(), limit);
    }
}

/// Adds null to what a schema allows. Beside `allOf`, `anyOf` and `oneOf` 3.0.3 gives `nullable` no meaning, but contracts
/// say it there of references that may be null, and mean it.
fn nullable(tree: &mut Tree) {
    let line = tree.line;
    let null = || Tree { line, ..Tree::object([("type", Tree::text("null"))]) };
    let Json::Object(fields) = &mut tree.value else { return };
    if LISTS.iter().any(|list| fields.contains_key(*list)) {
        let kept = ["title", "description", "readOnly", "writeOnly", "default", "deprecated"];
        let mut outer = Fields::new();
        for name in kept {
            if let Some(value) = fields.shift_remove(name) {
                outer.insert(name.to_owned(), value);
            }
        }
        let inner = Tree { line, value: Json::Object(std::mem::take(fields)) };
        outer.insert("anyOf".to_owned(), Tree { line, ..Tree::list(vec![inner, null()]) });
        *fields = outer;
        return;
    }
    if let Some(Tree { value: Json::Text(one), .. }) = fields.get("type") {
        let types = vec![Tree::text(one.clone()), Tree::text("null")];
        fields.insert("type".to_owned(), Tree { line, ..Tree::list(types) });
    }
    if let Some(Tree { value: Json::List(values), .. }) = fields.get_mut("enum")
        && !values.iter().any(|value| value.value == Json::Null)
    {
        values.push(Tree { line, value: Json::Null });
    }
}
