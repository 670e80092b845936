//! Writes: what they send, what they answer, and what they make old.

use actix_web::{HttpResponse, http::header::LOCATION, test::TestRequest};
use http::Method;

use super::{ID, NOTHING, Recorded, World, json, route, shape_with_id, text};
use crate::{
    compose::plan::{
        Announcement, LocationPlan, Memory, MemoryId, ParamId, Piece, Recall, RoutePlan, TagTemplate,
        Template, Value,
    },
    routes::write::write,
};

fn tag(kind: &str, id: Option<Value>) -> TagTemplate {
    TagTemplate { kind: kind.into(), id }
}

const PARAM: Value = Value::Param(ParamId(0));

/// Makes an order, and says all that can be said of it.
fn making() -> RoutePlan {
    let place =
        |prefix: &str| Template([Piece::Text(prefix.into()), Piece::Value(Value::Response(ID))].into());
    RoutePlan {
        shape: Some(shape_with_id(false)),
        location: Some(LocationPlan(place("/api/orders/"))),
        drops: [tag("order", Some(Value::Response(ID))), tag("basket", Some(PARAM))].into(),
        drops_mine: [tag("orders", None)].into(),
        announce: Some(Announcement { topic: place("order:"), kind: "order.created".into() }),
        remember: [Memory { table: MemoryId(0), key: ID, value: ID }].into(),
        ..route(Method::POST)
    }
}

#[actix_web::test]
async fn what_was_made_is_answered_announced_and_remembered_and_old_documents_go_before_that() {
    let world = World::new(|_| json(201, r#"{ "id": "9", "total": 1.50 }"#)).await;
    let answer = write(world.asked(making(), "7", TestRequest::post()), NOTHING).await.expect("an answer");
    assert_eq!(answer.status(), 201);
    assert_eq!(answer.headers().get(LOCATION).expect("a place"), "/api/orders/9");
    assert_eq!(text(answer).await, r#"{"id":"9","total":1.50}"#);
    assert_eq!(world.dropped(), ["basket:7", "order:9", "orders"]);
    assert_eq!(world.routes.backend.recall(MemoryId(0), "9").as_deref(), Some("9"));
    let told = world.told.lock();
    let event = &told[0];
    assert_eq!((&*event.topic, &*event.kind), ("order:9", "order.created"));
    assert_eq!(event.tags, ["order:9", "basket:7"]);
    assert_eq!(event.data.as_ref().expect("data").get(), r#"{"id":"9","total":1.50}"#);
}

#[actix_web::test]
async fn a_post_with_a_key_is_carried_out_and_announced_once() {
    let world = World::new(|_| json(201, r#"{"id":"9"}"#)).await;
    let post = || TestRequest::post().uri("/api/orders/7").insert_header(("idempotency-key", "k"));
    for replayed in [false, true, true] {
        let answer = write(world.asked(making(), "7", post()), NOTHING).await.expect("an answer");
        assert_eq!(answer.status(), 201);
        assert_eq!(answer.headers().contains_key("idempotency-replayed"), replayed);
        assert_eq!(answer.headers().get(LOCATION).expect("a place"), "/api/orders/9");
        assert_eq!(text(answer).await, r#"{"id":"9"}"#);
    }
    assert_eq!((world.sent.lock().len(), world.told.lock().len()), (1, 1));
}

/// What is dropped after an answer, and whether the key is free afterwards.
async fn outcome(method: Method, answer: fn(&Recorded) -> HttpResponse) -> (Vec<String>, Option<String>) {
    let world = World::new(answer).await;
    let plan = RoutePlan {
        shape: Some(shape_with_id(true)),
        drops: [tag("order", Some(PARAM)), tag("made", Some(Value::Response(ID)))].into(),
        ..route(method)
    };
    let code = write(world.asked(plan, "7", TestRequest::post()), NOTHING).await;
    (world.dropped(), code.err().map(|error| error.code().to_owned()))
}

#[actix_web::test]
async fn documents_go_unless_the_upstream_has_surely_changed_nothing() {
    let some = |code: &str| Some(code.to_owned());
    for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::POST] {
        let told = async |answer| outcome(method.clone(), answer).await;
        assert_eq!(
            told(|_| json(200, r#"{"id":"9"}"#)).await,
            (vec!["made:9".into(), "order:7".into()], None)
        );
        // Nothing usable came, but it may have been carried out.
        assert_eq!(told(|_| json(200, "{")).await, (vec!["order:7".into()], some("upstream_unavailable")));
        assert_eq!(told(|_| json(500, "{}")).await, (vec!["order:7".into()], some("upstream_unavailable")));
        assert_eq!(told(|_| json(303, "{}")).await, (vec!["order:7".into()], some("upstream_unavailable")));
        // Somebody else has changed it.
        assert_eq!(told(|_| json(404, "{}")).await, (vec!["order:7".into()], some("not_found")));
        assert_eq!(told(|_| json(409, "{}")).await, (vec!["order:7".into()], some("upstream_unavailable")));
        assert_eq!(told(|_| json(410, "{}")).await, (vec!["order:7".into()], some("upstream_unavailable")));
        // It said no.
        assert_eq!(told(|_| json(403, "{}")).await, (vec![], some("forbidden")));
        assert_eq!(told(|_| json(422, "{}")).await, (vec![], some("validation_failed")));
    }
}

#[actix_web::test]
async fn what_is_recalled_goes_and_what_is_forgotten_costs_all_of_the_writers_documents() {
    let world = World::new(|_| json(204, "")).await;
    let like = || RoutePlan {
        shape: None,
        status: 204,
        recall: [Recall { table: MemoryId(0), key: PARAM }].into(),
        drops: [tag("recalled", Some(Value::Recalled(0)))].into(),
        ..route(Method::PUT)
    };
    let answer = write(world.asked(like(), "7", TestRequest::put()), NOTHING).await.expect("an answer");
    assert_eq!((answer.status().as_u16(), text(answer).await), (204, String::new()));
    assert_eq!(world.dropped(), ["everything"]);
    world.routes.backend.remember(MemoryId(0), "7", "5");
    write(world.asked(like(), "7", TestRequest::put()), NOTHING).await.expect("an answer");
    assert_eq!(world.dropped(), ["recalled:5"]);
}

#[actix_web::test]
async fn a_write_goes_on_when_its_caller_hangs_up() {
    let world = World::new(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        json(201, r#"{"id":"9"}"#)
    })
    .await;
    let asked = world.asked(making(), "7", TestRequest::post());
    let mut writing = Box::pin(write(asked, NOTHING));
    // It has begun, and nobody waits for it any more.
    assert!(futures_util::poll!(writing.as_mut()).is_pending());
    drop(writing);
    while world.told.lock().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.dropped(), ["basket:7", "order:9", "orders"]);
}

#[actix_web::test]
async fn if_match_goes_along_where_the_route_says_so() {
    let world = World::new(|_| json(200, "{}")).await;
    for if_match in [true, false] {
        let plan = RoutePlan { if_match, ..route(Method::PUT) };
        let request = TestRequest::put().insert_header(("if-match", "\"v5\""));
        write(world.asked(plan, "7", request), NOTHING).await.expect("an answer");
    }
    let sent = world.sent.lock();
    assert_eq!((sent[0].header("if-match"), sent[1].header("if-match")), (Some("\"v5\""), None));
}
