//! What holds of a key, whoever asks and whatever became of its first request.

use std::{sync::Arc, time::Duration};

use actix_web::{http::StatusCode, test::TestRequest};
use schemas::{FieldError, Id};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{ApiError, Begun, Idempotency, Keyed, Made, State, entry};
use crate::{
    edge::RouteName,
    identity::Secrets,
    store::{Entry, MemoryStore, Space, Store},
};

fn secrets(texts: &[&str]) -> Arc<Secrets> {
    Arc::new(Secrets::new(texts.iter().map(|text| SecretString::from(*text)).collect()))
}

fn idempotency() -> Idempotency {
    Idempotency::new(Arc::new(MemoryStore::new()), secrets(&["secret"]))
}

fn keyed_at(idempotency: &Idempotency, user: Option<&str>, path: &str, key: &str, input: &Value) -> Keyed {
    let request = TestRequest::with_uri(path).insert_header(("idempotency-key", key));
    let request = request.app_data(RouteName("/api/recipes/{id}/comments")).to_http_request();
    let user = user.map(|user| Id::new(user).expect("an id"));
    idempotency.keyed(&request, user.as_ref(), input).expect("a sound key").expect("a key")
}

fn keyed(idempotency: &Idempotency, user: Option<&str>, key: &str, input: &Value) -> Keyed {
    keyed_at(idempotency, user, "/api/recipes/1/comments", key, input)
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
    assert!(matches!(idempotency.begin(&keyed).await, Ok(Begun::First)));
    idempotency.end(&keyed, state).await;
    idempotency.begin(&keyed).await
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
        keyed_at(&idempotency, Some("ada"), "/api/recipes/2/comments", "k", &body),
    ] {
        assert_eq!(mine.place, other.place);
        assert_ne!(mine.print, other.print);
    }
    let elsewhere = Idempotency::new(Arc::new(MemoryStore::new()), secrets(&["another"]));
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
            Begun::First => firsts += 1,
            Begun::InFlight => {}
            Begun::Answered(answer) => panic!("answered by nobody: {answer:?}"),
        }
    }
    assert_eq!(firsts, 1);
}

#[tokio::test]
async fn what_was_answered_is_answered_again() {
    let made = Made::new(&json!({ "title": "밥", "cost": 1.50 })).expect("json");
    let before = serde_json::to_string(&made).expect("json");
    let Ok(Begun::Answered(Ok(made))) = again(Some(State::Made(made))).await else { panic!("made") };
    assert_eq!(serde_json::to_string(&made).expect("json"), before);

    let own_recipe =
        ApiError::Refused { status: StatusCode::FORBIDDEN, code: "own_recipe", detail: "not mine" };
    for (refusal, expected) in
        [(own_recipe, (403, "own_recipe".to_owned())), (ApiError::NotFound, (0, "not_found".to_owned()))]
    {
        let Ok(Begun::Answered(Err(error))) = again(State::of_refusal(&refusal)).await else {
            panic!("refused")
        };
        assert_eq!(code(&error), expected);
    }
    let field = FieldError { field: "title".into(), code: "too_long".into(), message: "x".into() };
    let state = State::of_refusal(&ApiError::Invalid(vec![field.clone()]));
    let Ok(Begun::Answered(Err(ApiError::Invalid(errors)))) = again(state).await else { panic!("invalid") };
    assert_eq!(errors, [field]);
}

#[tokio::test]
async fn what_was_not_carried_out_may_be_tried_again_and_what_may_have_been_may_not() {
    assert!(matches!(again(None).await, Ok(Begun::First)));
    let Ok(Begun::Answered(Err(error))) = again(Some(State::Unknown)).await else { panic!("unknown") };
    assert_eq!(code(&error), (409, "idempotency_outcome_unknown".into()));
    assert!(State::of_refusal(&ApiError::Internal("x")).is_none());
    // A refusal that this version no longer knows.
    let Ok(Begun::Answered(Err(error))) = again(Some(State::Refused("unheard_of".into()))).await else {
        panic!("unknown")
    };
    assert_eq!(code(&error), (409, "idempotency_outcome_unknown".into()));
}

#[tokio::test]
async fn another_request_under_the_same_key_is_refused_in_every_state() {
    let idempotency = idempotency();
    let first = keyed(&idempotency, Some("ada"), "k", &json!({ "n": 1 }));
    let other = keyed(&idempotency, Some("ada"), "k", &json!({ "n": 2 }));
    assert!(matches!(idempotency.begin(&first).await, Ok(Begun::First)));
    for state in [None, Some(State::Unknown)] {
        let refused = idempotency.begin(&other).await.expect_err("another request");
        assert_eq!(code(&refused), (422, "idempotency_key_reused".into()), "{state:?}");
        if state.is_some() {
            idempotency.end(&first, state).await;
        }
    }
}

#[tokio::test]
async fn a_key_whose_flight_never_ended_is_free_after_a_while() {
    let store = Arc::new(MemoryStore::new());
    let idempotency = Idempotency::new(Arc::clone(&store) as Arc<dyn Store>, secrets(&["secret"]));
    let keyed = keyed(&idempotency, None, "k", &json!({}));
    let crashed = entry(&keyed, State::InFlight, Duration::from_millis(30)).expect("an entry");
    store.put(Space::Idempotency, &keyed.place, crashed).await.expect("stored");
    assert!(matches!(idempotency.begin(&keyed).await, Ok(Begun::InFlight)));
    tokio::time::sleep(Duration::from_millis(40)).await;
    assert!(matches!(idempotency.begin(&keyed).await, Ok(Begun::First)));
}

#[tokio::test]
async fn a_record_of_another_version_is_an_unknown_outcome() {
    let store = Arc::new(MemoryStore::new());
    let idempotency = Idempotency::new(Arc::clone(&store) as Arc<dyn Store>, secrets(&["secret"]));
    let keyed = keyed(&idempotency, None, "k", &json!({}));
    for value in [&b"nonsense"[..], br#"{"v":2,"print":"x","state":"InFlight"}"#] {
        let entry = Entry { value: value.to_vec().into(), owner: None, expires_at_ms: u64::MAX };
        store.put(Space::Idempotency, &keyed.place, entry).await.expect("stored");
        let Ok(Begun::Answered(Err(error))) = idempotency.begin(&keyed).await else { panic!("unknown") };
        assert_eq!(code(&error), (409, "idempotency_outcome_unknown".into()));
    }
}

#[tokio::test]
async fn a_key_outlives_a_rotation_of_the_secret() {
    let store = Arc::new(MemoryStore::new());
    let at = |texts: &[&str]| Idempotency::new(Arc::clone(&store) as Arc<dyn Store>, secrets(texts));
    let (before, during, after) = (at(&["old"]), at(&["new", "old"]), at(&["new"]));
    let (same, other) = (json!({ "body": "x" }), json!({ "body": "y" }));
    let first = keyed(&before, Some("ada"), "k", &same);
    assert!(matches!(before.begin(&first).await, Ok(Begun::First)));
    before.end(&first, Some(State::Refused("own_recipe".into()))).await;
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
