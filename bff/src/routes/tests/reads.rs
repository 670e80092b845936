//! Reads.

use actix_web::{
    http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH},
    test::TestRequest,
};
use http::Method;

use super::{ID, World, json, route, shape_with_id, text};
use crate::{
    compose::plan::{ParamId, Piece, RoutePlan, Template, Value},
    routes::read::read,
};

fn checked() -> RoutePlan {
    let expected = Template([Piece::Value(Value::Param(ParamId(0)))].into());
    RoutePlan { shape: Some(shape_with_id(true)), expect: [(ID, expected)].into(), ..route(Method::GET) }
}

#[actix_web::test]
async fn what_came_leaves_as_it_is_with_a_validator() {
    let world = World::new(|_| json(200, r#"{ "id": "7", "n": 1.50 }"#)).await;
    let answer = read(world.asked(checked(), "7", TestRequest::default())).await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers().get(CACHE_CONTROL).expect("a rule"), "private, no-cache");
    let etag = answer.headers().get(ETAG).expect("an etag").clone();
    assert_eq!(text(answer).await, r#"{ "id": "7", "n": 1.50 }"#);
    assert_eq!(world.sent.lock()[0].target, "/orders/7");

    let again = TestRequest::default().insert_header((IF_NONE_MATCH, etag));
    let answer = read(world.asked(checked(), "7", again)).await.expect("an answer");
    assert_eq!(answer.status(), 304);
    assert_eq!(text(answer).await, "");
}

#[actix_web::test]
async fn an_answer_of_another_shape_or_about_something_else_is_the_gateways_fault() {
    for body in ["", "{", r#"{"id":7}"#, r#"{"id":"8"}"#, r#"{"id":"7","id":"7"}"#, "[]", "null"] {
        let world = World::new(move |_| json(200, body)).await;
        let refused = read(world.asked(checked(), "7", TestRequest::default())).await.expect_err("no answer");
        assert_eq!(refused.code(), "upstream_unavailable", "{body}");
    }
}

#[actix_web::test]
async fn what_cannot_be_is_not_asked_for() {
    let world = World::new(|_| json(200, "{}")).await;
    let refused =
        read(world.asked(checked(), "me", TestRequest::default())).await.expect_err("a word of its own");
    assert_eq!(refused.code(), "not_found");
    assert!(world.sent.lock().is_empty());
}

#[actix_web::test]
async fn a_route_with_if_match_gives_the_upstreams_etag() {
    let answer = |_: &super::Recorded| {
        let mut answer = json(200, r#"{"id":"7"}"#);
        answer.headers_mut().insert(ETAG, "\"v5\"".parse().expect("an etag"));
        answer
    };
    let world = World::new(answer).await;
    let plan = RoutePlan { if_match: true, ..checked() };
    let answer = read(world.asked(plan, "7", TestRequest::default())).await.expect("an answer");
    assert_eq!(answer.headers().get(ETAG).expect("an etag"), "\"v5\"");
}
