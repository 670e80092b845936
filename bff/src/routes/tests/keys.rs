//! `Idempotency-Key`, and writes whose caller does not wait for them.

use std::sync::Arc;

use actix_web::{HttpResponse, http::StatusCode};
use bytes::Bytes;
use futures_util::{future::join, stream};
use http::Method;
use tokio::sync::Semaphore;

use super::{
    ID, World,
    checks::{body, with_number},
    json, route,
    served::Served,
    shape_with_id,
};
use crate::compose::plan::{Announcement, LocationPlan, Piece, RoutePlan, TagTemplate, Template, Value};

/// Answers when `gate` lets it.
pub(super) fn gated(gate: &Arc<Semaphore>, status: u16, body: &'static str) -> HttpResponse {
    let gate = Arc::clone(gate);
    let body = stream::once(async move {
        gate.acquire().await.expect("never closed").forget();
        Ok::<_, actix_web::Error>(Bytes::from_static(body.as_bytes()))
    });
    let status = StatusCode::from_u16(status).expect("a status");
    HttpResponse::build(status).content_type("application/json").streaming(body)
}

fn making() -> RoutePlan {
    let topic = Template([Piece::Text("order:".into()), Piece::Value(Value::Response(ID))].into());
    let place = Template([Piece::Text("/api/orders/".into()), Piece::Value(Value::ResponseLocation)].into());
    let plan = RoutePlan {
        shape: Some(shape_with_id(false)),
        body: Some(body()),
        location: Some(LocationPlan(place)),
        drops: [TagTemplate { kind: "order".into(), id: Some(Value::Response(ID)) }].into(),
        announce: Some(Announcement { topic, kind: "order.created".into() }),
        ..route(Method::POST)
    };
    with_number(plan)
}

const KEY: &str = "content-type: application/json\r\nidempotency-key: k\r\n";

#[actix_web::test]
async fn the_same_json_is_the_same_request_and_other_json_or_another_query_is_not() {
    let made = |_: &super::Recorded| {
        let mut answer = json(201, r#"{"id":"9"}"#);
        answer
            .headers_mut()
            .insert(actix_web::http::header::LOCATION, "/orders/L9".parse().expect("a place"));
        answer
    };
    let served = Served::new(World::serving(vec![making()], made).await).await;
    let first = served.ask("POST /api/orders/7", KEY, r#"{"a":1.0,"b":["x"]}"#).await;
    assert_eq!((first.status, first.header("location")), (201, Some("/api/orders/L9")));
    assert_eq!((first.text(), first.header("idempotency-replayed")), (r#"{"id":"9"}"#, None));
    let again = served.ask("POST /api/orders/7", KEY, r#" { "b" : [ "\u0078" ], "a" : 1 } "#).await;
    assert_eq!((again.status, again.header("location")), (201, Some("/api/orders/L9")));
    assert_eq!((again.text(), again.header("idempotency-replayed")), (r#"{"id":"9"}"#, Some("true")));
    let other = served.ask("POST /api/orders/7", KEY, r#"{"a":2,"b":["x"]}"#).await;
    assert_eq!((other.status, &*other.code()), (422, "idempotency_key_reused"));
    let other = served.ask("POST /api/orders/7?n=1", KEY, r#"{"a":1,"b":["x"]}"#).await;
    assert_eq!((other.status, &*other.code()), (422, "idempotency_key_reused"));
    let passed_over = served.ask("POST /api/orders/7?utm_source=x", KEY, r#"{"a":1,"b":["x"]}"#).await;
    assert_eq!(passed_over.header("idempotency-replayed"), Some("true"));
    assert_eq!((served.world.sent.lock().len(), served.world.told.lock().len()), (1, 1));
    assert_eq!(served.world.dropped(), ["order:9"], "and nothing by a replay");
}

#[actix_web::test]
async fn a_key_in_flight_is_a_conflict_until_it_is_answered() {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let world = World::serving(vec![making()], move |_| gated(&held, 201, r#"{"id":"9"}"#)).await;
    let served = Served::new(world).await;
    let first = served.ask("POST /api/orders/7", KEY, r#"{"a":1}"#);
    let second = async {
        served.world.called(1).await;
        let conflict = served.ask("POST /api/orders/7", KEY, r#"{"a":1}"#).await;
        gate.add_permits(1);
        conflict
    };
    let (first, conflict) = join(first, second).await;
    assert_eq!((conflict.status, &*conflict.code()), (409, "idempotency_in_flight"));
    assert_eq!(conflict.header("retry-after"), Some("1"));
    assert_eq!(first.status, 201);
    let replay = served.ask("POST /api/orders/7", KEY, r#"{"a":1}"#).await;
    assert_eq!((replay.status, replay.header("idempotency-replayed")), (201, Some("true")));
    assert_eq!(served.world.sent.lock().len(), 1);
}

#[actix_web::test]
async fn a_write_whose_caller_hangs_up_is_carried_out_and_kept_for_its_key() {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let world = World::serving(vec![making()], move |_| gated(&held, 201, r#"{"id":"9"}"#)).await;
    let served = Served::new(world).await;
    let headers = format!("{}{KEY}content-length: 7\r\n", served.bearer);
    let connection = served.begin("POST /api/orders/7", &headers, br#"{"a":1}"#).await;
    served.world.called(1).await;
    drop(connection);
    gate.add_permits(1);
    served.world.heard(1).await;
    assert_eq!(served.world.dropped(), ["order:9"]);
    let mut replay = served.ask("POST /api/orders/7", KEY, r#"{"a":1}"#).await;
    while replay.code() == "idempotency_in_flight" {
        replay = served.ask("POST /api/orders/7", KEY, r#"{"a":1}"#).await;
    }
    assert_eq!((replay.status, replay.header("idempotency-replayed")), (201, Some("true")));
    assert_eq!(served.world.sent.lock().len(), 1);
}
