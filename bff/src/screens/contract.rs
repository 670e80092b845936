//! What a screen in Rust promises its callers: it follows from the screen's own types. Declared ones: `docs`.

use std::collections::BTreeMap;

use schemas::Example as _;
use serde_json::{Value, json};
use utoipa::{
    ToSchema,
    openapi::{
        ArrayBuilder, ContentBuilder, ObjectBuilder, Ref, RefOr, ResponseBuilder, Schema, Type,
        example::ExampleBuilder, schema::AnyOfBuilder,
    },
};

use super::{
    response::NDJSON,
    screen::{Screen, Screens, Viewer, answer},
};
use crate::edge::{
    AnswerHeader, ApiError, Contract, Operation, any_text, choice, compact_of, resolved, upstream_problems,
};

/// The group of all screens.
const TAG: &str = "screens";

const ABOUT: &str = "Made of several services' answers and kept per user. A part that cannot be had is null, or its \
last good copy, and is named in `degraded`.\n\n`?view=compact` is the shape for small screens: fewer fields, smaller \
lists. With `Accept: application/x-ndjson` the parts come as they are ready, a line of `{\"part\", \"data\"}` for each, \
and last `{\"part\":\"end\",\"degraded\":[…]}`.";

/// Adds the operation of the screen `S`.
pub fn describe_screen<S: Screen>(contract: &mut Contract) {
    let operation = operation::<S>(contract);
    contract.add(operation);
}

/// Adds the operation of the screen `S`, made out of `screens`.
pub fn serve_screen<S: Screen>(contract: &mut Contract, screens: &Screens) {
    let (operation, screens) = (operation::<S>(contract), screens.clone());
    contract.serve(operation, move |request, caller| answer::<S>(request, caller, screens.clone()));
}

fn operation<S: Screen>(contract: &mut Contract) -> Operation {
    contract.tag(TAG, "One document for each screen.");
    let full = contract.shape::<S::Document>();
    let name = S::Document::name();
    let compact = compact_of(contract, &name, S::COMPACT.without);
    let examples = [("full", S::Document::example()), ("compact", S::COMPACT.of(S::Document::example()))];
    let line = line([&resolved(contract, &RefOr::Ref(full.clone())), &resolved(contract, &compact)]);
    let line = contract.named(format!("{name}Line"), line, first_line(&examples[0].1));
    let compact = contract.named(format!("{name}Compact"), compact, examples[1].1.clone());
    let either = Schema::AnyOf(AnyOfBuilder::new().item(full).item(compact).build());
    let examples = examples.map(|(view, value)| (view, ExampleBuilder::new().value(Some(value)).build()));
    let document = ContentBuilder::new().schema(Some(either)).examples_from_iter(examples).build();
    let answer = ResponseBuilder::new()
        .description("The document.")
        .content("application/json", document)
        .content(NDJSON, ContentBuilder::new().schema(Some(line)).build());
    let operation = Operation::get(S::ROUTE, S::NAME)
        .is(TAG, S::Viewer::ACCESS, S::SUMMARY)
        .about(ABOUT)
        .query("view", choice(["full", "compact"]), "Which shape.")
        .header("If-None-Match", any_text(), "Validators of what the caller has.")
        .header("Cache-Control", any_text(), "`max-age=0`: rather wait than get what is known to be old.")
        .answers_with(200, answer)
        // A document that is sent while it is being made has none of them yet.
        .bears(200, CACHED.map(AnswerHeader::sometimes))
        .answers_with(304, ResponseBuilder::new().description("The caller has it."))
        .bears(304, CACHED.map(AnswerHeader::always))
        .fails(ApiError::Invalid(Vec::new()))
        .fails_with(upstream_problems());
    S::describe_params(operation)
}

/// What is said of a document that is kept.
const CACHED: [AnswerHeader; 4] =
    [AnswerHeader::ETag, AnswerHeader::Age, AnswerHeader::CacheStatus, AnswerHeader::ServerTiming];

fn first_line(document: &Value) -> Value {
    let mut fields = document.as_object().into_iter().flatten().filter(|(name, _)| *name != "degraded");
    fields.next().map(|(name, value)| json!({ "part": name, "data": value })).unwrap_or_default()
}

/// One line of a screen that is sent part by part: a field in either shape, or the end.
fn line(shapes: [&Schema; 2]) -> Schema {
    let mut fields = BTreeMap::<&str, Vec<&RefOr<Schema>>>::new();
    for shape in shapes {
        let Schema::Object(document) = shape else { continue };
        for (name, field) in document.properties.iter().filter(|(name, _)| *name != "degraded") {
            let known = fields.entry(name.as_str()).or_default();
            if !known.contains(&field) {
                known.push(field);
            }
        }
    }
    let mut lines = AnyOfBuilder::new();
    for (name, shapes) in fields {
        let data = match &shapes[..] {
            [shape] => (*shape).clone(),
            shapes => {
                shapes.iter().fold(AnyOfBuilder::new(), |data, shape| data.item((*shape).clone())).into()
            }
        };
        lines = lines.item(part(name).property("data", data).required("data"));
    }
    let degraded = ArrayBuilder::new().items(Ref::from_schema_name("DegradedPart"));
    let error = ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("The code of what kept the rest from being sent."));
    lines
        .item(part("end").property("degraded", degraded).required("degraded"))
        .item(part("end").property("error", error).required("error"))
        .build()
        .into()
}

fn part(name: &str) -> ObjectBuilder {
    let word = ObjectBuilder::new().schema_type(Type::String).enum_values(Some([name]));
    ObjectBuilder::new().property("part", word).required("part")
}
