//! One call of a service: a method on a path, with all that calls have in common.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Contract, reference};

/// The name of the security scheme.
pub(super) const TOKEN: &str = "serviceToken";

/// For whom a call is made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    /// For the acting user: a token without one is refused.
    Member,
    /// For the acting user, or for nobody: then nothing is liked or followed by them.
    Anyone,
    /// For nobody, whoever asks: the answer is the same for everybody.
    Nobody,
    /// For nobody, to make or verify an account.
    Accounts,
    /// For the acting user, who deletes their account.
    Leaving,
}

/// A call, as it is being described.
pub(super) struct Call {
    method: &'static str,
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    about: Option<&'static str>,
    made_for: For,
    query: Vec<Value>,
    body: Option<Value>,
    answer: (u16, &'static str, Option<Value>),
    refusals: Vec<Refusal>,
}

/// Status, code, and when it is so.
pub(super) type Refusal = (u16, &'static str, &'static str);

const TOKENS: [Refusal; 3] = [
    (401, "token_missing", "There is no service token."),
    (401, "token_invalid", "The service token is not valid here."),
    (403, "insufficient_scope", "The service token lacks the scope that this call takes."),
];
const EVERYWHERE: [Refusal; 2] = [
    (500, "internal", "Something went wrong in the service."),
    (
        503,
        "keys_unavailable",
        "The keys that verify tokens cannot be fetched; `Retry-After` says when to try again.",
    ),
];
const BODIES: [Refusal; 4] = [
    (400, "malformed_json", "The body is not JSON."),
    (400, "body_cut_off", "The body ended early."),
    (413, "body_too_large", "The body has more than 64 KiB."),
    (415, "unsupported_media_type", "The body is not `application/json`, or compressed."),
];
const INVALID: Refusal = (422, "invalid_input", "Some of what was sent cannot be used; `errors` says what.");
pub(super) const NO_ACTING_USER: Refusal =
    (403, "no_acting_user", "The token names no acting user, or one whose account has been deleted.");
pub(super) const NOT_OWN: Refusal = (403, "not_own_account", "That is not the acting user's account.");
pub(super) const NOT_FOUND: Refusal = (404, "not_found", "There is no such thing.");
pub(super) const NOT_AUTHOR: Refusal = (403, "not_author", "Only its author may do this.");

impl Contract {
    pub(super) fn add(&mut self, call: Call) {
        let (path, method, described) = call.describe(self);
        self.paths.entry(path).or_default().insert(method.to_owned(), described);
    }
}

impl Call {
    fn new(method: &'static str, path: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self {
            method,
            path,
            id,
            summary,
            about: None,
            made_for: For::Member,
            query: Vec::new(),
            body: None,
            answer: (204, "Done.", None),
            refusals: Vec::new(),
        }
    }

    pub(super) fn get(path: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self::new("get", path, id, summary)
    }

    pub(super) fn post(path: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self::new("post", path, id, summary)
    }

    pub(super) fn put(path: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self::new("put", path, id, summary)
    }

    pub(super) fn patch(path: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self::new("patch", path, id, summary)
    }

    pub(super) fn delete(path: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self::new("delete", path, id, summary)
    }

    /// More about it.
    pub(super) fn about(mut self, about: &'static str) -> Self {
        self.about = Some(about);
        self
    }

    /// For whom it is made; for the acting user unless it is said.
    pub(super) fn made_for(mut self, whom: For) -> Self {
        self.made_for = whom;
        self
    }

    /// A query parameter that may be left out.
    pub(super) fn query(mut self, name: &str, shape: Value, about: &str) -> Self {
        self.query.push(json!({
            "name": name, "in": "query", "required": false, "description": about, "schema": shape,
        }));
        self
    }

    /// `limit` and `cursor`.
    pub(super) fn walked_by_cursor(self) -> Self {
        self.query("limit", number(20, 100), "How many.").query(
            "cursor",
            json!({ "type": "string", "maxLength": 512 }),
            "`nextCursor` of the page before: opaque, only ever this service's own.",
        )
    }

