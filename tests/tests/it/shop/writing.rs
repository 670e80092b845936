//! Declared writes: checked, carried out once, seen by the writer at once, told to those who listen.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    Actor, DeclaredBff, Fault, Product, Reply, Stub, eventually,
    redis::{RedisServer, StoreUrl},
    soon,
};

use super::{book, orders::place, shelf};
use crate::live::listeners::Socket;

#[tokio::test]
async fn every_mistake_in_a_body_is_told_with_its_field_before_a_service_is_called() {
    let bff = DeclaredBff::shop().spawn().await;
    let ada = bff.signed_in("ada").await;
    bff.forget_calls();
    let line = |item: Value, count: Value| json!({ "itemId": item, "count": count });
    for (body, fields) in [
        (json!({}), &["lines"][..]),
        (json!({ "lines": [] }), &["lines"]),
        (
            json!({ "lines": [line(json!("x"), json!(0)), line(json!(1), json!(1000))] }),
            &["lines[0].count", "lines[0].itemId", "lines[1].count"],
        ),
        (
            json!({ "lines": [{ "itemId": 1 }], "note": "n".repeat(201), "more": 1 }),
            &["lines[0].count", "more", "note"],
        ),
        (json!({ "lines": [line(json!(1), json!(1))], "note": null }), &["note"]),
        (json!({ "lines": vec![line(json!(1), json!(1)); 51] }), &["lines"]),
    ] {
        let mut found = ada.post("/api/orders", &body).await.field_errors();
        found.sort();
        let found: Vec<_> = found.iter().map(|(field, _)| field.replace('[', ".").replace(']', "")).collect();
        let fields: Vec<_> = fields.iter().map(|field| field.replace('[', ".").replace(']', "")).collect();
        assert_eq!(found, fields, "{body}");
    }
    for (body, media_type, status) in [
        ("{", "application/json", 400),
        ("[1]", "application/json", 422),
        ("lines=1", "text/plain", 415),
        ("{\"lines\":[],\"lines\":[]}", "application/json", 400),
    ] {
        let request =
            ada.from_page(Method::POST, "/api/orders").header("content-type", media_type).body(body);
        let answer = request.send().await;
        assert!(
            answer.status == status || (status == 400 && answer.status == 422),
            "{body}: {} {}",
            answer.status,
            answer.text()
        );
    }
    assert_eq!(bff.calls(), Vec::<String>::new());
    // What the service refuses comes in the gateway's words, or with its fields alone.
    let refused = ada.post("/api/orders", &json!({ "lines": [line(json!(13), json!(1))] })).await;
    refused.expect_problem(403, "not_orderable");
    assert_eq!(refused.json()["detail"], "One's own item cannot be ordered.");
    let unknown = ada.post("/api/orders", &json!({ "lines": [line(json!(4000), json!(1))] })).await;
    assert_eq!(unknown.field_errors(), [("lines".to_owned(), "unknown_item".to_owned())]);
    assert!(
        !unknown.text().contains("secret") && !unknown.text().contains("must never leave"),
        "{}",
        unknown.text()
    );
    // And only with what proves that it is the caller's own page.
    let forged = ada
        .request(Method::POST, "/api/orders")
        .json(&json!({ "lines": [line(json!(1), json!(1))] }))
        .send()
        .await;
    forged.expect_problem(403, "csrf_failed");
    bff.anonymous().post("/api/orders", &json!({})).await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_writer_sees_what_they_wrote_and_is_told_of_it() {
    let bff = DeclaredBff::shop().spawn().await;
    let ada = bff.signed_in("ada").await;
    let mut socket = Socket::open(&bff, &ada, &format!("?topics=customer:{}", ada.id())).await;
    assert_eq!(ada.get("/bff/orders").await.expect(200).json()["count"], 0);
    let body = json!({ "lines": [{ "itemId": 1, "count": 1 }], "note": "n" });
    let send =
        |key: &str| ada.from_page(Method::POST, "/api/orders").header("idempotency-key", key).json(&body);
    let placed = send("key-1").send().await.expect(201);
    let order = placed.json();
    let id = order["id"].as_str().expect("an id").to_owned();
    assert_eq!(placed.header("location"), Some(format!("/api/orders/{id}").as_str()));
    let card = json!({ "id": ada.id(), "username": "ada", "displayName": null });
    assert_eq!((&order["customer"], &order["note"], order.get("internalRemark")), (&card, &json!("n"), None));
    let told = heard(&mut socket).await;
    assert_eq!(
        (&told["type"], &told["topic"]),
        (&json!("order.placed"), &json!(format!("customer:{}", ada.id())))
    );
    assert_eq!(told["data"], order);
    // Once more under the same key: the same answer, no second order, nothing told again.
    let again = send("key-1").send().await.expect(201);
    assert_eq!((again.json(), again.header("location")), (order, placed.header("location")));
    let list = ada.get("/bff/orders").await.expect(200).json();
    assert_eq!((&list["count"], &list["orders"][0]["id"]), (&json!(1), &json!(id)));
    let other = json!({ "lines": [{ "itemId": 2, "count": 1 }] });
    let reused = ada
        .from_page(Method::POST, "/api/orders")
        .header("idempotency-key", "key-1")
        .json(&other)
        .send()
        .await;
    reused.expect_problem(422, "idempotency_key_reused");
    let second = place(&ada, &[2]).await;
    assert_eq!(heard(&mut socket).await["data"], second, "nothing came between");

    let page = format!("/bff/orders/{id}");
    assert_eq!(ada.get(&page).await.expect(200).json()["order"]["note"], "n");
    let shown = ada.get(&format!("/api/orders/{id}")).await.expect(200).json();
    assert_eq!((&shown["note"], &shown["lines"][0]["itemId"]), (&json!("n"), &json!(1)));
    let deleted = ada.delete(&format!("/api/orders/{id}")).await.expect(204);
    assert!(deleted.body.is_empty());
    ada.get(&page).await.expect_problem(404, "not_found");
    assert_eq!(ada.get("/bff/orders").await.expect(200).json()["count"], 1);
    ada.delete(&format!("/api/orders/{id}")).await.expect_problem(404, "not_found");
    bff.signed_in("bob").await.get(&page).await.expect_problem(404, "not_found");
}

/// The next message, however often the gateway asks meanwhile whether its listener is there.
async fn heard(socket: &mut Socket) -> Value {
    soon("a message", socket.next()).await.message()
}

/// `/bff/books/{id}` for everybody who is signed in, and writes on it.
fn product() -> Product {
    let routes = r#"
[[route]]
path = "/api/books/{id}"
methods = ["PUT", "DELETE"]
to = "shelf:/books/{id}"
access = "signed_in"
status = 204
drops = ["book:{id}"]
[[route]]
path = "/api/stars/{id}"
methods = ["PUT"]
to = "shelf:/stars/{id}"
access = "signed_in"
status = 204
recall = { book = "book_of:{id}" }
drops = ["book:{book}"]
[[route]]
path = "/api/books/{id}/stars"
methods = ["GET"]
to = "shelf:/books/{id}/stars"
access = "signed_in"
remember = { book_of = ["items[].id", "items[].bookId"] }
"#;
    super::book_product().routes("books", routes)
}

async fn title(actor: &Actor) -> Value {
    actor.get("/bff/books/1").await.expect(200).json()["book"]["title"].clone()
}

fn rename(stub: &Stub, title: &str) {
    stub.json("GET /books/1", &json!({ "id": "1", "title": title }));
}

#[tokio::test]
async fn a_drop_is_gone_for_the_writer_stale_for_others_and_nothing_for_other_tags() {
    let stub = shelf();
    stub.on("PUT /books/1", Reply::status(204));
    let redis = RedisServer::start().await;
    let builder = DeclaredBff::builder(product()).stub("shelf", &stub);
    let bff = builder.set("store.url", redis.store_url()).spawn().await;
    let (ada, bob) = (bff.signed_in("ada").await, bff.signed_in("bob").await);
    let other = bff.replica(&[]).await;
    for actor in [&ada, &bob] {
        assert_eq!(title(actor).await, "book 1");
        let _ = actor.get("/bff/books/2").await.expect(200);
        assert_eq!(title(&other.called_by(actor)).await, "book 1");
    }
    rename(&stub, "renamed");
    let _ = ada.put("/api/books/1").await.expect(204);
    bff.forget_calls();
    assert_eq!(title(&ada).await, "renamed", "the writer's own is gone before the answer");
    assert!(ada.get("/bff/books/2").await.is_fresh_hit());
    let there = other.called_by(&ada);
    eventually("the other replica has dropped it too", || async {
        (title(&there).await == "renamed").then_some(())
    })
    .await;
    eventually("the others' is refreshed", || async { (title(&bob).await == "renamed").then_some(()) }).await;
    // A write that failed has dropped nothing; one that found nothing has.
    rename(&stub, "again");
    stub.on("PUT /books/1", Reply::problem(403, "no"));
    ada.put("/api/books/1").await.expect_problem(403, "forbidden");
    assert_eq!(title(&ada).await, "renamed");
    stub.on("DELETE /books/1", Reply::problem(404, "no"));
    ada.delete("/api/books/1").await.expect_problem(404, "not_found");
    assert_eq!(title(&ada).await, "again");
    // So has one whose answer was lost.
    rename(&stub, "last");
    bff.upstream("shelf").fail_on("/books/1", Fault::LoseAnswer);
    stub.on("DELETE /books/1", Reply::status(204));
    let lost = ada.delete("/api/books/1").await;
    assert!(lost.status.is_server_error(), "{}", lost.status);
    bff.upstream("shelf").heal().await;
    assert_eq!(title(&ada).await, "last");
}

#[tokio::test]
async fn what_was_remembered_is_recalled_and_what_was_not_costs_all_of_the_writers_documents() {
    let stub = shelf();
    stub.json("GET /books/1/stars", &json!({ "items": [{ "id": "s1", "bookId": "1" }] }));
    for star in ["s1", "unknown"] {
        stub.on(&format!("PUT /stars/{star}"), Reply::status(204));
    }
    let bff = DeclaredBff::over(product(), &stub).await;
    let ada = bff.signed_in("ada").await;
    let _ = ada.get("/api/books/1/stars").await.expect(200);
    let fill = async || {
        for id in ["1", "2"] {
            let _ = ada.get(&format!("/bff/books/{id}")).await.expect(200);
        }
    };
    fill().await;
    rename(&stub, "starred");
    let _ = ada.put("/api/stars/s1").await.expect(204);
    assert_eq!(title(&ada).await, "starred");
    assert!(ada.get("/bff/books/2").await.is_fresh_hit(), "that star is of another book");
    rename(&stub, "starred again");
    let _ = ada.put("/api/stars/unknown").await.expect(204);
    assert_eq!(title(&ada).await, "starred again");
    assert!(!ada.get("/bff/books/2").await.is_fresh_hit());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drop_while_a_document_is_composed_wins() {
    let stub = shelf();
    stub.on("PUT /books/1", Reply::status(204));
    let bff = DeclaredBff::over(product(), &stub).await;
    let ada = bff.signed_in("ada").await;
    let proxy = bff.upstream("shelf");
    proxy.clear();
    // The old book is read, and its answer held back until after the write.
    proxy.fail_on("/news", Fault::Hold);
    let reader = tokio::spawn({
        let ada = ada.clone();
        async move { ada.get("/bff/books/1").await }
    });
    proxy.wait_for(2).await;
    rename(&stub, "renamed");
    let _ = ada.put("/api/books/1").await.expect(204);
    proxy.heal().await;
    let _ = reader.await.expect("no panic").expect(200);
    assert_eq!(title(&ada).await, "renamed");
}

#[tokio::test]
async fn an_etag_of_the_service_guards_a_write() {
    let routes = r#"
[[route]]
path = "/api/books/{id}"
methods = ["GET"]
to = "shelf:/books/{id}"
access = "signed_in"
if_match = true
[[route]]
path = "/api/books/{id}"
methods = ["PUT"]
to = "shelf:/books/{id}"
access = "signed_in"
if_match = true
status = 204
"#;
    let paths = r#"
  /books/{id}:
    parameters: [{ name: id, in: path, required: true, schema: { type: string } }]
    get: { operationId: readBook, responses: { "200": { description: ok, content: { application/json: { schema: { type: object, additionalProperties: true } } } }, "404": { description: none } } }
    put: { operationId: writeBook, responses: { "204": { description: ok }, "412": { description: changed }, "428": { description: needed } } }
"#;
    let stub = shelf();
    stub.on("GET /books/1", Reply::json(&book("1")).header("etag", "\"v1\""));
    stub.with(|request| {
        (request.method == "PUT").then(|| match request.header("if-match") {
            Some("\"v1\"") => Reply::status(204),
            Some(_) => Reply::problem(412, "changed"),
            None => Reply::problem(428, "needed"),
        })
    });
    let bff = DeclaredBff::over(Product::over_shelf_by(paths, "").routes("books", routes), &stub).await;
    let ada = bff.signed_in("ada").await;
    let read = ada.get("/api/books/1").await.expect(200);
    assert_eq!(read.etag(), "\"v1\"");
    let put = |tag: Option<&str>| {
        let request = ada.from_page(Method::PUT, "/api/books/1");
        tag.map_or_else(|| ada.from_page(Method::PUT, "/api/books/1"), |tag| request.header("if-match", tag))
            .send()
    };
    assert_eq!(put(Some("\"v0\"")).await.status, 412);
    assert_eq!(put(None).await.status, 428);
    assert_eq!(put(Some(read.etag())).await.status, 204);
}
