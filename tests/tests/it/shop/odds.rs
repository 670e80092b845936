//! Rules of screens that meet: conditions, subjects, deadlines, pages and the views of them.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tests::{DeclaredBff, Fault, Product, Reply, Stub};

use super::{degraded, missing, page, shelf};

#[tokio::test]
async fn conditions_compare_the_user_with_parameters_and_values_of_parts() {
    let screen = r#"
path = "/bff/people/{id}"
access = "open"
[params]
id = { in = "path", type = "id" }
[parts.own]
get = "shelf:/own/{id}"
when = "user.id == id"
else = '{"none": true}'
[parts.first]
get = "shelf:/first"
[parts.not_owner]
get = "shelf:/for/{user.id}"
when = "user.id != first.ownerId"
[parts.behind]
get = "shelf:/behind/{not_owner.id}"
"#;
    let stub = Stub::new();
    stub.json("GET /first", &json!({ "ownerId": "id-ada" }));
    stub.json("GET /own/id-ada", &json!(1));
    stub.json("GET /for/id-bob", &json!({ "id": "x" }));
    stub.json("GET /behind/x", &json!(3));
    let bff = DeclaredBff::over(Product::over_shelf().screen("page", screen), &stub).await;
    let (nobody, ada, bob) = (bff.anonymous(), bff.signed_in("ada").await, bff.signed_in("bob").await);
    let none = json!({ "none": true });
    let first = json!({ "ownerId": "id-ada" });
    for (actor, own, not_owner, behind) in [
        (&nobody, none.clone(), Value::Null, Value::Null),
        (&ada, json!(1), Value::Null, Value::Null),
        (&bob, none, json!({ "id": "x" }), json!(3)),
    ] {
        assert_eq!(
            actor.get("/bff/people/id-ada").await.expect(200).json(),
            json!({ "own": own, "first": first, "not_owner": not_owner, "behind": behind, "degraded": [] })
        );
    }
}

