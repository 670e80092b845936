//! Shaping, joins and views together: whose names stand where, and what replaces what.

use serde_json::{Value, json};
use tests::{DeclaredBff, Product, Reply, Stub};

use super::page;

const LOOKUPS: &str = r#"
[lookups.person]
post = "shelf:/graphql"
body = '{"query": "{ people }", "ids": "{ids}"}'
at = "data.people"
from = "[]"
key = "ref.id"
drop = ["secret"]
rename = { "nick" = "name" }
tag = "author"
[lookups.one]
post = "shelf:/one"
body = '{"id": "{id}"}'
at = "data"
"#;

const SCREEN: &str = r#"
[parts.rows]
get = "shelf:/rows"
rename = { "[].ownerId" = "owner_id", "[].inner.list" = "things" }
drop = ["[].hidden"]
tags_of = ["book:[].id", "author:[].inner.list[].by"]
[parts.offers]
post = "shelf:/graphql"
body = '{"query": "{ offers }", "more": {"deep": ["{rows[].id}", 1, {"user": "{user.username}"}]}}'
at = "data.offers"
[joins.owner]
of = ["rows[].ownerId", "offers[].sellerId"]
as = "owner"
lookup = "person"
[joins.by]
of = ["rows[].inner.list[].by"]
as = "by"
lookup = "person"
[joins.boss]
of = ["rows[].owner.bossId"]
as = "boss"
lookup = "one"
[document]
things = "rows"
offers = "offers"
[compact]
without = ["things.owner.bossId", "things.inner.things.note", "offers.price", "offers.owner"]
at_most = { "things.inner.things" = 1 }
"#;

fn stub() -> Stub {
    let stub = Stub::new();
    stub.json(
        "GET /rows",
        &json!([
            { "id": 7, "ownerId": "p1", "hidden": 1, "by": "theirs", "inner": { "list": [{ "by": "p2", "note": "n" }, { "by": null }] }, "owner": "theirs" },
            { "id": 8, "ownerId": null, "inner": {} },
        ]),
    );
    stub.with(|request| {
        let body: Value = serde_json::from_slice(&request.body).ok()?;
        if body["query"] == "{ offers }" {
            let data = json!({ "offers": [{ "sellerId": "p3", "price": 1.50, "asked": body["more"] }] });
            return Some(Reply::json(&json!({ "data": data, "errors": [] })));
        }
        let people = body["ids"].as_array()?.iter().rev();
        let people: Vec<_> = people
            .map(|id| json!({ "ref": { "id": id }, "nick": format!("n-{}", id.as_str().unwrap_or("?")), "secret": 1, "bossId": "b1" }))
            .collect();
        Some(Reply::json(&json!({ "data": { "people": people } })))
    });
    stub.with(|request| {
        let body: Value = serde_json::from_slice(&request.body).ok()?;
        (request.path == "/one").then(|| Reply::json(&json!({ "data": { "is": body["id"] } })))
    });
    stub
}

fn person(id: &str) -> Value {
    json!({ "ref": { "id": id }, "name": format!("n-{id}"), "bossId": "b1" })
}

#[tokio::test]
async fn paths_of_joins_and_tags_are_theirs_and_those_of_documents_and_views_are_ours() {
    let product = Product::over_shelf().gateway(LOOKUPS).screen("page", &page(SCREEN));
    let bff = DeclaredBff::over(product, &stub()).await;
    let ada = bff.signed_in("ada").await;
    bff.forget_calls();
    let mut owner = person("p1");
    owner["boss"] = json!({ "is": "b1" });
    let asked = json!({ "deep": ["7", 1, { "user": "ada" }] });
    let whole = json!({
        "things": [
            { "id": 7, "owner_id": "p1", "by": "theirs", "inner": { "things": [
                { "by": person("p2"), "note": "n" }, { "by": null },
            ] }, "owner": owner },
            { "id": 8, "owner_id": null, "inner": {}, "owner": null },
        ],
        "offers": [{ "sellerId": "p3", "price": 1.50, "asked": asked, "owner": person("p3") }],
        "degraded": [],
    });
    let found = ada.get("/bff/page").await.expect(200).json();
    assert_eq!(found, whole);
    assert_eq!(bff.calls().iter().filter(|call| call.contains("/one")).count(), 1);
}

#[tokio::test]
async fn the_compact_view_prunes_what_joins_brought_as_well() {
    let product = Product::over_shelf().gateway(LOOKUPS).screen("page", &page(SCREEN));
    let bff = DeclaredBff::over(product, &stub()).await;
    let ada = bff.signed_in("ada").await;
    let found = ada.get("/bff/page?view=compact").await.expect(200).json();
    let asked = json!({ "deep": ["7", 1, { "user": "ada" }] });
    assert_eq!(
        found,
        json!({
            "things": [
                { "id": 7, "owner_id": "p1", "by": "theirs", "inner": { "things": [{ "by": person("p2") }] },
                    "owner": { "ref": { "id": "p1" }, "name": "n-p1", "boss": { "is": "b1" } } },
                { "id": 8, "owner_id": null, "inner": {}, "owner": null },
            ],
            "offers": [{ "sellerId": "p3", "asked": asked }],
            "degraded": [],
        })
    );
}
