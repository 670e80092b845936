//! The document holds what it says of itself: every example is one.

use jsonschema::{Draft, Registry, Validator};
use serde_json::Value;

use super::openapi;
use crate::declare::Declarations;

const URI: &str = "urn:contract";

struct Document {
    whole: Value,
    registry: Registry<'static>,
}

impl Document {
    /// Of typed screens and handlers, of the recipe book as it is declared, and of another product.
    fn all() -> [Self; 2] {
        let shop = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/shop");
        let shop = Declarations::from_dir(&shop).expect("sound declarations");
        let book = Declarations::recipe_book().expect("sound declarations");
        [openapi(&book), openapi(&shop)].map(|text| Self::new(&text))
    }

    fn new(text: &str) -> Self {
        let whole: Value = serde_json::from_str(text).expect("JSON");
        let registry = Registry::new().draft(Draft::Draft202012).add(URI, whole.clone()).expect("a resource");
        Self { whole, registry: registry.prepare().expect("references that lead somewhere") }
    }

    fn validator(&self, schema: &Value) -> Validator {
        let mut schema = schema.clone();
        name_references(&mut schema);
        let options = jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true);
        options.with_registry(&self.registry).build(&schema).expect("a schema")
    }

    /// Calls `seen` with every object of the document, and its place.
    fn walk<'d>(&'d self, seen: &mut impl FnMut(&str, &'d Value)) {
        walk(String::new(), &self.whole, seen);
    }
}

/// References within a schema that is taken out of the document lead back into it.
fn name_references(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(reference) if name == "$ref" && reference.starts_with('#') => {
                        reference.insert_str(0, URI);
                    }
                    _ => name_references(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(name_references),
        _ => {}
    }
}

fn walk<'d>(place: String, value: &'d Value, seen: &mut impl FnMut(&str, &'d Value)) {
    match value {
        Value::Object(fields) => {
            seen(&place, value);
            for (name, value) in fields.iter().filter(|(name, _)| !name.starts_with("example")) {
                walk(format!("{place}/{name}"), value, seen);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                walk(format!("{place}/{at}"), item, seen);
            }
        }
        _ => {}
    }
}

/// The examples beside a schema (media types, parameters, headers: an object of them), or in one (a list).
fn examples(of: &Value) -> Vec<&Value> {
    let named = of["examples"].as_object().into_iter().flatten().map(|(_, example)| &example["value"]);
    let listed = of["examples"].as_array().into_iter().flatten();
    of.get("example").into_iter().chain(named).chain(listed).collect()
}

#[test]
fn every_example_is_what_its_schema_describes() {
    for document in Document::all() {
        check_examples(&document);
    }
}

fn check_examples(document: &Document) {
    let (mut checked, mut broken) = (0, Vec::new());
    document.walk(&mut |place, value| {
        let examples = examples(value);
        // A field called `example` would be one of `properties`.
        if examples.is_empty() || place.ends_with("/properties") {
            return;
        }
        let validator = document.validator(value.get("schema").unwrap_or(value));
        for example in examples {
            checked += 1;
            broken.extend(validator.iter_errors(example).map(|error| format!("{place}: {error}")));
        }
    });
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(checked > 120, "{checked} examples");
}

#[test]
fn whatever_is_sent_or_answered_has_an_example() {
    for document in Document::all() {
        check_contents(&document);
    }
}

fn check_contents(document: &Document) {
    let (mut contents, mut without) = (0, Vec::new());
    document.walk(&mut |place, value| {
        let of_content = value.get("content").and_then(Value::as_object);
        for (kind, content) in of_content.into_iter().flatten().filter(|(kind, _)| kind.contains("json")) {
            contents += 1;
            if examples(content).is_empty() {
                without.push(format!("{place} {kind}"));
            }
        }
        let is_header = value.get("schema").is_some() && place.contains("/headers/");
        if is_header && examples(value).is_empty() {
            without.push(place.to_owned());
        }
    });
    assert!(without.is_empty(), "{without:#?}");
    assert!(contents > 60, "{contents} contents");
}

#[test]
fn every_code_of_every_refusal_has_its_own_example() {
    for document in Document::all() {
        check_refusals(&document);
    }
}

fn check_refusals(document: &Document) {
    let refusals = document.whole["components"]["responses"].as_object().expect("refusals");
    assert!(refusals.len() > 20, "{} refusals", refusals.len());
    for (name, refusal) in refusals {
        let content = &refusal["content"]["application/problem+json"];
        let codes = content["schema"]["allOf"][1]["properties"]["code"]["enum"].as_array().expect("codes");
        for code in codes {
            let code = code.as_str().expect("a code");
            let example = &content["examples"][code]["value"];
            assert_eq!(example["code"], code, "{name}");
            assert!(name.starts_with(&format!("{}.", example["status"])), "{name}: {example}");
        }
    }
}

/// The operations of a document: `GET /bff/orders/{id}`.
fn operations(document: &Document) -> Vec<String> {
    let paths = document.whole["paths"].as_object().expect("paths");
    let methods = paths.iter().flat_map(|(path, item)| {
        item.as_object()
            .expect("methods")
            .keys()
            .map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    methods.collect()
}

#[test]
fn whatever_is_declared_is_described_and_nothing_else_but_what_the_gateway_serves_by_itself() {
    let [book, shop] = Document::all();
    let (book_declared, shop_declared) = (
        Declarations::recipe_book().expect("sound").compile(),
        Declarations::from_dir(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/shop"))
            .expect("sound")
            .compile(),
    );
    let mut own = Vec::new();
    for (document, plan) in [(&book, book_declared), (&shop, shop_declared)] {
        let screens = plan.screens.iter().map(|screen| format!("GET {}", screen.path));
        let routes =
            plan.routes.iter().map(|route| format!("{} {}", route.method, route.path.replace("..}", "}")));
        let declared: Vec<String> = screens.chain(routes).collect();
        let described = operations(document);
        let missing: Vec<_> = declared.iter().filter(|one| !described.contains(one)).collect();
        assert!(missing.is_empty(), "{missing:?}");
        own.push(described.into_iter().filter(|one| !declared.contains(one)).collect::<Vec<_>>());
    }
    assert_eq!(own[0], own[1], "what the gateway serves by itself does not depend on declarations");
}
