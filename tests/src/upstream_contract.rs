//! The contracts of the services behind the gateway (`clients/contracts`), held against what passes through the proxies:
//! what the gateway sends, and what the reference services answer.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonschema::Validator;
use parking_lot::Mutex;
use serde_json::{Value, json};
use upstreams::Service;

use crate::Recorded;

/// An operation, and the status and code that it ended with; the code is empty where it went well.
pub type Seen = (String, u16, String);

/// A contract, and what was seen of it.
pub struct UpstreamContract {
    document: Value,
    /// By where their shape stands in the document. Made when first needed: a test meets few of them.
    validators: Mutex<BTreeMap<String, Validator>>,
    found: Mutex<Found>,
    /// What is still to be looked at: not while somebody waits for it, since that would take time from deadlines.
    passed: Mutex<Vec<Passed>>,
}

/// Exchanges of one proxy that are looked at: suites that measure send any number of the same.
const MOST: usize = 2000;

/// A request, and what the service answered, where it was asked.
struct Passed {
    request: Recorded,
    answer: Option<Answered>,
}

#[derive(Default)]
struct Found {
    seen: BTreeSet<Seen>,
    broken: BTreeSet<String>,
}

impl std::fmt::Debug for UpstreamContract {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UpstreamContract").finish_non_exhaustive()
    }
}

/// An answer as it came from the service.
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// A path of the contract, and the method on it.
struct Operation<'c> {
    value: &'c Value,
    /// Where it stands in the document.
    pointer: String,
    in_path: Vec<(&'c str, String)>,
}

impl UpstreamContract {
    /// The committed one.
    ///
    /// # Panics
    /// When it is no JSON.
    #[must_use]
    pub fn of(service: Service) -> Self {
        let text = match service {
            Service::Profile => include_str!("../../clients/contracts/profile.json"),
            Service::Timeline => include_str!("../../clients/contracts/timeline.json"),
            Service::Recipe => include_str!("../../clients/contracts/recipe.json"),
        };
        let document = serde_json::from_str(text).expect("a contract");
        Self { document, validators: Mutex::default(), found: Mutex::default(), passed: Mutex::default() }
    }

    /// The document.
    #[must_use]
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// What was seen so far.
    #[must_use]
    pub fn seen(&self) -> BTreeSet<Seen> {
        self.look();
        self.found.lock().seen.clone()
    }

    /// What did not fit.
    #[must_use]
    pub fn broken(&self) -> BTreeSet<String> {
        self.look();
        self.found.lock().broken.clone()
    }

    /// Forgets what did not fit: for those who brought it about.
    pub fn forget(&self) {
        self.look();
        self.found.lock().broken.clear();
    }

    /// Keeps an exchange to be looked at. A fault may have kept the request from the service: then there is no answer.
    pub(crate) fn passes(&self, request: &Recorded, answer: Option<Answered>) {
        let mut passed = self.passed.lock();
        if passed.len() < MOST {
            passed.push(Passed { request: request.clone(), answer });
        }
    }

    /// Looks at everything that has passed.
    fn look(&self) {
        let passed = std::mem::take(&mut *self.passed.lock());
        for Passed { request, answer } in passed {
            self.sent(&request);
            if let Some(answer) = answer {
                self.answered(&request, &answer);
            }
        }
    }

    fn sent(&self, request: &Recorded) {
        let wrong = match self.operation(request) {
            None => vec!["is not in the contract".to_owned()],
            Some(operation) => self.wrong_request(&operation, request),
        };
        self.note(request, &wrong);
    }

    fn answered(&self, request: &Recorded, answer: &Answered) {
        let Some(operation) = self.operation(request) else { return };
        let code = serde_json::from_slice::<Value>(&answer.body).ok();
        let code =
            code.filter(|_| answer.status >= 400).and_then(|body| Some(body["code"].as_str()?.to_owned()));
        let id = operation.value["operationId"].as_str().unwrap_or_default().to_owned();
        self.found.lock().seen.insert((id, answer.status, code.unwrap_or_default()));
        let wrong = self.wrong_answer(&operation, answer);
        self.note(request, &wrong);
    }

