//! `bff check --declarations`: every mistake at once, each with its file, line and key.

use std::path::Path;

use tests::{Product, run_bff, shop};

use super::{AUTHORS, BOOK, BOOKS};

/// Exit code and lines.
async fn check(dir: &Path) -> (Option<i32>, Vec<String>) {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = dir.display().to_string();
    let (code, text) = run_bff(&["check", "--declarations", &dir], &[], folder.path()).await;
    assert!(!text.contains("panicked"), "{text}");
    (code, text.lines().map(str::to_owned).collect())
}

const ROUTE: &str = "[[route]]\npath = \"/api/books/{id}\"\nmethods = [\"GET\"]\nto = \"shelf:/books/{id}\"\naccess = \"signed_in\"\n";

fn product() -> Product {
    let paths = r#"
  /books/{id}: { get: { operationId: readBook, parameters: [{ name: id, in: path, required: true, schema: { type: string } }],
    responses: { "200": { description: ok, content: { application/json: { schema: { type: object, required: [id], properties: { id: { type: string }, title: { type: string }, authorId: { type: string } } } } } } } } }
  /books: { get: { operationId: listBooks, parameters: [{ name: limit, in: query, schema: { type: integer } }],
    responses: { "200": { description: ok, content: { application/json: { schema: { type: object, properties: { items: { type: array, items: { type: object, properties: { id: { type: string }, authorId: { type: string } } } } } } } } } } } }
  /news: { get: { operationId: news, responses: { "200": { description: ok, content: { application/json: { schema: { type: object, additionalProperties: true } } } } } } }
  /authors: { get: { operationId: authors, parameters: [{ name: ids, in: query, explode: false, schema: { type: array, items: { type: string } } }],
    responses: { "200": { description: ok, content: { application/json: { schema: { type: object, properties: { items: { type: array, items: { type: object, properties: { id: { type: string }, name: { type: string } } } } } } } } } } } }
"#;
    Product::over_shelf_by(paths, "")
        .gateway(AUTHORS)
        .screen("book", BOOK)
        .screen("books", BOOKS)
        .routes("books", ROUTE)
}

#[tokio::test]
async fn sound_declarations_are_found_sound() {
    for dir in [&shop(), product().dir()] {
        let (code, lines) = check(dir).await;
        assert_eq!(code, Some(0), "{lines:#?}");
    }
}

/// A change to a file of the sound product, and where its mistake is to be named.
struct Broken {
    file: &'static str,
    from: &'static str,
    to: &'static str,
    key: &'static str,
}

#[tokio::test]
async fn twelve_broken_declarations_name_their_mistake_with_file_line_and_key() {
    let broken = |file, from, to, key| Broken { file, from, to, key };
    let cases = [
        broken(
            "screens/book.toml",
            "get = \"shelf:/books/{id}\"",
            "get = \"shelf:/bocks/{id}\"",
            "parts.book.get",
        ),
        broken(
            "screens/book.toml",
            "get = \"shelf:/news\"",
            "get = \"shelf:/news?limit={limit}\"",
            "parts.news.get",
        ),
        broken("screens/book.toml", "required = true", "reqired = true", "parts.book.reqired"),
        broken("screens/book.toml", "access = \"signed_in\"", "access = \"everybody\"", "access"),
        broken("screens/book.toml", "tags = [\"book:{id}\"]", "tags = [\"bok:{id}\"]", "parts.book.tags"),
        broken(
            "screens/books.toml",
            "of = [\"books.items[].authorId\"]",
            "of = [\"books.items[].autorId\"]",
            "joins.author.of",
        ),
        broken("screens/books.toml", "lookup = \"author\"", "lookup = \"autor\"", "joins.author.lookup"),
        broken("screens/books.toml", "path = \"/bff/books\"", "path = \"/bff/books/{id}\"", "path"),
        broken("gateway.toml", "key = \"id\"", "key = \"ident\"", "lookups.author.key"),
        broken(
            "gateway.toml",
            "contract = \"shelf.yaml\"",
            "contract = \"self.yaml\"",
            "upstreams.shelf.contract",
        ),
        broken("routes/books.toml", "methods = [\"GET\"]", "methods = [\"FETCH\"]", "route[0].methods"),
        broken("routes/books.toml", "to = \"shelf:/books/{id}\"", "to = \"self:/books/{id}\"", "route[0].to"),
    ];
    for Broken { file, from, to, key } in cases {
        let product = product();
        let text = std::fs::read_to_string(product.dir().join(file)).expect("a file");
        let line =
            text.lines().position(|line| line == from).unwrap_or_else(|| panic!("{from} in {file}")) + 1;
        product.write(file, &text.replacen(from, to, 1));
        let (code, lines) = check(product.dir()).await;
        assert_eq!(code, Some(1), "{to}: {lines:#?}");
        let named = lines.iter().any(|said| {
            let Some((place, rest)) = said.split_once(&format!("{file}:{line}: ")) else { return false };
            let _ = place;
            let (told, what) = rest.split_once(": ").unwrap_or((rest, ""));
            told.replace("[[route]]", "route[0]").ends_with(key.rsplit('.').next().unwrap_or(key))
                && what.len() > 5
        });
        assert!(named, "{to}: {file}:{line}: {key} is not among {lines:#?}");
    }
}

