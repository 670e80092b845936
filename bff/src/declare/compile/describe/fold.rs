//! Members of an `allOf` that name no field are folded into what stands around them: makers of types take an object without
//! fields for one that has none, and make a type of the whole that no value is of.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Keywords whose values describe nothing.
const DATA: [&str; 5] = ["default", "example", "examples", "enum", "const"];
/// Keywords whose values are schemas by name.
const NAMED: [&str; 4] = ["properties", "patternProperties", "dependentSchemas", "$defs"];

/// The same schemas, in which every object of an `allOf` names a field.
pub(super) fn folded(mut schemas: BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    schemas.values_mut().for_each(fold);
    schemas
}

fn fold(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(fold),
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut().filter(|(name, _)| !DATA.contains(&name.as_str())) {
                match value {
                    Value::Object(named) if NAMED.contains(&name.as_str()) => {
                        named.values_mut().for_each(fold)
                    }
                    value => fold(value),
                }
            }
            fold_members(fields);
        }
        _ => {}
    }
}

fn fold_members(fields: &mut Map<String, Value>) {
    let Some(Value::Array(mut members)) = fields.remove("allOf") else { return };
    // What is of another type here, or of several, says something that a member could not say for it.
    let is_object = fields.get("type").is_none_or(|kind| kind == "object");
    let mut required = Vec::new();
    if is_object && members.iter().any(|member| !is_bare(member)) {
        members.retain(|member| {
            let is_bare = is_bare(member);
            if is_bare {
                required.extend(member["required"].as_array().into_iter().flatten().cloned());
            }
            !is_bare
        });
    }
    if !required.is_empty()
        && let Value::Array(all) = fields.entry("required").or_insert_with(|| Value::Array(Vec::new()))
    {
        let new = required.into_iter().filter(|name| !all.contains(name)).collect::<Vec<_>>();
        all.extend(new);
    }
    let is_plain = fields.keys().all(|name| name == "type");
    match <[Value; 1]>::try_from(members) {
        // Nothing is said but what the only member says, which is an object as well.
        Ok([Value::Object(only)]) if is_plain && is_object => *fields = only,
        Ok([only]) => drop(fields.insert("allOf".to_owned(), Value::Array(vec![only]))),
        Err(members) => drop(fields.insert("allOf".to_owned(), Value::Array(members))),
    }
}

/// Whether it says that a value is an object, and which fields that has to have, and nothing else.
fn is_bare(member: &Value) -> bool {
    let Some(fields) = member.as_object() else { return false };
    member["type"] == "object"
        && fields.iter().all(|(name, value)| match name.as_str() {
            "type" | "required" => true,
            "properties" => value.as_object().is_some_and(Map::is_empty),
            _ => false,
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::fold;

    #[test]
    fn an_object_without_fields_is_no_member_of_its_own() {
        let x = json!({ "$ref": "#/components/schemas/X" });
        let own = json!({ "type": "object", "properties": { "a": {} } });
        for (schema, expected) in [
            (json!({ "allOf": [x, { "type": "object" }] }), x.clone()),
            (json!({ "type": "object", "allOf": [{ "type": "object", "properties": {} }, x] }), x.clone()),
            (
                json!({ "allOf": [x, { "type": "object", "required": ["a", "b"] }], "required": ["a"] }),
                json!({ "allOf": [x], "required": ["a", "b"] }),
            ),
            (json!({ "allOf": [x, own, { "type": "object" }] }), json!({ "allOf": [x, own] })),
            (
                json!({ "properties": { "allOf": { "allOf": [x, { "type": "object" }] } } }),
                json!({ "properties": { "allOf": x } }),
            ),
            (json!({ "allOf": [{ "type": "object" }] }), json!({ "type": "object" })),
            (json!({ "items": { "allOf": [x] } }), json!({ "items": x })),
        ] {
            let mut folded = schema.clone();
            fold(&mut folded);
            assert_eq!(folded, expected, "{schema}");
        }
        for kept in [
            json!({ "allOf": [x, own] }),
            json!({ "type": ["object", "null"], "allOf": [x, { "type": "object" }] }),
            json!({ "allOf": [x, { "type": "object", "additionalProperties": false }] }),
            json!({ "default": { "allOf": [x, { "type": "object" }] } }),
            json!({ "allOf": [x], "description": "words" }),
        ] {
            let mut folded = kept.clone();
            fold(&mut folded);
            assert_eq!(folded, kept);
        }
    }
}
