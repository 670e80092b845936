//! What the three services serve, as OpenAPI 3.1: the contract for another implementation of one of them.
//!
//! The services' own routes do not read it: the behaviour suites hold every request of the gateway and every answer of
//! the services against it. `upstreams openapi NAME` prints what `clients/contracts/NAME.json` holds.

mod call;
mod deletion;
mod document;
mod examples;
mod profile;
mod recipe;
mod rules;
mod timeline;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use utoipa::ToSchema;

pub use document::contract;

/// A contract while it is being put together.
#[derive(Default)]
struct Contract {
    paths: BTreeMap<&'static str, Map<String, Value>>,
    shapes: BTreeMap<String, Value>,
    /// Refusals, by the name under which calls refer to them.
    refusals: BTreeMap<String, Value>,
}

impl Contract {
    /// Adds what the answer `T` looks like, and everything in it; a reference to it.
    fn answer<T: ToSchema>(&mut self) -> Value {
        self.shape::<T>(&T::name(), true)
    }

    /// Adds the list `L` of `T` under a name of its own.
    fn list_of<L: ToSchema, T: ToSchema>(&mut self, name: &str) -> Value {
        self.answer::<T>();
        self.shape::<L>(name, true)
    }

    /// Adds what the gateway sends.
    fn input<T: ToSchema>(&mut self) -> Value {
        self.shape::<T>(&T::name(), false)
    }

    fn shape<T: ToSchema>(&mut self, name: &str, whole: bool) -> Value {
        let mut within = Vec::new();
        T::schemas(&mut within);
        within.push((name.to_owned(), T::schema()));
        for (name, shape) in within {
            let mut shape = serde_json::to_value(shape).unwrap_or_default();
            if whole {
                say_what_is_always_there(&mut shape);
            } else {
                rules::of_body(&mut shape);
            }
            if name == "Id" {
                rules::of_id(&mut shape);
            }
            examples::add(&name, &mut shape);
            self.shapes.insert(name, shape);
        }
        reference("schemas", name)
    }
}

fn reference(kind: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{kind}/{name}") })
}

/// What may be null in an answer is there all the same.
fn say_what_is_always_there(shape: &mut Value) {
    let takes_null = |field: &Value| {
        field["type"].as_array().is_some_and(|kinds| kinds.contains(&json!("null")))
            || field["oneOf"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind["type"] == "null"))
    };
    let nullable: Vec<Value> = shape["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, field)| takes_null(field))
        .map(|(name, _)| json!(name))
        .collect();
    if nullable.is_empty() {
        return;
    }
    let mut required = shape["required"].as_array().cloned().unwrap_or_default();
    required.extend(nullable);
    required.sort_by_key(ToString::to_string);
    required.dedup();
    shape["required"] = json!(required);
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::contract;
    use crate::Service;

    #[test]
    fn every_operation_has_a_name_of_its_own_and_every_reference_leads_somewhere() {
        for service in Service::ALL {
            let contract: Value = serde_json::from_str(&contract(service)).expect("JSON");
            let mut ids: Vec<&str> = contract["paths"]
                .as_object()
                .expect("paths")
                .values()
                .flat_map(|item| item.as_object().expect("an item").values())
                .map(|operation| operation["operationId"].as_str().expect("a name"))
                .collect();
            let count = ids.len();
            ids.sort_unstable();
            ids.dedup();
            assert!(count > 8 && ids.len() == count, "{ids:?}");
            check_references(&contract, &contract);
        }
    }

    #[test]
    fn every_object_has_an_example_that_is_as_its_schema_says() {
        for service in Service::ALL {
            let contract: Value = serde_json::from_str(&contract(service)).expect("JSON");
            let schemas = contract["components"]["schemas"].as_object().expect("schemas");
            for (name, schema) in schemas {
                let is_of_tokens = ["Actor", "FieldError", "ServiceClaims"].contains(&name.as_str());
                let Some(fields) = schema["properties"].as_object().filter(|_| !is_of_tokens) else {
                    continue;
                };
                let example = schema["examples"][0].as_object().unwrap_or_else(|| panic!("{name} has none"));
                assert!(example.keys().all(|field| fields.contains_key(field)), "{name}: {example:?}");
                for field in schema["required"].as_array().into_iter().flatten() {
                    assert!(example.contains_key(field.as_str().expect("a name")), "{name}: {field}");
                }
            }
        }
    }

    fn check_references(root: &Value, value: &Value) {
        match value {
            Value::Object(fields) => {
                if let Some(reference) = fields.get("$ref").and_then(Value::as_str) {
                    let found = reference.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
                    assert!(found.is_some(), "{reference}");
                }
                fields.values().for_each(|field| check_references(root, field));
            }
            Value::Array(items) => items.iter().for_each(|item| check_references(root, item)),
            _ => {}
        }
    }
}