#[tokio::test]
async fn one_file_that_is_wrong_in_twenty_ways_gives_twenty_lines() {
    let product = product();
    let text = r#"sumary = "x"
path = "bff/books/{id}"
access = "public"
vary = ["moon"]
at_least_one = [["nothing"]]
[params]
id = { in = "path", type = "id" }
limit = { in = "query", type = "integer", default = 99, max = 50 }
kind = { in = "query", type = "colour" }
few = { in = "sideways" }
[parts.book]
get = "shelf:/books/{id}?x=1"
required = "yes"
share = 7
tags = ["bok:{id}"]
tags_of = ["book:nothing"]
expect = { nothing = "{id}" }
[parts.news]
get = "shelf:/newz"
when = "raining"
else = '{'
[joins.author]
of = ["book.nothing"]
as = "title"
lookup = "autor"
[document]
book = "nobody"
[compact]
without = ["nothing"]
"#;
    product.write("screens/book.toml", text);
    let (code, lines) = check(product.dir()).await;
    assert_eq!(code, Some(1));
    let mut wrong: Vec<u32> = lines
        .iter()
        .filter_map(|line| line.split_once("screens/book.toml:")?.1.split(':').next()?.parse().ok())
        .collect();
    assert!(wrong.len() >= 20, "{} lines: {lines:#?}", wrong.len());
    wrong.dedup();
    assert!(wrong.is_sorted(), "in the order of the file: {lines:#?}");
    wrong.sort_unstable();
    wrong.dedup();
    assert!(wrong.len() >= 16, "on {} lines: {lines:#?}", wrong.len());
}

#[tokio::test]
async fn hostile_files_are_mistakes_and_no_panic() {
    let deep = format!("a = {}{}", "[".repeat(5000), "]".repeat(5000));
    let dotted = format!("{} = 1", vec!["a"; 5000].join("."));
    for (file, text) in [
        ("screens/book.toml", "path = "),
        ("screens/book.toml", "\u{0}"),
        ("screens/book.toml", ""),
        ("screens/book.toml", "path = \"/bff/a\"\npath = \"/bff/b\"\n"),
        ("screens/book.toml", deep.as_str()),
        ("screens/book.toml", dotted.as_str()),
        ("routes/books.toml", "route = 1"),
        ("gateway.toml", "[upstreams]\nshelf = 1\n"),
        ("shelf.yaml", "openapi: [\n"),
        ("shelf.yaml", "a: &a [*a]\n"),
        ("shelf.yaml", "{}"),
    ] {
        let product = product();
        product.write(file, text);
        let (code, lines) = check(product.dir()).await;
        assert_eq!(code, Some(1), "{file}: {}: {lines:#?}", &text[..text.len().min(60)]);
        assert!(lines.iter().any(|line| line.contains(file)), "{file}: {lines:#?}");
    }
    let (code, lines) = check(Path::new("/nonexistent")).await;
    assert!(code == Some(1) && !lines.is_empty());
}

#[tokio::test]
async fn a_contract_of_ten_megabytes_and_one_that_refers_to_itself_are_read() {
    let mut schemas = String::new();
    let long = "x".repeat(2000);
    for number in 0..5000 {
        schemas += &format!(
            "    S{number}: {{ type: object, description: \"{long}\", properties: {{ next: {{ $ref: \"#/components/schemas/S{}\" }} }} }}\n",
            (number + 1) % 5000
        );
    }
    assert!(schemas.len() > 10_000_000);
    let paths = r##"
  /books/{id}: { get: { operationId: readBook, parameters: [{ name: id, in: path, required: true, schema: { type: string } }],
    responses: { "200": { description: ok, content: { application/json: { schema: { $ref: "#/components/schemas/S0" } } } } } } }
  /news: { get: { operationId: news, responses: { "200": { description: ok, content: { application/json: { schema: { type: object, additionalProperties: true } } } } } } }
"##;
    let product = Product::over_shelf_by(paths, &schemas).screen("book", BOOK);
    let (code, lines) = check(product.dir()).await;
    assert_eq!(code, Some(0), "{:#?}", lines.iter().take(5).collect::<Vec<_>>());
    let itself = "    A: { $ref: \"#/components/schemas/B\" }\n    B: { $ref: \"#/components/schemas/A\" }\n    S0: { $ref: \"#/components/schemas/A\" }\n";
    let product = Product::over_shelf_by(paths, itself).screen("book", BOOK);
    let (code, lines) = check(product.dir()).await;
    assert_eq!(code, Some(1), "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("shelf.yaml")), "{lines:#?}");
}
