//! Random schemas and answers.

use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Map, Value, json};

const NAMES: [&str; 4] = ["a", "b", "c", "id"];
const REFERENCES: [&str; 2] = ["#/components/schemas/Root", "#/components/schemas/Root/$defs/other"];

pub(super) fn schema() -> impl Strategy<Value = Value> {
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

pub(super) fn object(inner: impl Strategy<Value = Value> + Clone) -> impl Strategy<Value = Value> {
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

pub(super) fn value() -> impl Strategy<Value = Value> {
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
