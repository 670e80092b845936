//! Joins of declared routes, and what the gateway adds to their answers.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tests::{DeclaredBff, Fault, Product, Reply, Stub};

use super::shelf;

const PASSING: &str = "public, max-age=5, stale-while-revalidate=30";

const GATEWAY: &str = r#"
[lookups.author]
get = "shelf:/authors?ids={ids}"
from = "items[]"
key = "id"
[lookups.city]
get = "shelf:/cities/{id}"
pick = ["name"]
"#;

const ROUTES: &str = r#"
[[route]]
path = "/api/books/{id}"
methods = ["GET"]
to = "shelf:/books/{id}"
access = "open"
joins = { author = { of = ["authorId"], as = "author", lookup = "author" } }
[[route]]
path = "/api/list"
methods = ["GET"]
to = "shelf:/list"
access = "open"
add = { reader = "user.card", readerId = "user.id" }
[route.joins]
author = { of = ["items[].authorId"], as = "author", lookup = "author" }
editors = { of = ["items[].editorIds[]"], as = "editors", lookup = "author" }
[[route]]
path = "/api/chain"
methods = ["GET"]
to = "shelf:/list"
access = "signed_in"
drop = ["items[].editorIds"]
rename = { "items[].title" = "name" }
[route.joins]
author = { of = ["items[].authorId"], as = "author", lookup = "author" }
city = { of = ["items[].author.cityId"], as = "city", lookup = "city" }
[[route]]
path = "/api/rows"
methods = ["GET"]
to = "shelf:/rows"
access = "signed_in"
joins = { author = { of = ["[].authorId"], as = "author", lookup = "author" } }
[[route]]
path = "/api/books"
methods = ["POST"]
to = "shelf:/books"
access = "signed_in"
location = "/api/books/{response.id}"
joins = { author = { of = ["authorId"], as = "author", lookup = "author" } }
add = { writer = "user.card" }
"#;

fn product() -> Product {
    Product::over_shelf().gateway(GATEWAY).routes("books", ROUTES)
}

fn stub() -> Stub {
    let stub = shelf();
    let items = json!([
        { "title": "t", "authorId": "a-1", "editorIds": ["a-2", "a-1"] }, { "title": "u", "authorId": null, "editorIds": [] },
    ]);
    stub.json("GET /list", &json!({ "items": items }));
    stub.json("GET /rows", &json!([{ "authorId": "a-1" }, { "authorId": "a-9" }, {}]));
    stub.many("/authors", |id| {
        (id != "a-9").then(|| json!({ "id": id, "name": format!("author {id}"), "cityId": "c1" }))
    });
    stub.json("GET /cities/c1", &json!({ "name": "city", "secret": "never" }));
    stub
}

fn person(id: &str) -> Value {
    json!({ "id": id, "name": format!("author {id}"), "cityId": "c1" })
}

#[tokio::test]
async fn joins_of_an_answer_and_what_is_added_stand_at_the_end_in_the_files_order() {
    let bff = DeclaredBff::over(product(), &stub()).await;
    let (nobody, ada) = (bff.anonymous(), bff.signed_in("ada").await);
    bff.forget_calls();
    let open = nobody.get("/api/books/1").await.expect(200);
    assert_eq!(
        open.text(),
        r#"{"authorId":"a-1","id":"1","title":"book 1","author":{"cityId":"c1","id":"a-1","name":"author a-1"}}"#
    );
    assert_eq!(open.header("cache-control"), Some(PASSING));
    let known = nobody.request(Method::GET, "/api/books/1").header("if-none-match", open.etag()).send().await;
    assert_eq!((known.status.as_u16(), known.body.len()), (304, 0));
    let items = |reader: Value, id: Value| {
        json!({
            "items": [
                { "title": "t", "authorId": "a-1", "editorIds": ["a-2", "a-1"], "author": person("a-1"), "editors": [person("a-2"), person("a-1")] },
                { "title": "u", "authorId": null, "editorIds": [], "author": null, "editors": [] },
            ],
            "reader": reader, "readerId": id,
        })
    };
    assert_eq!(nobody.get("/api/list").await.expect(200).json(), items(Value::Null, Value::Null));
    let own = ada.get("/api/list").await.expect(200);
    assert_eq!(own.json(), items(json!({ "id": "id-ada", "username": "ada" }), json!("id-ada")));
    assert_ne!(own.header("cache-control"), Some(PASSING));
    assert_eq!(
        ada.get("/api/chain").await.expect(200).json(),
        json!({ "items": [
            { "name": "t", "authorId": "a-1", "author": { "id": "a-1", "name": "author a-1", "cityId": "c1", "city": { "name": "city" } } },
            { "name": "u", "authorId": null, "author": null },
        ] })
    );
    assert_eq!(
        ada.get("/api/rows").await.expect(200).json(),
        json!([
            { "authorId": "a-1", "author": person("a-1") }, { "authorId": "a-9", "author": null }, { "author": null },
        ])
    );
}