    fn note(&self, request: &Recorded, wrong: &[String]) {
        let line = format!("{} {}", request.method, request.path);
        self.found.lock().broken.extend(wrong.iter().map(|wrong| format!("{line}: {wrong}")));
    }

    /// What a path without variables names comes before what one with them does.
    fn operation(&self, request: &Recorded) -> Option<Operation<'_>> {
        let method = request.method.to_lowercase();
        let paths = self.document["paths"].as_object()?;
        let fitting = paths.iter().filter_map(|(template, item)| {
            Some((template, item.get(&method)?, fit(template, &request.path)?))
        });
        let (template, value, in_path) = fitting.min_by_key(|(_, _, in_path)| in_path.len())?;
        let pointer = format!("/paths/{}/{method}", template.replace('~', "~0").replace('/', "~1"));
        Some(Operation { value, pointer, in_path })
    }

    fn resolve<'c>(&'c self, value: &'c Value) -> &'c Value {
        let reference = value["$ref"].as_str().and_then(|reference| self.document.pointer(&reference[1..]));
        reference.unwrap_or(value)
    }

    fn wrong_request(&self, operation: &Operation<'_>, request: &Recorded) -> Vec<String> {
        let mut wrong = self.wrong_token(operation, request);
        let mut query: Vec<(String, String)> =
            url::form_urlencoded::parse(request.query.as_bytes()).into_owned().collect();
        for (place, parameter) in operation.value["parameters"].as_array().into_iter().flatten().enumerate() {
            let pointer = match parameter["$ref"].as_str() {
                Some(reference) => format!("{}/schema", &reference[1..]),
                None => format!("{}/parameters/{place}/schema", operation.pointer),
            };
            let parameter = self.resolve(parameter);
            let name = parameter["name"].as_str().unwrap_or_default();
            let given = match parameter["in"].as_str() {
                Some("header") => request.header(name).map(str::to_owned),
                Some("path") => {
                    operation.in_path.iter().find(|(known, _)| *known == name).map(|(_, id)| id.clone())
                }
                _ => {
                    let place = query.iter().position(|(known, _)| known == name);
                    place.map(|place| query.remove(place).1)
                }
            };
            match given {
                None if parameter["required"] == true => wrong.push(format!("{name} is missing")),
                None => {}
                Some(text) => {
                    let value = typed(self.resolve(&parameter["schema"]), &text);
                    wrong.extend(self.misfits(&pointer, &value).map(|misfit| format!("{name}: {misfit}")));
                }
            }
        }
        wrong
            .extend(query.into_iter().map(|(name, _)| format!("{name} in the query is not in the contract")));
        wrong.extend(self.wrong_body(operation, request));
        wrong
    }

    fn wrong_body(&self, operation: &Operation<'_>, request: &Recorded) -> Vec<String> {
        if operation.value["requestBody"].is_null() {
            return if request.body.is_empty() { Vec::new() } else { vec!["has a body".to_owned()] };
        }
        if request.header("content-type") != Some("application/json") {
            return vec!["its body is not application/json".to_owned()];
        }
        let Ok(body) = serde_json::from_slice(&request.body) else {
            return vec!["its body is no JSON".to_owned()];
        };
        let pointer = format!("{}/requestBody/content/application~1json/schema", operation.pointer);
        self.misfits(&pointer, &body).map(|misfit| format!("its body: {misfit}")).collect()
    }

    /// The claims of the service token; whether they are signed is for the services to say.
    fn wrong_token(&self, operation: &Operation<'_>, request: &Recorded) -> Vec<String> {
        let payload = request.bearer().and_then(|token| token.split('.').nth(1));
        let payload = payload.and_then(|payload| URL_SAFE_NO_PAD.decode(payload).ok());
        let Some(claims) = payload.and_then(|payload| serde_json::from_slice::<Value>(&payload).ok()) else {
            return vec!["has no service token".to_owned()];
        };
        let mut wrong: Vec<String> = self.misfits("/components/schemas/ServiceClaims", &claims).collect();
        let scopes: Vec<&str> = claims["scope"].as_str().unwrap_or_default().split(' ').collect();
        for needed in operation.value["security"][0]["serviceToken"].as_array().into_iter().flatten() {
            if !needed.as_str().is_some_and(|needed| scopes.contains(&needed)) {
                wrong.push(format!("its token lacks the scope {needed}"));
            }
        }
        let refusals = operation.value["responses"]["403"]["$ref"].as_str().unwrap_or_default();
        let nobody = claims["sub"].is_null();
        if nobody && refusals.contains("no_acting_user") {
            wrong.push("its token is for nobody".to_owned());
        }
        if !nobody && scopes.contains(&"accounts") {
            wrong.push("its token is for accounts and for somebody".to_owned());
        }
        wrong
    }

    fn wrong_answer(&self, operation: &Operation<'_>, answer: &Answered) -> Vec<String> {
        let described = &operation.value["responses"][answer.status.to_string()];
        if described.is_null() {
            return vec![format!("{} is not in the contract", answer.status)];
        }
        let pointer = match described["$ref"].as_str() {
            Some(reference) => reference[1..].to_owned(),
            None => format!("{}/responses/{}", operation.pointer, answer.status),
        };
        let described = self.resolve(described);
        let Some((media_type, _)) = described["content"].as_object().and_then(|kinds| kinds.iter().next())
        else {
            return if answer.body.is_empty() {
                Vec::new()
            } else {
                vec![format!("{} has a body", answer.status)]
            };
        };
        let sent = answer.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        if sent.is_none_or(|(_, sent)| sent != media_type) {
            return vec![format!("{} is not {media_type}", answer.status)];
        }
        let Ok(body) = serde_json::from_slice(&answer.body) else {
            return vec![format!("{} is no JSON", answer.status)];
        };
        let pointer = format!("{pointer}/content/{}/schema", media_type.replace('/', "~1"));
        self.misfits(&pointer, &body).map(|misfit| format!("{}: {misfit}", answer.status)).collect()
    }

    /// Where `value` is not of the shape that stands there. Tells the place and the rule, not the value: it may be a secret.
    fn misfits(&self, pointer: &str, value: &Value) -> impl Iterator<Item = String> + use<> {
        let mut validators = self.validators.lock();
        let validator = validators.entry(pointer.to_owned()).or_insert_with(|| {
            let escaped = pointer.replace('%', "%25").replace('{', "%7B").replace('}', "%7D");
            let schema = json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema", "$ref": format!("#{escaped}"),
                "paths": self.document["paths"], "components": self.document["components"],
            });
            jsonschema::options()
                .should_validate_formats(true)
                .build(&schema)
                .expect("a shape in the contract")
        });
        let misfits: Vec<String> = validator
            .iter_errors(value)
            .map(|error| format!("{} breaks {}", error.instance_path(), error.schema_path()))
            .collect();
        misfits.into_iter()
    }
}

/// What stands for the variables of `template`, where `path` fits it.
fn fit<'c>(template: &'c str, path: &str) -> Option<Vec<(&'c str, String)>> {
    let (wanted, given): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    if wanted.len() != given.len() {
        return None;
    }
    let mut variables = Vec::new();
    for (wanted, given) in wanted.into_iter().zip(given) {
        match wanted.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) => variables.push((name, given.to_owned())),
            None if wanted == given => {}
            None => return None,
        }
    }
    Some(variables)
}

/// A parameter's text as the value that it stands for.
fn typed(shape: &Value, text: &str) -> Value {
    match shape["type"].as_str() {
        Some("integer") => text.parse::<u64>().map_or_else(|_| json!(text), |number| json!(number)),
        Some("array") => json!(text.split(',').collect::<Vec<_>>()),
        _ => json!(text),
    }
}
