//! Many documents that become stale together: their readers do not wait, and the services are asked a few at a time.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{StreamExt, future::join_all, stream};
use reqwest::Method;
use serde_json::json;
use tests::{Actor, Fault, TestBff, eventually, figures, soon};

const FEED: &str = "/bff/home-feed";
const USERS: usize = 200;
const AT_ONCE: usize = 3;
const TOKEN: &str = "planted-token-of-the-timeline-service-02";

async fn metric(bff: &TestBff, name: &str) -> usize {
    let text = bff.internal("/metrics").await.expect(200).text();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} is missing")).parse().expect("a whole number")
}

/// What each of them sees changed, as its service says.
async fn becomes_stale(bff: &TestBff, users: &[Actor]) {
    let sender = bff.anonymous().elsewhere(&bff.internal_url());
    for some in users.chunks(100) {
        let tags: Vec<_> = some.iter().map(|user| format!("timeline:{}", user.id())).collect();
        let event = json!({ "topic": "recipe:r", "type": "changed", "tags": tags });
        let request = sender.request(Method::POST, "/events").json(&event);
        let _ = request.header("authorization", &format!("Bearer {TOKEN}")).send().await.expect(202);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_feeds_that_become_stale_together_are_served_at_once_and_refreshed_a_few_at_a_time() {
    let bff = TestBff::builder()
        .set("cache.max_refreshes", AT_ONCE)
        .set("screens.home_feed.fresh_ms", 600_000)
        // The services stand still for as long as the test looks.
        .set("screens.home_feed.deadline_ms", 60_000)
        .set("upstreams.timeline.timeout_ms", 60_000)
        .set("events.timeline.token", TOKEN)
        .alone()
        .spawn()
        .await;
    let names: Vec<_> = (0..USERS).map(|number| format!("user{number}")).collect();
    let users: Vec<Actor> =
        stream::iter(&names).map(|name| bff.signed_in(name)).buffer_unordered(8).collect().await;
    let first = join_all(users.iter().map(async |user| user.get(FEED).await.expect(200))).await;
    becomes_stale(&bff, &users).await;
    bff.clear_journals();
    bff.timeline.fail(Fault::HoldAnswer);

    for _ in 0..2 {
        let answers = join_all(users.iter().map(|user| user.get(FEED))).await;
        for (answer, before) in answers.iter().zip(&first) {
            assert_eq!((answer.status.as_u16(), &answer.body), (200, &before.body), "served as it is");
        }
    }
    soon("the first refreshes", bff.timeline.wait_for(AT_ONCE)).await;
    assert_eq!(metric(&bff, "bff_refreshes_running").await, AT_ONCE);
    assert_eq!(metric(&bff, "bff_refreshes_waiting").await, USERS - AT_ONCE);
    assert_eq!(metric(&bff, "bff_composing").await, AT_ONCE);
    assert_eq!(bff.timeline.requests().len(), AT_ONCE, "{:#?}", bff.call_lines());

    // Readers who wait are not behind them. One more than run: at least one of these waits for its turn.
    let readers = users[..=AT_ONCE]
        .iter()
        .map(|user| user.request(Method::GET, FEED).header("cache-control", "max-age=0").send());
    let (fresh, ()) = tokio::join!(join_all(readers), async {
        soon("a reader's own composition", bff.timeline.wait_for(AT_ONCE + 1)).await;
        bff.timeline.heal().await;
    });
    for answer in fresh {
        assert!(!answer.expect(200).cache_status().contains("; hit"));
    }
    let most = AtomicUsize::new(0);
    eventually("all of them", async || {
        most.fetch_max(metric(&bff, "bff_composing").await, Ordering::Relaxed);
        let (running, waiting) =
            (metric(&bff, "bff_refreshes_running").await, metric(&bff, "bff_refreshes_waiting").await);
        assert!(running <= AT_ONCE, "{running} at once");
        (running + waiting == 0).then_some(())
    })
    .await;
    let most = most.into_inner();
    figures::note("compositions at once while 200 stale feeds are refreshed, three at a time", most);
    // Those of readers have ended with their answers.
    assert!(most <= AT_ONCE, "{most} at once");
    assert_eq!(metric(&bff, "bff_refreshes_expired_total").await, 0);
    assert_eq!(bff.timeline.requests().len(), USERS, "one refresh for each");
    for answer in join_all(users.iter().map(|user| user.get(FEED))).await {
        assert!(answer.is_fresh_hit(), "{}", answer.cache_status());
    }
}
