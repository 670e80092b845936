//! What is wrong with a body, in the gateway's codes.

use serde_json::{Value, json};

use super::{super::*, SHOP, committed, contract, of_schema};

fn errors(validator: &BodyValidator, body: &Value) -> Vec<(String, String)> {
    let errors = validator.validate(body);
    errors.into_iter().map(|error| (error.field, error.code)).collect()
}

fn one(field: &str, code: &str) -> Vec<(String, String)> {
    vec![(field.to_owned(), code.to_owned())]
}

fn validator(contract: &Contract, name: &str) -> BodyValidator {
    let id = contract.schema_named(name).expect("it is there");
    BodyValidator::compile(contract, id).expect("a validator")
}

#[test]
fn each_rule_has_its_code_and_its_field() {
    let orders = validator(&contract(SHOP), "OrderInput");
    let sound =
        json!({ "customerEmail": "a@b.example", "lines": [{ "itemId": "i", "quantity": 1 }], "note": null });
    assert_eq!(errors(&orders, &sound), []);
    let full = json!({
        "customerEmail": "a@b.example", "lines": [{ "itemId": "i", "quantity": 99, "price": 1.25 }], "note": "맛있다\n",
        "dueAt": "2026-11-20T09:30:00Z", "token": "0192f5a0-7c3e-7b1a-9d55-2f6d3c1b8a10", "home": "https://a.example/b",
        "discount": 0.5, "rank": 100, "kind": "gift", "address": { "street": "s" }, "labels": { "a": "b" }
    });
    assert_eq!(errors(&orders, &full), []);
    for (pointer, value, field, code) in [
        ("/customerEmail", json!(1), "customerEmail", "invalid"),
        ("/customerEmail", json!("nobody"), "customerEmail", "invalid"),
        ("/dueAt", json!("tomorrow"), "dueAt", "invalid"),
        ("/dueAt", json!("2026-13-20T09:30:00Z"), "dueAt", "invalid"),
        ("/token", json!("0192"), "token", "invalid"),
        ("/home", json!("no uri"), "home", "invalid"),
        ("/kind", json!("other"), "kind", "invalid"),
        ("/discount", json!(1), "discount", "out_of_range"),
        ("/discount", json!(-0.5), "discount", "out_of_range"),
        ("/rank", json!(0), "rank", "out_of_range"),
        ("/rank", json!(101), "rank", "out_of_range"),
        ("/rank", json!(1.5), "rank", "invalid"),
        ("/note", json!("한글한글한글한글한글한"), "note", "too_long"),
        ("/note", json!(" \n"), "note", "too_short"),
        ("/note", json!("a!"), "note", "no_shouting"),
        ("/note", json!(" !"), "note", "no_shouting"),
        ("/lines", json!([]), "lines", "too_short"),
        ("/lines", json!(vec![json!({ "itemId": "i", "quantity": 1 }); 4]), "lines", "too_long"),
        ("/lines", json!({}), "lines", "invalid"),
        ("/lines/0/quantity", json!(0), "lines[0].quantity", "out_of_range"),
        ("/lines/0/quantity", json!("1"), "lines[0].quantity", "invalid"),
        ("/lines/0/price", json!(0.001), "lines[0].price", "invalid"),
        ("/lines/0/itemId", json!("a/b"), "lines[0].itemId", "invalid"),
        ("/lines/0/cost", json!(1), "lines[0].cost", "unknown_field"),
        ("/address", json!({}), "address.street", "required"),
        ("/address", json!({ "street": "" }), "address.street", "too_short"),
        ("/address", json!({ "street": "s", "zip": 1 }), "address.zip", "unknown_field"),
        ("/address", json!("s"), "address", "invalid"),
        ("/labels/a", json!("long"), "labels.a", "too_long"),
        ("/labels/a", json!(1), "labels.a", "invalid"),
        ("/admin", json!(true), "admin", "unknown_field"),
        ("/id", json!(1), "id", "unknown_field"),
    ] {
        let mut body = full.clone();
        let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
        body.pointer_mut(parent).expect("it is there")[name] = value.clone();
        assert_eq!(errors(&orders, &body), one(field, code), "{pointer} {value}");
    }
    for (body, field) in [(json!([]), "."), (json!("x"), "."), (json!(null), ".")] {
        assert_eq!(errors(&orders, &body), one(field, "invalid"), "{body}");
    }
    assert_eq!(errors(&orders, &json!({})).len(), 2);
}

#[test]
fn a_number_that_its_format_does_not_hold_is_of_another_form() {
    let orders = validator(&contract(SHOP), "OrderInput");
    let with = |rank: Value| {
        let body = json!({ "customerEmail": "a@b.example", "lines": [{ "itemId": "i", "quantity": 1 }], "rank": rank });
        errors(&orders, &body)
    };
    assert_eq!(with(json!(-1)), one("rank", "invalid"), "as a typed reader says");
    assert_eq!(with(json!(5_000_000_000_u64)), one("rank", "invalid"));
    assert_eq!(with(json!(4_000_000_000_u64)), one("rank", "out_of_range"));
}

