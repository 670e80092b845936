//! Life of a document after its fresh time.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use tests::{TestBff, eventually, figures, soon};
use upstreams::Service;

use crate::fixtures::{post, texts};

const FEED: &str = "/bff/home-feed";

#[tokio::test(flavor = "multi_thread")]
async fn after_the_fresh_time_it_is_served_at_once_while_one_refresh_runs() {
    let bff = TestBff::builder()
        // Counted from the fetch: a refresh that takes 2 s has 1 s of it left.
        .set("screens.home_feed.fresh_ms", 3000)
        .set("screens.home_feed.deadline_ms", 5000)
        .set("upstreams.profile.timeout_ms", 4000)
        .set("upstreams.timeline.timeout_ms", 4000)
        .set("upstreams.recipe.timeout_ms", 4000)
        .alone()
        .spawn()
        .await;
    let ada = bff.signed_in("ada").await;
    post(&ada, "old").await;
    let before = ada.get(FEED).await.expect(200);
    assert_eq!(texts(&before.json()), ["old"]);

    // Past the gateway, so that it cannot know.
    let timeline = bff.direct(Service::Timeline, Some(&ada.id())).await;
    let _ = timeline.post("/posts", &json!({ "text": "new" })).await.expect(201);
    for proxy in bff.proxies() {
        proxy.delay(Duration::from_secs(2));
    }
    bff.clear_journals();
    tokio::time::sleep(Duration::from_millis(3400)).await;

    let mut slowest = Duration::ZERO;
    for _ in 0..10 {
        for answer in join_all((0..20).map(|_| ada.get(FEED))).await {
            assert_eq!((answer.status.as_u16(), &answer.body), (200, &before.body));
            assert!(
                answer.cache_status().contains("hit; ttl=-") || answer.cache_status().contains("hit; ttl=0")
            );
            slowest = slowest.max(answer.took);
        }
    }
    figures::note("slowest of 200 stale answers, upstreams 2 s slow", format!("{} ms", slowest.as_millis()));
    assert!(slowest < Duration::from_millis(150), "{slowest:?}");

    let after = eventually("the refreshed document", || async {
        let answer = ada.get(FEED).await;
        (answer.etag() != before.etag()).then_some(answer)
    })
    .await;
    assert_eq!(texts(&after.json()), ["new", "old"]);
    // The first part of each upstream was asked for once.
    assert_eq!(bff.timeline.requests().len(), 1, "{:#?}", bff.call_lines());
    let mut lines = bff.call_lines();
    let all = lines.len();
    lines.dedup();
    assert_eq!(lines.len(), all, "no call was made twice: {lines:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_that_fails_leaves_the_old_document_in_its_place() {
    let bff = TestBff::builder().set("screens.home_feed.fresh_ms", 100).spawn().await;
    let ada = bff.signed_in("ada").await;
    post(&ada, "old").await;
    let before = ada.get(FEED).await.expect(200);
    bff.profile.refuse().await;
    bff.timeline.clear();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let stale = ada.get(FEED).await.expect(200);
    assert_eq!(stale.body, before.body);
    soon("the refresh", bff.timeline.wait_for(1)).await;
    for _ in 0..20 {
        assert_eq!(ada.get(FEED).await.expect(200).body, before.body);
    }
    bff.profile.heal().await;
    eventually("a fresh document", || async { ada.get(FEED).await.is_fresh_hit().then_some(()) }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn age_grows_and_what_is_left_of_the_fresh_time_shrinks() {
    let bff = TestBff::builder()
        .set("screens.home_feed.fresh_ms", 3000)
        .set("cache.jitter_percent", 0)
        .spawn()
        .await;
    let ada = bff.signed_in("ada").await;
    let cold = ada.get(FEED).await.expect(200);
    assert_eq!(cold.header("age"), Some("0"));
    assert!(cold.cache_status().starts_with("bff; fwd=uri-miss"), "{}", cold.cache_status());
    assert!(cold.cache_status().contains("; stored"), "{}", cold.cache_status());
    let hit = ada.get(FEED).await.expect(200);
    assert!(matches!(hit.cache_status(), "bff; hit; ttl=2" | "bff; hit; ttl=3"), "{}", hit.cache_status());
    let older = eventually("a second to pass", || async {
        let answer = ada.get(FEED).await;
        (answer.header("age") != Some("0")).then_some(answer)
    })
    .await;
    assert_eq!(older.header("age"), Some("1"));
    assert!(
        matches!(older.cache_status(), "bff; hit; ttl=1" | "bff; hit; ttl=2"),
        "{}",
        older.cache_status()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_data_gives_an_equal_etag_across_restarts() {
    let mut bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    post(&ada, "the same").await;
    let before = ada.get(FEED).await.expect(200);
    bff.terminate().await;
    assert!(bff.ended().await.success());
    bff.restart().await;
    let after = ada.at(&bff.url()).get(FEED).await.expect(200);
    assert!(after.cache_status().contains("fwd"), "{}", after.cache_status());
    assert_eq!((after.etag(), &after.body), (before.etag(), &before.body));
}
