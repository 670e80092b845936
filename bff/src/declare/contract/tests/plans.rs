//! What leaves of an answer by the plan that is compiled of a contract.

use serde_json::{Value, json};

use super::{super::*, SHOP, contract, of_schema};
use crate::compose::scan::{Place, Plan, ScanError};

fn path(text: &str) -> ShapePath {
    text.parse().expect("a path")
}

fn plan(contract: &Contract, root: Option<SchemaId>, uses: &ShapeUse) -> Plan {
    uses.compile(contract.schemas(), root, true).expect("uses that fit")
}

fn leaves(plan: &Plan, answer: &str) -> Result<String, ScanError> {
    let (text, scanned) = plan.scan(answer.as_bytes())?;
    let mut out = Vec::new();
    scanned.write(text, &mut out, |place, id| (place.0 == 1 && id != "x").then_some(br#"{"j":1}"#));
    Ok(String::from_utf8(out).expect("text"))
}

fn order(uses: &ShapeUse, answer: &Value) -> Result<Value, ScanError> {
    let shop = contract(SHOP);
    let plan = plan(&shop, shop.schema_named("Order"), uses);
    leaves(&plan, &answer.to_string()).map(|out| serde_json::from_str(&out).expect("JSON"))
}

#[test]
fn what_the_contract_names_leaves_and_what_is_absent_is_filled_in() {
    let uses = ShapeUse::default();
    let line = json!({ "itemId": "i", "quantity": 1, "cost": 3 });
    let answer = json!({
        "id": 1, "state": "open", "lines": [line], "internal": true, "labels": { "a": "b" }, "extra": { "c": [1] },
        "secret": "s", "customer": { "id": "c", "vat": 7 }
    });
    let expected = json!({
        "id": 1, "state": "open", "lines": [{ "itemId": "i", "quantity": 1 }], "labels": { "a": "b" },
        "extra": { "c": [1] }, "customer": { "id": "c" }, "note": null, "priority": 3
    });
    assert_eq!(order(&uses, &answer), Ok(expected));
    for (field, wrong) in [
        ("id", json!("1")),
        ("id", json!(1.5)),
        ("id", json!(null)),
        ("lines", json!([{ "itemId": "i" }])),
        ("lines", json!([{ "itemId": 1, "quantity": 1 }])),
        ("labels", json!({ "a": 1 })),
        ("customer", json!([])),
        ("parent", json!({ "id": 1, "state": "open" })),
    ] {
        let mut answer = answer.clone();
        answer[field] = wrong.clone();
        assert!(order(&uses, &answer).is_err(), "{field} {wrong}");
    }
    assert!(matches!(order(&uses, &json!({ "id": 1, "state": "" })), Err(ScanError::MissingField(_))));
}

#[test]
fn what_leaves_is_shaped_by_paths() {
    let line = |id: &str| json!({ "itemId": id, "quantity": 1, "tagIds": ["t"] });
    let answer = json!({ "id": 1, "state": "open", "note": "n", "lines": [line("i"), line("x"), line("k")] });
    let mut uses = ShapeUse::default();
    uses.pick(path("id"));
    uses.pick(path("lines[].itemId"));
    uses.pick(path("lines[].quantity"));
    uses.rename(path("lines[].quantity"), "count");
    uses.rename(path("lines"), "rows");
    uses.at_most_ours(&["rows"], 2);
    let of = uses.join(path("lines[].itemId"), Place(1), "item").expect("an object");
    assert_eq!(uses.capture(path("lines[].itemId")), of, "the same path");
    let row = |id: &str, item: Value| json!({ "itemId": id, "count": 1, "item": item });
    let expected = json!({ "id": 1, "rows": [row("i", json!({ "j": 1 })), row("x", Value::Null)] });
    assert_eq!(order(&uses, &answer), Ok(expected));
    uses.without(&["rows", "count"]);
    uses.without(&["id"]);
    let row = |id: &str, item: Value| json!({ "itemId": id, "item": item });
    let expected = json!({ "rows": [row("i", json!({ "j": 1 })), row("x", Value::Null)] });
    assert_eq!(order(&uses, &answer), Ok(expected));
    let missing = json!({ "state": "open", "lines": [] });
    assert!(order(&uses, &missing).is_err(), "what does not leave is checked all the same");
}

#[test]
fn a_list_of_ids_gives_a_list_and_what_needs_no_id_is_added() {
    let mut uses = ShapeUse::default();
    uses.pick(path("lines[].tagIds"));
    let _ = uses.join(path("lines[].tagIds[]"), Place(1), "tags").expect("an object");
    uses.add(path("customer"), Place(2), "never");
    uses.add(ShapePath::default(), Place(1), "author");
    let answer =
        json!({ "id": 1, "state": "", "lines": [{ "itemId": "i", "quantity": 1, "tagIds": ["a", "x"] }] });
    let expected =
        json!({ "lines": [{ "tagIds": ["a", "x"], "tags": [{ "j": 1 }, null] }], "author": { "j": 1 } });
    assert_eq!(order(&uses, &answer), Ok(expected));
    assert!(matches!(uses.join(path("[]"), Place(3), "x"), Err(UseMistake::NoObject { .. })));
}

#[test]
fn a_path_unrolls_what_refers_to_itself() {
    let mut uses = ShapeUse::default();
    uses.drop_field(path("parent.parent.note"));
    uses.pick(path("parent"));
    let id = uses.capture(path("parent.parent.id"));
    let one = |n: u32, parent: Value| {
        let mut one =
            json!({ "id": n, "state": "", "lines": [], "note": "n", "priority": 1, "customer": null });
        if !parent.is_null() {
            one["parent"] = parent;
        }
        one
    };
    let answer = one(1, one(2, one(3, one(4, Value::Null))));
    let mut expected = json!({ "parent": one(2, one(3, one(4, Value::Null))) });
    expected["parent"]["parent"].as_object_mut().expect("an object").remove("note");
    assert_eq!(order(&uses, &answer), Ok(expected));
    let shop = contract(SHOP);
    let plan = plan(&shop, shop.schema_named("Order"), &uses);
    let text = answer.to_string();
    let (text, scanned) = plan.scan(text.as_bytes()).expect("sound");
    let found: Vec<_> = scanned.found.iter().map(|found| (found.capture, found.text(text))).collect();
    assert_eq!(found, [(id, "3".into())]);
    let mut wrong = answer;
    wrong["parent"]["parent"]["parent"]["id"] = json!("4");
    assert!(order(&uses, &wrong).is_err(), "beyond the paths it is checked all the same");
}

#[test]
fn without_a_contract_paths_are_taken_at_their_word() {
    let none = Schemas::default();
    let mut uses = ShapeUse::default();
    uses.pick(path("id"));
    uses.pick(path("items[].sku"));
    uses.rename(path("id"), "number");
    let _ = uses.join(path("items[].sku"), Place(1), "item").expect("an object");
    uses.without(&["items", "secret"]);
    let plan = uses.compile(&none, None, true).expect("a plan");
    assert_eq!(
        leaves(&plan, r#"{"id":1.50,"number":2,"items":[{"sku":"a","item":3,"x":4}]}"#).as_deref(),
        Ok(r#"{"number":1.50,"items":[{"sku":"a","item":{"j":1}}]}"#),
        "ours replaces theirs"
    );
    assert_eq!(leaves(&plan, r#"[{"id":1,"x":2}]"#).as_deref(), Ok(r#"[{"number":1}]"#), "of each of a list");
    let mut without = ShapeUse::default();
    without.without(&["rows", "secret"]);
    let plan = without.compile(&none, None, true).expect("a plan");
    let answer = r#"{"rows":[{"secret":1,"a":2}],"secret":3}"#;
    assert_eq!(leaves(&plan, answer).as_deref(), Ok(r#"{"rows":[{"a":2}],"secret":3}"#));
    assert_eq!(leaves(&plan, r#"{"rows":{"secret":1}}"#).as_deref(), Ok(r#"{"rows":{}}"#));
}

#[test]
fn a_value_that_is_demanded_is_there() {
    let none = Schemas::default();
    let mut uses = ShapeUse::default();
    uses.demand(path("data.offers"));
    let export = uses.export(path("data.offers"));
    let plan = uses.compile(&none, None, false).expect("a plan");
    let exported = |answer: &str| {
        let (text, scanned) = plan.scan(answer.as_bytes()).ok()?;
        let mut out = Vec::new();
        scanned
            .write_export(export, text, &mut out, |_, _| None)
            .then(|| String::from_utf8(out).expect("text"))
    };
    assert_eq!(
        exported(r#"{"errors":[],"data":{"offers":[{"id": 1}],"x":2}}"#).as_deref(),
        Some(r#"[{"id":1}]"#)
    );
    for wrong in [r#"{"data":{"offers":null}}"#, r#"{"data":null,"errors":[]}"#, "{}", r#"{"data":{}}"#] {
        assert_eq!(exported(wrong), None, "{wrong}");
    }
}

#[test]
fn what_cannot_be_used_like_that_is_told_all_at_once() {
    let shop = contract(SHOP);
    let root = shop.schema_named("Order");
    let mut uses = ShapeUse::default();
    uses.pick(path("ids"));
    uses.drop_field(path("lines[].cost"));
    uses.rename(path("lines[]"), "x");
    uses.rename(path("state"), "note");
    uses.without(&["lines", "prize"]);
    uses.at_most(path("customer"), 3);
    let _ = uses.capture(path("lines"));
    let _ = uses.join(path("lines[].itemId"), Place(1), "quantity").expect("an object");
    let mistakes = uses.compile(shop.schemas(), root, true).expect_err("mistakes");
    assert_eq!(mistakes.len(), 8, "{mistakes:#?}");
    let mut uses = ShapeUse::default();
    let _ = uses.join(path("lines[].itemId"), Place(1), "item").expect("an object");
    let _ = uses.join(path("lines[].itemId"), Place(2), "item").expect("an object");
    assert_eq!(uses.compile(shop.schemas(), root, true).map(drop).expect_err("twice").len(), 1);
}

#[test]
fn a_list_itself_is_picked_item_by_item() {
    let (contract, root) = of_schema(
        "{type: array, items: {type: object, required: [id], properties: {id: {type: string}, a: {type: string}}}}",
    );
    let mut uses = ShapeUse::default();
    uses.pick(path("id"));
    let plan = plan(&contract, Some(root), &uses);
    assert_eq!(
        leaves(&plan, r#"[{"id":"1","a":"b"},{"a":"c","id":"2"}]"#).as_deref(),
        Ok(r#"[{"id":"1"},{"id":"2"}]"#)
    );
    assert!(leaves(&plan, r#"{"id":"1"}"#).is_err());
}