#[tokio::test]
async fn a_join_that_fails_is_null_and_an_open_answer_that_lacks_it_is_kept_by_nobody() {
    let bff = DeclaredBff::over(product(), &stub()).await;
    let (nobody, ada) = (bff.anonymous(), bff.signed_in("ada").await);
    for fault in
        [Fault::Status500, Fault::GarbageJson, Fault::BlackHole, Fault::Delay(Duration::from_secs(60))]
    {
        bff.upstream("shelf").fail_on("/authors", fault);
        let answer = nobody.get("/api/books/1").await.expect(200);
        assert_eq!(answer.json()["author"], Value::Null);
        assert_eq!(answer.json()["title"], "book 1");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let chain = ada.get("/api/chain").await.expect(200).json();
        assert_eq!(chain["items"][0]["author"], Value::Null);
        bff.upstream("shelf").heal().await;
    }
    bff.upstream("shelf").fail_on("/cities", Fault::BlackHole);
    let chain = ada.get("/api/chain").await.expect(200).json();
    assert_eq!(
        (&chain["items"][0]["author"]["id"], &chain["items"][0]["author"]["city"]),
        (&json!("a-1"), &Value::Null)
    );
    bff.upstream("shelf").heal().await;
    let whole = nobody.get("/api/books/1").await.expect(200);
    assert_eq!(
        (whole.json()["author"].clone(), whole.header("cache-control")),
        (person("a-1"), Some(PASSING))
    );
}

#[tokio::test]
async fn a_writes_answer_is_joined_and_added_to_and_its_place_is_a_path() {
    let stub = stub();
    stub.with(|request| {
        let body: Value = serde_json::from_slice(&request.body).ok()?;
        (request.line() == "POST /books")
            .then(|| Reply::json(&json!({ "id": body["id"], "authorId": "a-1" })).with_status(201))
    });
    let bff = DeclaredBff::over(product(), &stub).await;
    let ada = bff.signed_in("ada").await;
    let made = ada.post("/api/books", &json!({ "id": "7" })).await.expect(201);
    let writer = json!({ "id": "id-ada", "username": "ada" });
    assert_eq!(
        made.json(),
        json!({ "id": "7", "authorId": "a-1", "author": person("a-1"), "writer": writer })
    );
    assert_eq!(made.header("location"), Some("/api/books/7"));
    for (id, place) in [
        ("a/b?c#d é", Some("/api/books/a%2Fb%3Fc%23d%20%C3%A9")),
        ("x\r\nset-cookie: a=b", Some("/api/books/x%0D%0Aset-cookie%3A%20a%3Db")),
        ("..", None),
        ("", None),
    ] {
        let made = ada.post("/api/books", &json!({ "id": id })).await.expect(201);
        assert_eq!((made.header("location"), made.header("set-cookie")), (place, None), "{id}");
    }
    // A look-up that is late holds no write's answer for long.
    bff.upstream("shelf").fail_on("/authors", Fault::BlackHole);
    let late = ada.post("/api/books", &json!({ "id": "8" })).await.expect(201);
    assert_eq!((&late.json()["author"], &late.json()["writer"]), (&Value::Null, &writer));
}