#[test]
fn all_mistakes_are_told_at_once_and_those_of_shape_first() {
    let orders = validator(&contract(SHOP), "OrderInput");
    let body = json!({
        "note": "!!!!!!!!!!!!", "rank": 0, "x": 1, "customerEmail": 2,
        "lines": [{ "itemId": "i", "quantity": 0 }, { "quantity": 1 }]
    });
    let told = errors(&orders, &body);
    let is_shape =
        |(_, code): &(String, String)| ["required", "invalid", "unknown_field"].contains(&code.as_str());
    assert!(told.iter().map(is_shape).is_sorted_by(|one, other| one >= other), "{told:?}");
    let mut fields: Vec<_> = told.iter().map(|(field, code)| format!("{field} {code}")).collect();
    fields.sort();
    assert_eq!(
        fields,
        [
            "customerEmail invalid",
            "lines[0].quantity out_of_range",
            "lines[1].itemId required",
            "note no_shouting",
            "note too_long",
            "rank out_of_range",
            "x unknown_field"
        ]
    );
    let long = json!({ "y".repeat(5000): 1 });
    assert!(orders.validate(&long).iter().all(|error| error.field.len() <= 100));
    let many: Value =
        (0..5000).map(|n| (format!("f{n}"), json!(1))).collect::<serde_json::Map<_, _>>().into();
    assert_eq!(orders.validate(&many).len(), 100);
}

#[test]
fn a_body_is_read_strictly() {
    let orders = validator(&contract(SHOP), "OrderInput");
    let read = |body: &str| orders.read(body.as_bytes());
    for broken in ["", "{", "x", "{} x", "{\"a\":\"\u{1}\"}", "\u{feff}{}", "{\"a\":1e999}"] {
        assert_eq!(read(broken), Err(BodyMistake::NoJson), "{broken}");
    }
    assert_eq!(read(&"[".repeat(100_000)), Err(BodyMistake::NoJson));
    let twice = r#"{"customerEmail":"a@b.example","lines":[{"itemId":"i","quantity":1,"\u0071uantity":2}]}"#;
    let Err(BodyMistake::Fields(errors)) = read(twice) else { panic!("a field is named twice") };
    assert_eq!((&*errors[0].field, &*errors[0].code), ("lines[0].quantity", "duplicate"));
    assert_eq!(
        read(r#"{"customerEmail":"a@b.example","lines":[{"itemId":"i","quantity":1}]}"#).map(drop),
        Ok(())
    );
}

#[test]
fn patterns_are_bounded() {
    let wrong = |schema: &str| {
        let (contract, id) = of_schema(schema);
        BodyValidator::compile(&contract, id).map(drop).expect_err("no pattern")[0].to_string()
    };
    assert!(wrong("{type: string, pattern: '('}").starts_with("test.yaml:1: /components/schemas/Root"));
    assert!(wrong("{type: string, x-checks: [{pattern: '[', code: x}]}").contains("x-checks"));
    assert!(!wrong("{type: string, pattern: '((a{100}){100}){100}'}").is_empty());
    // Linear where it can be, and given up where it looks around.
    for pattern in ["^(a+)+$", "^(?=(a+)+$)(a|aa)+b$", "^(a|a)*\\\\1c$"] {
        let (contract, id) =
            of_schema(&format!("{{type: string, x-checks: [{{pattern: \"{pattern}\", code: odd}}]}}"));
        let validator = BodyValidator::compile(&contract, id).expect("a pattern");
        assert_eq!(
            errors(&validator, &json!(format!("{}!", "a".repeat(5000)))),
            one(".", "odd"),
            "{pattern}"
        );
    }
}

#[test]
fn a_rule_that_bounds_alone_is_told_apart_from_a_step_that_is_not_kept() {
    let (contract, id) = of_schema(
        "{type: number, exclusiveMinimum: 0, maximum: 10, multipleOf: 0.001, not: {anyOf: [{exclusiveMaximum: 0}, {exclusiveMinimum: 10}]}}",
    );
    let amount = BodyValidator::compile(&contract, id).expect("a validator");
    for (value, code) in [
        (json!(0), Some("out_of_range")),
        (json!(0.0001), Some("invalid")),
        (json!(0.1), None),
        (json!(10), None),
    ] {
        let expected = code.map(|code| one(".", code)).unwrap_or_default();
        assert_eq!(errors(&amount, &value), expected, "{value}");
    }
}

#[test]
fn a_body_that_must_say_something_and_a_field_that_may_not_be_null() {
    let patch = validator(&committed("profile"), "MemberPatch");
    assert_eq!(errors(&patch, &json!({})), one("", "required"));
    assert_eq!(errors(&patch, &json!({ "bio": null })), one("bio", "invalid"));
}

#[test]
fn unknown_fields_are_known_over_all_members() {
    let (contract, id) = of_schema(
        "{allOf: [{type: object, properties: {a: {}}}, {type: object, required: [b], properties: {b: {type: string}}}]}",
    );
    let validator = BodyValidator::compile(&contract, id).expect("a validator");
    assert_eq!(errors(&validator, &json!({ "a": { "free": 1 }, "b": "c" })), []);
    assert_eq!(errors(&validator, &json!({ "b": "c", "d": 1 })), one("d", "unknown_field"));
    let (contract, id) = of_schema("{type: object}");
    let validator = BodyValidator::compile(&contract, id).expect("a validator");
    assert_eq!(errors(&validator, &json!({ "any": 1 })), [], "free-form");
}
