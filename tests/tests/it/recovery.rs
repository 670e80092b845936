//! Old copies during an outage, and what is fetched after it.

use std::time::Duration;

use serde_json::json;
use tests::{Fault, TestBff, eventually};

use crate::{
    faults::degraded,
    fixtures::{post_about, publish, texts, titles},
};

const FEED: &str = "/bff/home-feed";

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_older_document_outlives_an_outage() {
    let bff = TestBff::builder()
        .set("screens.home_feed.fresh_ms", 100)
        .set("screens.home_feed.stale_ms", 0)
        .spawn()
        .await;
    let cook = bff.signed_in("cook").await;
    let recipe = publish(&cook, "Rice with eggs").await;
    post_about(&cook, "Try this", &recipe).await;
    let whole = cook.get(FEED).await.expect(200);
    for proxy in bff.proxies() {
        proxy.refuse().await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let old = cook.get(FEED).await.expect(200);
    assert_eq!((&old.body, old.etag()), (&whole.body, whole.etag()));
    assert!(
        old.cache_status().contains("fwd=stale") && old.cache_status().contains("stale-if-error"),
        "{}",
        old.cache_status()
    );
    let known = cook.request(reqwest::Method::GET, FEED).header("if-none-match", whole.etag()).send().await;
    assert_eq!(known.status, 304);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_fails_is_stood_in_for_by_its_last_good_copy() {
    let bff = TestBff::builder()
        .set("screens.home_feed.fresh_ms", 100)
        .set("screens.home_feed.stale_ms", 0)
        .spawn()
        .await;
    let cook = bff.signed_in("cook").await;
    let recipe = publish(&cook, "Rice with eggs").await;
    post_about(&cook, "Try this", &recipe).await;
    let whole = cook.get(FEED).await.expect(200).json();
    bff.timeline.fail(Fault::Status500);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let feed = cook.get(FEED).await.expect(200).json();
    assert_eq!(degraded(&feed), [("posts", "stale", "unavailable")]);
    assert_eq!((&feed["posts"], &feed["recipes"]), (&whole["posts"], &whole["recipes"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_healing_only_the_failed_part_is_fetched_again() {
    let bff = TestBff::builder()
        .set("screens.home_feed.fresh_ms", 60_000)
        .set("screens.home_feed.degraded_ms", 200)
        .spawn()
        .await;
    let cook = bff.signed_in("cook").await;
    let recipe = publish(&cook, "Rice with eggs").await;
    post_about(&cook, "Try this", &recipe).await;
    for (broken, part) in [(&bff.recipe, "recipes"), (&bff.timeline, "posts")] {
        broken.fail(Fault::Status500);
        // A document of its own for each round.
        let path = format!("{FEED}?limit={}", part.len());
        let feed = cook.get(&path).await.expect(200).json();
        assert_eq!(degraded(&feed), [(part, "missing", "unavailable")]);
        broken.heal().await;
        bff.clear_journals();
        let whole = eventually("the whole document", || async {
            let feed = cook.get(&path).await.expect(200).json();
            (feed["degraded"] == json!([])).then_some(feed)
        })
        .await;
        assert_eq!(
            (texts(&whole), titles(&whole)),
            (vec!["Try this".to_owned()], vec!["Rice with eggs".to_owned()])
        );
        let calls = bff.call_lines();
        let upstream = if part == "posts" { "timeline" } else { "recipe" };
        // The post's recipe card could not be looked up before either.
        let expected = |line: &String| line.starts_with(upstream) || line.contains("/recipes/cards?ids=");
        assert!(!calls.is_empty() && calls.iter().all(expected), "{part}: {calls:#?}");
        let first_step = calls.iter().filter(|line| !line.contains("ids=")).count();
        assert_eq!(first_step, 1, "{part}: {calls:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_degraded_document_is_kept_for_a_moment_and_not_longer() {
    let bff = TestBff::builder().set("screens.home_feed.degraded_ms", 400).spawn().await;
    let ada = bff.signed_in("ada").await;
    bff.timeline.fail(Fault::Status500);
    let first = ada.get(FEED).await.expect(200);
    bff.timeline.clear();
    for _ in 0..5 {
        assert_eq!(ada.get(FEED).await.expect(200).body, first.body);
    }
    assert!(bff.timeline.requests().len() <= 1, "an outage is not hammered");
    bff.heal().await;
    // A whole one would be kept for a minute.
    eventually("the whole document", || async {
        (ada.get(FEED).await.json()["degraded"] == json!([])).then_some(())
    })
    .await;
}
