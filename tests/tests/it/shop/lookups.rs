//! Look-ups by id: shared over users, batched, one by one, with POST.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::{DeclaredBff, Fault, Product, Reply, soon};

use super::{AUTHORS, author, book, books_product, degraded, missing, shelf};

fn author_calls(bff: &DeclaredBff) -> Vec<String> {
    bff.calls().into_iter().filter(|call| call.contains("/authors")).collect()
}

#[tokio::test]
async fn what_is_shared_is_looked_up_once_for_all_users_and_acts_for_nobody() {
    let bff = DeclaredBff::over(books_product(), &shelf()).await;
    let (ada, bob) = (bff.signed_in("ada").await, bff.signed_in("bob").await);
    bff.forget_calls();
    let first = ada.get("/bff/books").await.expect(200);
    let second = bob.get("/bff/books").await.expect(200);
    assert_eq!(first.body, second.body);
    assert_eq!(author_calls(&bff).len(), 1, "{:?}", bff.calls());
    let calls = bff.upstream("shelf").requests();
    let acting = |path: &str| {
        let call = calls.iter().find(|call| call.path == path).expect("a call");
        let claims = call.bearer().and_then(|token| token.split('.').nth(1)).expect("a token");
        let bytes = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, claims)
            .expect("base64");
        serde_json::from_slice::<Value>(&bytes).expect("claims")["sub"].clone()
    };
    assert_eq!((acting("/books"), acting("/authors")), (json!("id-ada"), Value::Null));
}

