//! The whole contract with callers: what `/openapi.json` serves and `bff openapi` prints.

use actix_web::{
    HttpResponse,
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    web,
};
use bytes::Bytes;

use crate::{
    api,
    edge::{Access, Contract, Operation, object},
    live,
    screens::{self, HomeFeedScreen, MeScreen, MemberScreen, RecipeScreen},
};

/// Name of the session cookie where none is configured, in production.
const COOKIE: &str = "__Host-Http-sid";

/// The document as text: JSON in lines, so that a change of it can be read.
#[must_use]
pub fn openapi() -> String {
    let mut contract = Contract::default();
    screens::describe::<HomeFeedScreen>(&mut contract, "homeFeed");
    screens::describe::<RecipeScreen>(&mut contract, "recipePage");
    screens::describe::<MemberScreen>(&mut contract, "memberPage");
    screens::describe::<MeScreen>(&mut contract, "mePage");
    api::describe(&mut contract);
    live::describe(&mut contract);
    contract.tag("contract", "This document.");
    contract.add(
        Operation::get("/openapi.json", "readContract")
            .is("contract", Access::Public, "This document")
            .answers_shaped(200, "OpenAPI 3.1.", object(), None, []),
    );
    // Strings, lists and maps: that it cannot be written would be a bug of the library.
    let mut text = contract.document(COOKIE).to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

/// The document, made once.
#[derive(Clone)]
pub(super) struct Served(Bytes);

impl Served {
    pub(super) fn new() -> Self {
        Self(openapi().into())
    }
}

/// `GET /openapi.json`.
pub(super) async fn serve(served: web::Data<Served>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/json"))
        .insert_header((CACHE_CONTROL, "public, max-age=300"))
        .body(served.0.clone())
}
