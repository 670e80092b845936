//! The shop's screens over its three services in Python.

use serde_json::{Value, json};
use tests::{Actor, DeclaredBff, Fault, shop};

use super::{degraded, missing};

/// Places an order; the order as it was answered.
pub(super) async fn place(buyer: &Actor, items: &[u32]) -> Value {
    let lines: Vec<_> = items.iter().map(|item| json!({ "itemId": item, "count": 2 })).collect();
    buyer.post("/api/orders", &json!({ "lines": lines })).await.expect(201).json()
}

fn id_of(order: &Value) -> String {
    order["id"].as_str().expect("an id").to_owned()
}

fn item(number: u32, supplier_id: &Value, supplier: &Value) -> Value {
    let description = "an item of which there is a lot to say ".repeat(4);
    json!({
        "id": number, "name": format!("item {number}"), "description": description, "price": f64::from(number) + 0.5,
        "supplierId": supplier_id, "supplier": supplier,
    })
}

#[test]
fn the_shop_is_declared_in_at_most_150_lines() {
    let mut lines = 0;
    for folder in ["", "screens", "routes"] {
        let files = std::fs::read_dir(shop().join(folder)).expect("the folder");
        let paths = files.map(|file| file.expect("a file").path());
        for path in paths.filter(|path| path.extension().is_some_and(|kind| kind == "toml")) {
            let text = std::fs::read_to_string(path).expect("a text");
            lines += text.lines().filter(|line| !line.trim().is_empty()).count();
        }
    }
    assert!((50..=150).contains(&lines), "{lines} lines that are not empty");
}

#[tokio::test]
async fn an_order_is_shown_with_its_items_their_suppliers_and_nothing_that_no_contract_names() {
    let bff = DeclaredBff::shop().spawn().await;
    let ada = bff.signed_in("ada").await;
    let order = place(&ada, &[1, 2, 7]).await;
    let id = id_of(&order);
    bff.forget_calls();
    let answer = ada.get(&format!("/bff/orders/{id}?limit=2")).await.expect(200);
    let document = answer.json();
    let s1 = json!({ "id": "s1", "name": "supplier 1", "country": null });
    let line = |item: Value| json!({ "itemId": item["id"], "count": 2, "item": item });
    let lines = json!([
        line(item(1, &json!("s1"), &s1)),
        line(item(2, &json!("s2"), &Value::Null)),
        line(item(7, &Value::Null, &Value::Null)),
    ]);
    let event = |step: u32| json!({ "at": order["createdAt"], "what": format!("step {step}") });
    let session = &document["session"];
    assert_eq!(
        document,
        json!({
            "order": {
                "id": id, "customerId": ada.id(), "state": "open", "note": null, "lines": lines,
                "createdAt": order["createdAt"], "giftWrap": false,
            },
            "customer": { "id": ada.id(), "username": "ada", "displayName": null, "avatarUrl": null },
            "lines": lines,
            "events": [event(0), event(1)],
            "nextCursor": "2",
            "session": session,
            "degraded": [],
        })
    );
    let keys = ["id", "client", "address"];
    assert!(keys.iter().all(|key| session[key].is_string()), "{session}");
    // In the order of `[document]`, and without white space between tokens.
    let text = answer.text();
    let places: Vec<_> = [
        "{\"order\":{",
        ",\"customer\":{",
        ",\"lines\":[",
        ",\"events\":[",
        ",\"session\":{",
        ",\"degraded\":[]}",
    ]
    .iter()
    .map(|part| text.rfind(part).unwrap_or_else(|| panic!("{part} in {text}")))
    .collect();
    assert!(places.is_sorted() && text.ends_with(",\"degraded\":[]}"), "{text}");
    // Items in one call, suppliers one by one, each call with a token for that service.
    let calls = bff.calls();
    assert_eq!(calls.iter().filter(|call| call.contains("/items?")).count(), 1, "{calls:?}");
    assert_eq!(calls.iter().filter(|call| call.contains("/suppliers/")).count(), 2, "{calls:?}");
    assert_eq!(calls.len(), 3 + 1 + 2, "{calls:?}");
}

#[tokio::test]
async fn orders_are_listed_open_items_are_for_everybody_and_what_fails_degrades() {
    let bff = DeclaredBff::shop().spawn().await;
    let ada = bff.signed_in("ada").await;
    let ids = [id_of(&place(&ada, &[9]).await), id_of(&place(&ada, &[1, 3]).await)];
    let list = ada.get("/bff/orders?limit=1&state=open").await.expect(200).json();
    assert_eq!(
        (&list["orders"][0]["id"], &list["count"], &list["nextCursor"]),
        (&json!(ids[1]), &json!(2), &json!("1"))
    );
    assert_eq!(list["orders"][0]["lines"][1]["item"]["name"], "item 3");
    assert_eq!(list["orders"][0].get("customerId"), None, "dropped");
    ada.get("/bff/orders?limit=1&cursor=77")
        .await
        .field_errors()
        .iter()
        .for_each(|(field, _)| assert_eq!(field, "cursor"));
    assert_eq!(ada.get("/bff/orders?limit=51&state=lost").await.field_errors().len(), 2);

    let nobody = bff.anonymous();
    let korean =
        nobody.request(reqwest::Method::GET, "/bff/items/4").header("accept-language", "ko-KR,en;q=0.5");
    let answer = korean.send().await.expect(200);
    assert_eq!(
        answer.json(),
        json!({
            "item": { "id": 4, "name": "물건 4", "description": "an item of which there is a lot to say ".repeat(4),
                      "price": 4.5, "supplier": { "id": "s1", "name": "supplier 1", "country": null } },
            "offers": [{ "id": "offer-4", "price": 1.5 }],
            "customer": null,
            "degraded": [],
        })
    );
    assert!(answer.lists("vary", "accept-language"), "{:?}", answer.headers);
    assert_eq!(answer.header("cache-control"), Some("public, max-age=5, stale-while-revalidate=30"));
    let english = nobody.get("/bff/items/4").await.expect(200).json();
    assert_eq!(english["item"]["name"], "item 4");
    let own = ada.get("/bff/items/4").await.expect(200).json();
    assert_eq!(own["customer"]["username"], "ada");
    // GraphQL: null beside `errors`.
    let fifth = nobody.get("/bff/items/5").await.expect(200);
    assert_eq!(degraded(&fifth.json()), missing("offers", "invalid"));
    assert_eq!(fifth.header("cache-control"), Some("no-store"));
    nobody.get("/bff/items/4000").await.expect_problem(404, "not_found");
    nobody.get("/bff/orders").await.expect_problem(401, "unauthenticated");

    // Where the catalogue is away, orders are shown without items, and an item is not shown at all.
    bff.upstream("catalogue").fail(Fault::Status500);
    let order = ada.get(&format!("/bff/orders/{}", ids[0])).await.expect(200).json();
    assert_eq!(order["lines"][0]["item"], Value::Null);
    assert_eq!(degraded(&order), missing("items", "unavailable"));
    nobody.get("/bff/items/6").await.expect_problem(502, "upstream_unavailable");
    bff.upstream("orders").fail(Fault::Status500);
    ada.get("/bff/orders?limit=3").await.expect_problem(502, "upstream_unavailable");
}
