//! `GET /docs`: the contract as a page for people. Made once, when the process starts, out of the document that
//! `/openapi.json` serves; complete without a script. Everything is in the one answer, and its policy allows exactly the
//! style and the script that are in it, by their hashes: nothing else can load or run, whatever the rest of the origin
//! serves.

mod examples;
mod markup;
mod operation;
mod page;
mod shape;

use actix_web::{HttpRequest, HttpResponse, http::header::HeaderValue};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::Value;
use sha2::{Digest, Sha256};
use utoipa::openapi::{ContentBuilder, ResponseBuilder};

use crate::edge::{Access, AnswerHeader, ApiError, Operation, StaticResponse, any_text, text};

const STYLE: &str = include_str!("docs.css");
/// Search and "try it". It only ever calls paths of this origin, and writes what it gets as text.
const SCRIPT: &str = include_str!("docs.js");

/// The page.
#[derive(Debug, Clone)]
pub struct Docs(StaticResponse);

impl Docs {
    /// Renders `contract`, an OpenAPI document.
    ///
    /// # Panics
    /// When it is no JSON: the process made it itself.
    #[must_use]
    pub fn new(contract: &str) -> Self {
        let contract: Value = serde_json::from_str(contract).expect("a contract that was written as JSON");
        let page = page::render(&contract, STYLE, SCRIPT);
        Self(StaticResponse::new("text/html; charset=utf-8", page, Some(policy())))
    }
}

/// `GET /docs`.
///
/// # Errors
/// As [`StaticResponse::answer`].
pub async fn docs(request: HttpRequest, docs: &Docs) -> Result<HttpResponse, ApiError> {
    docs.0.answer(&request).await
}

const ABOUT: &str = "One self-contained page: it needs no other host, and no script to be read. 404 where the operator does \
without it.";

/// The operation of this module, at `path`.
pub fn docs_operation(path: &'static str) -> Operation {
    let page = ContentBuilder::new().schema(Some(text(10_000_000))).build();
    {
        Operation::get(path, "readDocs")
            .is("contract", Access::Public, "This document as a page for people")
            .about(ABOUT)
            .header("If-None-Match", any_text(), "Validators of what the caller has.")
            .answers_with(200, ResponseBuilder::new().description("The page.").content("text/html", page))
            .answers_with(304, ResponseBuilder::new().description("The caller has it."))
            .bears(200, [AnswerHeader::ETag.always()])
            .bears(304, [AnswerHeader::ETag.always()])
            .fails(ApiError::NotFound)
            .whatever_is_accepted()
            .caller_independent()
    }
}

/// `Content-Security-Policy` (level 3) of the page. The script may talk to the gateway, for "try it". The only image is
/// the empty one that keeps browsers from asking for an icon.
fn policy() -> HeaderValue {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; connect-src 'self'; img-src data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash(STYLE),
        hash(SCRIPT)
    );
    // Visible ASCII alone: it is always one.
    HeaderValue::from_maybe_shared(Bytes::from(policy))
        .unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

#[cfg(test)]
mod tests;
