//! What callers see of an upstream's failure.

use std::sync::Arc;

use actix_web::test::TestRequest;
use clients::{BodyFault, Problem, UpstreamError};
use http::{Method, StatusCode};
use schemas::FieldError;

use super::{World, json, route};
use crate::{
    compose::plan::RoutePlan,
    edge::ApiError,
    routes::{
        read::read,
        refusal::{deletes, may_be_done, was_refused},
    },
};

fn status(status: u16, code: &str, fields: &[(&str, &str)]) -> UpstreamError {
    let field = |(field, code): &(&str, &str)| FieldError {
        field: (*field).into(),
        code: (*code).into(),
        message: "secret".into(),
    };
    let errors = fields.iter().map(field).collect();
    let problem = Some(Arc::new(Problem { code: code.to_owned(), errors, ..Problem::default() }));
    UpstreamError::Status {
        upstream: "shop",
        status: StatusCode::from_u16(status).expect("a status"),
        problem,
    }
}

#[actix_web::test]
async fn callers_see_what_is_theirs_to_see() {
    let world = World::new(|_| json(200, "{}")).await;
    let (read, write) = (route(Method::GET), route(Method::PUT));
    let list = RoutePlan { params: [].into(), ..route(Method::GET) };
    let listed = RoutePlan { passes: [410, 412, 428, 429, 451].into(), ..route(Method::PUT) };
    let seen =
        |route: &RoutePlan, number, code| world.routes.refused(route, status(number, code, &[])).code();
    for (route, number, code, expected) in [
        (&write, 409, "taken", "taken"),
        (&read, 409, "taken", "taken"),
        (&write, 500, "taken", "upstream_unavailable"),
        (&write, 409, "other", "upstream_unavailable"),
        (&write, 403, "secret", "forbidden"),
        (&write, 404, "", "not_found"),
        (&read, 404, "", "not_found"),
        (&list, 404, "", "upstream_unavailable"),
        (&list, 403, "", "forbidden"),
        (&write, 422, "", "validation_failed"),
        (&write, 401, "", "upstream_unavailable"),
        (&write, 410, "", "upstream_unavailable"),
        (&write, 412, "", "upstream_unavailable"),
        (&write, 429, "", "overloaded"),
        (&write, 503, "", "upstream_unavailable"),
        (&listed, 410, "", "gone"),
        (&listed, 412, "", "precondition_failed"),
        (&listed, 428, "", "precondition_required"),
        (&listed, 429, "", "too_many_requests"),
        (&listed, 451, "", "unavailable_for_legal_reasons"),
    ] {
        assert_eq!(seen(route, number, code), expected, "{number} {code} {}", route.method);
    }
}

#[actix_web::test]
async fn what_an_upstream_says_of_fields_passes_without_its_prose() {
    let world = World::new(|_| json(200, "{}")).await;
    let error = status(422, "", &[("lines[1].amount", "too_much"), ("<b>", "a b")]);
    let ApiError::Invalid(errors) = world.routes.refused(&route(Method::PUT), error) else {
        panic!("fields")
    };
    let said: Vec<_> = errors.iter().map(|e| (e.field.as_str(), e.code.as_str())).collect();
    assert_eq!(said, [("lines[1].amount", "too_much"), ("", "invalid")]);
    assert!(errors.iter().all(|error| !error.message.contains("secret")));
}

#[actix_web::test]
async fn a_refusal_for_a_moment_says_when_it_ends() {
    let answer = |_: &super::Recorded| {
        let mut answer = json(429, "{}");
        answer.headers_mut().insert(actix_web::http::header::RETRY_AFTER, "7".parse().expect("a number"));
        answer
    };
    let world = World::new(answer).await;
    let plan = RoutePlan { passes: [429].into(), ..route(Method::GET) };
    let refused = read(world.asked(plan, "7", TestRequest::default())).await.expect_err("a refusal");
    let answer = actix_web::ResponseError::error_response(&refused);
    assert_eq!(answer.status().as_u16(), 429);
    assert_eq!(answer.headers().get("retry-after").expect("a time"), "7");
}

#[test]
fn only_a_write_without_an_answer_may_have_been_carried_out() {
    let upstream = "shop";
    assert!(may_be_done(&UpstreamError::Timeout { upstream }));
    assert!(may_be_done(&UpstreamError::TooLarge { upstream, limit_bytes: 1 }));
    assert!(may_be_done(&UpstreamError::Body { upstream, source: BodyFault::Mismatch }));
    assert!(may_be_done(&UpstreamError::Redirect { upstream }));
    assert!(!may_be_done(&UpstreamError::Overloaded { upstream }));
    for (number, may, refused) in [
        (500, true, false),
        (503, true, false),
        (429, false, true),
        (403, false, true),
        (404, false, false),
        (409, false, false),
        (410, false, false),
    ] {
        assert_eq!(may_be_done(&status(number, "", &[])), may, "{number}");
        assert_eq!(was_refused(&status(number, "", &[])), refused, "{number}");
    }
}

#[test]
fn what_a_delete_names_last_is_what_it_takes_away() {
    assert_eq!(deletes(&route(Method::DELETE)), Some("id"));
    assert_eq!(deletes(&route(Method::PUT)), None);
    let like = RoutePlan { path: "/api/orders/{id}/like".into(), ..route(Method::DELETE) };
    assert_eq!(deletes(&like), None);
}