#[tokio::test]
async fn what_is_not_shared_is_looked_up_for_each_user_by_the_user() {
    let own = AUTHORS.replace("shared = true\nfresh_ms = 60000\n", "");
    let product = Product::over_shelf().gateway(&own).screen("books", super::BOOKS);
    let bff = DeclaredBff::over(product, &shelf()).await;
    let (ada, bob) = (bff.signed_in("ada").await, bff.signed_in("bob").await);
    bff.forget_calls();
    let _ = (ada.get("/bff/books").await.expect(200), bob.get("/bff/books").await.expect(200));
    assert_eq!(author_calls(&bff).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn look_ups_of_concurrent_callers_are_batched() {
    let stub = shelf();
    // Everybody's books are by an author of their own.
    for number in 0..8 {
        stub.json(&format!("GET /books/{number}"), &book(&number.to_string()));
    }
    let screen = "path = \"/bff/books/{id}\"\naccess = \"open\"\n[params]\nid = { in = \"path\", type = \"id\" }\n[parts.book]\nget = \"shelf:/books/{id}\"\n[joins.author]\nof = [\"book.authorId\"]\nas = \"author\"\nlookup = \"author\"\n";
    let product = Product::over_shelf().gateway(AUTHORS).screen("book", screen);
    let bff = DeclaredBff::over(product, &stub).await;
    let nobody = bff.anonymous();
    let _ = nobody.get("/bff/books/none").await.expect(200);
    bff.forget_calls();
    // The books of all are answered in one moment: eight ids then come at once.
    let proxy = bff.upstream("shelf");
    proxy.fail_on("/books/", Fault::Hold);
    let paths: Vec<_> = (0..8).map(|number| format!("/bff/books/{number}")).collect();
    let asked = join_all(paths.iter().map(|path| nobody.get(path)));
    let released = async {
        soon("all books are asked for", proxy.wait_for(8)).await;
        proxy.heal().await;
    };
    let (answers, ()) = futures_util::future::join(asked, released).await;
    for (number, answer) in answers.into_iter().enumerate() {
        let document = answer.expect(200).json();
        assert_eq!(document["book"]["author"], author(&format!("a-{number}")));
    }
    let calls = author_calls(&bff);
    assert!(calls.len() < 8, "{calls:?}");
    let ids: Vec<_> = calls
        .iter()
        .flat_map(|call| {
            call.split("ids=")
                .nth(1)
                .expect("ids")
                .replace("%2C", ",")
                .split(',')
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(ids.len(), 8, "each id once: {calls:?}");
}

/// Books by authors who are looked up one by one.
fn one_by_one(max_calls: &str) -> Product {
    let lookup = format!(
        "[lookups.author]\nget = \"shelf:/people/{{id}}\"\n{max_calls}\nshared = true\nfresh_ms = 60000\npick = [\"name\"]\n"
    );
    Product::over_shelf().gateway(&lookup).screen("books", super::BOOKS)
}

#[tokio::test]
async fn look_ups_one_by_one_are_deduplicated_and_a_404_is_null() {
    let stub = shelf();
    stub.json("GET /books", &json!({ "items": [book("1"), book("2"), book("1"), book("9")] }));
    for id in ["a-1", "a-2"] {
        stub.json(&format!("GET /people/{id}"), &json!({ "id": id, "name": id, "secret": "never" }));
    }
    let bff = DeclaredBff::over(one_by_one(""), &stub).await;
    let ada = bff.signed_in("ada").await;
    bff.forget_calls();
    let document = ada.get("/bff/books").await.expect(200).json();
    let authors: Vec<_> =
        document["books"]["items"].as_array().expect("books").iter().map(|book| &book["author"]).collect();
    assert_eq!(json!(authors), json!([{ "name": "a-1" }, { "name": "a-2" }, { "name": "a-1" }, null]));
    assert_eq!(document["degraded"], json!([]));
    let calls =
        ["shelf GET /books", "shelf GET /people/a-1", "shelf GET /people/a-2", "shelf GET /people/a-9"];
    assert_eq!(bff.calls(), calls);
}

#[tokio::test]
async fn more_look_ups_than_allowed_are_null_and_named() {
    let stub = shelf();
    let ids: Vec<_> = (0..5).map(|number| book(&number.to_string())).collect();
    stub.json("GET /books", &json!({ "items": ids }));
    stub.with(|request| request.path.starts_with("/people/").then(|| Reply::json(&json!({ "name": "x" }))));
    let bff = DeclaredBff::over(one_by_one("max_calls = 3"), &stub).await;
    let ada = bff.signed_in("ada").await;
    bff.forget_calls();
    let document = ada.get("/bff/books").await.expect(200).json();
    let there = document["books"]["items"]
        .as_array()
        .expect("books")
        .iter()
        .filter(|book| book["author"].is_object());
    assert_eq!((there.count(), degraded(&document)), (3, missing("author", "overloaded")));
    assert_eq!(bff.calls().iter().filter(|call| call.contains("/people/")).count(), 3);
}

#[tokio::test]
async fn a_look_up_with_post_sends_a_list_of_ids_and_more_than_a_batch_holds_are_several() {
    let lookup = r#"
[lookups.author]
post = "shelf:/graphql"
body = '{"query": "query($ids: [ID!]!) { authors(ids: $ids) { id } }", "variables": {"ids": "{ids}"}}'
at = "data.authors"
from = "[]"
key = "id"
max_ids = 2
"#;
    let stub = shelf();
    let books: Vec<_> = (0..5).map(|number| book(&number.to_string())).collect();
    stub.json("GET /books", &json!({ "items": books }));
    stub.with(|request| {
        let body: Value = serde_json::from_slice(&request.body).ok()?;
        let ids = body["variables"]["ids"].as_array()?;
        let authors: Vec<_> = ids.iter().map(|id| author(id.as_str().expect("a text"))).collect();
        Some(Reply::json(&json!({ "data": { "authors": authors } })))
    });
    let product = Product::over_shelf().gateway(lookup).screen("books", super::BOOKS);
    let bff = DeclaredBff::over(product, &stub).await;
    let ada = bff.signed_in("ada").await;
    bff.forget_calls();
    let document = ada.get("/bff/books").await.expect(200).json();
    for (number, item) in document["books"]["items"].as_array().expect("books").iter().enumerate() {
        assert_eq!(item["author"], author(&format!("a-{number}")));
    }
    assert_eq!(bff.calls().iter().filter(|call| call.contains("/graphql")).count(), 3);
}

#[tokio::test]
async fn a_drop_of_a_tag_forgets_the_shared_copy() {
    let route = r#"
[[route]]
path = "/api/authors/{id}"
methods = ["PUT"]
to = "shelf:/authors/{id}"
access = "signed_in"
status = 204
drops = ["author:{id}"]
"#;
    let stub = shelf();
    let product = books_product().routes("authors", route);
    let bff = DeclaredBff::over(product, &stub).await;
    let (ada, bob) = (bff.signed_in("ada").await, bff.signed_in("bob").await);
    let before = ada.get("/bff/books").await.expect(200).json();
    assert_eq!(before["books"]["items"][0]["author"], author("a-1"));
    stub.on("PUT /authors/a-1", Reply::status(204));
    stub.many("/authors", |id| Some(json!({ "id": id, "name": "renamed" })));
    let _ = ada.put("/api/authors/a-1").await.expect(204);
    bff.forget_calls();
    for reader in [&ada, &bob] {
        let after = reader.get("/bff/books").await.expect(200).json();
        let names: Vec<_> = [0, 1].map(|at| after["books"]["items"][at]["author"]["name"].clone()).into();
        assert_eq!(json!(names), json!(["renamed", "author a-2"]), "the one that was dropped, and no other");
    }
    assert_eq!(author_calls(&bff).len(), 1, "{:?}", bff.calls());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_look_up_holds_nobody_longer_than_the_deadline() {
    let bff = DeclaredBff::builder(books_product())
        .stub("shelf", &shelf())
        .set("screens.books.deadline_ms", 500)
        .spawn()
        .await;
    let ada = bff.signed_in("ada").await;
    bff.upstream("shelf").fail_on("/authors", Fault::Delay(Duration::from_secs(60)));
    let document = ada.get("/bff/books").await.expect(200).json();
    assert_eq!(document["books"]["items"][0]["title"], "book 1");
    assert_eq!(degraded(&document), missing("author", "timeout"));
}
