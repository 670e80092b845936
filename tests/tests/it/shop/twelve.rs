//! Twelve broken declarations: each mistake is named with its file, line and key, and ends the check.

use std::path::Path;

use tests::{Product, run_bff};

const GATEWAY: &str = r#"[upstreams.shelf]
url = "http://127.0.0.1:9"
contract = "shelf.yaml"
[upstreams.free]
url = "http://127.0.0.1:9"
audience = "free"
[tags]
kinds = ["book", "author"]
[topics]
open = ["book"]
[lookups.author]
get = "shelf:/authors?ids={ids}"
from = "items[]"
key = "id"
tag = "author"
"#;

const SHELF: &str = r##"openapi: 3.0.3
info: { title: Shelf, version: "1" }
paths:
  /books/{id}:
    parameters: [{ name: id, in: path, required: true, schema: { type: string } }]
    get: { operationId: readBook, responses: { "200": { description: ok, content: { application/json: { schema: { $ref: "#/components/schemas/Book" } } } } } }
    put:
      operationId: writeBook
      requestBody: { required: true, content: { application/json: { schema: { $ref: "#/components/schemas/BookInput" } } } }
      responses: { "200": { description: ok, content: { application/json: { schema: { $ref: "#/components/schemas/Book" } } } } }
  /authors:
    get:
      operationId: authors
      parameters: [{ name: ids, in: query, schema: { type: string } }]
      responses: { "200": { description: ok, content: { application/json: { schema: { type: object, properties: { items: { type: array, items: { $ref: "#/components/schemas/Author" } } } } } } } }
components:
  schemas:
    Book:
      type: object
      required: [id, title]
      properties: { id: { type: string }, title: { type: string }, authorId: { type: string }, pages: { type: array, items: { type: integer } } }
    BookInput: { type: object, properties: { title: { type: string } } }
    Author: { type: object, required: [id], properties: { id: { type: string }, name: { type: string } } }
"##;

const SCREEN: &str = r#"summary = "A book"
path = "/bff/books/{id}"
access = "signed_in"
[params]
id = { in = "path", type = "id" }
[parts.book]
get = "shelf:/books/{id}"
required = true
tags = ["book:{id}"]
[joins.author]
of = ["book.authorId"]
as = "author"
lookup = "author"
[document]
book = "book"
[compact]
without = ["book.title"]
"#;

const ROUTE: &str = r#"[[route]]
path = "/api/books/{id}"
methods = ["PUT"]
to = "shelf:/books/{id}"
access = "signed_in"
body = "BookInput"
drops = ["book:{id}"]
announce = { topic = "book:{id}", type = "book.changed" }
"#;

async fn check(dir: &Path) -> (Option<i32>, Vec<String>) {
    let (code, text) = run_bff(&["check", "--declarations", dir.to_str().expect("a path")], &[], dir).await;
    assert!(!text.contains("panicked"), "{text}");
    (code, text.lines().map(str::to_owned).collect())
}

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, text) in [
        ("gateway.toml", GATEWAY),
        ("shelf.yaml", SHELF),
        ("screens/book.toml", SCREEN),
        ("routes/books.toml", ROUTE),
    ] {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("its folder");
        std::fs::write(path, text).expect("written");
    }
    dir
}

#[tokio::test]
async fn each_of_twelve_mistakes_is_named_with_its_file_line_and_key() {
    let (code, lines) = check(folder().path()).await;
    assert_eq!(code, Some(0), "{lines:#?}");
    for (file, line, with, key, what) in [
        ("gateway.toml", "key = \"id\"", "key = \"isbn\"", "lookups.author.key", "isbn"),
        (
            "gateway.toml",
            "contract = \"shelf.yaml\"",
            "contract = \"none.yaml\"",
            "upstreams.shelf.contract",
            "cannot be read",
        ),
        (
            "gateway.toml",
            "audience = \"free\"",
            "audiense = \"free\"",
            "upstreams.free.audiense",
            "did you mean `audience`?",
        ),
        (
            "shelf.yaml",
            "    BookInput: { type: object, properties: { title: { type: string } } }",
            "    BookInput: { $ref: \"#/components/schemas/Nothing\" }",
            "",
            "Nothing",
        ),
        (
            "screens/book.toml",
            "get = \"shelf:/books/{id}\"",
            "get = \"shelf:/boks/{id}\"",
            "parts.book.get",
            "no such path",
        ),
        (
            "screens/book.toml",
            "id = { in = \"path\", type = \"id\" }",
            "isbn = { in = \"path\", type = \"id\" }",
            "params.isbn",
            "not in the path",
        ),
        ("screens/book.toml", "tags = [\"book:{id}\"]", "tags = [\"page:{id}\"]", "parts.book.tags", "page"),
        (
            "screens/book.toml",
            "of = [\"book.authorId\"]",
            "of = [\"book.author.id\"]",
            "joins.author.of",
            "waits for itself",
        ),
        ("screens/book.toml", "as = \"author\"", "as = \"title\"", "joins.author.as", "already"),
        (
            "screens/book.toml",
            "without = [\"book.title\"]",
            "without = [\"book.tittle\"]",
            "compact.without",
            "tittle",
        ),
        (
            "routes/books.toml",
            "path = \"/api/books/{id}\"",
            "path = \"/auth/{id}\"",
            "route[0].path",
            "of the gateway's own",
        ),
        (
            "routes/books.toml",
            "announce = { topic = \"book:{id}\", type = \"book.changed\" }",
            "announce = { topic = \"author:{id}\", type = \"x\" }",
            "route[0].announce.topic",
            "author",
        ),
    ] {
        let dir = folder();
        let path = dir.path().join(file);
        let text = std::fs::read_to_string(&path).expect("a file");
        let number =
            text.lines().position(|one| one == line).unwrap_or_else(|| panic!("{line} in {file}")) + 1;
        std::fs::write(&path, text.replacen(line, with, 1)).expect("written");
        let (code, lines) = check(dir.path()).await;
        assert_eq!(code, Some(1), "{with}: {lines:#?}");
        let spot = format!("{file}:{number}: {key}");
        let named = lines.iter().any(|told| told.contains(&spot) && told.contains(what));
        assert!(named, "{with}: no `{spot}` with `{what}` in {lines:#?}");
    }
    let names = Product::over_shelf().file("screens/a-b.toml", SCREEN).file("screens/a_b.toml", SCREEN);
    let (code, lines) = check(names.dir()).await;
    assert!(code == Some(1) && lines.iter().any(|line| line.contains("there already")), "{lines:#?}");
}
