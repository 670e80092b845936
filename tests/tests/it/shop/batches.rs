//! Look-ups at their edges: ids of every kind, batches, and invalidations that come while one is under way.

use serde_json::{Value, json};
use tests::{DeclaredBff, Fault, Product, Reply, Stub};

use super::{degraded, missing, page};

const SCREEN: &str = r#"
[parts.list]
get = "shelf:/list"
[joins.item]
of = ["list.items[].itemId"]
as = "item"
lookup = "item"
"#;

const LOOKUP: &str = r#"
[lookups.item]
get = "shelf:/items?ids={ids}&of=all"
from = "items[]"
key = "id"
tag = "book"
shared = true
fresh_ms = 60000
"#;

fn list(ids: &[Value]) -> Value {
    json!({ "items": ids.iter().map(|id| json!({ "itemId": id })).collect::<Vec<_>>() })
}

#[tokio::test]
async fn odd_ids_are_null_and_no_others_are_asked_for() {
    let stub = Stub::new();
    let ids = [
        json!("a"),
        json!(7),
        json!("7"),
        json!(""),
        json!("a,b"),
        json!("a b"),
        json!("x".repeat(129)),
        json!("x".repeat(10_000)),
        Value::Null,
        json!(true),
        json!({ "id": "z" }),
        json!("é"),
        json!("a&ids=b"),
        json!(9_007_199_254_740_993_u64),
    ];
    stub.json("GET /list", &list(&ids));
    stub.with(|request| {
        let ids = (request.path == "/items").then(|| request.query_value("ids")).flatten()?;
        let item =
            |id: &str| id.parse::<u64>().map_or_else(|_| json!({ "id": id }), |id| json!({ "id": id }));
        // What was not asked for, and one twice.
        let items: Vec<_> =
            ids.split(',').map(item).chain([json!({ "id": "other" }), json!({ "id": "a" })]).collect();
        Some(Reply::json(&json!({ "items": items })))
    });
    let bff =
        DeclaredBff::over(Product::over_shelf().gateway(LOOKUP).screen("page", &page(SCREEN)), &stub).await;
    let ada = bff.signed_in("ada").await;
    bff.forget_calls();
    let document = ada.get("/bff/page").await.expect(200).json();
    let big = json!({ "id": 9_007_199_254_740_993_u64 });
    let seven = json!({ "id": 7 });
    let expected =
        [json!({ "id": "a" }), seven.clone(), seven].into_iter().chain(vec![Value::Null; 10]).chain([big]);
    for (item, expected) in document["list"]["items"].as_array().expect("a list").iter().zip(expected) {
        assert_eq!(item["item"], expected, "{item}");
    }
    assert_eq!(document["degraded"], json!([]));
    assert_eq!(bff.calls(), ["shelf GET /items?ids=7,9007199254740993,a&of=all", "shelf GET /list"]);
}

#[tokio::test]
async fn more_ids_than_a_call_takes_are_several_calls() {
    let stub = Stub::new();
    let ids: Vec<_> = (0..250).map(|id| json!(format!("i{id}"))).collect();
    stub.json("GET /list", &list(&ids));
    stub.many("/items", |id| Some(json!({ "id": id })));
    let bff =
        DeclaredBff::over(Product::over_shelf().gateway(LOOKUP).screen("page", &page(SCREEN)), &stub).await;
    let ada = bff.signed_in("ada").await;
    bff.forget_calls();
    let document = ada.get("/bff/page").await.expect(200).json();
    let items = document["list"]["items"].as_array().expect("a list");
    assert!(items.iter().all(|item| item["item"]["id"] == item["itemId"]), "{document}");
    let sizes: Vec<_> = bff
        .upstream("shelf")
        .requests()
        .into_iter()
        .filter_map(|call| call.query_value("ids"))
        .map(|ids| ids.split(',').count())
        .collect();
    assert!(sizes.len() == 3 && sizes.iter().all(|size| *size <= 100), "{sizes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drop_while_a_shared_look_up_is_under_way_wins() {
    let route = "[[route]]\npath = \"/api/books/{id}\"\nmethods = [\"PUT\"]\nto = \"shelf:/books/{id}\"\naccess = \"signed_in\"\nstatus = 204\ndrops = [\"book:{id}\"]\n";
    let product = Product::over_shelf().gateway(LOOKUP).screen("page", &page(SCREEN)).routes("books", route);
    let stub = Stub::new();
    stub.json("GET /list", &list(&[json!("a")]));
    stub.many("/items", |id| Some(json!({ "id": id, "n": 1 })));
    stub.on("PUT /books/a", Reply::status(204));
    let bff = DeclaredBff::over(product, &stub).await;
    let (ada, bob) = (bff.signed_in("ada").await, bff.signed_in("bob").await);
    let proxy = bff.upstream("shelf");
    proxy.clear();
    proxy.fail_on("/items", Fault::HoldAnswer);
    let reader = tokio::spawn({
        let ada = ada.clone();
        async move { ada.get("/bff/page").await }
    });
    proxy.wait_for(2).await;
    stub.many("/items", |id| Some(json!({ "id": id, "n": 2 })));
    let _ = ada.put("/api/books/a").await.expect(204);
    // Whoever asks now joins nothing that began before.
    let other = tokio::spawn({
        let bob = bob.clone();
        async move { bob.get("/bff/page").await }
    });
    proxy.wait_for(5).await;
    proxy.heal().await;
    let _ = reader.await.expect("no panic").expect(200);
    let came = other.await.expect("no panic").expect(200).json();
    assert_eq!(came["list"]["items"][0]["item"]["n"], 2);
    for actor in [&ada, &bob] {
        let document = actor.get("/bff/page").await.expect(200).json();
        assert_eq!(document["list"]["items"][0]["item"]["n"], 2, "{document}");
    }
}

#[tokio::test]
async fn one_id_that_is_refused_costs_no_other() {
    let lookup = "[lookups.item]\nget = \"shelf:/items/{id}\"\n";
    let stub = Stub::new();
    stub.json("GET /list", &list(&[json!("a"), json!("b"), json!("c"), json!("d")]));
    stub.json("GET /items/a", &json!({ "n": 1 }));
    stub.on("GET /items/b", Reply::status(500));
    stub.on("GET /items/c", Reply::problem(404, "x"));
    stub.json("GET /items/d", &json!(4));
    let bff =
        DeclaredBff::over(Product::over_shelf().gateway(lookup).screen("page", &page(SCREEN)), &stub).await;
    let document = bff.signed_in("ada").await.get("/bff/page").await.expect(200).json();
    let items: Vec<_> = document["list"]["items"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|item| item["item"].clone())
        .collect();
    assert_eq!(
        (items, degraded(&document)),
        (vec![json!({ "n": 1 }), Value::Null, Value::Null, json!(4)], missing("item", "unavailable"))
    );
}