    /// `ids`, 1 to 100 with commas between.
    pub(super) fn by_ids(mut self) -> Self {
        self.query.push(json!({
            "name": "ids", "in": "query", "required": true, "style": "form", "explode": false,
            "description": "Unknown ones are left out of the answer.",
            "schema": {
                "type": "array", "items": reference("schemas", "Id"), "minItems": 1, "maxItems": 100,
            },
            "example": ["0192f5a0-7c3e-7b1a-9d55-2f6d3c1b8a10"],
        }));
        self
    }

    /// It takes JSON of this shape.
    pub(super) fn takes(mut self, shape: Value) -> Self {
        self.body = Some(shape);
        self
    }

    /// It mails somebody, in the language that the caller likes.
    pub(super) fn mails(mut self) -> Self {
        self.query.push(json!({
            "name": "Accept-Language", "in": "header", "required": false,
            "description": "The language of the mail (RFC 9110 section 12.5.4).",
            "schema": { "type": "string", "maxLength": 256 },
        }));
        self
    }

    /// It answers 202: it is kept, and will be done.
    pub(super) fn accepts(mut self, about: &'static str) -> Self {
        self.answer = (202, about, None);
        self
    }

    /// It answers 200 with this shape.
    pub(super) fn answers(mut self, shape: Value, about: &'static str) -> Self {
        self.answer = (200, about, Some(shape));
        self
    }

    /// It answers 201 with what was made, and where it is.
    pub(super) fn makes(mut self, shape: Value, about: &'static str) -> Self {
        self.answer = (201, about, Some(shape));
        self
    }

    /// It may end like this.
    pub(super) fn refuses<const N: usize>(mut self, refusals: [Refusal; N]) -> Self {
        self.refusals.extend(refusals);
        self
    }

    /// The path, the method, and the operation.
    pub(super) fn describe(mut self, contract: &mut Contract) -> (&'static str, &'static str, Value) {
        let mut parameters: Vec<Value> = ["traceparent", "X-Request-Id", "X-Request-Timeout-Ms"]
            .map(|name| reference("parameters", name))
            .into();
        if self.method == "get" {
            parameters.push(reference("parameters", "If-None-Match"));
        }
        let in_path = self.path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
        let in_path: Vec<&str> = in_path.collect();
        parameters.extend(in_path.iter().map(|name| {
            json!({ "name": name, "in": "path", "required": true, "schema": reference("schemas", "Id") })
        }));
        if !in_path.is_empty() || !self.query.is_empty() {
            contract.answer::<schemas::Id>();
        }
        self.refusals.extend(TOKENS.into_iter().chain(EVERYWHERE));
        if self.made_for == For::Member {
            self.refusals.push(NO_ACTING_USER);
        }
        if self.body.is_some() {
            self.refusals.extend(BODIES);
        }
        if self.body.is_some() || !self.query.is_empty() || !in_path.is_empty() {
            self.refusals.push(INVALID);
        }
        parameters.append(&mut self.query);
        let about: Vec<&str> = self.about.into_iter().chain([words_for(self.made_for)]).collect();
        let mut described = json!({
            "operationId": self.id,
            "summary": self.summary,
            "description": about.join("\n\n"),
            "parameters": parameters,
            "security": [{ TOKEN: [scope(self.made_for, self.method)] }],
            "responses": self.responses(contract),
        });
        if let Some(shape) = self.body {
            described["requestBody"] =
                json!({ "required": true, "content": { "application/json": { "schema": shape } } });
        }
        (self.path, self.method, described)
    }

    fn responses(&self, contract: &mut Contract) -> Value {
        let (status, about, shape) = &self.answer;
        let mut answer = json!({
            "description": about,
            "headers": { "X-Request-Id": reference("headers", "X-Request-Id") },
        });
        let reads = self.method == "get";
        if let Some(shape) = shape {
            answer["content"] = json!({ "application/json": { "schema": shape } });
        }
        if *status == 201 {
            answer["headers"]["Location"] = reference("headers", "Location");
        }
        if reads {
            answer["headers"]["ETag"] = reference("headers", "ETag");
        }
        let mut responses = json!({ status.to_string(): answer });
        if reads {
            responses["304"] = json!({
                "description": "The caller has it.",
                "headers": {
                    "ETag": reference("headers", "ETag"),
                    "X-Request-Id": reference("headers", "X-Request-Id"),
                },
            });
        }
        let mut by_status: BTreeMap<u16, BTreeMap<&str, &str>> = BTreeMap::new();
        for (status, code, when) in &self.refusals {
            by_status.entry(*status).or_default().insert(code, when);
        }
        for (status, codes) in by_status {
            let words: Vec<&str> = codes.keys().copied().collect();
            let name = format!("{status}.{}", words.join("."));
            contract.refusals.entry(name.clone()).or_insert_with(|| refusal(status, &codes));
            responses[status.to_string()] = reference("responses", &name);
        }
        responses
    }
}

