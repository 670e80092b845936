//! Parts of declared screens: what happens when one is late, broken, refused or about something else.

use serde_json::{Value, json};
use tests::{DeclaredBff, Fault, Product, Reply};

use super::{book, book_product, degraded, missing, page, shelf};

#[tokio::test]
async fn an_optional_part_degrades_by_its_reason_and_a_required_one_is_502_or_504() {
    let bff = DeclaredBff::builder(book_product())
        .stub("shelf", &shelf())
        .set("screens.book.deadline_ms", 1500)
        .spawn()
        .await;
    let ada = bff.signed_in("ada").await;
    let proxy = bff.upstream("shelf");
    let whole = ada.get("/bff/books/1").await.expect(200).text();
    assert_eq!(
        whole,
        r#"{"book":{"authorId":"a-1","id":"1","title":"book 1"},"news":{"items":["n1","n2"]},"degraded":[]}"#
    );
    for (reader, fault, reason) in [
        ("reader1", Fault::Status500, "unavailable"),
        ("reader2", Fault::GarbageJson, "invalid"),
        ("reader3", Fault::Status(403), "rejected"),
        ("reader4", Fault::BlackHole, "timeout"),
    ] {
        let reader = bff.signed_in(reader).await;
        proxy.fail_on("/news", fault);
        let document = reader.get("/bff/books/2").await.expect(200).json();
        assert_eq!((&document["book"], &document["news"]), (&book("2"), &Value::Null));
        assert_eq!(degraded(&document), missing("news", reason));
        proxy.heal().await;
    }
    proxy.fail_on("/books", Fault::Status500);
    let bob = bff.signed_in("bob").await;
    bob.get("/bff/books/1").await.expect_problem(502, "upstream_unavailable");
    proxy.fail_on("/books", Fault::BlackHole);
    bob.get("/bff/books/1").await.expect_problem(504, "upstream_timeout");
    proxy.heal().await;
    proxy.fail_on("/books", Fault::Status(403));
    bob.get("/bff/books/1").await.expect_problem(403, "forbidden");
}

#[tokio::test]
async fn the_subjects_404_is_the_screens_and_ids_that_are_none_are_404_without_a_call() {
    let bff = DeclaredBff::over(book_product(), &shelf()).await;
    let ada = bff.signed_in("ada").await;
    ada.get("/bff/books/99").await.expect_problem(404, "not_found");
    bff.forget_calls();
    for id in ["a%2Fb", "a%20b", "%00", &"x".repeat(129), "a%C3%A4", "..%2f"] {
        let answer = ada.get(&format!("/bff/books/{id}")).await;
        answer.expect_problem(404, "not_found");
    }
    assert_eq!(bff.calls(), Vec::<String>::new());
    let unknown = ada.get("/bff/books/1?nobody=knows&nobody=this").await.expect(200);
    assert_eq!(unknown.json()["book"], book("1"));
}

#[tokio::test]
async fn where_all_of_at_least_one_are_missing_there_is_no_document() {
    let parts = "at_least_one = [[\"a\", \"b\"]]\n[parts.a]\nget = \"shelf:/a\"\n[parts.b]\nget = \"shelf:/b\"\n[parts.c]\nget = \"shelf:/c\"\n";
    let product = Product::over_shelf().screen("page", &page(parts));
    let stub = shelf();
    stub.json("GET /c", &json!(3));
    let bff = DeclaredBff::over(product, &stub).await;
    let ada = bff.signed_in("ada").await;
    bff.upstream("shelf").fail_on("/a", Fault::Status500);
    bff.upstream("shelf").fail_on("/b", Fault::Status500);
    ada.get("/bff/page").await.expect_problem(502, "upstream_unavailable");
    bff.upstream("shelf").heal().await;
    stub.json("GET /b", &json!([]));
    bff.upstream("shelf").fail_on("/a", Fault::Status500);
    assert_eq!(
        ada.get("/bff/page").await.expect(200).json(),
        json!({ "a": null, "b": [], "c": 3, "degraded": [{ "part": "a", "status": "missing", "reason": "unavailable" }] })
    );
}

