//! Shapes (JSON Schema 2020-12) as words, and as tables of fields.

use serde_json::Value;

use super::markup::{Line, Text, Words, put};

/// Shapes in shapes are followed so far; deeper ones have a name of their own to be looked up under.
const DEEPEST: usize = 4;

/// The contract, for those who follow references in it.
#[derive(Clone, Copy)]
pub(super) struct Root<'c>(pub(super) &'c Value);

impl<'c> Root<'c> {
    /// What `value` is, or what it refers to.
    pub(super) fn resolve(self, value: &'c Value) -> &'c Value {
        let Some(reference) = value.get("$ref").and_then(Value::as_str) else { return value };
        let found = reference.strip_prefix('#').and_then(|pointer| self.0.pointer(pointer));
        found.map_or(value, |found| self.resolve(found))
    }

    /// The fields of an object and of all that it is made of, those that are always there first and in the order in
    /// which they are declared. With each: whether it is always there.
    pub(super) fn fields(self, shape: &'c Value) -> Vec<(&'c str, &'c Value, bool)> {
        let shape = self.resolve(shape);
        let mut fields: Vec<(&str, &Value, bool)> = Vec::new();
        for part in list(shape, "allOf") {
            for field in self.fields(part) {
                fields.retain(|(name, ..)| *name != field.0);
                fields.push(field);
            }
        }
        let Some(properties) = shape.get("properties").and_then(Value::as_object) else { return fields };
        let required: Vec<&str> = list(shape, "required").iter().filter_map(Value::as_str).collect();
        let declared = required.iter().filter_map(|name| properties.get_key_value(*name));
        let others = properties.iter().filter(|(name, _)| !required.contains(&name.as_str()));
        for (name, field) in declared.chain(others) {
            fields.retain(|(there, ..)| there != name);
            fields.push((name, field, required.contains(&name.as_str())));
        }
        fields
    }
}

/// The list under `key`, or none.
pub(super) fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The text under `key`, or none.
pub(super) fn word<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// What kind of value it is, with a link where the shape has a name.
pub(super) fn kind(shape: &Value) -> String {
    if let Some(name) = shape.get("$ref").and_then(Value::as_str).and_then(|name| name.rsplit('/').next()) {
        return format!("<a href=\"#shape-{0}\">{0}</a>", Text(name));
    }
    for key in ["oneOf", "anyOf"] {
        let kinds: Vec<String> = list(shape, key).iter().map(kind).collect();
        if !kinds.is_empty() {
            return kinds.join(" or ");
        }
    }
    let parts: Vec<String> = list(shape, "allOf").iter().map(kind).collect();
    if !parts.is_empty() {
        return parts.join(" and ");
    }
    match shape.get("type") {
        Some(Value::Array(kinds)) => {
            let each = |kind: &Value| kind_of_type(shape, kind.as_str().unwrap_or_default());
            kinds.iter().map(each).collect::<Vec<_>>().join(" or ")
        }
        Some(Value::String(kind)) => kind_of_type(shape, kind),
        _ => "anything".to_owned(),
    }
}

fn kind_of_type(shape: &Value, kind: &str) -> String {
    match (kind, word(shape, "format")) {
        ("array", _) => format!("list of {}", shape.get("items").map_or("anything".to_owned(), self::kind)),
        (kind @ ("integer" | "number" | "null"), _) | (kind, "") => Text(kind).to_string(),
        (kind, format) => format!("{} ({})", Text(kind), Text(format)),
    }
}

/// What else must hold, in short phrases.
pub(super) fn limits(shape: &Value) -> String {
    let number = |key: &str| shape.get(key).filter(|value| value.is_number()).map(ToString::to_string);
    let between = |least: &str, most: &str, unit: &str| match (number(least), number(most)) {
        (None, None) => None,
        (Some(least), None) if least == "0" => None,
        (Some(least), None) => Some(format!("at least {least}{unit}")),
        (None, Some(most)) => Some(format!("at most {most}{unit}")),
        (Some(least), Some(most)) => Some(format!("{least} to {most}{unit}")),
    };
    let mut said: Vec<String> = [
        between("minimum", "maximum", ""),
        between("minLength", "maxLength", " characters"),
        between("minItems", "maxItems", " items"),
    ]
    .into_iter()
    .flatten()
    .collect();
    let words: Vec<String> =
        list(shape, "enum").iter().map(|value| format!("<code>{}</code>", Text(&plain(value)))).collect();
    if !words.is_empty() {
        said.push(format!("one of {}", words.join(", ")));
    }
    if let Some(default) = shape.get("default") {
        said.push(format!("<code>{}</code> where it is left out", Text(&plain(default))));
    }
    if let Some(pattern) = shape.get("pattern").and_then(Value::as_str) {
        said.push(format!("matches <code>{}</code>", Text(pattern)));
    }
    said.join("; ")
}

/// A value as people write it: text without quotes.
pub(super) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// One entry of a list of parameters, headers or fields.
pub(super) struct Entry<'e> {
    pub(super) name: &'e str,
    /// Beside the name: where a parameter stands.
    pub(super) place: &'e str,
    /// `None`: nothing is to be said about it.
    pub(super) required: Option<bool>,
    pub(super) shape: &'e Value,
    pub(super) about: &'e str,
}

