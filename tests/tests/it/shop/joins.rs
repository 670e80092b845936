//! Joins of declared screens.

use serde_json::{Value, json};
use tests::{DeclaredBff, Fault, Product};

use super::{AUTHORS, author, book, books_product, degraded, missing, page, shelf};

fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

#[tokio::test]
async fn the_object_around_an_id_gets_what_the_id_names_or_null() {
    let stub = shelf();
    let items = json!([
        book("1"),
        with(book("2"), "authorId", Value::Null),
        book("9"),
        book("1"),
        with(book("3"), "authorId", json!(""))
    ]);
    stub.json("GET /books", &json!({ "items": items, "nextCursor": null }));
    stub.many("/authors", |id| (id == "a-1").then(|| author("a-1")));
    let bff = DeclaredBff::over(books_product(), &stub).await;
    let ada = bff.signed_in("ada").await;
    bff.forget_calls();
    let document = ada.get("/bff/books").await.expect(200).json();
    let joined = [author("a-1"), Value::Null, Value::Null, author("a-1"), Value::Null];
    let expected: Vec<_> = items
        .as_array()
        .expect("a list")
        .iter()
        .zip(joined)
        .map(|(book, author)| with(book.clone(), "author", author))
        .collect();
    assert_eq!(document, json!({ "books": { "items": expected, "nextCursor": null }, "degraded": [] }));
    // Each id once, whoever asked for it twice.
    assert_eq!(bff.calls(), ["shelf GET /authors?ids=a-1,a-9", "shelf GET /books"]);
}

#[tokio::test]
async fn a_join_that_fails_is_null_and_named() {
    let bff = DeclaredBff::over(books_product(), &shelf()).await;
    let ada = bff.signed_in("ada").await;
    bff.upstream("shelf").fail_on("/authors", Fault::Status500);
    let document = ada.get("/bff/books").await.expect(200).json();
    assert_eq!(document["books"]["items"][0], with(book("1"), "author", Value::Null));
    assert_eq!(degraded(&document), missing("author", "unavailable"));
    let bob = bff.signed_in("bob").await;
    bff.upstream("shelf").fail_on("/authors", Fault::GarbageJson);
    assert_eq!(degraded(&bob.get("/bff/books").await.expect(200).json()), missing("author", "invalid"));
}

#[tokio::test]
async fn a_join_may_look_into_what_another_one_brought() {
    let screen = page(
        r#"
[parts.books]
get = "shelf:/books"
[joins.author]
of = ["books.items[].authorId"]
as = "author"
lookup = "author"
part = "authors"
[joins.city]
of = ["books.items[].author.cityId"]
as = "city"
get = "shelf:/cities?ids={ids}"
from = "items[]"
key = "id"
[joins.land]
of = ["books.items[].author.city.landId"]
as = "land"
get = "shelf:/lands/{id}"
shared = true
fresh_ms = 60000
"#,
    );
    let stub = shelf();
    stub.many("/authors", |id| {
        Some(json!({ "id": id, "cityId": if id == "a-1" { json!("c1") } else { Value::Null } }))
    });
    stub.many("/cities", |id| Some(json!({ "id": id, "landId": "l1" })));
    stub.json("GET /lands/l1", &json!({ "name": "land" }));
    let bff = DeclaredBff::over(Product::over_shelf().gateway(AUTHORS).screen("page", &screen), &stub).await;
    let ada = bff.signed_in("ada").await;
    let expected = json!([
        with(
            book("1"),
            "author",
            json!({
                "id": "a-1", "cityId": "c1", "city": { "id": "c1", "landId": "l1", "land": { "name": "land" } },
            })
        ),
        with(book("2"), "author", json!({ "id": "a-2", "cityId": null, "city": null })),
    ]);
    let document = ada.get("/bff/page").await.expect(200).json();
    assert_eq!(document, json!({ "books": { "items": expected, "nextCursor": null }, "degraded": [] }));
    let bob = bff.signed_in("bob").await;
    bff.upstream("shelf").fail_on("/cities", Fault::Status500);
    let document = bob.get("/bff/page").await.expect(200).json();
    assert_eq!(document["books"]["items"][0]["author"]["city"], Value::Null);
    assert!(degraded(&document).contains(&missing("city", "unavailable")[0]), "{document}");
}

