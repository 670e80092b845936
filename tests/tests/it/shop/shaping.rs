//! What leaves the gateway of an answer, and under which names.

use serde_json::{Value, json};
use tests::{DeclaredBff, Product, Stub};

use super::{degraded, missing, page, shelf};

async fn document_of(product: Product, stub: &Stub) -> Value {
    let bff = DeclaredBff::over(product, stub).await;
    bff.signed_in("ada").await.get("/bff/page").await.expect(200).json()
}

#[tokio::test]
async fn without_a_contract_all_leaves_but_what_is_dropped_or_not_picked_under_names_of_ours() {
    let answer = json!({
        "id": "1", "secret": "x", "total": 1.50, "items": [{ "id": "a", "authorId": "p", "n": [1, [2]] }, { "id": "b" }, {}],
    });
    let parts = r#"
[parts.all]
get = "shelf:/thing"
[parts.picked]
get = "shelf:/thing"
pick = ["id", "items[].id", "absent"]
[parts.dropped]
get = "shelf:/thing"
drop = ["secret", "items[].authorId"]
rename = { total = "totalCost", "items[].n" = "numbers" }
[document]
dropped = "dropped"
total = "dropped.totalCost"
ids = "picked.items"
picked = "picked"
all = "all"
"#;
    let stub = shelf();
    stub.json("GET /thing", &answer);
    let document = document_of(Product::over_shelf().screen("page", &page(parts)), &stub).await;
    assert_eq!(
        document,
        json!({
            "dropped": { "id": "1", "totalCost": 1.50, "items": [{ "id": "a", "numbers": [1, [2]] }, { "id": "b" }, {}] },
            "total": 1.50,
            "ids": [{ "id": "a" }, { "id": "b" }, {}],
            "picked": { "id": "1", "items": [{ "id": "a" }, { "id": "b" }, {}] },
            "all": answer,
            "degraded": [],
        })
    );
}

#[tokio::test]
async fn by_a_contract_what_it_names_leaves_with_defaults_and_nulls_for_what_is_absent() {
    let paths = r##"
  /thing: { get: { operationId: thing, responses: { "200": { description: ok, content: { application/json: { schema: { $ref: "#/components/schemas/Thing" } } } } } } }
"##;
    let schemas = r#"
    Thing:
      type: object
      required: [id, list]
      properties:
        id: { type: string }
        note: { type: string, nullable: true }
        giftWrap: { type: boolean, default: false }
        count: { type: integer, default: 3 }
        optional: { type: string }
        list: { type: array, items: { type: object, properties: { a: { type: integer, default: 1 }, b: { type: string, nullable: true } } } }
        open: { type: object, additionalProperties: true }
        labels: { type: object, additionalProperties: { type: object, properties: { x: { type: integer } } } }
"#;
    let product = Product::over_shelf_by(paths, schemas)
        .screen("page", &page("[parts.thing]\nget = \"shelf:/thing\"\n"));
    let stub = shelf();
    stub.json("GET /thing", &json!({
        "id": "1", "secret": "x", "list": [{ "c": 1 }, { "a": 7, "b": "b" }], "open": { "any": { "thing": 1 } },
        "labels": { "l": { "x": 1, "y": 2 } }, "count": 9,
    }));
    assert_eq!(
        document_of(product, &stub).await,
        json!({
            "thing": {
                "id": "1", "note": null, "giftWrap": false, "count": 9, "list": [{ "a": 1, "b": null }, { "a": 7, "b": "b" }],
                "open": { "any": { "thing": 1 } }, "labels": { "l": { "x": 1 } },
            },
            "degraded": [],
        })
    );
}

