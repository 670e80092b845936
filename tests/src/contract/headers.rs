//! Headers: those that are described have their form, those that are sent are described.

use serde_json::Value;

use super::document::Contract;
use crate::Answer;

/// What any HTTP server says, and what protects browsers: nothing that callers program against.
const EVERYWHERE: [&str; 16] = [
    "date",
    "connection",
    "content-length",
    "content-type",
    "content-encoding",
    "transfer-encoding",
    "upgrade",
    "x-content-type-options",
    "x-frame-options",
    "referrer-policy",
    "content-security-policy",
    "strict-transport-security",
    "permissions-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "x-accel-buffering",
];
/// CORS and the WebSocket handshake have their own specifications.
const FAMILIES: [&str; 2] = ["access-control-", "sec-websocket-"];

/// How the headers of `answer` are not those that the answer at `response` is described with.
pub(super) fn broken(contract: &Contract, response: &str, answer: &Answer) -> Vec<String> {
    let described = contract.headers(response);
    let mut broken = Vec::new();
    for (name, place, required) in &described {
        let schema = format!("{place}/schema");
        let lines = answer.all(name);
        if lines.is_empty() && *required {
            broken.push(format!("there is no {name}"));
        }
        for line in lines {
            let value = match line.parse::<u64>() {
                Ok(number) if contract.is_number(&schema) => Value::from(number),
                _ => Value::from(line),
            };
            broken
                .extend(contract.errors(&schema, &value).into_iter().map(|error| format!("{name} {error}")));
        }
    }
    for name in answer.headers.keys().map(reqwest::header::HeaderName::as_str) {
        let usual = EVERYWHERE.contains(&name) || FAMILIES.iter().any(|family| name.starts_with(family));
        if !usual && !described.iter().any(|(known, ..)| known == name) {
            broken.push(format!("{name} is not described"));
        }
    }
    broken
}
