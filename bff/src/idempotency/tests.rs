//! What holds of a key, whoever asks and whatever became of its first request.

use std::{sync::Arc, time::Duration};

use actix_web::test::TestRequest;
use schemas::Id;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{
    ApiError, Attempt, Begun, Created, Idempotency, IdempotencyPolicy, Keyed, State, after, end_own, entry,
    unix_ms,
};
use crate::{
    edge::RouteName,
    identity::Secrets,
    store::{Entry, MemoryStore, Space, Store},
};

const POLICY: IdempotencyPolicy = IdempotencyPolicy {
    in_flight: Duration::from_secs(60),
    anonymous_keys: 3,
    anonymous_window: Duration::from_secs(3600),
};

fn over(store: &Arc<dyn Store>, texts: &[&str]) -> Idempotency {
    Idempotency::new(Arc::clone(store), secrets(texts), POLICY).expect("random bits")
}

fn memory() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new())
}

fn secrets(texts: &[&str]) -> Arc<Secrets> {
    Arc::new(Secrets::new(texts.iter().map(|text| SecretString::from(*text)).collect()))
}

fn idempotency() -> Idempotency {
    over(&memory(), &["secret"])
}

fn keyed_at(idempotency: &Idempotency, user: Option<&str>, path: &str, key: &str, input: &Value) -> Keyed {
    let request = TestRequest::with_uri(path).insert_header(("idempotency-key", key));
    let request = request.app_data(RouteName("/api/orders/{id}/notes")).to_http_request();
    let user = user.map(|user| Id::new(user).expect("an id"));
    idempotency.keyed(&request, user.as_ref(), input).expect("a sound key").expect("a key")
}

fn keyed(idempotency: &Idempotency, user: Option<&str>, key: &str, input: &Value) -> Keyed {
    keyed_at(idempotency, user, "/api/orders/1/notes", key, input)
}

fn code(error: &ApiError) -> (u16, String) {
    match error {
        ApiError::Refused { status, code, .. } => (status.as_u16(), (*code).to_owned()),
        other => (0, other.to_string()),
    }
}

/// How a second try of a key in that state is answered.
async fn again(state: Option<State>) -> Result<Begun, ApiError> {
    let idempotency = idempotency();
    let keyed = keyed(&idempotency, None, "k", &json!({}));
    let attempt = first(&idempotency, &keyed).await;
    idempotency.end(&keyed, attempt, state).await;
    idempotency.begin(&keyed).await
}

/// Begins a key that is free.
async fn first(idempotency: &Idempotency, keyed: &Keyed) -> Attempt {
    match idempotency.begin(keyed).await {
        Ok(Begun::First(attempt)) => attempt,
        other => panic!("it was used before: {other:?}"),
    }
}

fn is_unknown(begun: &Result<Begun, ApiError>) -> bool {
    matches!(begun, Ok(Begun::Answered(Err(error))) if code(error).1 == "idempotency_outcome_unknown")
}

#[test]
fn a_key_is_short_plain_text_and_there_once() {
    let idempotency = idempotency();
    let read = |keys: &[&str]| {
        let request = keys
            .iter()
            .fold(TestRequest::default(), |request, key| request.append_header(("idempotency-key", *key)));
        idempotency.keyed(&request.to_http_request(), None, &json!({})).map(|keyed| keyed.is_some())
    };
    assert!(matches!(read(&[]), Ok(false)));
    for good in ["a", "8e03978e-40d5-43dd-bc93-6894a57f9324", "\"quoted\"", &"x".repeat(128)] {
        assert!(matches!(read(&[good]), Ok(true)), "{good}");
    }
    for bad in [&["", "a"][..], &[""], &["a b"], &["ä"], &["a\tb"], &["a", "a"], &[&"x".repeat(129)]] {
        let refused = read(bad).expect_err("a bad key");
        assert_eq!(code(&refused), (400, "idempotency_key_invalid".into()), "{bad:?}");
    }
}

