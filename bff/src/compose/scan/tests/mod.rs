//! A scan against a slow reference: trees that are printed in many ways, and what should leave of them.

mod printer;
mod reference;

use proptest::{collection::vec, prelude::*};

use self::{
    printer::{Json, json, print},
    reference::{Reference, joined, plan, shape},
};
use super::*;

fn written(plan: &Plan, answer: &[u8]) -> Result<(Vec<u8>, Vec<String>), ScanError> {
    let (text, scanned) = plan.scan(answer)?;
    let mut out = Vec::new();
    scanned.write(text, &mut out, |place, id| match joined(place.0, id) {
        Json::Null => None,
        known => Some(&*Box::leak(print(&known, &[]).into_bytes().into_boxed_slice())),
    });
    Ok((out, scanned.found.iter().map(|found| found.text(text).into_owned()).collect()))
}

/// A tree as serde_json reads it, for numbers that fit: our own printer is not the only witness.
fn parsed(text: &[u8]) -> Option<serde_json::Value> {
    serde_json::from_slice(text).ok()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn what_leaves_is_what_the_reference_says(shape in shape(), value in json(), choices in vec(any::<u8>(), 0..40)) {
        let (plan, answer) = (plan(&shape), print(&value, &choices));
        match (Reference::of(&shape, &value), written(&plan, answer.as_bytes())) {
            (Some((expected, ids)), Ok((out, found))) => {
                let text = String::from_utf8(out).expect("text");
                // The same bytes but for escapes, which pass as they were written.
                let plain = print(&expected, &[]);
                prop_assert_eq!(parsed(text.as_bytes()), parsed(plain.as_bytes()), "{} {}", text, plain);
                prop_assert_eq!(written(&Plan::untyped(), text.as_bytes()), Ok((text.clone().into_bytes(), Vec::new())), "no space is left");
                if !answer.contains('\\') && !plain.contains('\\') {
                    prop_assert_eq!(text, plain);
                }
                prop_assert_eq!(found, ids);
            }
            (expected, actual) => {
                prop_assert!(expected.is_none() && actual.is_err(), "{:?} {:?} {}", expected, actual, answer);
            }
        }
    }

    #[test]
    fn whatever_comes_is_read_as_serde_json_does_or_refused(value in json(), choices in vec(any::<u8>(), 0..40), at in any::<prop::sample::Index>(), with in any::<u8>(), cut in any::<bool>()) {
        let mut answer = print(&value, &choices).into_bytes();
        let at = at.index(answer.len());
        if cut { answer.truncate(at) } else { answer[at] = with }
        match (written(&Plan::untyped(), &answer), parsed(&answer)) {
            (Ok((out, _)), Some(value)) => prop_assert_eq!(parsed(&out), Some(value)),
            (Err(ScanError::DuplicateField(_)), _) | (Err(_), None) => {}
            // A number that no 64 bits hold passes as it was written.
            (Ok((out, _)), None) => prop_assert!(String::from_utf8_lossy(&out).split(['e', 'E']).skip(1).any(|exponent| {
                exponent.trim_start_matches('+').bytes().take_while(u8::is_ascii_digit).count() >= 3
            }), "{:?}", answer),
            (Err(error), Some(_)) => prop_assert!(false, "{} {:?}", error, String::from_utf8_lossy(&answer)),
        }
    }

    #[test]
    fn no_bytes_make_it_panic(answer in vec(any::<u8>(), 0..60), shape in shape()) {
        let _ = plan(&shape).scan(&answer);
        let _ = Plan::untyped().scan(&answer);
    }
}

fn scan(answer: &str) -> Result<String, ScanError> {
    written(&Plan::untyped(), answer.as_bytes()).map(|(out, _)| String::from_utf8(out).expect("text"))
}

#[test]
fn numbers_and_words_pass_as_they_were_written_and_nothing_like_them_does() {
    for good in [
        "0",
        "-0",
        "10",
        "0.10",
        "1e5",
        "1E+05",
        "-1.5e-3",
        "123456789012345678901234567890",
        "true",
        "false",
        "null",
    ] {
        assert_eq!(scan(good).as_deref(), Ok(good));
        assert_eq!(scan(&format!(" [ {good} , {good} ] ")).expect("a list"), format!("[{good},{good}]"));
    }
    for bad in [
        "",
        " ",
        "01",
        "-",
        "+1",
        ".5",
        "1.",
        "1e",
        "1e+",
        "0x1",
        "1 2",
        "nul",
        "nulll",
        "True",
        "NaN",
        "--1",
        "1.e5",
        "\u{a0}1",
        "\u{feff}1",
    ] {
        assert!(matches!(scan(bad), Err(ScanError::NotJson(_))), "{bad}");
    }
}