#[tokio::test]
async fn a_part_that_begins_at_a_cursor_hands_its_refusal_to_the_caller() {
    let parts = "[params]\ncursor = { in = \"query\", type = \"cursor\" }\nlimit = { in = \"query\", type = \"integer\", default = 3, min = 1, max = 9 }\n[parts.list]\nget = \"shelf:/list?limit={limit}&cursor={cursor}\"\npage = \"cursor\"\n[parts.news]\nget = \"shelf:/news\"\n";
    let product = Product::over_shelf().screen("page", &page(parts));
    let stub = shelf();
    stub.json("GET /list?limit=3", &json!([1]));
    stub.json("GET /list?limit=9&cursor=a%2Fb", &json!([2]));
    stub.on("GET /list?limit=3&cursor=bad", Reply::problem(422, "no_cursor"));
    stub.on("GET /list?limit=3&cursor=worse", Reply::problem(400, "no_cursor"));
    let bff = DeclaredBff::over(product, &stub).await;
    let ada = bff.signed_in("ada").await;
    assert_eq!(ada.get("/bff/page").await.expect(200).json()["list"], json!([1]));
    assert_eq!(ada.get("/bff/page?cursor=a/b&limit=9").await.expect(200).json()["list"], json!([2]));
    for cursor in ["bad", "worse"] {
        let errors = ada.get(&format!("/bff/page?cursor={cursor}")).await.field_errors();
        assert!(errors.len() == 1 && errors[0].0 == "cursor", "{errors:?}");
    }
}

#[tokio::test]
async fn when_asks_for_those_it_is_about_and_else_stands_for_everybody_else() {
    let screen = r#"
path = "/bff/people/{id}"
access = "open"
[params]
id = { in = "path", type = "id" }
[parts.follows]
get = "shelf:/follows/{id}"
when = "user.id != id"
else = '{"following": false}'
[parts.mine]
get = "shelf:/of/{user.id}"
when = "user"
[parts.list]
get = "shelf:/lists/{id}"
not_found = "else"
else = '[]'
"#;
    let stub = shelf();
    stub.json("GET /follows/x", &json!({ "following": true }));
    stub.json("GET /of/id-ada", &json!("ada's"));
    let bff = DeclaredBff::over(Product::over_shelf().screen("person", screen), &stub).await;
    let (nobody, ada) = (bff.anonymous(), bff.signed_in("ada").await);
    bff.forget_calls();
    let document = |following: bool, mine: Value| json!({ "follows": { "following": following }, "mine": mine, "list": [], "degraded": [] });
    let open = nobody.get("/bff/people/x").await.expect(200);
    assert_eq!(open.json(), document(false, Value::Null));
    assert_eq!(open.header("cache-control"), Some("public, max-age=5, stale-while-revalidate=30"));
    assert_eq!(bff.calls(), ["shelf GET /lists/x"]);
    assert_eq!(ada.get("/bff/people/x").await.expect(200).json(), document(true, json!("ada's")));
    bff.forget_calls();
    assert_eq!(ada.get("/bff/people/id-ada").await.expect(200).json(), document(false, json!("ada's")));
    assert_eq!(bff.calls(), ["shelf GET /lists/id-ada", "shelf GET /of/id-ada"]);
}

#[tokio::test]
async fn an_answer_about_something_else_is_invalid() {
    let screen = r#"
path = "/bff/books/{id}"
access = "signed_in"
[params]
id = { in = "path", type = "id" }
[parts.book]
get = "shelf:/books/{id}"
expect = { id = "{id}" }
[parts.reviews]
get = "shelf:/books/{id}/reviews"
expect = { "items[].bookId" = "{id}" }
"#;
    let stub = shelf();
    let reviews =
        |ids: &[&str]| json!({ "items": ids.iter().map(|id| json!({ "bookId": id })).collect::<Vec<_>>() });
    stub.json("GET /books/1/reviews", &reviews(&["1", "1"]));
    stub.json("GET /books/2/reviews", &reviews(&["2", "1"]));
    stub.json("GET /books/3", &book("1"));
    stub.json("GET /books/3/reviews", &reviews(&[]));
    let bff = DeclaredBff::over(Product::over_shelf().screen("book", screen), &stub).await;
    let ada = bff.signed_in("ada").await;
    assert_eq!(ada.get("/bff/books/1").await.expect(200).json()["degraded"], json!([]));
    let second = ada.get("/bff/books/2").await.expect(200).json();
    assert_eq!((&second["reviews"], degraded(&second)), (&Value::Null, missing("reviews", "invalid")));
    let third = ada.get("/bff/books/3").await.expect(200).json();
    assert_eq!((&third["book"], degraded(&third)), (&Value::Null, missing("book", "invalid")));
    assert_eq!(third["reviews"], json!({ "items": [] }));
}