#[tokio::test]
async fn a_part_has_its_share_of_the_deadline_and_an_open_document_that_lacks_one_is_kept_by_nobody() {
    let screen = "path = \"/bff/page\"\naccess = \"open\"\n[parts.slow]\nget = \"shelf:/slow\"\nshare = 0.2\n[parts.news]\nget = \"shelf:/news\"\n";
    let stub = shelf();
    stub.json("GET /slow", &json!(1));
    let builder = DeclaredBff::builder(Product::over_shelf().screen("page", screen)).stub("shelf", &stub);
    let bff = builder.set("screens.page.deadline_ms", 3000).spawn().await;
    let nobody = bff.anonymous();
    bff.upstream("shelf").fail_on("/slow", Fault::Delay(Duration::from_secs(2)));
    let answer = nobody.get("/bff/page").await.expect(200);
    assert_eq!(degraded(&answer.json()), missing("slow", "timeout"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let head = nobody.request(Method::HEAD, "/bff/page").send().await.expect(200);
    assert_eq!(head.body.len(), 0);
}

#[tokio::test]
async fn where_nothing_of_a_list_came_it_is_504_or_502_and_one_of_each_list_is_enough() {
    let screen = page(
        "at_least_one = [[\"a\"], [\"b\", \"c\"]]\n[parts.a]\nget = \"shelf:/a\"\n[parts.b]\nget = \"shelf:/b\"\n[parts.c]\nget = \"shelf:/c\"\nwhen = \"user\"\n",
    );
    let stub = Stub::new();
    for path in ["a", "b", "c"] {
        stub.json(&format!("GET /{path}"), &json!(path));
    }
    let builder = DeclaredBff::builder(Product::over_shelf().screen("page", &screen)).stub("shelf", &stub);
    let bff = builder.set("screens.page.deadline_ms", 800).spawn().await;
    let (ada, bob, eve) =
        (bff.signed_in("ada").await, bff.signed_in("bob").await, bff.signed_in("eve").await);
    let proxy = bff.upstream("shelf");
    for path in ["/b", "/c"] {
        proxy.fail_on(path, Fault::BlackHole);
    }
    ada.get("/bff/page").await.expect_problem(504, "upstream_timeout");
    proxy.heal().await;
    proxy.fail_on("/a", Fault::Status500);
    bob.get("/bff/page").await.expect_problem(502, "upstream_unavailable");
    proxy.heal().await;
    proxy.fail_on("/b", Fault::Status500);
    let document = eve.get("/bff/page").await.expect(200).json();
    assert_eq!(
        document,
        json!({ "a": "a", "b": null, "c": "c", "degraded": [{ "part": "b", "status": "missing", "reason": "unavailable" }] })
    );
}

#[tokio::test]
async fn a_404_of_a_part_that_is_no_subject_is_no_404_and_with_else_no_failure() {
    let screen = r#"
path = "/bff/books/{id}"
access = "signed_in"
[params]
id = { in = "path", type = "id" }
[parts.subject]
get = "shelf:/subjects/{id}"
subject = true
[parts.needed]
get = "shelf:/needed/{id}"
required = true
not_found = "else"
else = '{"items": []}'
tags_of = ["book:items[].id"]
[parts.other]
get = "shelf:/others/{id}"
"#;
    let stub = Stub::new();
    stub.json("GET /subjects/1", &json!(1));
    stub.json("GET /subjects/2", &json!(2));
    stub.on("GET /needed/2", Reply::problem(410, "x"));
    let bff = DeclaredBff::over(Product::over_shelf().screen("book", screen), &stub).await;
    let ada = bff.signed_in("ada").await;
    let document = ada.get("/bff/books/1").await.expect(200).json();
    assert_eq!((&document["subject"], &document["needed"]), (&json!(1), &json!({ "items": [] })));
    let reasons = degraded(&document);
    assert!(reasons.len() == 1 && reasons[0].0 == "other", "{document}");
    ada.get("/bff/books/3").await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn lines_of_the_compact_view_bear_its_document_with_what_joins_brought() {
    let screen = page(
        r#"
[params]
few = { in = "fixed", default = 20, compact_default = 2 }
[parts.books]
get = "shelf:/books?limit={few}"
[parts.news]
get = "shelf:/news"
[joins.author]
of = ["books.items[].authorId"]
as = "author"
lookup = "author"
[document]
books = "books.items"
cursor = "books.nextCursor"
news = "news"
me = "user.card"
[compact]
without = ["books.title", "books.author.name", "news"]
at_most = { books = 1 }
"#,
    );
    let product = Product::over_shelf().gateway(super::AUTHORS).screen("page", &screen);
    let bff = DeclaredBff::over(product, &shelf()).await;
    let ada = bff.signed_in("ada").await;
    let me = json!({ "id": "id-ada", "username": "ada" });
    let expected = json!({ "books": [{ "id": "1", "authorId": "a-1", "author": { "id": "a-1" } }], "cursor": null, "me": me, "degraded": [] });
    bff.forget_calls();
    for _ in 0..2 {
        let request =
            ada.request(Method::GET, "/bff/page?view=compact").header("accept", "application/x-ndjson");
        let answer = request.send().await.expect(200);
        let mut document = json!({ "degraded": [] });
        for line in answer.text().lines() {
            let line: Value = serde_json::from_str(line).expect("JSON");
            if line["part"] != "end" {
                document[line["part"].as_str().expect("a name")] = line["data"].clone();
            }
        }
        assert_eq!(document, expected);
        assert_eq!(ada.get("/bff/page?view=compact").await.expect(200).json(), expected);
    }
    assert!(bff.calls().contains(&"shelf GET /books?limit=2".to_owned()), "{:?}", bff.calls());
    // Of what the view bounds, nothing beyond is looked up.
    assert!(bff.calls().iter().all(|call| !call.contains("a-2")), "{:?}", bff.calls());
}
