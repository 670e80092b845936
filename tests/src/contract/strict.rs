//! A copy of the contract whose schemas allow nothing that they do not describe: front-ends ignore fields that
//! they do not know, but the gateway is not to send any.
//!
//! `unevaluatedProperties` belongs where a shape is complete. What is one of several parts of a shape (`allOf`)
//! must stay open, so each named shape is there twice: as it is, and open for those that are made of it.

use serde_json::{Map, Value};

use super::document::URI;

const OPEN: &str = ".open";

/// Makes the copy. References lead to the names under which the copy's shapes are registered.
pub(super) fn made(mut document: Value) -> Value {
    let named = document["components"]["schemas"].take();
    let mut shapes = Map::new();
    for (name, shape) in named.as_object().expect("shapes") {
        let (mut closed, mut open) = (shape.clone(), shape.clone());
        close(&mut closed, false);
        close(&mut open, true);
        shapes.insert(format!("{name}{OPEN}"), open);
        shapes.insert(name.clone(), closed);
    }
    close_within(&mut document);
    document["components"]["schemas"] = shapes.into();
    document
}

/// Closes every schema in what is not itself one.
fn close_within(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match name.as_str() {
                    "schema" => close(value, false),
                    "example" | "examples" => {}
                    _ => close_within(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close_within),
        _ => {}
    }
}

/// Closes a schema, unless it is a `part` of one, and the schemas of its fields.
fn close(schema: &mut Value, part: bool) {
    let Value::Object(words) = schema else { return };
    if let Some(Value::String(reference)) = words.get_mut("$ref") {
        *reference = format!("{URI}{reference}{}", if part { OPEN } else { "" });
    }
    if let Some(Value::Object(fields)) = words.get_mut("properties") {
        fields.values_mut().for_each(|field| close(field, false));
    }
    if let Some(items) = words.get_mut("items") {
        close(items, false);
    }
    for (word, part) in [("allOf", true), ("oneOf", part), ("anyOf", part)] {
        if let Some(Value::Array(schemas)) = words.get_mut(word) {
            schemas.iter_mut().for_each(|schema| close(schema, part));
        }
    }
    let complete = words.contains_key("properties") || words.contains_key("allOf");
    if complete && !part && !words.contains_key("additionalProperties") {
        words.insert("unevaluatedProperties".to_owned(), false.into());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::document::Contract;

    #[test]
    fn a_field_that_is_not_described_is_found_wherever_it_is() {
        let card = json!({ "id": "a", "username": "ada", "displayName": "Ada", "avatarUrl": null });
        let comment = json!({
            "id": "c", "recipeId": "r", "authorId": "a", "body": "Good.", "likeCount": 0, "likedByMe": false,
            "createdAt": "2026-11-20T09:30:00Z", "updatedAt": "2026-11-20T09:30:00Z", "author": card,
        });
        let page = |comment| json!({ "items": [comment], "nextCursor": null });
        let errors = |comment| {
            Contract::committed().errors("/components/schemas/CommentPage", &page(comment)).join(" ")
        };
        assert_eq!(errors(comment.clone()), "");
        let mut beside = comment.clone();
        beside["secret"] = 1.into();
        assert!(errors(beside).contains("secret"));
        let mut within = comment.clone();
        within["author"]["email"] = "ada@mail.example".into();
        assert_ne!(errors(within), "");
        let mut without = comment;
        without.as_object_mut().expect("an object").remove("body");
        assert!(errors(without).contains("body"));
    }
}
