//! The bodies that the recipe book's writes take: what its contracts say of a body is what its types say.

use std::{collections::BTreeSet, sync::LazyLock};

use proptest::{collection::vec, prelude::*, sample::select};
use schemas::{CommentInput, MemberPatch, PostInput, RecipeInput};
use serde::de::{DeserializeOwned, IgnoredAny};

use super::super::body::checked;
use crate::{
    compose::plan::{BodyPlan, GatewayPlan},
    declare::Declarations,
    edge::{ApiError, FieldErrors, Validate, parse_body},
};

static PLAN: LazyLock<std::sync::Arc<GatewayPlan>> =
    LazyLock::new(|| Declarations::recipe_book().expect("the recipe book compiles").compile());

/// A field and its code.
type Told = BTreeSet<(String, String)>;

#[derive(Debug, PartialEq, Eq)]
enum Heard {
    Fine,
    NoJson,
    /// The types stop at the first mistake of shape.
    Shape(Told),
    Rules(Told),
}

fn told(errors: Vec<schemas::FieldError>) -> Told {
    errors.into_iter().map(|error| (error.field, error.code)).collect()
}

fn by_types<T: DeserializeOwned + Validate>(body: &str) -> Heard {
    match parse_body::<T>(body.as_bytes()) {
        Ok(input) => {
            let mut errors = FieldErrors::default();
            input.validate(&mut errors);
            errors.into_result().map_or_else(|errors| Heard::Rules(told(errors)), |()| Heard::Fine)
        }
        Err(ApiError::Invalid(errors)) => Heard::Shape(told(errors)),
        Err(ApiError::InvalidBody) => Heard::NoJson,
        Err(other) => panic!("{other}"),
    }
}

fn by_contract(plan: &BodyPlan, body: &str) -> Heard {
    match checked(plan, body.as_bytes()) {
        Ok(_) => Heard::Fine,
        Err(ApiError::Invalid(errors)) => Heard::Rules(told(errors)),
        Err(ApiError::InvalidBody) => Heard::NoJson,
        Err(other) => panic!("{other}"),
    }
}

fn plan_of(method: &str, path: &str) -> &'static BodyPlan {
    let route = PLAN.routes.iter().find(|route| route.method.as_str() == method && &*route.path == path);
    route.and_then(|route| route.body.as_ref()).expect("it takes a body")
}

/// The two agree: the contract tells everything that the types tell, and of rules nothing else.
fn agree<T: DeserializeOwned + Validate>(plan: &BodyPlan, body: &str) -> Result<(), TestCaseError> {
    let (types, contract) = (by_types::<T>(body), by_contract(plan, body));
    let is_json = serde_json::from_str::<IgnoredAny>(body).is_ok();
    let agrees = match (&types, &contract) {
        (Heard::Shape(first), Heard::Rules(all)) => first.iter().all(|one| is_told(one, all)),
        // The types stop before they see that the rest is no JSON.
        (Heard::Shape(_), Heard::NoJson) => !is_json,
        (Heard::Rules(one), Heard::Rules(other)) => *one == with_both(other, one),
        _ => types == contract,
    };
    prop_assert!(agrees, "{}\n{:?}\n{:?}", body, types, contract);
    Ok(())
}

/// Whether a mistake of shape is told, or one of what it is in: of a list where an object should be, the types name what is
/// in the list. Of a field that is there twice, they name the object alone.
fn is_told((field, code): &(String, String), all: &Told) -> bool {
    let is_in = |outer: &str| {
        let inner = field.strip_prefix(if outer == "." { "" } else { outer });
        inner.is_some_and(|inner| inner.starts_with('['))
    };
    let is_twice = |inner: &str| code == "duplicate" && (field == "." || inner.starts_with(field.as_str()));
    let is_same = |outer: &str| outer == field || is_twice(outer) || (code == "invalid" && is_in(outer));
    all.iter().any(|(outer, other)| code == other && is_same(outer))
}

/// Of a text whose white space is made of control characters, `x-checks` tell the first mistake alone: it says nothing.
fn with_both(told: &Told, types: &Told) -> Told {
    let second = |(field, code): &(String, String)| {
        let both = (field.clone(), "invalid_characters".to_owned());
        (code == "too_short" && types.contains(&both)).then_some(both)
    };
    told.iter().filter_map(second).chain(told.iter().cloned()).collect()
}

