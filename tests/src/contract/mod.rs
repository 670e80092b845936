//! The contract (`schemas/openapi.json`), held against every answer of the gateway that a suite sees: actors do so
//! in passing. What is sent must be described, and what is described as always there must be sent.

mod document;
mod headers;
mod seen;
mod strict;

use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::Answer;
use document::{Contract, Described};

/// What holds besides the contract where an answer comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terms {
    /// Rate limits are on: every answer tells them, but where nobody is charged.
    pub(crate) limits: bool,
    /// A site is served: paths that nothing else is at are its own.
    pub(crate) site: bool,
    /// The contract itself is served, and its page.
    pub(crate) docs: bool,
}

impl Terms {
    /// Those of a gateway with these settings.
    pub(crate) fn of(settings: &[(String, String)]) -> Self {
        let switch = |name: &str| settings.iter().rev().find(|(key, _)| key == name);
        let set = settings.iter().any(|(key, _)| key.starts_with("limits."));
        Self {
            limits: switch("limits.enabled")
                .map_or(set, |(_, value)| matches!(value.as_str(), "true" | "on")),
            site: switch("site.dir").is_some(),
            docs: switch("http.docs").is_none_or(|(_, value)| value != "false"),
        }
    }
}

/// Holds an answer against the contract. `path` is what was asked for, without the query.
///
/// # Panics
/// When it breaks the contract: with every way in which it does.
pub(crate) fn hold(terms: Terms, method: &Method, path: &str, answer: &Answer) {
    let mut case = Case { method, answer, contract: Contract::committed(), broken: Vec::new() };
    // What CORS answers to a preflight is its own specification's.
    if *method == Method::OPTIONS {
        return;
    }
    let switched_off = !terms.docs && ["/docs", "/openapi.json"].contains(&path);
    let found = if switched_off { Found::Nothing } else { case.contract.find(method, path) };
    let free = matches!(&found, Found::Operation(described) if described.is_free());
    let name = match found {
        // Not everything that is read can be asked for its head alone.
        Found::Operation(described) if *method == Method::HEAD && answer.status == 405 => {
            case.expect(!answer.lists("allow", "HEAD"), || {
                "Allow lists the method that is refused".to_owned()
            });
            described.name().to_owned()
        }
        Found::Operation(described) => {
            seen::note(described.name(), answer.status.as_u16());
            case.operation(&described);
            if answer.status != StatusCode::NOT_MODIFIED {
                case.cached(&described);
            }
            described.name().to_owned()
        }
        Found::OtherMethods(described) => {
            case.refused(405, "method_not_allowed");
            case.allow(&described);
            "no operation".to_owned()
        }
        Found::Nothing if terms.site && !answer.status.is_server_error() => return,
        Found::Nothing => {
            case.refused(404, "not_found");
            "no operation".to_owned()
        }
    };
    case.problem();
    if terms.limits && !free && answer.status != StatusCode::INTERNAL_SERVER_ERROR {
        for header in ["ratelimit", "ratelimit-policy"] {
            case.expect(answer.header(header).is_some(), || {
                format!("limits are on and there is no {header}")
            });
        }
    }
    let Case { broken, .. } = case;
    assert!(
        broken.is_empty(),
        "the contract says otherwise: {method} {path} ({name}) answered {}\n  {}\nheaders: {:?}\nbody: {}",
        answer.status,
        broken.join("\n  "),
        answer.headers,
        answer.text().chars().take(2000).collect::<String>(),
    );
}

/// Holds a message of a live connection against the contract.
///
/// # Panics
/// When it breaks it.
pub fn hold_message(message: &Value) {
    let schema = "/components/schemas/LiveMessage";
    let broken = Contract::committed().errors(schema, message);
    assert!(broken.is_empty(), "the contract says otherwise of a message: {broken:?}\n{message}");
}

/// What is at a path.
enum Found {
    Operation(Described),
    /// The path is described, with these methods.
    OtherMethods(Vec<String>),
    Nothing,
}

/// An answer on its way through the checks.
struct Case<'a> {
    method: &'a Method,
    answer: &'a Answer,
    contract: &'static Contract,
    broken: Vec<String>,
}

