//! Answers of services that are no answers: never broken JSON, and never somebody else's data.

use serde_json::{Value, json};
use tests::{DeclaredBff, Product, Reply, Stub};

use super::{author, book, degraded, shelf};

/// Nests a value in lists.
fn nested(depth: usize, inside: &str) -> String {
    format!("{}{inside}{}", "[".repeat(depth), "]".repeat(depth))
}

#[tokio::test]
async fn what_is_no_json_is_invalid_wherever_it_stands() {
    let screen = "path = \"/bff/things/{id}\"\naccess = \"signed_in\"\n[params]\nid = { in = \"path\", type = \"id\" }\n[parts.thing]\nget = \"shelf:/things/{id}\"\n[parts.news]\nget = \"shelf:/news\"\n";
    let stub = shelf();
    let broken: Vec<Vec<u8>> = vec![
        b"".to_vec(),
        b" ".to_vec(),
        b"{".to_vec(),
        b"{\"a\":1".to_vec(),
        b"{\"a\":1}}".to_vec(),
        b"{\"a\":1} x".to_vec(),
        b"{'a':1}".to_vec(),
        b"{\"a\":1,}".to_vec(),
        b"[1,]".to_vec(),
        b"[1 2]".to_vec(),
        b"{\"a\" 1}".to_vec(),
        b"{a:1}".to_vec(),
        b"nul".to_vec(),
        b"NaN".to_vec(),
        b"01".to_vec(),
        b"1.".to_vec(),
        b".5".to_vec(),
        b"+1".to_vec(),
        b"-".to_vec(),
        b"1e".to_vec(),
        b"0x1".to_vec(),
        b"\"a\nb\"".to_vec(),
        b"\"a\x00b\"".to_vec(),
        b"\"\\x\"".to_vec(),
        b"\"\\u12g4\"".to_vec(),
        b"\"open".to_vec(),
        b"\"\xff\"".to_vec(),
        b"\"\xc0\xaf\"".to_vec(),
        b"\"\xed\xa0\x80\"".to_vec(),
        b"{\"\xfe\":1}".to_vec(),
        b"\xef\xbb\xbf{}".to_vec(),
        b"{\"a\":1,\"a\":2}".to_vec(),
        b"{\"x\":[{\"a\":1,\"b\":2,\"a\":3}]}".to_vec(),
        b"{\"a\":1,\"\\u0061\":2}".to_vec(),
        nested(129, "").into_bytes(),
        nested(200_000, "1").into_bytes(),
        format!("{}1{}", "{\"a\":".repeat(130), "}".repeat(130)).into_bytes(),
        b"<html></html>".to_vec(),
        b"{\"a\":\"\\ud800\"}\0".to_vec(),
    ];
    let count = broken.len();
    for (number, body) in broken.iter().enumerate() {
        stub.on(&format!("GET /things/{number}"), Reply::raw(body.clone()));
    }
    stub.on("GET /things/deep", Reply::raw(nested(100, "1")));
    stub.on("GET /things/text", Reply::json(&json!({ "a": 1 })).header("content-type", "text/html"));
    let bff = DeclaredBff::over(Product::over_shelf().screen("thing", screen), &stub).await;
    let ada = bff.signed_in("ada").await;
    for (number, body) in broken.iter().enumerate().take(count) {
        let document = ada.get(&format!("/bff/things/{number}")).await.expect(200).json();
        let shown = String::from_utf8_lossy(body).chars().take(40).collect::<String>();
        assert_eq!(document["thing"], Value::Null, "{number}: {shown}");
        assert_eq!(degraded(&document), super::missing("thing", "invalid"), "{number}: {shown}");
        assert_eq!(document["news"], json!({ "items": ["n1", "n2"] }));
    }
    let deep = ada.get("/bff/things/deep").await.expect(200).text();
    assert!(deep.contains(&nested(100, "1")), "{deep}");
}

/// What `/bff/page` shows of a book whose `authorId` is this text of JSON.
async fn joined(bff: &DeclaredBff, stub: &Stub, number: usize, id: &str) -> Value {
    stub.on("GET /books", Reply::raw(format!("{{\"items\":[{{\"id\":\"1\",\"authorId\":{id}}}]}}")));
    let reader = bff.signed_in(&format!("reader{number}")).await;
    reader.get("/bff/books").await.expect(200).json()
}