#[test]
fn strings_are_checked_to_their_end() {
    for good in [r#""""#, r#""\"\\\/\b\f\n\r\t""#, r#""\u00e9\ud83d\ude00""#, "\"\u{7f}\u{80}한글\""] {
        assert_eq!(scan(good).as_deref(), Ok(good));
    }
    for bad in [
        r#"""#,
        r#""\"#,
        r#""\x""#,
        r#""\u12""#,
        r#""\u12g4""#,
        r#""\ud83d""#,
        r#""\ude00""#,
        r#""\ud83d\u0041""#,
        "\"\n\"",
        "\"\u{1f}\"",
        "\"\0\"",
        "'a'",
    ] {
        assert!(scan(bad).is_err(), "{bad}");
    }
    assert_eq!(Plan::untyped().scan(b"\"\xff\"").map(drop), Err(ScanError::NotUtf8(1)));
}

#[test]
fn structure_is_checked() {
    for bad in [
        "[",
        "]",
        "[,]",
        "[1,]",
        "[1 2]",
        "{",
        "{}}",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\" 1}",
        "{a:1}",
        "{1:1}",
        "[}",
        "{]",
        "{\"a\":1 \"b\":2}",
        "//",
        "[1]x",
    ] {
        assert!(matches!(scan(bad), Err(ScanError::NotJson(_))), "{bad}");
    }
    assert!(matches!(scan(r#"{"a":1,"\u0061":2}"#), Err(ScanError::DuplicateField(_))));
    let many: Vec<String> = (0..200).map(|n| format!("\"{n}\":{n}")).collect();
    assert!(scan(&format!("{{{}}}", many.join(","))).is_ok());
    assert!(matches!(scan(&format!("{{{},\"7\":0}}", many.join(","))), Err(ScanError::DuplicateField(_))));
}

#[test]
fn a_name_that_has_to_be_escaped_is_found_escaped_alone() {
    for (name, escaped) in [("q\"", r#"q\""#), ("a\nb", r"a\nb"), ("a\\", r"a\\")] {
        let mut builder = PlanBuilder::default();
        let value = builder.add(Node::of(Types::INTEGER));
        let field =
            Field { name: name.into(), value, required: true, kept: true, renamed: None, absent: None };
        let root = builder.add(Node { fields: vec![field], ..Node::of(Types::OBJECT) });
        let plan = builder.finish(root, true);
        assert!(plan.scan(format!("{{\"{escaped}\":1}}").as_bytes()).is_ok(), "{name:?}");
        assert!(plan.scan(format!("{{\"{name}\":1}}").as_bytes()).is_err(), "{name:?}");
    }
}

#[test]
fn nesting_is_bounded_by_the_contract_and_not_by_the_stack() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(scan(&nested(MAX_DEPTH)).is_ok());
    assert!(matches!(scan(&nested(MAX_DEPTH + 1)), Err(ScanError::TooDeep(_))));
    assert!(matches!(scan(&"{\"a\":".repeat(100_000)), Err(ScanError::TooDeep(_))));
}

#[test]
fn a_value_of_its_own_leaves_whether_or_not_the_rest_does() {
    let mut builder = PlanBuilder::default();
    let mut items = Node::of(Types::ARRAY);
    items.export = Some(Export(1));
    let items = builder.add(items);
    let next = Node { export: Some(Export(2)), ..Node::of(Types::STRING.or(Types::NULL)) };
    let next = builder.add(next);
    let field = |name: &str, value, kept| Field {
        name: name.into(),
        value,
        required: false,
        kept,
        renamed: None,
        absent: None,
    };
    let root = Node {
        fields: vec![field("items", items, false), field("next", next, true)],
        ..Node::of(Types::OBJECT)
    };
    let root = builder.add(root);
    let (exports, whole) =
        (builder.finish(root, false), r#"{ "items" : [ 1, {"a" : 2} ], "x": 0, "next" : "n" }"#);
    let export = |plan: &Plan, answer: &str, export| {
        let (text, scanned) = plan.scan(answer.as_bytes()).expect("sound");
        let mut out = Vec::new();
        let there = scanned.write_export(Export(export), text, &mut out, |_, _| None);
        there.then(|| String::from_utf8(out).expect("text"))
    };
    assert_eq!(export(&exports, whole, 1).as_deref(), Some(r#"[1,{"a":2}]"#));
    assert_eq!(export(&exports, whole, 2).as_deref(), Some(r#""n""#));
    assert_eq!(export(&exports, "{}", 2), None);
    assert_eq!(
        written(&exports, whole.as_bytes()).map(|(out, _)| out.len()),
        Ok(r#"[1,{"a":2}]"n""#.len()),
        "nothing but exports"
    );
    let mut both = exports;
    both.whole = true;
    let (out, _) = written(&both, whole.as_bytes()).expect("sound");
    assert_eq!(String::from_utf8(out).expect("text"), r#"{"x":0,"next":"n"}"#);
    assert_eq!(export(&both, whole, 1).as_deref(), Some(r#"[1,{"a":2}]"#));
}

#[test]
fn what_is_next_to_each_other_is_one_slice() {
    let compact = r#"{"a":[1,2,{"b":"c"}],"d":null}"#;
    let plan = Plan::untyped();
    let (_, scanned) = plan.scan(compact.as_bytes()).expect("sound");
    assert_eq!(scanned.pieces.len(), 1);
}