#[tokio::test]
async fn an_answer_of_another_shape_than_its_contract_is_invalid() {
    let paths = r#"
  /thing: { get: { operationId: thing, responses: { "200": { description: ok, content: { application/json: { schema:
    { type: object, required: [id, state], properties: { id: { type: string }, state: { type: string }, n: { type: integer }, list: { type: array, items: { type: object, required: [x], properties: { x: { type: number } } } } } } } } } } } }
"#;
    let product =
        Product::over_shelf_by(paths, "").screen("page", &page("[parts.thing]\nget = \"shelf:/thing\"\n"));
    let stub = shelf();
    let bff = DeclaredBff::builder(product)
        .stub("shelf", &stub)
        .set("screens.page.fresh_ms", 0)
        .set("screens.page.stale_ms", 0)
        .spawn()
        .await;
    let ada = bff.signed_in("ada").await;
    for (answer, sound) in [
        (json!({ "id": "1", "state": "open" }), true),
        (json!({ "id": "1" }), false),
        (json!({ "id": 1, "state": "open" }), false),
        (json!({ "id": "1", "state": null }), false),
        (json!({ "id": "1", "state": "open", "n": 1.5 }), false),
        (json!({ "id": "1", "state": "open", "list": [{ "x": 1 }, {}] }), false),
        (json!({ "id": "1", "state": "open", "list": {} }), false),
        (json!([]), false),
        (json!("text"), false),
        (Value::Null, false),
    ] {
        stub.json("GET /thing", &answer);
        let document = bff
            .signed_in(&format!("user{}", answer.to_string().len()))
            .await
            .get("/bff/page")
            .await
            .expect(200)
            .json();
        let expected = if sound { Vec::new() } else { missing("thing", "invalid") };
        assert_eq!((degraded(&document), document["thing"].is_null()), (expected, !sound), "{answer}");
    }
    drop(ada);
}

#[tokio::test]
async fn the_compact_view_leaves_out_and_bounds_and_shares_nothing_with_the_whole_one() {
    let screen = page(
        r#"
[parts.thing]
get = "shelf:/thing"
[document]
thing = "thing"
items = "thing.items"
[compact]
without = ["thing.createdAt", "items.text", "thing.items"]
at_most = { items = 2 }
"#,
    );
    let stub = shelf();
    let item = |id: u32| json!({ "id": id, "text": "long" });
    stub.json("GET /thing", &json!({ "createdAt": "now", "items": [item(1), item(2), item(3)] }));
    let bff = DeclaredBff::over(Product::over_shelf().screen("page", &screen), &stub).await;
    let ada = bff.signed_in("ada").await;
    bff.forget_calls();
    assert_eq!(
        ada.get("/bff/page?view=compact").await.expect(200).json(),
        json!({ "thing": {}, "items": [{ "id": 1 }, { "id": 2 }], "degraded": [] })
    );
    let items = json!([item(1), item(2), item(3)]);
    assert_eq!(
        ada.get("/bff/page?view=full").await.expect(200).json(),
        json!({ "thing": { "createdAt": "now", "items": items }, "items": items, "degraded": [] })
    );
    assert_eq!(bff.calls().len(), 2);
    assert!(!ada.get("/bff/page?view=huge").await.field_errors().is_empty());
}

#[tokio::test]
async fn answers_that_are_lists_texts_and_numbers_pass_as_they_were_written() {
    let screen = page(
        "[parts.list]\nget = \"shelf:/list\"\n[parts.empty]\nget = \"shelf:/empty\"\n[parts.text]\nget = \"shelf:/text\"\n[parts.number]\nget = \"shelf:/number\"\n",
    );
    let stub = shelf();
    stub.on("GET /list", tests::Reply::raw(" [ 1.50 , 1E400 ,\n{ \"a\" : [ ] , \"b\": \" \\u00e9 \\/ \" } , 123456789012345678901234567890 ] "));
    stub.on("GET /empty", tests::Reply::raw("[]"));
    stub.on("GET /text", tests::Reply::raw("\"a \\n b\"\n"));
    stub.on("GET /number", tests::Reply::raw("-0.0"));
    let bff = DeclaredBff::over(Product::over_shelf().screen("page", &screen), &stub).await;
    let text = bff.signed_in("ada").await.get("/bff/page").await.expect(200).text();
    assert_eq!(
        text,
        "{\"list\":[1.50,1E400,{\"a\":[],\"b\":\" \\u00e9 \\/ \"},123456789012345678901234567890],\"empty\":[],\"text\":\"a \\n b\",\"number\":-0.0,\"degraded\":[]}"
    );
}