#[tokio::test]
async fn ids_that_are_none_join_nothing_and_are_asked_of_nobody() {
    let stub = shelf();
    let bff = DeclaredBff::over(super::books_product(), &stub).await;
    let long = format!("\"{}\"", "x".repeat(10_000));
    let ids = [
        "true",
        "{}",
        "[[1]]",
        "[{}]",
        "1.5",
        "-1",
        "1e3",
        "\"a,b\"",
        "\"a b\"",
        "\"a&ids=b\"",
        "\"../x\"",
        "\"a\\u0000\"",
        "\"é\"",
        "\"\"",
        &long,
    ];
    for (number, id) in ids.into_iter().enumerate() {
        bff.forget_calls();
        let document = joined(&bff, &stub, number, id).await;
        // Either the whole part is refused, or the one that is named so is unknown.
        let items = &document["books"]["items"];
        if !document["books"].is_null() {
            assert_eq!(items[0]["id"], "1", "{document}");
            let author = &items[0]["author"];
            assert!(author.is_null() || author["id"] == id, "{id}: {document}");
        }
        let calls: Vec<_> = bff.calls().into_iter().filter(|call| call.contains("/authors")).collect();
        assert!(
            calls
                .iter()
                .all(|call| ["ids=1.5", "ids=-1", "ids=1e3"].iter().any(|plain| call.ends_with(plain))),
            "{id}: {calls:?}"
        );
    }
}

#[tokio::test]
async fn answers_of_look_ups_that_are_wrong_give_nobody_anothers_data() {
    let stub = shelf();
    let both = json!({ "items": [book("1"), book("2")] });
    stub.json("GET /books", &both);
    let answers = [
        // In another order, with unasked ones beside.
        (json!({ "items": [author("a-2"), author("a-9"), author("a-1")] }), [author("a-1"), author("a-2")]),
        (
            json!({ "items": [{ "id": 1, "name": "n" }, { "name": "nobody" }, null, "a-1", [], author("a-2")] }),
            [Value::Null, author("a-2")],
        ),
        (json!({ "items": [author("a-2"), { "id": "A-1", "name": "n" }] }), [Value::Null, author("a-2")]),
        (json!({ "items": [] }), [Value::Null, Value::Null]),
    ];
    for (number, (answer, expected)) in answers.into_iter().enumerate() {
        // A tag of its own for each, since shared copies are kept.
        stub.json("GET /authors", &answer);
        let product = super::books_product();
        let fresh = DeclaredBff::over(product, &stub).await;
        let document =
            fresh.signed_in(&format!("reader{number}")).await.get("/bff/books").await.expect(200).json();
        let found = [0, 1].map(|at| document["books"]["items"][at]["author"].clone());
        let whole_refused =
            degraded(&document) == super::missing("author", "invalid") && found == [Value::Null, Value::Null];
        assert!(found == expected || whole_refused, "{answer}: {document}");
    }
    // Without a contract an answer may lack the list; broken JSON is invalid all the same.
    let broken = "{\"items\":[{\"id\":\"a-1\",\"id\":\"a-2\"}]}";
    for wrong in [broken, "", "{\"items\":[", "{\"items\":{}}", "{}", "[]", "null"] {
        stub.on("GET /authors", Reply::raw(wrong));
        let fresh = DeclaredBff::over(super::books_product(), &stub).await;
        let document = fresh.signed_in("ada").await.get("/bff/books").await.expect(200).json();
        let authors = [0, 1].map(|at| document["books"]["items"][at]["author"].clone());
        assert_eq!(authors, [Value::Null, Value::Null], "{wrong}");
        let is_json = serde_json::from_str::<Value>(wrong).is_ok() && wrong != broken;
        assert!(is_json || degraded(&document) == super::missing("author", "invalid"), "{wrong}: {document}");
    }
}

#[tokio::test]
async fn an_answer_over_the_limit_is_invalid_and_not_kept() {
    let stub = shelf();
    stub.json("GET /news", &json!("x".repeat(3 << 20)));
    let product = super::book_product();
    let bff = DeclaredBff::builder(product)
        .stub("shelf", &stub)
        .set("upstreams.shelf.max_response_bytes", 1 << 20)
        .spawn()
        .await;
    let document = bff.signed_in("ada").await.get("/bff/books/1").await.expect(200).json();
    assert_eq!((&document["book"], degraded(&document)), (&book("1"), super::missing("news", "invalid")));
}
