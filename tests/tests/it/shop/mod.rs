//! Declared products: the shop (`tests/shop`), and small ones that a test declares for itself. Written after the agreement
//! on declarations alone, as one who is to judge it would.

mod answers;
mod batches;
mod bodies;
mod caching;
mod checking;
mod contract;
mod contracts;
mod headers;
mod hostile_answers;
mod ids;
mod joins;
mod lookups;
mod odds;
mod orders;
mod parameters;
mod parts;
mod passing;
mod refused;
mod reloading;
mod route_joins;
mod shapes;
mod shaping;
mod streaming;
mod streams;
mod twelve;
mod writing;

use serde_json::{Value, json};
use tests::{Actor, Product, Replica, Stub, soon};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A book.
fn book(id: &str) -> Value {
    json!({ "id": id, "title": format!("book {id}"), "authorId": format!("a-{id}") })
}

/// An author.
fn author(id: &str) -> Value {
    json!({ "id": id, "name": format!("author {id}") })
}

/// An upstream that knows the books `1`, `2`, `3` and every author.
fn shelf() -> Stub {
    let shelf = Stub::new();
    for id in ["1", "2", "3"] {
        shelf.json(&format!("GET /books/{id}"), &book(id));
    }
    shelf.json("GET /books", &json!({ "items": [book("1"), book("2")], "nextCursor": null }));
    shelf.json("GET /news", &json!({ "items": ["n1", "n2"] }));
    shelf.many("/authors", |id| Some(author(id)));
    shelf
}

/// `GET /bff/books/{id}`: a required part that is the subject, and an optional one.
const BOOK: &str = r#"
path = "/bff/books/{id}"
access = "signed_in"
[params]
id = { in = "path", type = "id" }
[parts.book]
get = "shelf:/books/{id}"
required = true
subject = true
tags = ["book:{id}"]
[parts.news]
get = "shelf:/news"
"#;

/// `GET /bff/books`: books with their authors.
const BOOKS: &str = r#"
path = "/bff/books"
access = "signed_in"
[parts.books]
get = "shelf:/books"
tags = ["books"]
[joins.author]
of = ["books.items[].authorId"]
as = "author"
lookup = "author"
"#;

/// The look-up that [`BOOKS`] uses.
const AUTHORS: &str = r#"
[lookups.author]
get = "shelf:/authors?ids={ids}"
from = "items[]"
key = "id"
tag = "author"
shared = true
fresh_ms = 60000
"#;

/// A product with [`BOOK`] and nothing else.
fn book_product() -> Product {
    Product::over_shelf().screen("book", BOOK)
}

/// A product with [`BOOKS`].
fn books_product() -> Product {
    Product::over_shelf().gateway(AUTHORS).screen("books", BOOKS)
}

/// A screen at `/bff/page` for signed-in callers.
fn page(rest: &str) -> String {
    format!("path = \"/bff/page\"\naccess = \"signed_in\"\n{rest}")
}

/// Of a document: each degraded part with its status and reason.
fn degraded(document: &Value) -> Vec<(String, String, String)> {
    let text = |entry: &Value, key: &str| entry[key].as_str().expect("a text").to_owned();
    let entries = document["degraded"].as_array().expect("a list");
    entries.iter().map(|one| (text(one, "part"), text(one, "status"), text(one, "reason"))).collect()
}

/// One degraded part.
fn missing(part: &str, reason: &str) -> Vec<(String, String, String)> {
    vec![(part.to_owned(), "missing".to_owned(), reason.to_owned())]
}

/// Sends a request line, the actor's cookie and `more` (headers, and then a body) as they are; the head of the answer, and
/// what has come of its body by then.
async fn raw(bff: &Replica, actor: &Actor, line: &str, more: &str) -> String {
    let mut stream = TcpStream::connect(bff.url().trim_start_matches("http://")).await.expect("a connection");
    let cookie = actor.cookie().expect("a cookie");
    let head = format!("{line}\r\nhost: bff\r\ncookie: {cookie}\r\nconnection: close\r\n");
    let end = if more.is_empty() { "\r\n" } else { more };
    stream.write_all(format!("{head}{end}").as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    while !answer.windows(4).any(|four| four == b"\r\n\r\n") {
        let read = soon("the head of the answer", stream.read_buf(&mut answer)).await.expect("readable");
        assert!(read > 0, "{}", String::from_utf8_lossy(&answer));
    }
    String::from_utf8_lossy(&answer).into_owned()
}
