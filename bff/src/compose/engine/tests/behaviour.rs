//! Calls, deadlines, memory and the order of fields, by the example of a feed.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::feed::{Feed, TIMES, asked, user};
use super::feed_plan::engine;
use crate::compose::{
    ComposeError, PartFailure,
    engine::{JOIN_TIMEOUT, Previous, RawDocument, RouteEngine, Times, Uncomposable},
    plan::{TagTemplate, Value as Placed},
    scan::Capture,
};

/// Compositions outlive the request that started them, on any thread.
fn sendable<F: Future + Send>(future: F) -> F {
    future
}

async fn compose(
    feed: &Feed,
    previous: Option<&RawDocument>,
    times: Times,
) -> Result<RawDocument, Uncomposable> {
    let previous =
        previous.map(|document| Previous { kept: &document.kept, reuse_after: None, foresees: false });
    sendable(engine().compose(feed, &asked(&user()), previous, times)).await
}

fn json_of(document: &RawDocument) -> Value {
    serde_json::from_slice(&document.body.in_a_row()).expect("JSON")
}

#[tokio::test]
async fn a_join_is_one_call_for_each_step_and_a_chain_is_foreseen() {
    let feed = Feed::new();
    let first = compose(&feed, None, TIMES).await.expect("composed");
    assert_eq!(
        feed.calls(),
        ["me", "posts", "offers", "cards", "members", "members"],
        "nothing was foreseen yet"
    );
    let again = compose(&feed, None, TIMES).await.expect("composed");
    assert_eq!(feed.calls(), ["me", "posts", "offers", "cards", "members"]);
    assert_eq!(again.body.in_a_row(), first.body.in_a_row());
    let feed = json_of(&first);
    assert_eq!(feed["posts"][3]["author"]["username"], "member3");
    assert_eq!(feed["posts"][3]["authorId"], Value::Null, "it is hidden");
    assert_eq!(feed["posts"][11]["card"]["author"]["username"], "member21");
    assert_eq!(feed["offers"][9]["author"]["username"], "member13");
    assert_eq!((&feed["nextCursor"], &feed["degraded"]), (&json!("abcdefgh"), &json!([])));
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "the figure is what the test is for")]
async fn what_is_kept_of_a_document_is_a_small_part_of_it() {
    let document = compose(&Feed::new(), None, TIMES).await.expect("composed");
    let body = document.body.len();
    let kept = document.kept.heap_size(body) + size_of_val(&document.kept);
    println!("{body} bytes, and {kept} for what is kept: {} of tags", 4 * document.kept.tags().len());
    assert!(body > 12_000, "{body}");
    assert!(kept * 20 <= body * 3, "{kept} bytes for {body}");
    assert_eq!(document.kept.heap_size(body), document.kept.heap_size(0) - body, "nothing is hidden: {kept}");
}

#[tokio::test]
async fn parts_that_are_still_good_are_not_called_and_failed_ones_are_stood_in_for() {
    let mut feed = Feed::new();
    let first = compose(&feed, None, TIMES).await.expect("composed");
    feed.calls();
    let again = compose(&feed, Some(&first), TIMES).await.expect("composed");
    assert_eq!((feed.calls(), again.body.in_a_row()), (Vec::new(), first.body.in_a_row()));
    feed.failing = vec!["posts", "members"];
    let none_is_fresh = Times { fresh: Duration::ZERO, ..TIMES };
    let stale = compose(&feed, Some(&again), none_is_fresh).await.expect("composed");
    let (expected, mut actual) = (json_of(&first), json_of(&stale));
    let degraded = |part, status| json!({ "part": part, "status": status, "reason": "unavailable" });
    assert_eq!(actual["degraded"], json!([degraded("posts", "stale"), degraded("authors", "stale")]));
    actual["degraded"] = json!([]);
    assert_eq!(actual, expected);
    assert!(stale.made_at <= first.made_at, "it is as old as the oldest of its parts");
    assert!(first.is_complete() && !stale.is_complete());
}

#[tokio::test]
async fn a_required_part_ends_it_at_once_and_what_came_is_kept() {
    let mut feed = Feed::new();
    (feed.failing, feed.hanging) = (vec!["me"], vec!["offers"]);
    let failed = compose(&feed, None, TIMES).await.expect_err("it is required");
    assert!(matches!(failed.error, ComposeError::Required { part: "me", .. }), "{failed:?}");
    // The order in which calls are looked at is the engine's: what came after the failure is not waited for.
    feed.calls();
    (feed.failing, feed.hanging) = (Vec::new(), Vec::new());
    let kept = failed.kept;
    let previous = kept.as_ref().map(|kept| Previous { kept, reuse_after: None, foresees: false });
    let composed = engine().compose(&feed, &asked(&user()), previous, TIMES).await.expect("composed");
    let calls = feed.calls();
    assert!(calls.iter().any(|call| call == "me") && calls.iter().any(|call| call == "offers"), "{calls:?}");
    assert_eq!(calls.iter().any(|call| call == "posts"), kept.is_none(), "{calls:?}");
    assert_eq!(json_of(&composed)["degraded"], json!([]));
}