/// A problem document with one of these codes.
fn refusal(status: u16, codes: &BTreeMap<&str, &str>) -> Value {
    let words: Vec<String> = codes.iter().map(|(code, when)| format!("- `{code}`: {when}")).collect();
    let mut told = json!({
        "code": { "type": "string", "enum": codes.keys().collect::<Vec<_>>() },
        "status": { "const": status },
    });
    if codes.contains_key("bad_credentials") {
        told["account"] = json!({
            "type": "string",
            "description": "The `id` of the member whose name the login is, if it is anybody's and whatever was wrong. \
                            May be left out; where it is there, the gateway counts failures of all names of a member \
                            together. It tells nobody.",
        });
    }
    let shape = json!({ "allOf": [
        reference("schemas", "Problem"),
        { "type": "object", "required": ["code"], "properties": told },
    ] });
    let mut headers = json!({ "X-Request-Id": reference("headers", "X-Request-Id") });
    match status {
        401 => headers["WWW-Authenticate"] = reference("headers", "WWW-Authenticate"),
        503 => headers["Retry-After"] = reference("headers", "Retry-After"),
        _ => {}
    }
    json!({
        "description": words.join("\n"),
        "headers": headers,
        "content": { "application/problem+json": { "schema": shape } },
    })
}

fn words_for(whom: For) -> &'static str {
    match whom {
        For::Member => "For the acting user.",
        For::Anyone => "For the acting user, or for nobody: then `likedByMe` is false.",
        For::Nobody => "For nobody: the answer is the same whoever asks.",
        For::Accounts => "For nobody, with the scope `accounts`.",
        For::Leaving => "For the acting user, with the scope `delete_account`. Again changes nothing.",
    }
}

fn scope(whom: For, method: &str) -> &'static str {
    match (whom, method) {
        (For::Accounts, _) => "accounts",
        (For::Leaving, _) => "delete_account",
        (_, "get") => "read",
        _ => "write",
    }
}

/// A whole number from 1, with the one that counts where none is given.
pub(super) fn number(default: u32, most: u32) -> Value {
    json!({ "type": "integer", "minimum": 1, "maximum": most, "default": default })
}

/// What every call bears.
pub(super) fn parameters() -> Value {
    let header = |name: &str, required: bool, shape: Value, about: &str| json!({ "name": name, "in": "header", "required": required, "description": about, "schema": shape });
    json!({
        "traceparent": header(
            "traceparent", true,
            json!({ "type": "string", "pattern": "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$" }),
            "W3C Trace Context: the call is a child of it.",
        ),
        "X-Request-Id": header(
            "X-Request-Id", true, reference("schemas", "Id"),
            "Names the caller's request in logs; the same on every call that it causes. Answers bear it again.",
        ),
        "X-Request-Timeout-Ms": header(
            "X-Request-Timeout-Ms", true, json!({ "type": "integer", "minimum": 0 }),
            "What is left of the caller's deadline, in milliseconds: after that nobody waits for the answer.",
        ),
        "If-None-Match": header(
            "If-None-Match", false, json!({ "type": "string" }), "The `ETag` of what the caller has.",
        ),
    })
}

/// What answers bear.
pub(super) fn headers() -> Value {
    let header =
        |shape: Value, about: &str| json!({ "required": false, "description": about, "schema": shape });
    let text = || json!({ "type": "string" });
    json!({
        "X-Request-Id": header(text(), "That of the request."),
        "ETag": header(text(), "A validator of the answer as this caller sees it (RFC 9110 section 8.8.3)."),
        "Location": header(text(), "The path of what was made."),
        "WWW-Authenticate": header(text(), "`Bearer`, and why a token was refused (RFC 6750 section 3)."),
        "Retry-After": header(json!({ "type": "integer", "minimum": 0 }), "Seconds after which it is worth trying again."),
    })
}
