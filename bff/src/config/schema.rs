//! JSON Schema of the configuration file, for editors and for `bff config-schema`.

use figment::value::{Dict, Value as Figment};
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::{Config, DEFAULTS, defaults::default_tree, named::NAME};

/// JSON Schema (draft 2020-12) of the TOML file: every key with its comment and default from
/// `default.toml`; none is required, unknown ones are refused.
#[must_use]
pub fn config_schema() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<Config>().to_value();
    let comments = comments(DEFAULTS);
    let (defaults, templates) = default_tree();
    annotate(&mut schema, &defaults, "", &comments);
    for (section, template) in templates.iter() {
        let each = schema.pointer_mut(&format!("/properties/{section}/additionalProperties"));
        let Some(each) = each else { continue };
        annotate(each, template, &format!("{section}.{NAME}"), &comments);
        let names = schema.pointer_mut(&format!("/properties/{section}")).and_then(Value::as_object_mut);
        // Beside the names of `events` there are keys.
        if let Some(names) = names.filter(|section| !section.contains_key("properties")) {
            names.insert("propertyNames".to_owned(), json!({ "pattern": "^[a-z0-9_-]{1,32}$" }));
        }
    }
    if let Some(root) = schema.as_object_mut() {
        root.insert("title".to_owned(), json!("Configuration of the gateway"));
    }
    schema
}

/// Sets `default` and `description` of each key and takes out `required`: every key has a default.
fn annotate(schema: &mut Value, defaults: &Dict, prefix: &str, comments: &Map<String, Value>) {
    let Some(schema) = schema.as_object_mut() else { return };
    schema.remove("required");
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    for (key, property) in properties {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        let Some(default) = defaults.get(key) else { continue };
        if let Figment::Dict(_, below) = default {
            annotate(property, below, &path, comments);
        }
        let Some(property) = property.as_object_mut() else { continue };
        property.remove("description");
        if let Some(comment) = comments.get(&path) {
            property.insert("description".to_owned(), comment.clone());
        }
        if !matches!(default, Figment::Dict(..)) && path != "session.secret" {
            property.insert("default".to_owned(), json!(default));
        }
    }
}

/// The comment above each key and section of `default.toml`, by path.
fn comments(text: &str) -> Map<String, Value> {
    let mut found = Map::new();
    let (mut section, mut comment) = (String::new(), Vec::new());
    for line in text.lines() {
        if let Some(words) = line.strip_prefix('#') {
            comment.push(words.trim());
            continue;
        }
        let path = if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name.to_owned();
            Some(name.to_owned())
        } else {
            line.split_once(" = ")
                .map(|(key, _)| if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") })
        };
        if let Some(path) = path.filter(|_| !comment.is_empty()) {
            found.insert(path, json!(comment.join(" ")));
        }
        comment.clear();
    }
    found
}