#[tokio::test]
async fn what_hangs_costs_its_share_and_no_more() {
    let mut feed = Feed::new();
    feed.hanging = vec!["posts", "members"];
    let short = Times { deadline: Duration::from_millis(60), ..TIMES };
    let began = Instant::now();
    let document = compose(&feed, None, short).await.expect("composed");
    assert!(began.elapsed() >= Duration::from_millis(60));
    let document = json_of(&document);
    let degraded = |part| json!({ "part": part, "status": "missing", "reason": "timeout" });
    assert_eq!(document["degraded"], json!([degraded("posts"), degraded("authors")]));
    assert_eq!((&document["posts"], &document["offers"][0]["author"]), (&Value::Null, &Value::Null));
    assert_eq!(feed.calls(), ["me", "posts", "offers", "members"], "authors of what did come were asked for");
    feed.hanging = vec!["posts", "offers"];
    let failed = compose(&feed, None, short).await.expect_err("nothing is left");
    assert!(
        matches!(failed.error, ComposeError::NothingLeft { reason: schemas::Reason::Timeout, .. }),
        "{failed:?}"
    );
}

#[tokio::test]
async fn fields_are_handed_out_behind_what_is_required_and_none_waits_for_another() {
    let mut feed = Feed::new();
    feed.streamed = true;
    let streamed = compose(&feed, None, TIMES).await.expect("composed");
    let handed_out = std::mem::take(&mut *feed.handed_out.lock().expect("not poisoned"));
    assert_eq!(handed_out.first(), Some(&"me"));
    assert_eq!(handed_out.len(), 4, "{handed_out:?}");
    let mut calls = feed.calls();
    calls.sort();
    assert_eq!(
        calls,
        ["cards", "me", "members", "members", "members", "offers", "posts"],
        "each list by itself"
    );
    feed.streamed = false;
    let whole = compose(&feed, None, TIMES).await.expect("composed");
    assert_eq!(whole.body.in_a_row(), streamed.body.in_a_row());
    (feed.streamed, feed.hanging) = (true, vec!["posts"]);
    let short = Times { deadline: Duration::from_millis(40), ..TIMES };
    compose(&feed, None, short).await.expect("composed");
    assert_eq!(
        *feed.handed_out.lock().expect("not poisoned"),
        ["me", "offers"],
        "what is missing comes with the end"
    );
}

#[tokio::test]
async fn a_routes_answer_is_joined_within_its_time() {
    let mut feed = Feed::new();
    let (mut route, lookups) = super::feed_plan::route();
    let tag = |path| TagTemplate { kind: "post".into(), id: Some(Placed::Response(Capture(path))) };
    route.drops = [9, 77].map(tag).into();
    let engine = RouteEngine::new(Arc::new(route), &lookups).expect("look-ups");
    let user = user();
    let posts = feed.parts[1].clone();
    let answer = engine.answer(&feed, &asked(&user), posts.clone(), JOIN_TIMEOUT).await.expect("joined");
    let json: Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(json["items"][3]["author"]["username"], "member3");
    assert_eq!(json["nextCursor"], "abcdefgh", "what stands beside the items leaves as well");
    assert!(answer.complete);
    let first = json["items"][0]["id"].as_str().expect("an id");
    assert_eq!(answer.found, [(Capture(9), first.into())], "what the route names, where it is there");
    feed.failing = vec!["members"];
    let answer = engine.answer(&feed, &asked(&user), posts.clone(), JOIN_TIMEOUT).await.expect("joined");
    let json: Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!((&json["items"][3]["author"], &json["items"][3]["likeCount"]), (&Value::Null, &json!(3)));
    assert!(!answer.complete);
    (feed.failing, feed.hanging) = (vec![], vec!["members"]);
    let began = Instant::now();
    let answer = engine.answer(&feed, &asked(&user), posts, Duration::from_millis(40)).await.expect("joined");
    assert!(began.elapsed() >= Duration::from_millis(40) && !answer.complete);
    let json: Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(json["items"][3]["author"], Value::Null);
    let broken = engine.answer(&feed, &asked(&user), "[1}".into(), JOIN_TIMEOUT).await;
    assert!(matches!(broken, Err(PartFailure::Invalid(_))), "{broken:?}");
}
