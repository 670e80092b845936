//! Joins of routes, and what the gateway adds.

use std::sync::Arc;

use actix_web::HttpResponse;
use http::Method;
use tokio::sync::Semaphore;

use super::{Recorded, World, json, keys::gated, plan, route, served::Served};
use crate::compose::{
    plan::{
        Access, Added, CallPlan, GatewayPlan, JoinId, JoinPlan, JoinPoint, JoinSource, LookupId, LookupPlan,
        MemoryId, ParamId, PartId, PathPiece, PerView, QueryPair, QueryValue, Recall, RoutePlan, RouteShape,
        UpstreamId, UserField, Value,
    },
    scan::{Capture, Field, JoinPlace, Node, NodeId, Place, Plan, PlanBuilder, Types},
};

const OWNER: Capture = Capture(1);
const TEAM: Capture = Capture(2);

fn field(name: &str, value: NodeId, kept: bool) -> Field {
    Field { name: name.into(), value, required: true, kept, renamed: None, absent: None }
}

/// An object with an id at `path` in the field `name`, and `joins` at its end.
fn holder(name: &str, path: Capture, kept: bool, joins: Vec<JoinPlace>) -> Plan {
    let mut builder = PlanBuilder::default();
    let id = builder.add(Node { capture: Some(path), ..Node::of(Types::STRING) });
    let root = builder.add(Node { fields: vec![field(name, id, kept)], joins, ..Node::of(Types::OBJECT) });
    builder.finish(root, true)
}

fn place(number: u16, key: &str, of: Capture) -> JoinPlace {
    JoinPlace { place: Place(number), key: format!("\"{key}\":").into_bytes().into(), of }
}

/// `shop:/NAME?ids={ids}`, which answers `{"items": [{"id", …}]}`.
fn lookup(name: &'static str) -> Arc<LookupPlan> {
    let mut builder = PlanBuilder::default();
    let key = builder.add(Node { capture: Some(LookupPlan::KEY), ..Node::of(Types::STRING) });
    let entity = builder.add(Node {
        fields: vec![field("id", key, true)],
        export: Some(LookupPlan::ENTITY),
        ..Node::of(Types::OBJECT)
    });
    let items = builder.add(Node { items: Some(entity), ..Node::of(Types::ARRAY) });
    let root = builder.add(Node { fields: vec![field("items", items, true)], ..Node::of(Types::OBJECT) });
    let call = CallPlan {
        upstream: UpstreamId(0),
        operation: name,
        method: Method::GET,
        path: [PathPiece::Text(format!("/{name}").into())].into(),
        query: [QueryPair { name: "ids".into(), value: QueryValue::LookupIds { explode: false } }].into(),
        send: [].into(),
        body: None,
        for_nobody: false,
    };
    Arc::new(LookupPlan {
        name,
        call,
        max_ids: Some(100),
        max_calls: 20,
        scan: builder.finish(root, false),
        tag: Some(name.into()),
        shared: None,
    })
}

