//! Ids in paths and look-ups: those that are none, those that are a word of the service's own, and numbers.

use serde_json::{Value, json};
use tests::{DeclaredBff, Product, Reply, Stub};

use super::{degraded, missing, page, shelf};

const PATHS: &str = r#"
  /people/{id}:
    parameters: [{ name: id, in: path, required: true, schema: { type: string } }]
    get: { operationId: readPerson, responses: { "200": { description: ok, content: { application/json: { schema: { type: object, additionalProperties: true } } } } } }
    delete: { operationId: deletePerson, responses: { "204": { description: done } } }
  /people/me:
    get: { operationId: readMe, responses: { "200": { description: ok, content: { application/json: { schema: { type: object, additionalProperties: true } } } } } }
  /people/cards:
    get: { operationId: cards, responses: { "200": { description: ok, content: { application/json: { schema: { type: object, additionalProperties: true } } } } } }
  /list:
    get: { operationId: list, responses: { "200": { description: ok, content: { application/json: { schema: { type: object, additionalProperties: true } } } } } }
"#;

#[tokio::test]
async fn a_word_of_the_service_is_no_id_wherever_it_comes_from() {
    let optional = "path = \"/bff/people/{id}\"\naccess = \"signed_in\"\n[params]\nid = { in = \"path\", type = \"id\" }\n[parts.list]\nget = \"shelf:/list\"\n[parts.person]\nget = \"shelf:/people/{id}\"\n";
    let named = page(
        "[parts.list]\nget = \"shelf:/list\"\n[parts.person]\nget = \"shelf:/people/{list.of}\"\n[joins.person]\nof = [\"list.items[].personId\"]\nas = \"person\"\nget = \"shelf:/people/{id}\"\n",
    );
    let routes = "[[route]]\npath = \"/api/people/{id}\"\nmethods = [\"GET\", \"DELETE\"]\nto = \"shelf:/people/{id}\"\naccess = \"signed_in\"\n";
    let stub = Stub::new();
    stub.json("GET /list", &json!({ "of": "me", "items": [{ "personId": "cards" }, { "personId": "p" }] }));
    stub.with(|request| {
        request.path.starts_with("/people/").then(|| Reply::json(&json!({ "at": request.path })))
    });
    let product = Product::over_shelf_by(PATHS, "")
        .screen("person", optional)
        .screen("page", &named)
        .routes("people", routes);
    let bff = DeclaredBff::over(product, &stub).await;
    let ada = bff.signed_in("ada").await;
    bff.forget_calls();
    for word in ["me", "cards", "%6de"] {
        ada.get(&format!("/bff/people/{word}")).await.expect_problem(404, "not_found");
        ada.get(&format!("/api/people/{word}")).await.expect_problem(404, "not_found");
        ada.delete(&format!("/api/people/{word}")).await.expect_problem(404, "not_found");
    }
    let about_them = |call: &String| call.contains("/people/");
    assert_eq!(bff.calls().into_iter().filter(about_them).collect::<Vec<_>>(), Vec::<String>::new());
    assert_eq!(ada.get("/bff/people/p").await.expect(200).json()["person"], json!({ "at": "/people/p" }));
    bff.forget_calls();
    let document = ada.get("/bff/page").await.expect(200).json();
    assert_eq!((&document["person"], degraded(&document)), (&Value::Null, missing("person", "invalid")));
    assert_eq!(
        document["list"]["items"],
        json!([{ "personId": "cards", "person": null }, { "personId": "p", "person": { "at": "/people/p" } }])
    );
    assert_eq!(bff.calls().into_iter().filter(about_them).collect::<Vec<_>>(), ["shelf GET /people/p"]);
}

#[tokio::test]
async fn a_value_of_a_part_is_an_id_in_a_path_and_any_text_in_a_query() {
    let screen = page(
        r#"
[parts.first]
get = "shelf:/first"
[parts.by_id]
get = "shelf:/by/{first.id}"
[parts.by_query]
get = "shelf:/search?q={first.text}&n={first.id}&absent={first.none}"
[parts.by_body]
post = "shelf:/graphql"
body = '{"id": "{first.id}", "text": "{first.text}", "none": "{first.none}"}'
at = "data"
[parts.absent]
get = "shelf:/by/{first.none}"
"#,
    );
    let stub = Stub::new();
    stub.with(|request| {
        let line = request.line();
        (request.method == "GET" && request.path != "/first").then(|| Reply::json(&json!(line)))
    });
    stub.with(|request| {
        let body: Value = serde_json::from_slice(&request.body).ok()?;
        Some(Reply::json(&json!({ "data": body })))
    });
    stub.json("GET /first", &json!({ "id": 12, "text": "a&b=\"c\" é", "none": null }));
    let bff = DeclaredBff::over(Product::over_shelf().screen("page", &screen), &stub).await;
    let document = bff.signed_in("ada").await.get("/bff/page").await.expect(200).json();
    assert_eq!(document["by_id"], "GET /by/12");
    assert_eq!(document["by_query"], "GET /search?q=a%26b%3D%22c%22%20%C3%A9&n=12");
    assert_eq!(document["by_body"], json!({ "id": "12", "text": "a&b=\"c\" é", "none": null }));
    assert_eq!((&document["absent"], degraded(&document)), (&Value::Null, Vec::new()));
    for (id, name) in [
        (json!(""), "user1"),
        (json!("a/b"), "user2"),
        (json!("x".repeat(129)), "user3"),
        (json!(1.5), "user4"),
        (json!("é"), "user5"),
        (json!("."), "user6"),
        (json!(".."), "user7"),
        (json!(-1), "user8"),
    ] {
        stub.json("GET /first", &json!({ "id": id, "text": "t" }));
        let user = bff.signed_in(name).await;
        bff.forget_calls();
        let document = user.get("/bff/page").await.expect(200).json();
        let calls: Vec<_> = bff.calls().into_iter().filter(|call| call.contains("/by/")).collect();
        if name == "user8" || name == "user4" {
            // Both are made of characters that ids are made of.
            assert_eq!(calls.len(), 1, "{id}: {document}");
        } else {
            assert_eq!((degraded(&document), calls), (missing("by_id", "invalid"), Vec::new()), "{id}");
        }
    }
}