impl Case<'_> {
    fn expect(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds {
            self.broken.push(otherwise());
        }
    }

    fn operation(&mut self, described: &Described) {
        let Some(response) = described.response(self.answer.status.as_u16()) else {
            self.broken.push("this status is not described".to_owned());
            return;
        };
        self.broken.extend(headers::broken(self.contract, &response, self.answer));
        self.body(&response);
    }

    /// What is described of cached documents is there unless they are sent while they are made.
    fn cached(&mut self, described: &Described) {
        let Some(response) = described.response(self.answer.status.as_u16()) else { return };
        let streamed = self.answer.header("content-type") == Some("application/x-ndjson");
        for (name, ..) in self.contract.headers(&response) {
            if ["etag", "age", "cache-status", "server-timing"].contains(&name.as_str()) {
                let there = self.answer.header(&name).is_some() || streamed;
                self.expect(there, || format!("there is no {name}"));
            }
        }
    }

    /// An answer where nothing is described: this refusal, or one that comes before anything is looked for.
    fn refused(&mut self, status: u16, code: &str) {
        let early = [
            "rate_limited",
            "invalid_caller_token",
            "expectation_failed",
            "head_timeout",
            "bad_request",
            "internal_error",
            "interrupted",
        ];
        let seen = serde_json::from_slice::<Value>(&self.answer.body).unwrap_or_default();
        let seen = seen["code"].as_str().unwrap_or_default();
        // No body says which one it is.
        let head = *self.method == Method::HEAD && [status, 417].contains(&self.answer.status.as_u16());
        let holds = head || early.contains(&seen) || seen == code && self.answer.status.as_u16() == status;
        self.expect(holds, || format!("nothing is described here, and it is no {status} {code}"));
    }

    fn allow(&mut self, described: &[String]) {
        if self.answer.status != StatusCode::METHOD_NOT_ALLOWED {
            return;
        }
        for method in described {
            let listed = self.answer.lists("allow", method);
            self.expect(listed, || format!("Allow does not list {method}"));
        }
    }

    fn body(&mut self, response: &str) {
        let types = self.contract.media_types(response);
        let bare = *self.method == Method::HEAD
            || matches!(self.answer.status.as_u16(), 101 | 204 | 304)
            || types.is_empty();
        if bare {
            let empty = self.answer.body.is_empty();
            return self.expect(empty, || "there is a body where none is described".to_owned());
        }
        let sent = self.answer.header("content-type").unwrap_or_default();
        let essence = sent.split(';').next().unwrap_or_default().trim();
        let Some(content) = types.iter().find(|known| *known == essence) else {
            let types = types.join(", ");
            return self.broken.push(format!("its type is `{sent}`, described are {types}"));
        };
        let schema = format!("{response}/content/{}/schema", document::escaped(content));
        let body = self.answer.plain();
        match essence {
            "application/json" | "application/problem+json" => self.json(&schema, &body),
            "application/x-ndjson" => {
                body.split(|byte| *byte == b'\n')
                    .filter(|line| !line.is_empty())
                    .for_each(|line| self.json(&schema, line));
            }
            "text/event-stream" => String::from_utf8_lossy(&body)
                .lines()
                .filter_map(|line| line.strip_prefix("data: "))
                .for_each(|data| self.json(&schema, data.as_bytes())),
            // Pages, pictures, scripts: that they are such is all that is said.
            _ => {}
        }
    }

    fn json(&mut self, schema: &str, text: &[u8]) {
        match serde_json::from_slice(text) {
            Ok(value) => self.broken.extend(self.contract.errors(schema, &value)),
            Err(error) => self.broken.push(format!("the body is no JSON: {error}")),
        }
    }

    /// What a problem document says must be what the answer says.
    fn problem(&mut self) {
        let status = self.answer.status;
        if !(status.is_client_error() || status.is_server_error()) || *self.method == Method::HEAD {
            return;
        }
        let sent = self.answer.header("content-type");
        // Where the contract describes a page, which `body` has checked, people are told.
        if sent == Some("text/html; charset=utf-8") {
            return;
        }
        if sent != Some("application/problem+json") {
            return self.broken.push(format!("an error that is no problem document but `{sent:?}`"));
        }
        let problem: Value = serde_json::from_slice(&self.answer.body).unwrap_or_default();
        let kind = format!("/problems/{}", problem["code"].as_str().unwrap_or_default().replace('_', "-"));
        for (field, expected) in [
            ("status", Value::from(status.as_u16())),
            ("requestId", self.answer.header("x-request-id").into()),
            ("type", kind.into()),
        ] {
            let seen = &problem[field];
            let holds = *seen == expected;
            self.expect(holds, || format!("{field} is {seen}, not {expected}"));
        }
    }
}