#[test]
fn a_key_belongs_to_a_user_and_a_route_and_its_print_to_a_request() {
    let idempotency = idempotency();
    let body = json!({ "body": "x" });
    let mine = keyed(&idempotency, Some("ada"), "k", &body);
    let same = keyed(&idempotency, Some("ada"), "k", &json!({ "body": "x" }));
    assert_eq!((mine.place, &mine.print), (same.place, &same.print));
    for other in [
        keyed(&idempotency, Some("bob"), "k", &body),
        keyed(&idempotency, None, "k", &body),
        keyed(&idempotency, Some("ada"), "k2", &body),
    ] {
        assert_ne!(mine.place, other.place);
        assert_ne!(mine.print, other.print, "prints of different places do not tell of equal bodies");
    }
    for other in [
        keyed(&idempotency, Some("ada"), "k", &json!({ "body": "y" })),
        keyed_at(&idempotency, Some("ada"), "/api/orders/2/notes", "k", &body),
    ] {
        assert_eq!(mine.place, other.place);
        assert_ne!(mine.print, other.print);
    }
    let elsewhere = over(&memory(), &["another"]);
    assert_ne!(mine.print, keyed(&elsewhere, Some("ada"), "k", &body).print, "a print cannot be guessed");
}

#[tokio::test]
async fn of_many_at_once_one_is_the_first() {
    let idempotency = Arc::new(idempotency());
    let tries = (0..100).map(|_| {
        let idempotency = Arc::clone(&idempotency);
        tokio::spawn(async move {
            let keyed = keyed(&idempotency, Some("ada"), "k", &json!({}));
            idempotency.begin(&keyed).await
        })
    });
    let mut firsts = 0;
    for outcome in futures_util::future::join_all(tries).await {
        match outcome.expect("no panic").expect("an answer") {
            Begun::First(_) => firsts += 1,
            Begun::InFlight => {}
            Begun::Answered(answer) => panic!("answered by nobody: {answer:?}"),
        }
    }
    assert_eq!(firsts, 1);
}

#[tokio::test]
async fn what_was_made_is_answered_again() {
    let made = Created::new(&json!({ "title": "밥", "cost": 1.50 })).expect("json");
    let before = serde_json::to_string(&made).expect("json");
    let Ok(Begun::Answered(Ok(made))) = again(Some(State::Made(made))).await else { panic!("made") };
    assert_eq!(serde_json::to_string(&made).expect("json"), before);
}

#[tokio::test]
async fn what_was_not_carried_out_may_be_tried_again_and_what_may_have_been_may_not() {
    assert!(matches!(again(None).await, Ok(Begun::First(_))));
    assert!(is_unknown(&again(Some(State::Unknown)).await));
}

#[tokio::test]
async fn another_request_under_the_same_key_is_refused_in_every_state() {
    let idempotency = idempotency();
    let mine = keyed(&idempotency, Some("ada"), "k", &json!({ "n": 1 }));
    let other = keyed(&idempotency, Some("ada"), "k", &json!({ "n": 2 }));
    let attempt = first(&idempotency, &mine).await;
    for state in [None, Some(State::Unknown)] {
        if state.is_some() {
            idempotency.end(&mine, attempt, state).await;
        }
        let refused = idempotency.begin(&other).await.expect_err("another request");
        assert_eq!(code(&refused), (422, "idempotency_key_reused".into()));
    }
}

/// What the store holds of an attempt that began in another process, and of when it counts as going on.
fn begun_elsewhere(keyed: &Keyed, until_ms: u64) -> Entry {
    let attempt = Attempt { life: 1, number: 0 };
    entry(&keyed.print, None, State::Begun { attempt, until_ms }).expect("an entry")
}

#[tokio::test]
async fn an_attempt_that_never_ended_has_an_unknown_outcome_for_a_day() {
    let store = memory();
    let idempotency = over(&store, &["secret"]);
    let keyed = keyed(&idempotency, None, "k", &json!({}));
    let attempt = first(&idempotency, &keyed).await;
    assert!(matches!(idempotency.begin(&keyed).await, Ok(Begun::InFlight)));
    // Its time is over.
    let late = State::Begun { attempt, until_ms: unix_ms() };
    let late = entry(&keyed.print, None, late).expect("an entry");
    let hours = late.expires_at_ms.saturating_sub(unix_ms()).div_ceil(3_600_000);
    assert_eq!(hours, 24);
    store.put(Space::Idempotency, &keyed.place, late).await.expect("stored");
    assert!(is_unknown(&idempotency.begin(&keyed).await));
    // The store is this process's alone: whoever began it is dead.
    let dead = begun_elsewhere(&keyed, after(unix_ms(), POLICY.in_flight));
    store.put(Space::Idempotency, &keyed.place, dead).await.expect("stored");
    assert!(is_unknown(&idempotency.begin(&keyed).await));
}

