//! Contracts that are wrong, and those that are meant to do harm.

use std::fmt::Write;

use proptest::prelude::*;

use super::{super::*, SHOP, mistakes};

fn told(text: impl AsRef<[u8]>) -> Vec<String> {
    mistakes(text).iter().map(ToString::to_string).collect()
}

#[test]
fn each_mistake_is_named_with_its_line() {
    let of = |rest: &str| format!("openapi: 3.1.0\npaths: {{}}\ncomponents:\n  schemas:\n{rest}");
    for (text, expected) in [
        (
            "{\n\"openapi\": \"3.1.0\",\n\"paths\": {,}}".to_owned(),
            "test.yaml:3: /: is no JSON: key must be a string",
        ),
        (
            "{\n\"openapi\": \"3.1.0\",\n\"openapi\": \"3.1.0\"}".to_owned(),
            "test.yaml:3: /: is no JSON: a field is named twice",
        ),
        ("openapi: 3.1.0\npaths: {}\npaths: {}".to_owned(), "test.yaml:3: /: a field is named twice"),
        ("openapi: 3.1.0\npaths: [".to_owned(), "is no YAML"),
        (
            "swagger: '2.0'".to_owned(),
            "test.yaml:1: /: is a Swagger 2.0 document: only OpenAPI 3.0 and 3.1 are read",
        ),
        ("info: {}\nopenapi: 4.0.0".to_owned(), "test.yaml:2: /openapi: only OpenAPI 3.0 and 3.1 are read"),
        ("[]".to_owned(), "test.yaml:1: /: is no OpenAPI document: it is no object"),
        (
            of("    A: {$ref: 'other.yaml#/A'}"),
            "test.yaml:5: /components/schemas/A: `$ref: other.yaml#/A` leaves the document: only `#/…` is read",
        ),
        (of("    A: {$ref: 'https://x.example/a'}"), "`$ref: https://x.example/a` leaves the document"),
        (
            of(
                "    A: {type: object}\n    B:\n      properties:\n        a: {$ref: '#/components/schemas/C'}",
            ),
            "test.yaml:8: /components/schemas/B/properties/a: `$ref: #/components/schemas/C` leads nowhere",
        ),
        (
            of("    A: {$ref: '#/components/schemas/B'}\n    B: {$ref: '#/components/schemas/A'}"),
            "test.yaml:5: /components/schemas/A: `$ref`s lead in a circle",
        ),
        (
            of("    A: {anyOf: [{type: 'null'}, {$ref: '#/components/schemas/A'}]}"),
            "test.yaml:5: /components/schemas/A: refers to itself, without any content",
        ),
        (of("    A:\n      type: text"), "test.yaml:6: /components/schemas/A/type: is no type of JSON"),
        (of("    A:\n      properties: [a]"), "test.yaml:6: /components/schemas/A/properties: is no object"),
        (
            of("    A:\n      required: true"),
            "test.yaml:6: /components/schemas/A/required: is no list of names",
        ),
        (
            of("    A:\n      x-checks: [{pattern: a}]"),
            "test.yaml:6: /components/schemas/A/x-checks: is no list of `{ pattern, code }`",
        ),
        (of("    A: 3"), "test.yaml:5: /components/schemas/A: is no schema"),
        (
            "openapi: 3.0.0\npaths:\n  '/a/{b': {}".to_owned(),
            "test.yaml:3: /paths/~1a~1{b: its braces do not match",
        ),
        ("openapi: 3.0.0\npaths:\n  a: {}".to_owned(), "test.yaml:3: /paths/a: a path begins with `/`"),
        (
            "openapi: 3.0.0\npaths:\n  /a:\n    get:\n      parameters:\n      - {name: x}".to_owned(),
            "test.yaml:6: /paths/~1a/get/parameters/0: is no parameter",
        ),
        (
            "openapi: 3.0.0\npaths:\n  /a:\n    get: {responses: {20: {}}}".to_owned(),
            "test.yaml:4: /paths/~1a/get/responses/20: is no status",
        ),
    ] {
        let told = told(&text);
        assert!(told.iter().any(|line| line.contains(expected)), "{expected}\n{told:#?}");
    }
    let missing = Contract::read(std::path::Path::new("/no/such/file.json")).expect_err("there is none");
    assert!(missing[0].to_string().starts_with("/no/such/file.json: /: cannot be read"), "{missing:?}");
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text = "openapi: 3.1.0\npaths:\n  b: {}\n  /a: {get: {responses: {x: {}}}}\ncomponents:\n  schemas:\n    A: {type: x, items: {$ref: '#/b'}}";
    assert_eq!(told(text).len(), 4, "{:#?}", told(text));
    let many: String = (0..500).fold("openapi: 3.1.0\npaths:\n".to_owned(), |mut text, n| {
        let _ = writeln!(text, "  p{n}: {{}}");
        text
    });
    assert_eq!(told(many).len(), 100);
}

