//! What every screen promises its callers: it follows from the screen's own types.

use serde_json::Value;
use utoipa::{
    ToSchema,
    openapi::{ContentBuilder, Header, HeaderBuilder, RefOr, ResponseBuilder, Schema, schema::AnyOfBuilder},
};

use super::{
    response::NDJSON,
    screen::{Screen, Viewer},
};
use crate::edge::{
    ApiError, Contract, Operation, any_text, choice, compact_of, number, text, upstream_problems,
};

/// The group of all screens.
const TAG: &str = "screens";

const ABOUT: &str = "Made of several services' answers and kept per user. A part that cannot be had is null, or its \
last good copy, and is named in `degraded`.\n\n`?view=compact` is the shape for small screens: fewer fields, smaller \
lists. With `Accept: application/x-ndjson` the parts come as they are ready, a line of `{\"part\", \"data\"}` for each, \
and last `{\"part\":\"end\",\"degraded\":[…]}`.";

/// Adds the operation of the screen `S`, under the name `id`.
pub fn describe<S: Screen>(contract: &mut Contract, id: &'static str) {
    contract.tag(TAG, "One document for each screen.");
    let full = contract.shape::<S::Document>();
    let name = S::Document::name();
    let compact = compact_of(contract, &name, S::COMPACT.without);
    let compact = contract.named(format!("{name}Compact"), compact);
    let either = Schema::AnyOf(AnyOfBuilder::new().item(full).item(compact).build());
    let line = contract.named("ScreenLine".to_owned(), line());
    let mut answer = ResponseBuilder::new()
        .description("The document.")
        .content("application/json", ContentBuilder::new().schema(Some(either)).build())
        .content(NDJSON, ContentBuilder::new().schema(Some(line)).build());
    for (name, header) in headers() {
        answer = answer.header(name, header);
    }
    let mut known = ResponseBuilder::new().description("The caller has it.");
    for (name, header) in headers() {
        known = known.header(name, header);
    }
    let operation = Operation::get(S::ROUTE, id)
        .is(TAG, S::Viewer::ACCESS, S::SUMMARY)
        .about(ABOUT)
        .query("view", choice(["full", "compact"]), "Which shape.")
        .header("If-None-Match", any_text(), "Validators of what the caller has.")
        .header("Cache-Control", any_text(), "`max-age=0`: rather wait than get what is known to be old.")
        .answers_with(200, answer)
        .answers_with(304, known)
        .fails(ApiError::Invalid(Vec::new()))
        .fails_with(upstream_problems());
    contract.add(S::describe_params(operation));
}

/// One line of a screen that is sent part by part.
fn line() -> RefOr<Schema> {
    use utoipa::openapi::{ObjectBuilder, Type};
    let word = ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("A field of the document, or `end`."));
    let degraded = utoipa::openapi::ArrayBuilder::new()
        .items(utoipa::openapi::Ref::from_schema_name("DegradedPart"))
        .description(Some("With `end` alone."));
    ObjectBuilder::new()
        .property("part", word)
        .property("data", ObjectBuilder::new().description(Some("The field's value.")).schema_type(any()))
        .property("degraded", degraded)
        .required("part")
        .examples([serde_json::json!({"part": "end", "degraded": []})])
        .build()
        .into()
}

fn any() -> utoipa::openapi::schema::SchemaType {
    utoipa::openapi::schema::SchemaType::AnyValue
}

fn headers() -> [(&'static str, Header); 5] {
    let said = |about: &str, shape: Schema, example: Value| {
        HeaderBuilder::new().description(Some(about)).schema(Some(shape)).example(Some(example)).build()
    };
    [
        ("ETag", said("A strong validator of exactly these bytes.", text(100), "\"p3Yv…\"".into())),
        ("Age", said("Seconds since it was made.", number(0, u32::MAX, 0), 2.into())),
        ("Cache-Status", said("How it came (RFC 9211).", text(200), "bff; hit; ttl=3".into())),
        ("Cache-Control", said("Who may keep it.", text(100), "private, no-cache".into())),
        ("Server-Timing", said("How long each part took.", text(1000), "profile;dur=3.1".into())),
    ]
}