fn all_agree(body: &str, write: &str) -> Result<(), TestCaseError> {
    match write {
        "post" => agree::<PostInput>(plan_of("POST", "/api/posts"), body),
        "recipe" => {
            agree::<RecipeInput>(plan_of("POST", "/api/recipes"), body)?;
            agree::<RecipeInput>(plan_of("PUT", "/api/recipes/{id}"), body)
        }
        "comment" => {
            agree::<CommentInput>(plan_of("POST", "/api/recipes/{id}/comments"), body)?;
            agree::<CommentInput>(plan_of("PUT", "/api/comments/{id}"), body)
        }
        _ => agree::<MemberPatch>(plan_of("PATCH", "/api/me"), body),
    }
}

const WRITES: [&str; 4] = ["post", "recipe", "comment", "me"];

/// Bodies that are wrong whatever is written.
const WHOLE: [&str; 17] = [
    "",
    " ",
    "{",
    "{}",
    "[]",
    "null",
    "1",
    "\"a\"",
    "true",
    "nope",
    "{} x",
    "\u{feff}{}",
    "{\"a\":}",
    "[{}]",
    "{\"\":1}",
    "{\"a\":1,\"a\":1}",
    "{\"text\":\"a\"",
];

/// What may stand in a text.
fn texts() -> impl Strategy<Value = String> {
    let piece = select(vec![
        "a", "밥", " ", "\n", "\t", "\r", "\u{b}", "\u{0}", "\u{7f}", "\u{9f}", "\u{a0}", "\u{200b}",
        "\u{feff}", "\u{2028}", "\u{3000}", "😀", "\"", "\\", "é",
    ]);
    let short = vec(piece, 0..6).prop_map(|pieces| pieces.concat());
    let long = (
        select(vec![79_usize, 80, 81, 199, 200, 201, 999, 1000, 1001, 9999, 10_000, 10_001]),
        select(vec!['x', '밥', ' ']),
    )
        .prop_map(|(length, one)| one.to_string().repeat(length));
    prop_oneof![6 => short, 1 => long].prop_map(|text| serde_json::to_string(&text).expect("a string"))
}

/// Any value, of the wrong type for most fields.
fn odd() -> impl Strategy<Value = String> {
    select(vec!["null", "1", "-1", "1.5", "true", "\"\"", "\"a\"", "[]", "{}", "[1]", "{\"a\":1}", "[null]"])
        .prop_map(str::to_owned)
}

fn ids() -> impl Strategy<Value = String> {
    let ids = vec![
        "\"a\"",
        "\"a~b.c-1\"",
        "\"\"",
        "\".\"",
        "\"..\"",
        "\"...\"",
        "\"a/b\"",
        "\"a b\"",
        "\"밥\"",
        "\"a\\u0000\"",
    ];
    prop_oneof![
        4 => select(ids).prop_map(str::to_owned),
        1 => (127_usize..130).prop_map(|length| format!("\"{}\"", "x".repeat(length))),
        1 => odd(),
    ]
}

fn keys() -> impl Strategy<Value = String> {
    let key = "[a./_~ \\-]{0,8}".prop_map(|key| format!("\"{key}\""));
    let long = (510_usize..515).prop_map(|length| format!("\"{}\"", "k".repeat(length)));
    prop_oneof![6 => key, 1 => long, 1 => odd()]
}

fn text_field() -> impl Strategy<Value = String> {
    prop_oneof![8 => texts(), 1 => odd()]
}

/// A plain decimal; other spellings are in the list of what differs.
fn amounts() -> impl Strategy<Value = String> {
    let decimal = (0_u64..2_000_000_000_000, 0_u32..100_000, 0_usize..6, any::<bool>()).prop_map(
        |(whole, part, places, small)| {
            // What has more than three places is told by its double, as long as that has as many.
            let whole = if small || places > 3 { whole % 200 } else { whole };
            match places {
                0 => whole.to_string(),
                places => format!("{whole}.{}", &format!("{part:05}")[..places]),
            }
        },
    );
    let edges =
        select(vec!["0", "0.0", "0.001", "0.0001", "-1", "-0.5", "999999999999.999", "1000000000000"]);
    prop_oneof![6 => decimal, 2 => edges.prop_map(str::to_owned), 1 => odd()]
}

fn servings() -> impl Strategy<Value = String> {
    let edges = select(vec![
        "0",
        "1",
        "100",
        "101",
        "-1",
        "4294967295",
        "4294967296",
        "-4294967296",
        "18446744073709551616",
        "1.5",
        "\"1\"",
    ]);
    prop_oneof![2 => edges.prop_map(str::to_owned), 1 => (0_i64..120).prop_map(|number| number.to_string()), 1 => odd()]
}

