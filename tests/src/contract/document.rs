//! The committed document: its operations, and validators for its schemas, each compiled when it is first needed.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, LazyLock},
};

use jsonschema::{Draft, Registry, Validator};
use parking_lot::Mutex;
use reqwest::Method;
use serde_json::Value;

use super::{Found, strict};

/// What the document's schemas are called within each other.
pub(super) const URI: &str = "urn:contract";

static COMMITTED: LazyLock<Contract> = LazyLock::new(Contract::read);
static SCHEMAS: LazyLock<Registry<'static>> = LazyLock::new(|| {
    let components =
        serde_json::json!({ "components": { "schemas": COMMITTED.document["components"]["schemas"] } });
    let registry = Registry::new().draft(Draft::Draft202012).add(URI, components).expect("schemas");
    registry.prepare().expect("schemas that refer to each other")
});

pub(super) struct Contract {
    /// Its schemas allow nothing that they do not describe.
    document: Value,
    paths: Vec<String>,
    /// By the schemas' places in the document.
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

/// An operation.
pub(super) struct Described {
    name: &'static str,
    /// Its place in the document.
    place: String,
}

impl Contract {
    pub(super) fn committed() -> &'static Self {
        &COMMITTED
    }

    fn read() -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/openapi.json");
        let text = std::fs::read_to_string(file).expect("the contract");
        let document = strict::made(serde_json::from_str(&text).expect("JSON"));
        let paths = document["paths"].as_object().expect("paths").keys().cloned().collect();
        Self { document, paths, validators: Mutex::default() }
    }

    /// What is at `path`: a step that is written out goes before a parameter.
    pub(super) fn find(&'static self, method: &Method, path: &str) -> Found {
        let fits = self.paths.iter().filter(|template| fits(template, path));
        let Some(template) = fits.min_by_key(|template| template.matches('{').count()) else {
            return Found::Nothing;
        };
        let item = self.document["paths"][template].as_object().expect("methods");
        let asked = if *method == Method::HEAD { "get".to_owned() } else { method.as_str().to_lowercase() };
        match item.get(&asked) {
            Some(operation) => Found::Operation(Described {
                name: operation["operationId"].as_str().expect("a name"),
                place: format!("/paths/{}/{asked}", escaped(template)),
            }),
            None => Found::OtherMethods(item.keys().map(|method| method.to_uppercase()).collect()),
        }
    }

    /// What is at a place, or at the place that it refers to.
    fn at(&self, place: &str) -> Option<(String, &Value)> {
        let found = self.document.pointer(place)?;
        match found["$ref"].as_str() {
            Some(reference) => self.at(reference.trim_start_matches('#')),
            None => Some((place.to_owned(), found)),
        }
    }

    pub(super) fn media_types(&self, response: &str) -> Vec<String> {
        let content = self.document.pointer(&format!("{response}/content")).and_then(Value::as_object);
        content.map(|content| content.keys().cloned().collect()).unwrap_or_default()
    }

    /// Headers of an answer: name in lower case, place, whether it is always there.
    pub(super) fn headers(&self, response: &str) -> Vec<(String, String, bool)> {
        let headers = self.document.pointer(&format!("{response}/headers")).and_then(Value::as_object);
        let names = headers.into_iter().flat_map(|headers| headers.keys());
        names
            .filter_map(|name| {
                let (place, header) = self.at(&format!("{response}/headers/{}", escaped(name)))?;
                Some((name.to_lowercase(), place, header["required"] == true))
            })
            .collect()
    }

    /// Whether the schema at `place` is one of numbers.
    pub(super) fn is_number(&self, place: &str) -> bool {
        self.document.pointer(place).is_some_and(|schema| schema["type"] == "integer")
    }

    /// How `value` is not what the schema at `place` describes.
    pub(super) fn errors(&self, place: &str, value: &Value) -> Vec<String> {
        let validator = self.validator(place);
        if validator.is_valid(value) {
            return Vec::new();
        }
        validator.iter_errors(value).map(|error| format!("at `{}`: {error}", error.instance_path())).collect()
    }

    fn validator(&self, place: &str) -> Arc<Validator> {
        let mut validators = self.validators.lock();
        let known = validators.entry(place.to_owned()).or_insert_with(|| {
            let schema = self.document.pointer(place).unwrap_or_else(|| panic!("no schema at {place}"));
            let options = jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true);
            Arc::new(options.with_registry(&SCHEMAS).build(schema).expect("a schema"))
        });
        Arc::clone(known)
    }
}

impl Described {
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// Whether nobody is charged for it: what it answers tells no rate limit.
    pub(super) fn is_free(&self) -> bool {
        let answer = Contract::committed().at(&format!("{}/responses/200", self.place));
        answer.is_some_and(|(_, answer)| answer["headers"].get("RateLimit").is_none())
    }

    /// The place of the answer with that status.
    pub(super) fn response(&self, status: u16) -> Option<String> {
        Some(Contract::committed().at(&format!("{}/responses/{status}", self.place))?.0)
    }
}

fn fits(template: &str, path: &str) -> bool {
    let (mut steps, mut asked) = (template.split('/'), path.split('/'));
    loop {
        match (steps.next(), asked.next()) {
            (None, None) => return true,
            (Some(step), Some(asked)) if step.starts_with('{') && !asked.is_empty() || step == asked => {}
            _ => return false,
        }
    }
}

/// A step of a JSON Pointer (RFC 6901 section 3).
pub(super) fn escaped(step: &str) -> String {
    step.replace('~', "~0").replace('/', "~1")
}