#[test]
fn no_text_is_read_that_is_none() {
    assert_eq!(told(b"openapi: 3.1.0\n\xff"), ["test.yaml:2: /: is no UTF-8"]);
    assert!(told("").len() == 1 && told("\u{feff}").len() == 1 && told("\0").len() == 1);
    assert_eq!(told("\u{feff}{\"openapi\": \"3.1.0\", \"paths\": {}}"), [""; 0]);
    assert_eq!(told("openapi: 3.1\npaths: {}\n---\nopenapi: 3.1").len(), 1);
}

#[test]
fn what_is_meant_to_do_harm_ends_in_a_mistake() {
    let mut bomb = "openapi: 3.1.0\na0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..12 {
        let one = format!("*a{}", n - 1);
        let _ = writeln!(bomb, "a{n}: &a{n} [{}]", [one.as_str(); 9].join(", "));
    }
    let said = told(bomb);
    assert!(said[0].contains("too large"), "{said:?}");
    let text = format!("openapi: 3.1.0\na: &a '{}'\nb: [{}]", "x".repeat(100_000), "*a, ".repeat(10_000));
    assert!(told(text)[0].contains("too large"));
    assert!(told("a: &a [*a]").len() == 1);
    for deep in ["[", "{a: ", "- ", "{\"a\":", "? "] {
        let said = told(format!("openapi: 3.1.0\nx: {}", deep.repeat(100_000)));
        assert_eq!(said.len(), 1, "{deep}");
        assert_eq!(told(deep.repeat(100_000)).len(), 1, "{deep}");
    }
    let said = told(vec![b' '; (16 << 20) + 1]);
    assert_eq!(said, ["test.yaml: /: is larger than 16 MiB"]);
    assert!(told(format!("{{\"a\": [{}1]}}", "1,".repeat(7 << 20)))[0].contains("too large"));
}

#[test]
fn schemas_that_unite_too_much_end_in_a_mistake() {
    let mut text = "openapi: 3.1.0\npaths: {}\ncomponents:\n  schemas:\n".to_owned();
    let fields: String = (0..3000).fold(String::new(), |mut text, n| {
        let _ = write!(text, "f{n}: {{}}, ");
        text
    });
    let _ = writeln!(text, "    Big: {{properties: {{{fields}}}}}");
    for n in 0..1000 {
        let _ = writeln!(text, "    A{n}: {{allOf: [{{$ref: '#/components/schemas/Big'}}]}}");
    }
    assert!(told(text).iter().any(|said| said.contains("too large")));
    let mut chain =
        "openapi: 3.1.0\npaths: {}\ncomponents:\n  schemas:\n    A5000: {type: string}\n".to_owned();
    for n in 0..5000 {
        let _ = writeln!(chain, "    A{n}: {{allOf: [{{$ref: '#/components/schemas/A{}'}}]}}", n + 1);
    }
    assert!(told(chain).iter().any(|said| said.contains("nested too deeply")));
}

#[test]
fn a_long_chain_of_schemas_is_no_mistake() {
    let mut chain =
        "openapi: 3.1.0\npaths: {}\ncomponents:\n  schemas:\n    A20000: {type: string}\n".to_owned();
    for n in 0..20_000 {
        let _ = writeln!(
            chain,
            "    A{n}: {{type: object, properties: {{next: {{$ref: '#/components/schemas/A{}'}}}}}}",
            n + 1
        );
    }
    let contract = super::contract(&chain);
    let plan = ShapeUse::default().compile(contract.schemas(), contract.schema_named("A0"), true);
    assert!(plan.is_ok_and(|plan| plan.scan(br#"{"next":{"next":{"next":3}}}"#).is_err()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic(text in "[-{}\\[\\]:,&*a-c!|>'\"#?%@ \n\t0-9.$/~<]{0,80}") {
        let _ = told(&text);
        let _ = told(format!("openapi: 3.0.0\n{text}"));
        let _ = told(format!("openapi: 3.1.0\npaths: {{}}\ncomponents: {{schemas: {{A: {text}}}}}"));
    }

    #[test]
    fn no_change_of_a_contract_makes_it_panic(at in any::<prop::sample::Index>(), with in "[-{}\\[\\]:,&*a!|>'\"# \n0-9$/]{0,6}", cut in 0..40_usize) {
        let at = at.index(SHOP.len());
        let end = (at + cut).min(SHOP.len());
        let _ = told([&SHOP.as_bytes()[..at], with.as_bytes(), &SHOP.as_bytes()[end..]].concat());
    }
}