const LISTS: &str = r#"
[lookups.author]
get = "shelf:/authors?ids={ids}"
from = "items[]"
key = "id"
[lookups.row]
get = "shelf:/rows?ids={ids}"
from = "[]"
key = "id"
"#;

#[tokio::test]
async fn an_answer_without_the_list_is_invalid_and_null_in_a_list_is_nothing() {
    let screen = page(
        r#"
[parts.list]
get = "shelf:/list"
[joins.author]
of = ["list.items[].authorId"]
as = "author"
lookup = "author"
[joins.row]
of = ["list.items[].rowId"]
as = "row"
lookup = "row"
"#,
    );
    let stub = shelf();
    stub.json(
        "GET /list",
        &json!({ "items": [{ "authorId": "a", "rowId": 1 }, { "authorId": "b", "rowId": 2 }] }),
    );
    let bff = DeclaredBff::over(Product::over_shelf().gateway(LISTS).screen("page", &screen), &stub).await;
    let (a, one) = (json!({ "id": "a" }), json!({ "id": 1 }));
    let sound = [json!([a]), json!([null, a, null]), json!([a, { "id": "other" }])];
    for (place, items) in sound.into_iter().enumerate() {
        stub.json("GET /authors", &json!({ "items": items }));
        let rows = items
            .as_array()
            .expect("a list")
            .iter()
            .map(|item| if *item == a { one.clone() } else { item.clone() });
        stub.json("GET /rows", &rows.collect());
        let user = bff.signed_in(&format!("sound{place}")).await;
        let document = user.get("/bff/page").await.expect(200).json();
        assert_eq!(
            document,
            json!({ "list": { "items": [
                { "authorId": "a", "rowId": 1, "author": a, "row": one }, { "authorId": "b", "rowId": 2, "author": null, "row": null },
            ] }, "degraded": [] }),
            "{items}"
        );
    }
    let wrong = [
        (json!({}), json!({})),
        (json!({ "items": null }), Value::Null),
        (json!({ "items": {} }), json!({ "items": [] })),
        (json!({ "items": "x" }), json!("x")),
        (json!([a]), json!(1)),
        (Value::Null, json!([{}])),
        (json!({ "items": [{ "name": "no key" }, { "id": "a" }] }), json!([{ "id": 1 }, { "id": null }])),
    ];
    for (place, (authors, rows)) in wrong.into_iter().enumerate() {
        stub.json("GET /authors", &authors);
        stub.json("GET /rows", &rows);
        let document =
            bff.signed_in(&format!("wrong{place}")).await.get("/bff/page").await.expect(200).json();
        let both = [missing("author", "invalid"), missing("row", "invalid")].concat();
        // In the order in which they failed.
        let mut found = degraded(&document);
        found.sort();
        assert_eq!(found, both, "{authors} {rows}");
    }
}

#[tokio::test]
async fn a_list_that_the_contract_makes_optional_may_be_left_out() {
    let paths = r#"
  /list: { get: { operationId: list, responses: { "200": { description: ok, content: { application/json: { schema: { type: object, properties: { authorId: { type: string } } } } } } } } }
  /authors: { get: { operationId: authors, parameters: [{ name: ids, in: query, schema: { type: string } }],
    responses: { "200": { description: ok, content: { application/json: { schema: { type: object, properties: { items: { type: array, items: { type: object, required: [id], properties: { id: { type: string } } } } } } } } } } } }
"#;
    let screen = page(
        "[parts.list]\nget = \"shelf:/list\"\n[joins.author]\nof = [\"list.authorId\"]\nas = \"author\"\nget = \"shelf:/authors?ids={ids}\"\nfrom = \"items[]\"\nkey = \"id\"\n",
    );
    let stub = shelf();
    stub.json("GET /list", &json!({ "authorId": "a" }));
    stub.json("GET /authors", &json!({}));
    let bff = DeclaredBff::over(Product::over_shelf_by(paths, "").screen("page", &screen), &stub).await;
    let document = bff.signed_in("ada").await.get("/bff/page").await.expect(200).json();
    assert_eq!(document, json!({ "list": { "authorId": "a", "author": null }, "degraded": [] }));
}
