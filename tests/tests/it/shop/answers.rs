//! Statuses, methods and media types of declared routes, what is announced, and how calls prove who makes them.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{DeclaredBff, Product, Reply, Stub, soon};

use super::page;
use crate::live::listeners::Socket;

const PATHS: &str = r#"
  /things:
    post: { operationId: make, responses: { "201": { description: ok, content: { application/json: { schema: { type: object, additionalProperties: true } } } } } }
    put: { operationId: replace, responses: { "200": { description: ok, content: { application/json: { schema: { type: object, additionalProperties: true } } } } } }
    delete: { operationId: remove, responses: { "200": { description: no content } } }
    get: { operationId: list, responses: { "200": { description: ok, content: { application/json: { schema: { type: object, additionalProperties: true } } } } } }
"#;

#[tokio::test]
async fn a_status_is_the_declared_one_or_follows_from_method_and_contract() {
    let routes = r#"
[[route]]
path = "/api/things"
methods = ["GET", "POST", "PUT", "DELETE"]
to = "shelf:/things"
access = "signed_in"
[[route]]
path = "/api/accepted"
methods = ["POST"]
to = "shelf:/things"
access = "signed_in"
status = 202
[[route]]
path = "/api/silent"
methods = ["PUT"]
to = "shelf:/things"
access = "signed_in"
status = 204
"#;
    let stub = Stub::new();
    for method in ["GET", "POST", "PUT", "DELETE"] {
        stub.json(&format!("{method} /things"), &json!({ "n": 1 }));
    }
    let bff = DeclaredBff::over(Product::over_shelf_by(PATHS, "").routes("things", routes), &stub).await;
    let ada = bff.signed_in("ada").await;
    for (method, path, status, body) in [
        (Method::GET, "/api/things", 200, "{\"n\":1}"),
        (Method::HEAD, "/api/things", 200, ""),
        (Method::POST, "/api/things", 201, "{\"n\":1}"),
        (Method::PUT, "/api/things", 200, "{\"n\":1}"),
        (Method::DELETE, "/api/things", 204, ""),
        (Method::POST, "/api/accepted", 202, "{\"n\":1}"),
        (Method::PUT, "/api/silent", 204, ""),
    ] {
        let answer = ada.from_page(method.clone(), path).send().await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (status, body), "{method} {path}");
    }
    let options = ada.from_page(Method::PATCH, "/api/things").send().await;
    assert_eq!(options.status, 405);
    for method in ["GET", "HEAD", "POST", "PUT", "DELETE"] {
        assert!(options.lists("allow", method), "{method}: {:?}", options.header("allow"));
    }
    let picky = ada.request(Method::GET, "/api/things").header("accept", "text/html").send().await;
    picky.expect_problem(406, "not_acceptable");
}

#[tokio::test]
async fn what_was_answered_is_announced_once_with_what_it_drops() {
    let routes = r#"
[[route]]
path = "/api/books/{id}"
methods = ["POST"]
to = "shelf:/books/{id}"
access = "signed_in"
pick = ["id", "n"]
add = { by = "user.id" }
drops = ["book:{response.id}", "author:{response.authorId}", "book:{id}"]
announce = { topic = "book:{response.id}", type = "book.made" }
"#;
    let stub = Stub::new();
    stub.on("POST /books/x", Reply::raw(r#"{"id":"b","n":1.50,"authorId":null,"secret":1}"#));
    stub.on("POST /books/y", Reply::json(&json!({ "id": "not an id", "n": 2 })));
    let bff = DeclaredBff::over(Product::over_shelf().routes("books", routes), &stub).await;
    let (ada, bob) = (bff.signed_in("ada").await, bff.signed_in("bob").await);
    let mut socket = Socket::open(&bff, &bob, "?topics=book:b").await;
    let send = |path: &str| ada.from_page(Method::POST, path).header("idempotency-key", path).send();
    let made = send("/api/books/x").await.expect(201);
    assert_eq!(made.text(), r#"{"id":"b","n":1.50,"by":"id-ada"}"#);
    // Once more: told again is nothing. An id that is none has no topic.
    let _ = send("/api/books/x").await.expect(201);
    let odd = send("/api/books/y").await.expect(201);
    assert_eq!(odd.json(), json!({ "id": "not an id", "n": 2, "by": "id-ada" }));
    stub.on("POST /books/x", Reply::json(&json!({ "id": "b", "n": 3, "authorId": "a" })));
    let _ = ada.from_page(Method::POST, "/api/books/x").send().await.expect(201);
    let first: Value = soon("a message", socket.next()).await.message();
    assert_eq!(
        (&first["type"], &first["topic"], &first["data"]),
        (&json!("book.made"), &json!("book:b"), &made.json())
    );
    let second = soon("a message", socket.next()).await.message();
    assert_eq!(second["data"], json!({ "id": "b", "n": 3, "by": "id-ada" }));
}

#[tokio::test]
async fn a_call_bears_a_service_token_nothing_or_a_fixed_token() {
    let folder = tempfile::tempdir().expect("a folder");
    let token = folder.path().join("token");
    std::fs::write(&token, "planted-fixed-token\n").expect("written");
    let upstreams = format!(
        "[upstreams.plain]\nurl = \"http://127.0.0.1:9\"\nauthorization = \"none\"\n[upstreams.fixed]\nurl = \"http://127.0.0.1:9\"\nauthorization = {{ file = {:?} }}\n",
        token.to_str().expect("a path")
    );
    let parts =
        page("[parts.a]\nget = \"shelf:/a\"\n[parts.b]\nget = \"plain:/b\"\n[parts.c]\nget = \"fixed:/c\"\n");
    let stub = Stub::new();
    stub.with(|request| {
        let (bearer, cookie) = (request.bearer().map(str::len), request.header("cookie"));
        Some(Reply::json(&json!({ "bearer": bearer, "cookie": cookie, "fixed": request.bearer() == Some("planted-fixed-token") })))
    });
    let product = Product::over_shelf().gateway(&upstreams).screen("page", &parts);
    let bff = DeclaredBff::builder(product)
        .stub("shelf", &stub)
        .stub("plain", &stub)
        .stub("fixed", &stub)
        .spawn()
        .await;
    let document = bff.signed_in("ada").await.get("/bff/page").await.expect(200).json();
    assert!(document["a"]["bearer"].as_u64().is_some_and(|length| length > 100), "{document}");
    assert_eq!(document["a"]["fixed"], false);
    assert_eq!(document["b"], json!({ "bearer": null, "cookie": null, "fixed": false }));
    assert_eq!((&document["c"]["fixed"], &document["c"]["cookie"]), (&json!(true), &Value::Null));
}
