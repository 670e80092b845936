//! Plans of random schemas and uses against a slow reference over values, and the types and required fields of answers
//! against a validator of JSON Schema.

mod generate;
mod reference;

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*};
use serde_json::{Map, Value, json};

use self::{
    generate::{object, schema, value},
    reference::Reference,
};
use super::{super::*, of_schema};
use crate::compose::scan::Place;

/// The schema as JSON Schema knows it, where a field without a name is no mistake: it does not leave, that is all.
fn lenient(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => {
            let kept = fields
                .iter()
                .filter(|(name, value)| *name != "additionalProperties" || **value != json!(false));
            kept.map(|(name, value)| (name.clone(), lenient(value))).collect::<Map<_, _>>().into()
        }
        Value::Array(items) => items.iter().map(lenient).collect(),
        plain => plain.clone(),
    }
}

/// Chooses what is done with an answer, as a reference and as a plan know it.
fn uses(
    contract: &Contract,
    root: SchemaId,
    paths: &[Vec<Segment>],
    choices: &[(u8, prop::sample::Index)],
) -> (ShapeUse, Vec<(String, Vec<Segment>)>) {
    let (mut uses, mut known) = (ShapeUse::default(), Vec::new());
    for (kind, at) in choices.iter().filter(|_| !paths.is_empty()) {
        let mut path = at.get(paths).clone();
        let is_field = matches!(path.last(), Some(Segment::Field(_)));
        // Members that contradict each other leave nothing.
        let Ok(there) = contract.schemas().at(Some(root), &path) else { continue };
        let is_id = there.is_none_or(|id| contract.schemas().get(id).can_be_id());
        let shape = ShapePath(path.clone());
        let kind = match kind % 6 {
            0 => {
                uses.pick(shape);
                "pick"
            }
            1 if is_field => {
                uses.drop_field(shape);
                "drop"
            }
            2 if is_field => {
                let Some(Segment::Field(name)) = path.last() else { continue };
                uses.rename(shape, format!("our {name}"));
                "rename"
            }
            3 if is_id => {
                let _ = uses.capture(shape);
                "capture"
            }
            4 if !is_field => {
                path.pop();
                uses.at_most(ShapePath(path.clone()), 1);
                "at_most"
            }
            5 if is_field && is_id => {
                let _ = uses.join(shape, Place(0), "joined").expect("an object");
                known.push(("capture".to_owned(), path.clone()));
                "join"
            }
            _ => continue,
        };
        known.push((kind.to_owned(), path));
    }
    (uses, known)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn a_compiled_plan_does_what_the_reference_says(
        mut root in object(schema().boxed()),
        other in object(schema().boxed()),
        choices in vec((any::<u8>(), any::<prop::sample::Index>()), 0..5),
        seed in vec(any::<u8>(), 8..64),
        strange in value(),
        which in 0..4_u8,
    ) {
        root["$defs"] = json!({ "other": other });
        let (contract, id) = of_schema(&root.to_string());
        let (root_parts, mut paths) = (Reference { root: &root, uses: &[], found: Vec::new() }, Vec::new());
        let parts = root_parts.parts(&root);
        root_parts.paths(&parts, &mut Vec::new(), &mut paths);
        let (uses, known) = uses(&contract, id, &paths, &choices);
        let compiled = uses.compile(contract.schemas(), Some(id), true);
        let twice = known.iter().filter(|(kind, _)| kind == "join").count() > 1;
        prop_assert!(compiled.is_ok() || twice, "{compiled:?}");
        let Ok(plan) = compiled else { return Ok(()) };
        let mut next = seed.iter().copied().cycle();
        let answer = if which == 0 { strange } else { root_parts.answer(&parts, &mut || next.next().unwrap_or(1), 0) };

        let valid = jsonschema::validator_for(&json!({
            "$ref": "#/components/schemas/Root", "components": { "schemas": { "Root": lenient(&root) } }
        })).expect("a schema").is_valid(&answer);
        let text = answer.to_string();
        let scanned = plan.scan(text.as_bytes());
        prop_assert_eq!(scanned.is_ok(), valid, "{} {}", root, answer);
        let Ok((text, scanned)) = scanned else { return Ok(()) };

        let mut reference = Reference { root: &root, uses: &known, found: Vec::new() };
        let expected = reference.leaves(&parts, &answer, &mut Vec::new(), true);
        let mut out = Vec::new();
        let joined: BTreeMap<String, Vec<u8>> = scanned.found.iter().map(|found| {
            let id = found.text(text).into_owned();
            let value = json!({ "of": id }).to_string().into_bytes();
            (id, value)
        }).collect();
        scanned.write(text, &mut out, |_, id| joined.get(id).map(Vec::as_slice));
        prop_assert!(crate::compose::scan::Plan::untyped().scan(&out).is_ok(), "{}", String::from_utf8_lossy(&out));
        let written: Value = serde_json::from_slice(&out).expect("JSON");
        prop_assert_eq!(written, expected, "{} {} {:?}", root, answer, known);
        let found: Vec<String> = scanned.found.iter().map(|found| found.text(text).into_owned()).collect();

        prop_assert_eq!(found, reference.found);
    }
}
