//! The schema for editors.

use std::path::Path;

use serde_json::Value;

use super::{super::declarations_schema, read, shop_files};

pub(super) fn validator(kind: &str) -> jsonschema::Validator {
    let mut schema = declarations_schema();
    schema["anyOf"] = serde_json::json!([{ "$ref": format!("#/$defs/{kind}") }]);
    jsonschema::validator_for(&schema).expect("a schema")
}

pub(super) fn json(toml: &str) -> Value {
    let document: toml_edit::DocumentMut = toml.parse().expect("TOML");
    json_item(document.as_item())
}

fn json_item(one: &toml_edit::Item) -> Value {
    if let Some(table) = one.as_table_like() {
        return Value::Object(table.iter().map(|(name, one)| (name.to_owned(), json_item(one))).collect());
    }
    if let Some(tables) = one.as_array_of_tables() {
        return tables.iter().map(|table| json_item(&toml_edit::Item::Table(table.clone()))).collect();
    }
    match one.as_value() {
        Some(toml_edit::Value::String(text)) => text.value().clone().into(),
        Some(toml_edit::Value::Integer(number)) => (*number.value()).into(),
        Some(toml_edit::Value::Float(number)) => (*number.value()).into(),
        Some(toml_edit::Value::Boolean(value)) => (*value.value()).into(),
        Some(toml_edit::Value::Array(list)) => {
            list.iter().map(|value| json_item(&toml_edit::Item::Value(value.clone()))).collect()
        }
        _ => Value::Null,
    }
}

#[test]
fn what_the_reader_takes_the_schema_takes() {
    for (kind, file) in [("gateway", 0), ("screen", 1), ("routes", 2)] {
        let text = &shop_files()[file].1;
        let errors: Vec<String> =
            validator(kind).iter_errors(&json(text)).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new(), "{kind}");
    }
}

/// Every key of the schema, with the dotted way to it.
fn keys(schema: &Value, path: &str, found: &mut Vec<(String, String)>) {
    for schema in
        [Some(schema), schema.get("items"), schema.get("additionalProperties")].into_iter().flatten()
    {
        for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
            found.push((path.to_owned(), name.clone()));
            keys(inner, &format!("{path}.{name}"), found);
        }
    }
}

#[test]
fn the_reader_knows_every_key_of_the_schema_and_no_other() {
    let schema = declarations_schema();
    for (kind, file) in [("gateway", 0), ("screen", 1), ("routes", 2)] {
        let mut found = Vec::new();
        keys(&schema["$defs"][kind], "", &mut found);
        assert!(found.len() > 20, "{kind} {}", found.len());
        // A key of a kind that none is: the reader complains of its value, and not that there is no such key.
        for (_, name) in found.iter().filter(|(path, _)| path.is_empty()) {
            let mut files = shop_files();
            files[file].1 = format!("{name} = 1979-05-27\n");
            let told = read(&files).expect_err("a date").to_string();
            assert!(told.contains(&format!("{name}: must be")), "{name}: {told}");
        }
        let mut files = shop_files();
        files[file].1.insert_str(0, "no_such_key = 1\n");
        let told = read(&files).expect_err("no such key").to_string();
        assert!(told.contains("no_such_key: there is no such key"), "{told}");
    }
}

#[test]
fn the_schema_that_is_published_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/declarations.schema.json");
    let published: Value = serde_json::from_slice(&std::fs::read(path).expect("the schema")).expect("JSON");
    assert_eq!(
        published,
        declarations_schema(),
        "run `bff declarations-schema > schemas/declarations.schema.json`"
    );
}
