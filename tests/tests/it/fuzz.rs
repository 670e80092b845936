//! Bodies and queries that nobody sane would send, over all of `/api`: never a 5xx, never a panic, every refusal
//! a problem document.

use proptest::{
    prelude::*,
    strategy::{BoxedStrategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Actor, TestBff, figures};

use crate::fixtures::{publish, recipe_input};

/// Each round sends this many requests at once.
const AT_ONCE: usize = 32;
const CASES: usize = 100_000;

const WITH_BODY: [(&str, &str); 8] = [
    ("POST", "/api/recipes"),
    ("PUT", "/api/recipes/{id}"),
    ("POST", "/api/recipes/{id}/comments"),
    ("PUT", "/api/comments/{id}"),
    ("POST", "/api/posts"),
    ("PATCH", "/api/me"),
    ("POST", "/auth/signup"),
    ("POST", "/auth/login"),
];
const WITHOUT: [(&str, &str); 12] = [
    ("GET", "/api/recipes"),
    ("GET", "/api/recipes/{id}"),
    ("GET", "/api/recipes/{id}/form"),
    ("GET", "/api/recipes/{id}/comments"),
    ("GET", "/api/ingredients"),
    ("GET", "/api/me"),
    ("PUT", "/api/recipes/{id}/like"),
    ("DELETE", "/api/comments/{id}/like"),
    ("DELETE", "/api/posts/{id}"),
    ("PUT", "/api/follows/{id}"),
    ("GET", "/bff/home-feed"),
    ("GET", "/bff/members/{id}"),
];

#[derive(Debug, Clone)]
struct Case {
    method: &'static str,
    path: String,
    body: Option<Vec<u8>>,
}

/// A JSON value of any shape, with the numbers and texts that break things.
fn odd_value() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop_oneof![Just(0_u64), Just(1), Just(101), Just(u64::MAX)].prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        prop_oneof![Just("\u{0}"), Just("\u{202e}"), Just("' or 1=1 --"), Just("%00"), Just("../..")]
            .prop_map(Value::from),
        (9_990..10_020_usize).prop_map(|length| Value::from("가".repeat(length))),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-zA-Z]{1,8}", inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
    .boxed()
}

/// A sound body with a field or two put wrong.
fn odd_body() -> BoxedStrategy<Vec<u8>> {
    let templates = prop_oneof![
        Just(recipe_input("Rice")),
        Just(json!({ "text": "words", "recipeId": "a" })),
        Just(json!({ "body": "words" })),
        Just(json!({ "displayName": "Ada", "bio": "words" })),
        Just(json!({ "email": "a@b.example", "username": "somebody", "password": "long enough" })),
        Just(json!({ "login": "a", "password": "b" })),
    ];
    let mutated = (templates, prop::collection::vec((any::<prop::sample::Index>(), odd_value()), 1..3))
        .prop_map(|(mut body, changes)| {
            let names: Vec<String> =
                body.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
            for (place, value) in changes {
                body[place.get(&names).as_str()] = value;
            }
            body.to_string().into_bytes()
        });
    prop_oneof![
        6 => mutated,
        2 => odd_value().prop_map(|value| value.to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..40),
        1 => (1..3_000_usize).prop_map(|deep| "[".repeat(deep).into_bytes()),
    ]
    .boxed()
}

fn odd_path(pattern: &'static str, known: &str) -> BoxedStrategy<String> {
    let id = prop_oneof![
        3 => Just(known.to_owned()),
        2 => "[A-Za-z0-9._~-]{1,20}",
        2 => "[!-~]{1,20}".prop_map(|text| text.replace(['/', '?', '#', '\\'], "%2F")),
        1 => Just("%00%ff..%2e".to_owned()),
        1 => (120..140_usize).prop_map(|length| "x".repeat(length)),
    ];
    let query = prop_oneof![
        2 => Just(String::new()),
        3 => "(q|page|pageSize|sort|limit|cursor|view)=[ -~]{0,16}".prop_map(|pair| {
            format!("?{}", pair.replace(['#', ' '], "%20"))
        }),
        1 => "[a-zA-Z0-9=&%+;]{0,40}".prop_map(|text| format!("?{text}")),
        1 => any::<i128>().prop_map(|number| format!("?page={number}&pageSize={number}&limit={number}")),
    ];
    (id, query).prop_map(move |(id, query)| pattern.replace("{id}", &id) + &query).boxed()
}

fn cases(known: &str) -> BoxedStrategy<Case> {
    let known = known.to_owned();
    let of = move |(method, pattern): (&'static str, &'static str), has_body: bool| {
        let body = if has_body { odd_body().prop_map(Some).boxed() } else { Just(None).boxed() };
        (odd_path(pattern, &known), body).prop_map(move |(path, body)| Case { method, path, body })
    };
    let with_body = WITH_BODY.map(|route| of(route, true).boxed());
    let without = WITHOUT.map(|route| of(route, false).boxed());
    prop::strategy::Union::new(with_body.into_iter().chain(without)).boxed()
}

async fn send(actor: &Actor, case: &Case) {
    let method = Method::from_bytes(case.method.as_bytes()).expect("a method");
    let mut request = actor.from_page(method, &case.path);
    if let Some(body) = &case.body {
        request = request.header("content-type", "application/json").body(body.clone());
    }
    // What no URL can hold was not sent: that is the client's refusal, not ours.
    let Ok(answer) = request.try_send().await else { return };
    assert!(answer.status.as_u16() < 500, "{case:?}: {} {}", answer.status, answer.text());
    if answer.status.is_client_error() {
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{case:?}");
        let problem = answer.json();
        assert!(problem["code"].is_string() && problem["requestId"].is_string(), "{case:?}: {problem}");
    }
}

/// Sends a quarter of the cases, drawn from `seed`.
async fn a_quarter(seed: u8) {
    // A slow machine is no finding: nothing here runs out of time.
    let patient =
        ["upstreams.profile.timeout_ms", "upstreams.timeline.timeout_ms", "upstreams.recipe.timeout_ms"];
    let deadlines = ["screens.home_feed.deadline_ms", "screens.member.deadline_ms"];
    let builder = patient.iter().chain(&deadlines).fold(TestBff::builder(), |bff, key| bff.set(key, 60_000));
    let bff = builder.spawn().await;
    let ada = bff.signed_in("ada").await;
    let known = publish(&ada, "Rice with eggs").await;
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let cases = cases(&known);
    let mut sent = 0;
    while sent < CASES / 4 {
        let round: Vec<Case> =
            (0..AT_ONCE).map(|_| cases.new_tree(&mut runner).expect("a case").current()).collect();
        futures_util::future::join_all(round.iter().map(|case| send(&ada, case))).await;
        sent += AT_ONCE;
    }
    figures::note(&format!("odd requests to all of /api without a 5xx, seed {seed}"), sent);
    assert!(!bff.output().contains("panicked"), "{}", bff.output());
    let _ = ada.get("/bff/home-feed").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_can_be_sent_breaks_the_api_first_quarter() {
    a_quarter(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_can_be_sent_breaks_the_api_second_quarter() {
    a_quarter(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_can_be_sent_breaks_the_api_third_quarter() {
    a_quarter(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_can_be_sent_breaks_the_api_last_quarter() {
    a_quarter(4).await;
}