impl Entry<'_> {
    pub(super) fn write(&self, out: &mut String) {
        put!(out, "<dt><code>{}</code> ", Text(self.name));
        if !self.place.is_empty() {
            put!(out, "<span class=\"place\">{}</span> ", Text(self.place));
        }
        put!(out, "<span class=\"kind\">{}</span>", kind(self.shape));
        match self.required {
            Some(true) if !self.place.is_empty() => out.push_str(" <span class=\"must\">required</span>"),
            Some(false) if self.place.is_empty() => out.push_str(" <span class=\"may\">may be absent</span>"),
            _ => {}
        }
        put!(out, "</dt><dd>{}", Words(self.about));
        let limits = limits(self.shape);
        if !limits.is_empty() {
            put!(out, "<p class=\"limits\">{limits}</p>");
        }
        out.push_str("</dd>");
    }
}

/// The fields of an object, those of objects within that have no name of their own below them.
pub(super) fn write_fields(out: &mut String, root: Root<'_>, shape: &Value, depth: usize) {
    let fields = root.fields(shape);
    if fields.is_empty() || depth > DEEPEST {
        return;
    }
    out.push_str("<dl class=\"fields\">");
    for (name, field, required) in fields {
        let about = word(field, "description");
        Entry { name, place: "", required: Some(required), shape: field, about }.write(out);
        let inner = inline(field);
        if let Some(inner) = inner {
            out.push_str("<dd>");
            write_fields(out, root, inner, depth + 1);
            out.push_str("</dd>");
        }
    }
    out.push_str("</dl>");
}

/// The object without a name that a field is, or is a list of, or may be.
fn inline(field: &Value) -> Option<&Value> {
    if field.get("properties").is_some() {
        return Some(field);
    }
    let choices = list(field, "oneOf").iter().chain(list(field, "anyOf")).chain(list(field, "allOf"));
    field.get("items").and_then(inline).or_else(|| choices.into_iter().find_map(inline))
}

/// A named shape, to be linked to.
pub(super) fn write_shape(out: &mut String, root: Root<'_>, name: &str, shape: &Value) {
    put!(
        out,
        "<section class=\"shape\" id=\"shape-{0}\"><h3><a href=\"#shape-{0}\">{0}</a></h3>{1}",
        Text(name),
        Words(word(shape, "description"))
    );
    if root.fields(shape).is_empty() {
        put!(out, "<p><span class=\"kind\">{}</span></p>", kind(shape));
        let limits = limits(shape);
        if !limits.is_empty() {
            put!(out, "<p class=\"limits\">{limits}</p>");
        }
    }
    for choice in list(shape, "oneOf") {
        let about = word(choice, "description");
        if !about.is_empty() {
            put!(out, "<p class=\"limits\">{}: {}</p>", limits(choice), Line(about));
        }
    }
    write_fields(out, root, shape, 0);
    out.push_str("</section>");
}
