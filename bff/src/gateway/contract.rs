//! The whole contract with callers: what `/openapi.json` serves and `bff openapi` prints.

use actix_web::{HttpRequest, HttpResponse, web};
use arc_swap::ArcSwap;
use schemas::{DegradedPart, Id, MySession};
use utoipa::openapi::ResponseBuilder;

use super::declared::Declared;
use crate::{
    auth,
    declare::Declarations,
    docs,
    edge::{Access, AnswerHeader, ApiError, Contract, Fixed, Operation, any_text, object},
    files::site,
    live,
};

/// Name of the session cookie where none is configured, in production.
const COOKIE: &str = "__Host-Http-sid";

/// The document of what is declared, and of what the gateway serves by itself, as text: JSON in lines, so that a change of it
/// can be read.
#[must_use]
pub fn openapi(declarations: &Declarations) -> String {
    let mut contract = Contract::default();
    docs::describe_groups(&mut contract, declarations);
    contract.shape::<Id>();
    contract.piece::<DegradedPart>();
    contract.piece::<MySession<'_>>();
    auth::describe_accounts(&mut contract);
    describe_own(&mut contract);
    docs::describe(&mut contract, declarations);
    written(contract)
}

/// What the gateway serves whatever is declared.
fn describe_own(contract: &mut Contract) {
    live::describe(contract);
    site::describe(contract);
    contract.tag("contract", "This document.");
    let document = contract.named("Contract".to_owned(), object(), example());
    contract.add(
        Operation::get("/openapi.json", "readContract")
            .is("contract", Access::Public, "This document")
            .about("404 where the operator does without it.")
            .header("If-None-Match", any_text(), "Validators of what the caller has.")
            .answers_shaped(200, "OpenAPI 3.1.", document)
            .answers_with(304, ResponseBuilder::new().description("The caller has it."))
            .bears(200, [AnswerHeader::ETag.always()])
            .bears(304, [AnswerHeader::ETag.always()])
            .fails(ApiError::NotFound),
    );
    docs::describe_docs(contract);
}

fn written(contract: Contract) -> String {
    // Strings, lists and maps: that it cannot be written would be a bug of the library.
    let mut text = contract.document(COOKIE).to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

/// What an OpenAPI document cannot do without.
fn example() -> serde_json::Value {
    let info = serde_json::json!({ "title": "BFF gateway", "version": env!("CARGO_PKG_VERSION") });
    serde_json::json!({ "openapi": "3.1.0", "info": info, "paths": {} })
}

/// The document and its page, made once.
pub(super) struct Documents {
    contract: Fixed,
    page: docs::Docs,
}

impl Documents {
    pub(super) fn new(declarations: &Declarations) -> Self {
        let document = openapi(declarations);
        let page = docs::Docs::new(&document);
        Self { contract: Fixed::new("application/json", document, None), page }
    }
}

/// `GET /openapi.json`.
pub(super) async fn serve(
    request: HttpRequest,
    declared: web::Data<ArcSwap<Declared>>,
) -> Result<HttpResponse, ApiError> {
    let declared = declared.load_full();
    declared.contract().ok_or(ApiError::NotFound)?.contract.answer(&request).await
}

/// `GET /docs`.
pub(super) async fn serve_page(
    request: HttpRequest,
    declared: web::Data<ArcSwap<Declared>>,
) -> Result<HttpResponse, ApiError> {
    let declared = declared.load_full();
    docs::docs(request, &declared.contract().ok_or(ApiError::NotFound)?.page).await
}

#[cfg(test)]
#[path = "contract_tests.rs"]
mod tests;
