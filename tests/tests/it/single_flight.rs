//! Many ask for the same document at once: it is composed once.

use std::time::Duration;

use futures_util::future::{join, join_all};
use tests::{Actor, Fault, TestBff, figures, soon};

use crate::fixtures::{follow, post_about, publish};

const FEED: &str = "/bff/home-feed";
const CALLERS: usize = 200;

/// Two members whose feeds take the same calls. Cards are not kept, so that neither profits from the other.
async fn twins() -> (TestBff, Actor, Actor) {
    let bff = TestBff::builder().set("cache.cards_fresh_ms", 0).spawn().await;
    let cook = bff.signed_in("cook").await;
    let recipe = publish(&cook, "Rice with eggs").await;
    post_about(&cook, "Try this", &recipe).await;
    let (ada, bob) = (bff.signed_in("ada").await, bff.signed_in("bob").await);
    follow(&ada, &cook).await;
    follow(&bob, &cook).await;
    (bff, ada, bob)
}

/// The calls of one cold feed.
async fn calls_of_one(bff: &TestBff, reader: &Actor) -> usize {
    bff.clear_journals();
    let _ = reader.get(FEED).await.expect(200);
    let calls = bff.calls();
    bff.clear_journals();
    calls
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_requests_at_once_for_a_cold_user_make_the_calls_of_one() {
    let (bff, ada, bob) = twins().await;
    let one = calls_of_one(&bff, &ada).await;
    // Long enough for all of them to arrive while it is composed.
    bff.timeline.delay(Duration::from_millis(300));
    let answers = join_all((0..CALLERS).map(|_| bob.get(FEED))).await;
    let calls = bff.call_lines();
    assert_eq!(calls.len(), one, "{calls:#?}");
    figures::note(
        "upstream calls of 200 simultaneous cold requests (of one)",
        format!("{} ({one})", calls.len()),
    );
    for answer in &answers {
        assert_eq!(
            (answer.status, &answer.body, answer.etag()),
            (answers[0].status, &answers[0].body, answers[0].etag())
        );
    }
    assert_eq!(answers[0].status, 200);
    assert!(answers.iter().any(|answer| answer.cache_status().contains("collapsed")));
}

#[tokio::test(flavor = "multi_thread")]
async fn also_when_the_first_of_them_is_cut_off() {
    let (bff, ada, bob) = twins().await;
    let one = calls_of_one(&bff, &ada).await;
    bff.timeline.fail(Fault::Hold);
    let first = tokio::spawn({
        let bob = bob.clone();
        async move { bob.get(FEED).await }
    });
    soon("the first composition", bff.timeline.wait_for(1)).await;
    let others = join_all((1..CALLERS).map(|_| bob.get(FEED)));
    let cut = async {
        // Its connection is closed under the gateway while the others wait with it.
        first.abort();
        assert!(first.await.is_err_and(|error| error.is_cancelled()));
        bff.timeline.heal().await;
    };
    let (others, ()) = join(others, cut).await;
    assert_eq!(bff.calls(), one, "{:#?}", bff.call_lines());
    for answer in &others {
        assert_eq!((answer.status.as_u16(), &answer.body), (200, &others[0].body));
    }
    assert_eq!(others[0].json()["degraded"], serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_composition_that_nobody_waits_for_any_more_still_fills_the_cache() {
    let (bff, _, bob) = twins().await;
    bff.clear_journals();
    bff.timeline.fail(Fault::Hold);
    let only = tokio::spawn({
        let bob = bob.clone();
        async move { bob.get(FEED).await }
    });
    soon("its composition", bff.timeline.wait_for(1)).await;
    only.abort();
    assert!(only.await.is_err());
    bff.clear_journals();
    bff.timeline.heal().await;
    let later = bob.get(FEED).await.expect(200);
    assert_eq!(later.json()["degraded"], serde_json::json!([]));
    let again = bff.call_lines().iter().filter(|line| line.starts_with("timeline")).count();
    assert_eq!(again, 0, "the first one's call was used: {:#?}", bff.call_lines());
}

#[tokio::test(flavor = "multi_thread")]
async fn different_documents_of_one_user_are_composed_side_by_side() {
    let (bff, ada, _) = twins().await;
    bff.timeline.fail(Fault::Hold);
    let paths = [FEED.to_owned(), format!("{FEED}?limit=1"), format!("{FEED}?limit=2")];
    let answers = join_all(paths.iter().map(|path| ada.get(path)));
    let released = async {
        soon("three compositions", bff.timeline.wait_for(3)).await;
        bff.timeline.heal().await;
    };
    let (answers, ()) = join(answers, released).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
}
