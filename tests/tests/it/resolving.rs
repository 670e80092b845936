//! What a request comes to is known before its caller is: what is declared wins over the app beside it, wherever its path
//! begins.

use std::fs;

use reqwest::Method;
use serde_json::json;
use tests::{DeclaredBff, Product, Stub};

const ROUTE: &str = r#"
[[route]]
path = "/v1/books"
methods = ["GET"]
to = "shelf:/books"
access = "signed_in"
"#;

#[tokio::test]
async fn a_declared_path_outside_of_the_gateways_own_is_charged_and_knows_its_caller_beside_an_app() {
    let app = tempfile::tempdir().expect("a folder");
    fs::write(app.path().join("index.html"), "<!doctype html><title>App</title>").expect("a file");
    let shelf = Stub::new();
    shelf.json("GET /books", &json!({ "items": [] }));
    let bff = DeclaredBff::builder(Product::over_shelf().routes("books", ROUTE))
        .stub("shelf", &shelf)
        .stub("people", &Stub::people())
        .set("site.dir", app.path().display())
        .set("limits.enabled", true)
        .spawn()
        .await;
    let nobody = bff.anonymous().get("/v1/books").await.expect(401);
    assert!(nobody.header("ratelimit").is_some(), "it is charged");
    let ada = bff.signed_in("ada").await;
    let answer = ada.get("/v1/books").await.expect(200);
    assert_eq!(answer.json(), json!({ "items": [] }));
    let page = bff.anonymous().request(Method::GET, "/v1/elsewhere").header("accept", "text/html");
    let page = page.send().await.expect(200);
    assert!(page.text().contains("<title>App</title>"));
    assert!(page.header("ratelimit").is_none(), "what reads the app is not charged");
}
