//! Which problem documents an operation may answer with.

use std::collections::BTreeMap;

use clients::UpstreamError;
// The upstream side's status type: another major version of the crate that actix-web uses.
use http::StatusCode as UpstreamStatus;
use schemas::FieldError;
use utoipa::openapi::{
    AllOfBuilder, ContentBuilder, ObjectBuilder, Ref, ResponseBuilder, Schema, Type, example::ExampleBuilder,
};

use super::{
    document::Contract,
    headers::{self, Borne},
    shapes::text,
};
use crate::{
    edge::{ApiError, error::ProblemSpec, problem},
    identity::{CsrfRefusal, IdentityError},
    store::StoreError,
};

const PROBLEM_JSON: &str = "application/problem+json";

/// What callers see of the errors, by status and code.
#[derive(Debug, Default)]
pub(super) struct Problems(BTreeMap<u16, BTreeMap<&'static str, ProblemSpec>>);

impl Problems {
    pub(super) fn add(&mut self, error: &ApiError) {
        let spec = error.problem_spec();
        self.0.entry(spec.status.as_u16()).or_default().insert(spec.code, spec);
    }

    pub(super) fn extend(&mut self, errors: impl IntoIterator<Item = ApiError>) {
        errors.into_iter().for_each(|error| self.add(&error));
    }

    pub(super) fn by_status(&self) -> impl Iterator<Item = (u16, Vec<ProblemSpec>)> {
        self.0.iter().map(|(status, specs)| (*status, specs.values().copied().collect()))
    }
}

/// What any request may end like.
pub(super) fn everywhere() -> [ApiError; 7] {
    [
        ApiError::BadRequest,
        ApiError::HeadTimeout,
        ApiError::ExpectationFailed,
        ApiError::InvalidCallerToken,
        ApiError::RateLimited { retry_after_s: 1 },
        ApiError::Internal(""),
        ApiError::Interrupted(""),
    ]
}

/// Where a session or a token is looked at; `needed`: nobody else gets an answer.
pub(super) fn of_sessions(needed: bool) -> Vec<ApiError> {
    let mut errors = vec![ApiError::Identity(IdentityError::Store(StoreError::Closed))];
    errors.push(ApiError::InvalidToken);
    errors.extend(needed.then_some(ApiError::Unauthenticated));
    errors
}

/// Where a cookie stands for the caller and something changes.
pub(super) fn of_forgery() -> [ApiError; 1] {
    [ApiError::Csrf(CsrfRefusal::Token)]
}

/// Where a body is read.
pub(super) fn of_bodies() -> [ApiError; 5] {
    [
        ApiError::InvalidBody,
        ApiError::BodyTimeout,
        ApiError::BodyTooLarge(0),
        ApiError::UnsupportedMediaType,
        ApiError::Invalid(Vec::new()),
    ]
}

/// Where a service behind the gateway is asked, and gives no usable answer.
#[must_use]
pub fn upstream_failures() -> [ApiError; 3] {
    let upstream = "";
    [
        UpstreamError::Redirect { upstream },
        UpstreamError::Timeout { upstream },
        UpstreamError::Overloaded { upstream },
    ]
    .map(ApiError::Upstream)
}

/// Where a service behind the gateway is asked: it may fail, or have a definite answer instead of what it is asked for.
#[must_use]
pub fn upstream_problems() -> [ApiError; 7] {
    let upstream = "";
    let refused = |status| UpstreamError::Status { upstream, status, problem: None };
    [
        UpstreamError::Redirect { upstream },
        UpstreamError::Timeout { upstream },
        UpstreamError::Overloaded { upstream },
        refused(UpstreamStatus::FORBIDDEN),
        refused(UpstreamStatus::NOT_FOUND),
        refused(UpstreamStatus::GONE),
        refused(UpstreamStatus::UNAVAILABLE_FOR_LEGAL_REASONS),
    ]
    .map(ApiError::Upstream)
}

/// What a refusal looks like: a problem document with one of these codes, and where people come a page. Operations that end alike share it.
pub(super) fn refusal(
    contract: &mut Contract,
    status: u16,
    specs: &[ProblemSpec],
    own: Vec<Borne>,
    pages: bool,
) -> Ref {
    let codes = specs.iter().map(|spec| spec.code);
    let name = codes.clone().chain(own.iter().map(|header| header.name())).chain(pages.then_some("page"));
    let name = name.collect::<Vec<_>>().join(".");
    contract.refusal(format!("{status}.{name}"), |contract| {
        let words =
            specs.iter().map(|spec| format!("- `{}`: {}", spec.code, spec.detail)).collect::<Vec<_>>();
        let code = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(codes)).build();
        let narrow = ObjectBuilder::new().property("code", code).required("code").build();
        let shape = AllOfBuilder::new().item(contract.shape::<schemas::Problem>()).item(narrow).build();
        let examples =
            specs.iter().map(|spec| (spec.code, ExampleBuilder::new().value(example(*spec)).build()));
        let content = ContentBuilder::new().schema(Some(Schema::AllOf(shape))).examples_from_iter(examples);
        let mut refusal =
            ResponseBuilder::new().description(words.join("\n")).content(PROBLEM_JSON, content.build());
        if pages {
            let page = ContentBuilder::new().schema(Some(text(20_000))).build();
            refusal = refusal.content("text/html", page);
        }
        headers::bearing(refusal.build(), own.into_iter().chain(headers::of_status(status)))
    })
}

fn example(spec: ProblemSpec) -> Option<serde_json::Value> {
    let wrong = FieldError {
        field: "title".into(),
        code: "too_long".into(),
        message: "at most 200 characters".into(),
    };
    let errors = if spec.code == "validation_failed" { &[wrong][..] } else { &[] };
    serde_json::to_value(problem::document(spec, errors, schemas::examples::REQUEST_ID)).ok()
}