/// Its owner, whose team, and who asks.
fn joined(method: Method) -> RoutePlan {
    let point = |source, ids, place, full| JoinPoint {
        source,
        ids,
        place: Place(place),
        scan: PerView { full, compact: None },
    };
    let team_of_owner = holder("teamId", TEAM, true, vec![place(1, "team", TEAM)]);
    let scan = holder(
        "ownerId",
        OWNER,
        false,
        vec![place(0, "owner", OWNER), place(2, "by", Capture::NONE), place(3, "name", Capture::NONE)],
    );
    let owner = point(JoinSource::Part(PartId(0)), OWNER, 0, Some(team_of_owner));
    let team = point(JoinSource::Join(JoinId(0)), TEAM, 1, None);
    RoutePlan {
        access: Access::Open,
        shape: Some(RouteShape { scan, verbatim: false }),
        joins: [
            JoinPlan { part: "owners", lookup: LookupId(0), points: [owner].into() },
            JoinPlan { part: "teams", lookup: LookupId(1), points: [team].into() },
        ]
        .into(),
        add: [
            Added { key: br#""by":"#[..].into(), place: Place(2), value: UserField::Card },
            Added { key: br#""name":"#[..].into(), place: Place(3), value: UserField::DisplayName },
        ]
        .into(),
        ..route(method)
    }
}

/// `joined` for reads and writes, and a PUT that recalls what nobody remembers.
fn gateway() -> GatewayPlan {
    let like = RoutePlan {
        path: "/api/orders/{id}/like".into(),
        shape: None,
        status: 204,
        recall: [Recall { table: MemoryId(0), key: Value::Param(ParamId(0)) }].into(),
        ..route(Method::PUT)
    };
    let routes = [joined(Method::GET), joined(Method::POST), like].map(Arc::new);
    GatewayPlan { routes: routes.into(), lookups: ["members", "teams"].map(lookup).into(), ..plan() }
}

fn answer(sent: &Recorded) -> HttpResponse {
    match sent.target.split('?').next() {
        Some("/members") => json(200, r#"{"items":[{"id":"m0"},{ "id": "m1", "teamId": "t1" }]}"#),
        Some("/teams") => json(200, r#"{"items":[{"id":"t1","size":1.50}]}"#),
        _ => json(200, r#"{"n":1,"ownerId":"m1"}"#),
    }
}

#[actix_web::test]
async fn what_ids_name_is_spliced_in_with_chains_and_what_is_added_stands_at_its_place() {
    let served = Served::new(World::of(gateway(), answer).await).await;
    let owner = r#"{"n":1,"owner":{"id":"m1","teamId":"t1","team":{"id":"t1","size":1.50}}"#;
    let expected = format!(r#"{owner},"by":{{"id":"ada","displayName":"밥 Ada"}},"name":"밥 Ada"}}"#);
    for line in ["GET /api/orders/7", "POST /api/orders/7"] {
        assert_eq!(served.ask(line, "", "").await.text(), expected, "{line}");
    }
    let nobodys = served.send("GET /api/orders/7", "", "").await;
    assert_eq!(nobodys.text(), format!(r#"{owner},"by":null,"name":null}}"#));
    assert_eq!(
        nobodys.header("cache-control"),
        Some("public, max-age=5, stale-while-revalidate=30"),
        "all of it is there"
    );
    let targets: Vec<_> = served.world.sent.lock().iter().map(|sent| sent.target.clone()).collect();
    assert_eq!(targets[..3], ["/orders/7", "/members?ids=m1", "/teams?ids=t1"]);
}

#[actix_web::test]
async fn a_slow_look_up_is_null_and_nobody_keeps_the_answer() {
    let never = Arc::new(Semaphore::new(0));
    let slow = move |sent: &Recorded| {
        if sent.target.starts_with("/teams") { gated(&never, 200, "{}") } else { answer(sent) }
    };
    let served = Served::new(World::of(gateway(), slow).await).await;
    let began = std::time::Instant::now();
    let nobodys = served.send("GET /api/orders/7", "", "").await;
    assert!(began.elapsed() >= crate::compose::engine::JOIN_TIMEOUT);
    assert_eq!(nobodys.json()["owner"], serde_json::json!({ "id": "m1", "teamId": "t1", "team": null }));
    assert_eq!(nobodys.header("cache-control"), Some("no-store"));
    let adas = served.ask("GET /api/orders/7", "", "").await;
    assert_eq!((adas.status, adas.header("cache-control")), (200, Some("private, no-cache")));
    let written = served.ask("POST /api/orders/7", "", "").await;
    assert_eq!((written.status, &written.json()["owner"]["team"]), (201, &serde_json::Value::Null));
}

#[actix_web::test]
async fn a_look_up_that_fails_is_null_and_one_that_knows_nothing_is_not_incomplete() {
    for (body, status, kept) in [
        ("{}", 500, "no-store"),
        ("{", 200, "no-store"),
        (r#"{"items":[]}"#, 200, "public, max-age=5, stale-while-revalidate=30"),
    ] {
        let failing = move |sent: &Recorded| {
            if sent.target.starts_with("/members") { json(status, body) } else { answer(sent) }
        };
        let served = Served::new(World::of(gateway(), failing).await).await;
        let reply = served.send("GET /api/orders/7", "", "").await;
        assert_eq!((reply.status, &reply.json()["owner"]), (200, &serde_json::Value::Null), "{body}");
        assert_eq!(reply.header("cache-control"), Some(kept), "{body}");
    }
}

#[actix_web::test]
async fn no_look_up_is_joined_that_began_before_a_write_of_unknown_effect() {
    let never = Arc::new(Semaphore::new(0));
    let slow = move |sent: &Recorded| {
        if sent.target.starts_with("/members") { gated(&never, 200, "{}") } else { answer(sent) }
    };
    let served = Served::new(World::of(gateway(), slow).await).await;
    let first = served.begin("GET /api/orders/7", &served.bearer, b"").await;
    served.world.called(2).await;
    assert_eq!(served.ask("PUT /api/orders/7/like", "", "").await.status, 204);
    let second = served.ask("GET /api/orders/7", "", "").await;
    assert_eq!(second.json()["owner"], serde_json::Value::Null);
    let asked = served.world.sent.lock().iter().filter(|sent| sent.target.starts_with("/members")).count();
    assert_eq!(asked, 2, "the look-up under way was not joined");
    drop(first);
}