#[tokio::test]
async fn a_part_that_needs_another_parts_value_waits_for_it_and_is_missing_with_it() {
    let parts =
        "[parts.book]\nget = \"shelf:/books/1\"\n[parts.author]\nget = \"shelf:/people/{book.authorId}\"\n";
    let product = Product::over_shelf().screen("page", &page(parts));
    let stub = shelf();
    stub.json("GET /people/a-1", &json!({ "name": "one" }));
    let bff = DeclaredBff::over(product, &stub).await;
    let ada = bff.signed_in("ada").await;
    assert_eq!(
        ada.get("/bff/page").await.expect(200).json(),
        json!({ "book": book("1"), "author": { "name": "one" }, "degraded": [] })
    );
    // An id that is none is no address: nothing is called with it.
    let bob = bff.signed_in("bob").await;
    stub.json("GET /books/1", &json!({ "id": "1", "authorId": "../secrets" }));
    bff.forget_calls();
    let document = bob.get("/bff/page").await.expect(200).json();
    assert_eq!((&document["author"], degraded(&document)), (&Value::Null, missing("author", "invalid")));
    assert_eq!(bff.calls(), ["shelf GET /books/1"]);
    let eve = bff.signed_in("eve").await;
    bff.upstream("shelf").fail_on("/books", Fault::Status500);
    let document = eve.get("/bff/page").await.expect(200).json();
    assert_eq!((&document["book"], &document["author"]), (&Value::Null, &Value::Null));
    assert!(degraded(&document).iter().any(|(part, ..)| part == "book"), "{document}");
}

#[tokio::test]
async fn a_service_asked_with_post_gets_its_body_and_the_part_is_what_is_at_the_place() {
    let screen = r#"
path = "/bff/books/{id}"
access = "signed_in"
[params]
id = { in = "path", type = "id" }
limit = { in = "query", type = "integer", default = 7, min = 1, max = 9 }
q = { in = "query", type = "string" }
[parts.offers]
post = "shelf:/graphql"
body = '''{"query": "query($id: ID!) { offers(book: $id) { id } }", "variables": {"id": "{id}", "limit": "{limit}", "q": "{q}", "text": "a {id} b"}}'''
at = "data.offers"
"#;
    let stub = shelf();
    stub.with(|request| {
        let body: Value = serde_json::from_slice(&request.body).ok()?;
        let id = (request.path == "/graphql")
            .then(|| body["variables"]["id"].as_str().map(str::to_owned))
            .flatten()?;
        Some(Reply::json(&match id.as_str() {
            "nothing" => json!({ "data": { "offers": null }, "errors": [{ "message": "no" }] }),
            "absent" => json!({ "data": {} }),
            "both" => json!({ "errors": [{ "message": "x" }], "data": { "offers": [{ "id": "b" }] } }),
            _ => json!({ "data": { "offers": [{ "id": id }] } }),
        }))
    });
    let bff = DeclaredBff::over(Product::over_shelf().screen("book", screen), &stub).await;
    let ada = bff.signed_in("ada").await;
    bff.forget_calls();
    let document = ada.get("/bff/books/1?limit=3").await.expect(200).json();
    assert_eq!(document, json!({ "offers": [{ "id": "1" }], "degraded": [] }));
    let sent: Value = serde_json::from_slice(&bff.upstream("shelf").requests()[0].body).expect("JSON");
    assert_eq!(sent["variables"], json!({ "id": "1", "limit": 3, "q": null, "text": "a {id} b" }));
    assert_eq!(sent["query"], "query($id: ID!) { offers(book: $id) { id } }");
    let quoted = ada.get("/bff/books/both?q=%22%5C%F0%9F%98%80").await.expect(200).json();
    assert_eq!(quoted["offers"], json!([{ "id": "b" }]), "non-null data beside errors stands");
    let sent: Value = serde_json::from_slice(&bff.upstream("shelf").requests()[1].body).expect("JSON");
    assert_eq!(sent["variables"]["q"], "\"\\😀");
    for id in ["nothing", "absent"] {
        let document = ada.get(&format!("/bff/books/{id}")).await.expect(200).json();
        assert_eq!(
            (&document["offers"], degraded(&document)),
            (&Value::Null, missing("offers", "invalid")),
            "{id}"
        );
    }
}