fn ingredients() -> impl Strategy<Value = String> {
    let one = object(vec![("ingredientId", ids().boxed()), ("amount", amounts().boxed())]);
    let many = (99_usize..103).prop_map(|length| {
        let one = r#"{"ingredientId":"i","amount":1}"#;
        format!("[{}]", vec![one; length].join(","))
    });
    let list = vec(prop_oneof![8 => one, 1 => odd().boxed()], 0..4)
        .prop_map(|items| format!("[{}]", items.join(",")));
    prop_oneof![8 => list, 1 => many, 1 => odd()]
}

/// An object of these fields, some of them absent, twice or unknown.
fn object(fields: Vec<(&'static str, BoxedStrategy<String>)>) -> BoxedStrategy<String> {
    let one = |(name, value): (&'static str, BoxedStrategy<String>)| {
        let field = value.prop_map(move |value| Some(format!("\"{name}\":{value}")));
        prop_oneof![1 => Just(None), 12 => field].boxed()
    };
    let known: Vec<_> = fields.into_iter().map(one).collect();
    let unknown =
        prop_oneof![10 => Just(None), 1 => odd().prop_map(|value| Some(format!("\"extra\":{value}")))];
    let twice = prop::bool::weighted(0.05);
    (known, unknown, twice)
        .prop_map(|(known, unknown, twice)| {
            let mut fields: Vec<String> = known.into_iter().chain([unknown]).flatten().collect();
            if twice && let Some(first) = fields.first().cloned() {
                fields.push(first);
            }
            format!("{{{}}}", fields.join(","))
        })
        .boxed()
}

fn bodies() -> impl Strategy<Value = (&'static str, String)> {
    let post = object(vec![("text", text_field().boxed()), ("recipeId", ids().boxed())]);
    let comment = object(vec![("body", text_field().boxed())]);
    let recipe = object(vec![
        ("title", text_field().boxed()),
        ("body", text_field().boxed()),
        ("servings", servings().boxed()),
        ("ingredients", ingredients().boxed()),
        ("photoKey", keys().boxed()),
    ]);
    let me = object(vec![
        ("displayName", text_field().boxed()),
        ("bio", text_field().boxed()),
        ("avatarKey", keys().boxed()),
    ]);
    prop_oneof![
        1 => post.prop_map(|body| ("post", body)),
        1 => comment.prop_map(|body| ("comment", body)),
        3 => recipe.prop_map(|body| ("recipe", body)),
        1 => me.prop_map(|body| ("me", body)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn what_the_contracts_say_of_a_body_is_what_the_types_say((write, body) in bodies()) {
        all_agree(&body, write)?;
    }
}

#[test]
fn what_is_no_object_is_told_alike() {
    for write in WRITES {
        for body in WHOLE {
            all_agree(body, write).expect(body);
        }
    }
}

/// What the types and the contract say differently of one and the same body, and why.
#[test]
fn what_differs_is_known() {
    let rules = |field: &str, code: &str| Heard::Rules(Told::from([(field.to_owned(), code.to_owned())]));
    let shape = |field: &str, code: &str| Heard::Shape(Told::from([(field.to_owned(), code.to_owned())]));
    let recipe = |servings: &str, amount: &str| {
        format!(
            r#"{{"title":"a","body":"b","servings":{servings},"ingredients":[{{"ingredientId":"i","amount":{amount}}}]}}"#
        )
    };
    let plan = plan_of("POST", "/api/recipes");
    let heard = |body: &str| (by_types::<RecipeInput>(body), by_contract(plan, body));
    assert_eq!(heard(&recipe("1", "1.5")), (Heard::Fine, Heard::Fine));
    // JSON Schema knows numbers, and not how they are written: the service says 422 with the same field and code.
    assert_eq!(heard(&recipe("1.0", "1")), (shape("servings", "invalid"), Heard::Fine));
    assert_eq!(heard(&recipe("1e1", "1")), (shape("servings", "invalid"), Heard::Fine));
    assert_eq!(heard(&recipe("1", "1e2")), (shape("ingredients[0].amount", "invalid"), Heard::Fine));
    // -0 is 0.
    let amount = "ingredients[0].amount";
    assert_eq!(heard(&recipe("1", "-0.0")), (shape(amount, "invalid"), rules(amount, "out_of_range")));
    // No double holds it, and bodies are read as doubles.
    assert_eq!(heard(&recipe("1", "1e400")), (shape(amount, "invalid"), Heard::NoJson));
    // Beyond what a double holds, its third place is the nearest; the service reads the digits.
    assert_eq!(heard(&recipe("1", "549755813888.11591")), (shape(amount, "invalid"), Heard::Fine));
    // Serde takes a list for an object whose fields come in order.
    let list = r#"{"title":"a","body":"b","servings":1,"ingredients":[["i",1]]}"#;
    assert_eq!(heard(list), (Heard::Fine, rules("ingredients[0]", "invalid")));
}