#[tokio::test]
async fn the_store_is_told_behind_of_ones_own_attempt_alone() {
    let store = memory();
    let idempotency = over(&store, &["secret"]);
    let keyed = keyed(&idempotency, Some("ada"), "k", &json!({}));
    let attempt = first(&idempotency, &keyed).await;
    let unknown = || entry(&keyed.print, None, State::Unknown).expect("an entry");
    let other = Attempt { number: attempt.number + 1, ..attempt };
    assert!(end_own(&*store, &keyed.place, other, None).await.expect("told"), "nothing is left to do");
    assert!(matches!(idempotency.begin(&keyed).await, Ok(Begun::InFlight)));
    assert!(end_own(&*store, &keyed.place, attempt, Some(unknown())).await.expect("told"));
    assert!(is_unknown(&idempotency.begin(&keyed).await));
    assert!(end_own(&*store, &keyed.place, attempt, None).await.expect("told"), "it has ended");
    assert!(is_unknown(&idempotency.begin(&keyed).await));

    store.delete(Space::Idempotency, &keyed.place).await.expect("deleted");
    assert!(!end_own(&*store, &keyed.place, attempt, None).await.expect("told"), "it may yet arrive");
    let attempt = first(&idempotency, &keyed).await;
    assert!(end_own(&*store, &keyed.place, attempt, None).await.expect("told"));
    first(&idempotency, &keyed).await;
}

#[tokio::test]
async fn callers_who_are_not_signed_in_may_have_so_many_keys_kept() {
    let idempotency = idempotency();
    let key = |key: &str| keyed(&idempotency, None, key, &json!({}));
    // What is refused leaves nothing behind.
    for number in 0..10 {
        let refused = key(&format!("refused-{number}"));
        let attempt = first(&idempotency, &refused).await;
        idempotency.end(&refused, attempt, None).await;
    }
    for number in 0..3 {
        let kept = key(&format!("kept-{number}"));
        let attempt = first(&idempotency, &kept).await;
        idempotency.end(&kept, attempt, Some(State::Unknown)).await;
    }
    for _ in 0..2 {
        match idempotency.begin(&key("one-more")).await {
            Err(ApiError::TooManyKeys { retry_after_s }) => {
                assert!((3590..=3600).contains(&retry_after_s), "{retry_after_s}");
            }
            other => panic!("one too many: {other:?}"),
        }
    }
    assert!(is_unknown(&idempotency.begin(&key("kept-0")).await), "what is kept is answered");
    for number in 0..10 {
        first(&idempotency, &keyed(&idempotency, Some("ada"), &format!("k{number}"), &json!({}))).await;
    }
}

#[tokio::test]
async fn a_record_of_another_version_is_an_unknown_outcome() {
    let store = memory();
    let idempotency = over(&store, &["secret"]);
    let keyed = keyed(&idempotency, None, "k", &json!({}));
    for value in [
        &b"nonsense"[..],
        br#"{"v":2,"print":"x","state":"Unknown"}"#,
        br#"{"v":1,"print":"x","state":{"Refused":"own_order"}}"#,
    ] {
        let entry = Entry { value: value.to_vec().into(), owner: None, expires_at_ms: u64::MAX };
        store.put(Space::Idempotency, &keyed.place, entry).await.expect("stored");
        assert!(is_unknown(&idempotency.begin(&keyed).await));
    }
}

#[tokio::test]
async fn a_key_outlives_a_rotation_of_the_secret() {
    let store = memory();
    let at = |texts: &[&str]| over(&store, texts);
    let (before, during, after) = (at(&["old"]), at(&["new", "old"]), at(&["new"]));
    let (same, other) = (json!({ "body": "x" }), json!({ "body": "y" }));
    let mine = keyed(&before, Some("ada"), "k", &same);
    let attempt = first(&before, &mine).await;
    before.end(&mine, attempt, Some(State::Unknown)).await;
    let again = |idempotency, input| (idempotency, keyed(idempotency, Some("ada"), "k", input));
    let (idempotency, keyed) = again(&during, &same);
    assert!(matches!(idempotency.begin(&keyed).await, Ok(Begun::Answered(Err(_)))));
    let (idempotency, keyed) = again(&during, &other);
    assert_eq!(
        code(&idempotency.begin(&keyed).await.expect_err("another")),
        (422, "idempotency_key_reused".into())
    );
    let (idempotency, keyed) = again(&after, &same);
    assert!(idempotency.begin(&keyed).await.is_err(), "the old secret is forgotten");
}