#[tokio::test]
async fn integer_ids_lists_of_ids_and_answers_that_are_lists_are_joined() {
    let screen = page(
        r#"
[parts.wishes]
get = "shelf:/wishes"
[joins.book]
of = ["wishes[].bookId"]
as = "book"
lookup = "book"
[joins.friend]
of = ["wishes[].friendIds[]"]
as = "friends"
lookup = "friend"
[document]
wishes = "wishes"
"#,
    );
    let lookups = r#"
[lookups.book]
get = "shelf:/books-by?ids={ids}"
from = "[]"
key = "id"
[lookups.friend]
get = "shelf:/friends?ids={ids}"
from = "items[]"
key = "id"
"#;
    let paths = r#"
  /wishes: { get: { operationId: wishes, responses: { "200": { description: ok, content: { application/json: { schema:
    { type: array, items: { type: object, required: [bookId], properties: { bookId: { type: integer, nullable: true }, friendIds: { type: array, items: { type: integer } } } } } } } } } } }
  /books-by: { get: { operationId: booksBy, parameters: [{ name: ids, in: query, explode: false, schema: { type: array, items: { type: integer } } }],
    responses: { "200": { description: ok, content: { application/json: { schema: { type: array, items: { type: object, required: [id], properties: { id: { type: integer }, title: { type: string } } } } } } } } } }
  /friends: { get: { operationId: friends, parameters: [{ name: ids, in: query, schema: { type: array, items: { type: string } } }],
    responses: { "200": { description: ok, content: { application/json: { schema: { type: object, properties: { items: { type: array, items: { type: object, required: [id], properties: { id: { type: string }, name: { type: string } } } } } } } } } } } }
"#;
    let product = Product::over_shelf_by(paths, "").gateway(lookups).screen("page", &screen);
    let stub = shelf();
    stub.json("GET /wishes", &json!([
        { "bookId": 12, "friendIds": [1, 2, 1], "secret": "never" }, { "bookId": null, "friendIds": [] }, { "bookId": 7, "friendIds": [3] },
    ]));
    stub.json("GET /books-by", &json!([{ "id": 7, "title": "seven" }, { "id": 12, "title": "twelve" }, { "id": 13, "title": "unasked" }]));
    stub.json(
        "GET /friends",
        &json!({ "items": [{ "id": "2", "name": "two" }, { "id": "1", "name": "one" }] }),
    );
    let bff = DeclaredBff::over(product, &stub).await;
    let ada = bff.signed_in("ada").await;
    bff.forget_calls();
    let document = ada.get("/bff/page").await.expect(200).json();
    let (one, two) = (json!({ "id": "1", "name": "one" }), json!({ "id": "2", "name": "two" }));
    assert_eq!(
        document,
        json!({ "wishes": [
            { "bookId": 12, "friendIds": [1, 2, 1], "book": { "id": 12, "title": "twelve" }, "friends": [one, two, one] },
            { "bookId": null, "friendIds": [], "book": null, "friends": [] },
            { "bookId": 7, "friendIds": [3], "book": { "id": 7, "title": "seven" }, "friends": [null] },
        ], "degraded": [] })
    );
    // Lists in a query follow the contract's `explode`: with commas, or each id under the name again.
    let queries: Vec<_> =
        bff.upstream("shelf").requests().into_iter().filter(|call| !call.query.is_empty()).collect();
    let query =
        |path: &str| queries.iter().find(|call| call.path == path).expect("a call").query.replace("%2C", ",");
    assert_eq!(
        (query("/books-by"), query("/friends")),
        ("ids=12,7".to_owned(), "ids=1&ids=2&ids=3".to_owned())
    );
}
