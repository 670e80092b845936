//! The whole contract with callers: what `/openapi.json` serves and `bff openapi` prints.

use schemas::{DegradedPart, Id, MySession};
use utoipa::openapi::ResponseBuilder;

use super::additions::Additions;
use crate::{
    auth,
    declare::Declarations,
    docs,
    edge::{
        Access, AnswerHeader, Answering, ApiError, Contract, Operation, StaticResponse, any_text, object,
    },
    files::{self, site},
    live,
    screens::Screens,
};

/// Name of the session cookie where none is configured, in production.
const COOKIE: &str = "__Host-Http-sid";

/// The document of what is declared, and of what the gateway serves by itself, as text: JSON in lines, so that a change of it
/// can be read.
#[must_use]
pub fn openapi(declarations: &Declarations) -> String {
    openapi_with(declarations, &Additions::default())
}

/// The same with what a program adds.
pub(super) fn openapi_with(declarations: &Declarations, additions: &Additions) -> String {
    written(contract(declarations, additions, None))
}

/// What answers where something is served, and not only described.
pub(super) struct Served<'s> {
    /// Out of which screens in Rust are made.
    pub(super) screens: &'s Screens,
    /// The contract as a document and as a page; nothing where the operator does without (`http.docs`).
    pub(super) docs: Option<[Answering; 2]>,
    /// Whether there is a storage of files.
    pub(super) files: bool,
}

/// Everything that is served, from top to bottom: each operation that is not declared with its handler, the declared ones as
/// they are described.
pub(super) fn contract(
    declarations: &Declarations,
    additions: &Additions,
    served: Option<Served<'_>>,
) -> Contract {
    let with_files = served.as_ref().is_some_and(|served| served.files);
    let (screens, docs) = served.map(|Served { screens, docs, .. }| (screens, docs)).unzip();
    let mut contract = Contract::default();
    docs::describe_groups(&mut contract, declarations);
    contract.shape::<Id>();
    contract.piece::<DegradedPart>();
    contract.piece::<MySession<'_>>();
    auth::serve(&mut contract);
    live::serve(&mut contract);
    files::serve(&mut contract, with_files);
    site::serve_script(&mut contract);
    serve_docs(&mut contract, docs.flatten());
    additions.add_to(&mut contract, screens);
    docs::describe(&mut contract, declarations);
    contract
}

/// The contract itself, as a document and as a page.
fn serve_docs(contract: &mut Contract, docs: Option<[Answering; 2]>) {
    contract.tag("contract", "This document.");
    let document = contract.named("Contract".to_owned(), object(), example());
    let operation = Operation::get("/openapi.json", "readContract")
        .is("contract", Access::Public, "This document")
        .about("404 where the operator does without it.")
        .header("If-None-Match", any_text(), "Validators of what the caller has.")
        .answers_shaped(200, "OpenAPI 3.1.", document)
        .answers_with(304, ResponseBuilder::new().description("The caller has it."))
        .bears(200, [AnswerHeader::ETag.always()])
        .bears(304, [AnswerHeader::ETag.always()])
        .fails(ApiError::NotFound)
        .caller_independent();
    match docs {
        Some([document_answer, page_answer]) => {
            contract.serve_by(operation, document_answer);
            contract.serve_by(docs::docs_operation("/docs"), page_answer);
        }
        None => {
            contract.add(operation);
            contract.add(docs::docs_operation("/docs"));
        }
    }
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
    pub(super) document: StaticResponse,
    pub(super) page: docs::Docs,
}

impl Documents {
    pub(super) fn new(contract: Contract) -> Self {
        let document = written(contract);
        let page = docs::Docs::new(&document);
        Self { document: StaticResponse::new("application/json", document, None), page }
    }
}

#[cfg(test)]
#[path = "contract_tests.rs"]
mod tests;
