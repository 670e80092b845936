//! The whole document of a service.

use schemas::{Problem, ServiceClaims};
use serde_json::{Value, json};

use super::{Contract, call, profile, recipe, timeline};
use crate::Service;

/// The contract of a service: an OpenAPI 3.1 document, in lines, so that a change of it can be read.
#[must_use]
pub fn contract(service: Service) -> String {
    let mut contract = Contract::default();
    let about = match service {
        Service::Profile => profile::describe(&mut contract),
        Service::Timeline => timeline::describe(&mut contract),
        Service::Recipe => recipe::describe(&mut contract),
    };
    // Text keys, text, numbers, lists: it always serialises.
    let mut text = serde_json::to_string_pretty(&contract.document(service, about)).unwrap_or_default();
    text.push('\n');
    text
}

impl Contract {
    fn document(mut self, service: Service, about: &str) -> Value {
        self.answer::<Problem>();
        self.shape::<ServiceClaims>("ServiceClaims", false);
        json!({
            "openapi": "3.1.0",
            "info": {
                "title": format!("The {} service", service.name()),
                "version": env!("CARGO_PKG_VERSION"),
                "description": format!("{about}\n\n{COMMON}"),
                "license": { "name": "MIT", "identifier": "MIT" },
            },
            "servers": [{ "url": "/", "description": "`upstreams.*.url` of the gateway's settings." }],
            "paths": self.paths,
            "components": {
                "schemas": self.shapes,
                "responses": self.refusals,
                "parameters": call::parameters(),
                "headers": call::headers(),
                "securitySchemes": { call::TOKEN: {
                    "type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": SERVICE_TOKEN,
                } },
            },
        })
    }
}

const COMMON: &str = "The gateway alone calls, and never with a user's cookie or token. The acting user is the service \
token's `sub`; a call for nobody has none. Lists that are walked by cursor answer `{items, nextCursor}`. A GET may answer \
with an `ETag`; whoever sends it back in `If-None-Match` is answered 304. Errors are problem documents (RFC 9457) with a \
stable `code`. Besides what is listed, every path answers 405 `method_not_allowed` with `Allow` to other methods. \
Unknown query parameters are passed over; unknown fields of a body are refused with 422.";

const SERVICE_TOKEN: &str = "A service token that the gateway signs: a JWT (RFC 7519) for this service alone, good for a \
minute; its claims are `ServiceClaims`. Verify it with the keys at the gateway's `/.well-known/jwks.json` (EdDSA, chosen by \
`kid`), or with the secret that only this service shares with it (HS256): pin the algorithm, and check `iss`, `aud` and \
`exp`. `sub` is the acting user, or absent; `act` says that the gateway acts for them; `scope` says what the call may do at \
most. The scopes that an operation needs are listed with it.";
