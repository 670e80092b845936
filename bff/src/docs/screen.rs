//! What every declared screen promises its callers.

use utoipa::openapi::{
    ContentBuilder, HttpMethod, Ref, ResponseBuilder, Schema, example::ExampleBuilder, schema::AnyOfBuilder,
};

use super::{
    groups::{SCREENS, access},
    param,
};
use crate::{
    declare::DescribedScreen,
    edge::{AnswerHeader, ApiError, Contract, Operation, any_text, choice, upstream_problems},
};

const NDJSON: &str = "application/x-ndjson";

const ABOUT: &str = "Made of several services' answers and kept per user. A part that cannot be had is null, or its \
last good copy, and is named in `degraded`.\n\n`?view=compact` is the shape for small screens: fewer fields, smaller \
lists. With `Accept: application/x-ndjson` the parts come as they are ready, a line of `{\"part\", \"data\"}` for each, \
and last `{\"part\":\"end\",\"degraded\":[…]}`.";

/// What is said of a document that is kept.
const CACHED: [AnswerHeader; 4] =
    [AnswerHeader::ETag, AnswerHeader::Age, AnswerHeader::CacheStatus, AnswerHeader::ServerTiming];

/// Adds the operation of a screen.
pub(super) fn describe(contract: &mut Contract, screen: DescribedScreen) {
    let access = access(screen.plan.access);
    let views = [("full", &screen.full), ("compact", &screen.compact)];
    let examples = views.map(|(view, name)| {
        let example = contract.example_of(name).cloned();
        (view, ExampleBuilder::new().value(example).build())
    });
    let either = AnyOfBuilder::new()
        .item(Ref::from_schema_name(&screen.full))
        .item(Ref::from_schema_name(&screen.compact));
    let document = ContentBuilder::new()
        .schema(Some(Schema::AnyOf(either.build())))
        .examples_from_iter(examples)
        .build();
    let line = ContentBuilder::new().schema(Some(Ref::from_schema_name(&screen.line))).build();
    let answer = ResponseBuilder::new()
        .description("The document.")
        .content("application/json", document)
        .content(NDJSON, line);
    let about = match &screen.name.about {
        Some(about) => format!("{about}\n\n{ABOUT}"),
        None => ABOUT.to_owned(),
    };
    let operation = Operation::new(HttpMethod::Get, screen.plan.path.to_string(), screen.name.id)
        .is(screen.name.group.unwrap_or_else(|| SCREENS.to_owned()), access, screen.name.summary)
        .about(about)
        .query("view", choice(["full", "compact"]), "Which shape.")
        .header("If-None-Match", any_text(), "Validators of what the caller has.")
        .header("Cache-Control", any_text(), "`max-age=0`: rather wait than get what is known to be old.")
        .answers_with(200, answer);
    let operation = super::route::linked(operation, &screen.name.links)
        // A document that is sent while it is being made has none of them yet.
        .bears(200, CACHED.map(AnswerHeader::sometimes))
        .answers_with(304, ResponseBuilder::new().description("The caller has it."))
        .bears(304, CACHED.map(AnswerHeader::always))
        .fails(ApiError::Invalid(Vec::new()))
        .fails_with(upstream_problems());
    let describe = |operation, one| param::describe(contract, operation, one);
    let operation = screen.params.iter().fold(operation, describe);
    contract.add(operation);
}
