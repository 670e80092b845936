//! What every method of a declared route promises its callers.

use actix_web::http::StatusCode;
use utoipa::openapi::{
    ContentBuilder, HttpMethod, Ref, ResponseBuilder, Schema,
    schema::{Object, SchemaType},
};

use super::{
    groups::{ROUTES, access},
    param,
};
use crate::{
    compose::{
        PassedRefusal,
        plan::{ParamSource, RoutePlan},
    },
    declare::{DescribedRoute, Link},
    edge::{AnswerHeader, ApiError, Contract, Operation, any_text, upstream_failures},
    idempotency::{IN_FLIGHT, INVALID, REUSED, UNKNOWN},
};

/// Adds the operation of a method of a route.
pub(super) fn describe(contract: &mut Contract, route: DescribedRoute) {
    let plan = &route.plan;
    let path = plan.path.replace("..}", "}");
    let group = route.name.group.clone().unwrap_or_else(|| ROUTES.to_owned());
    let mut operation = Operation::new(method(plan), path, route.name.id.clone()).is(
        group,
        access(plan.access),
        route.name.summary.clone(),
    );
    if let Some(about) = &route.name.about {
        operation = operation.about(about.clone());
    }
    operation =
        route.params.iter().fold(operation, |operation, one| param::describe(contract, operation, one));
    operation = if plan.stream.is_some() {
        streamed(operation, &route)
    } else if plan.is_read() {
        read(operation, &route)
    } else {
        written(operation, &route)
    };
    if !plan.files.is_empty() {
        let source = std::sync::Arc::new(std::io::Error::from(std::io::ErrorKind::Other));
        operation = operation.fails(ApiError::Storage { full: false, source });
    }
    operation = refused(operation, &route).fails_with(upstream_failures());
    contract.add(operation);
}

/// Values of the answer that was described last, as parameters of other operations.
pub(super) fn linked(operation: Operation, links: &[Link]) -> Operation {
    let link = |operation: Operation, link: &Link| {
        operation.leads_to(&link.pointer, &link.parameter, [link.operation.as_str()])
    };
    links.iter().fold(operation, link)
}

fn method(plan: &RoutePlan) -> HttpMethod {
    match plan.method.as_str() {
        "POST" => HttpMethod::Post,
        "PUT" => HttpMethod::Put,
        "PATCH" => HttpMethod::Patch,
        "DELETE" => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}

fn read(operation: Operation, route: &DescribedRoute) -> Operation {
    let operation = operation.header("If-None-Match", any_text(), "Validators of what the caller has.");
    answered(operation, route, "What was asked for.")
        .bears(route.plan.status, [AnswerHeader::ETag.always()])
        .answers_with(304, ResponseBuilder::new().description("The caller has it."))
        .bears(304, [AnswerHeader::ETag.always()])
}

fn written(mut operation: Operation, route: &DescribedRoute) -> Operation {
    let plan = &route.plan;
    if let (Some((shape, required)), Some(body)) = (&route.body, &plan.body) {
        let shape = Ref::from_schema_name(shape);
        operation = operation.takes_typed(shape, body.media_type.to_string(), *required);
    }
    if plan.if_match {
        let about = "The `ETag` of what is changed: 412 where it is another one by now.";
        operation = operation.header("If-Match", any_text(), about);
    }
    let operation = answered(operation, route, "It is done.");
    let operation = if plan.location.is_some() {
        operation.bears(plan.status, [AnswerHeader::Location.always()])
    } else {
        operation
    };
    // What it names may be gone, also where the path does not name it, or be refused for a reason of the service's.
    let operation = operation.fails_with([ApiError::NotFound, ApiError::Invalid(Vec::new())]);
    if plan.idempotent_key {
        return operation.once().fails_with([INVALID, IN_FLIGHT, UNKNOWN, REUSED]);
    }
    operation
}

fn answered(operation: Operation, route: &DescribedRoute, about: &str) -> Operation {
    let operation = match &route.answer {
        Some(shape) => operation.answers_shaped(route.plan.status, about, Ref::from_schema_name(shape)),
        None if route.plan.status == 204 => operation.answers_nothing("It is done."),
        None => operation.answers_with(route.plan.status, ResponseBuilder::new().description(about)),
    };
    linked(operation, &route.name.links)
}

fn streamed(operation: Operation, route: &DescribedRoute) -> Operation {
    let whatever = || Schema::Object(Object::with_type(SchemaType::AnyValue));
    let content = |response: ResponseBuilder, media_type: &String| {
        response.content(media_type.as_str(), ContentBuilder::new().schema(Some(whatever())).build())
    };
    let answer = ResponseBuilder::new().description("What the service answers, as it comes.");
    let mut operation =
        operation.answers_with(route.plan.status, route.answered.iter().fold(answer, content));
    operation = linked(operation, &route.name.links).whatever_is_accepted();
    if route.plan.is_read() {
        let partial = ResponseBuilder::new().description("The part that `Range` names.");
        operation = operation
            .header("Range", any_text(), "A part of it (RFC 9110 section 14.2).")
            .answers_with(206, route.answered.iter().fold(partial, content))
            .fails(RANGE_NOT_SATISFIABLE);
    }
    operation
        .takes_bytes(route.sent.iter().cloned())
        .fails_with([ApiError::Passed(PassedRefusal::PreconditionFailed), ApiError::Invalid(Vec::new())])
}

const RANGE_NOT_SATISFIABLE: ApiError = ApiError::Refused {
    status: StatusCode::RANGE_NOT_SATISFIABLE,
    code: "range_not_satisfiable",
    detail: "The range begins behind the end.",
};

const FORBIDDEN: ApiError = ApiError::Refused {
    status: StatusCode::FORBIDDEN,
    code: "forbidden",
    detail: "This is not yours to do.",
};

/// What callers may see of the upstream's refusals.
fn refused(mut operation: Operation, route: &DescribedRoute) -> Operation {
    let plan = &route.plan;
    operation = operation.fails(FORBIDDEN);
    let in_path = |source: &ParamSource| matches!(source, ParamSource::Path | ParamSource::Rest);
    if plan.params.iter().any(|param| in_path(&param.source)) {
        operation = operation.fails(ApiError::NotFound);
    }
    for status in &plan.passes {
        operation = match status {
            410 => operation.fails(ApiError::Passed(PassedRefusal::Gone)),
            412 => operation.fails(ApiError::Passed(PassedRefusal::PreconditionFailed)),
            428 => operation.fails(ApiError::Passed(PassedRefusal::PreconditionRequired)),
            429 => operation.fails(ApiError::Passed(PassedRefusal::TooManyRequests { retry_after_s: 1 })),
            _ => operation.fails(ApiError::Passed(PassedRefusal::LegalReasons)),
        };
    }
    for refusal in &route.refusals {
        operation = operation.fails(ApiError::Refused {
            status: StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::FORBIDDEN),
            code: schemas::intern(&refusal.code),
            detail: schemas::intern(&refusal.detail),
        });
    }
    operation
}
