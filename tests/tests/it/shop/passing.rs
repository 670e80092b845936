//! Declared reads that pass through, and paths whose rest is the service's.

use reqwest::Method;
use serde_json::json;
use tests::{DeclaredBff, Product, Reply};

use super::{AUTHORS, book, raw, shelf};

const ROUTES: &str = r#"
[[route]]
path = "/api/books/{id}"
methods = ["GET"]
to = "shelf:/books/{id}"
access = "open"
joins = { author = { of = ["authorId"], as = "author", lookup = "author" } }
expect = { id = "{id}" }
[[route]]
path = "/api/find"
methods = ["GET"]
to = "shelf:/find?q={q}&limit={limit}"
access = "signed_in"
params = { q = { in = "query", type = "string", max_length = 5 }, limit = { in = "query", type = "integer", default = 3, min = 1, max = 9 } }
pick = ["items[].id"]
[[route]]
path = "/api/files/{rest..}"
methods = ["GET"]
to = "shelf:/files/{rest..}"
access = "signed_in"
"#;

fn product() -> Product {
    Product::over_shelf().gateway(AUTHORS).routes("books", ROUTES)
}

#[tokio::test]
async fn a_read_is_shaped_and_held_to_what_was_asked_for() {
    let stub = shelf();
    stub.json("GET /find", &json!({ "items": [{ "id": "1", "secret": "x" }], "total": 1 }));
    stub.json("GET /books/3", &book("1"));
    let bff = DeclaredBff::over(product(), &stub).await;
    let (nobody, ada) = (bff.anonymous(), bff.signed_in("ada").await);
    let open = nobody.get("/api/books/1").await.expect(200);
    assert_eq!(open.json()["title"], book("1")["title"]);
    assert_eq!(open.header("cache-control"), Some("public, max-age=5, stale-while-revalidate=30"));
    assert!(nobody.get("/api/books/3").await.status.is_server_error(), "an answer about another book");
    nobody.get("/api/books/77").await.expect_problem(404, "not_found");
    nobody.get("/api/books/..%2fx").await.expect_problem(404, "not_found");
    bff.forget_calls();
    assert_eq!(
        ada.get("/api/find?q=a%26b&more=1").await.expect(200).json(),
        json!({ "items": [{ "id": "1" }] })
    );
    assert_eq!(bff.calls(), ["shelf GET /find?q=a%26b&limit=3"]);
    assert_eq!(ada.get("/api/find?q=123456&limit=0").await.field_errors().len(), 2);
    nobody.get("/api/find").await.expect_problem(401, "unauthenticated");
    let allowed = ada.from_page(Method::PATCH, "/api/find").send().await;
    assert_eq!((allowed.status.as_u16(), allowed.lists("allow", "GET")), (405, true));
}

#[tokio::test]
async fn refusals_say_what_was_declared_and_never_what_the_service_said() {
    let paths = r#"
  /things/{id}:
    parameters: [{ name: id, in: path, required: true, schema: { type: string } }]
    get: { operationId: readThing, responses: { "200": { description: ok, content: { application/json: { schema: { type: object, additionalProperties: true } } } }, "410": { description: gone }, "429": { description: slow down }, "451": { description: law } } }
"#;
    let routes = "[[route]]\npath = \"/api/things/{id}\"\nmethods = [\"GET\"]\nto = \"shelf:/things/{id}\"\naccess = \"signed_in\"\n";
    let product = Product::over_shelf_by(paths, "")
        .gateway("[refusals]\ntoo_old = { status = 403, detail = \"Too old.\" }\n")
        .routes("things", routes);
    let stub = shelf();
    for (id, status, code) in [
        ("old", 403, "too_old"),
        ("other", 403, "secret"),
        ("wrong", 409, "too_old"),
        ("gone", 410, "x"),
        ("law", 451, "x"),
        ("teapot", 418, "x"),
        ("failed", 500, "x"),
        ("auth", 401, "x"),
        ("none", 404, "x"),
        ("fields", 422, "x"),
    ] {
        stub.on(&format!("GET /things/{id}"), Reply::problem(status, code));
    }
    stub.on("GET /things/slow", Reply::problem(429, "x").header("retry-after", "7"));
    let bff = DeclaredBff::over(product, &stub).await;
    let ada = bff.signed_in("ada").await;
    for (id, status, code) in [
        ("old", 403, Some("too_old")),
        ("other", 403, Some("forbidden")),
        ("wrong", 502, None),
        ("gone", 410, None),
        ("law", 451, None),
        ("teapot", 502, None),
        ("failed", 502, None),
        ("auth", 502, None),
        ("none", 404, Some("not_found")),
        ("slow", 429, None),
    ] {
        let answer = ada.get(&format!("/api/things/{id}")).await;
        assert_eq!(answer.status.as_u16(), status, "{id}: {}", answer.text());
        assert!(!answer.text().contains(tests::PLANTED), "{}", answer.text());
        assert!(code.is_none_or(|code| answer.json()["code"] == code), "{id}: {}", answer.text());
        if id == "old" {
            assert_eq!(answer.json()["detail"], "Too old.");
        }
        if id == "slow" {
            assert!(answer.header("retry-after").is_some());
        }
    }
}

#[tokio::test]
async fn the_rest_of_a_path_goes_along_segment_by_segment_and_climbs_nowhere() {
    let stub = shelf();
    stub.with(|request| {
        request
            .path
            .starts_with("/files/")
            .then(|| Reply::json(&json!({ "path": request.path, "query": request.query })))
    });
    let bff = DeclaredBff::over(product(), &stub).await;
    let ada = bff.signed_in("ada").await;
    for (asked, path, query) in [
        ("a/b/c?x=1&y=%20", "/files/a/b/c", "x=1&y=%20"),
        ("a%20b/%C3%A9", "/files/a%20b/%C3%A9", ""),
        ("a.b/...", "/files/a.b/...", ""),
    ] {
        let answer = ada.get(&format!("/api/files/{asked}")).await.expect(200).json();
        assert_eq!(answer, json!({ "path": path, "query": query }), "{asked}");
    }
    bff.forget_calls();
    // Written by hand: a client takes dot segments out of a path by itself.
    for climbing in [
        "../books/1",
        "a/../../books/1",
        "./a",
        "..",
        "a/.",
        "%2e%2e/x",
        "a/%2E./b",
        "a/.%2e",
        "a/%2e/b",
        "a%2Fb",
        "a%2fb",
        "a%5Cb",
        "a%00b",
        "a//b",
        "//a",
        "a%",
        "a%zz",
        "a%FFb",
    ] {
        let answer = raw(&bff, &ada, &format!("GET /api/files/{climbing} HTTP/1.1"), "").await;
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(["400", "404"].contains(&status), "{climbing}: {answer}");
    }
    assert_eq!(bff.calls(), Vec::<String>::new());
}
