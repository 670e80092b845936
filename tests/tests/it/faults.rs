//! Each upstream, failing in each way: what callers get, how soon, and what is left afterwards.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::{Actor, Answer, Fault, HUGE, PLANTED, Proxy, TestBff, figures};

use crate::fixtures::{follow, post_about, publish, texts, titles};

const FEED: &str = "/bff/home-feed";

/// The screen's deadline.
const DEADLINE: Duration = Duration::from_millis(800);
/// What a busy machine may add to it: less than there is to an upstream's own timeout (2 s). The figure tells the rest.
const SLACK: Duration = Duration::from_millis(1000);

/// A system with one cook, who wrote a recipe and a post about it.
async fn fixtures() -> (TestBff, Actor) {
    let bff = TestBff::builder().shipped_times().alone().spawn().await;
    let cook = bff.signed_in("cook").await;
    let recipe = publish(&cook, "Rice with eggs").await;
    post_about(&cook, "Try this", &recipe).await;
    (bff, cook)
}

/// Somebody whose feed nobody has asked for yet.
async fn newcomer(bff: &TestBff, cook: &Actor, number: usize) -> Actor {
    let newcomer = bff.signed_in(&format!("newcomer{number}")).await;
    follow(&newcomer, cook).await;
    newcomer
}

/// Every way to fail, and what `degraded` says of it. `None`: the upstream is not there at all.
fn failures(elsewhere: &Proxy) -> Vec<(Option<Fault>, &'static str)> {
    vec![
        (None, "unavailable"),
        (Some(Fault::Reset), "unavailable"),
        (Some(Fault::LoseAnswer), "unavailable"),
        (Some(Fault::BlackHole), "timeout"),
        (Some(Fault::Stall), "timeout"),
        (Some(Fault::Delay(Duration::from_secs(5))), "timeout"),
        (Some(Fault::Status500), "unavailable"),
        (Some(Fault::Status(503)), "unavailable"),
        (Some(Fault::Status(400)), "rejected"),
        (Some(Fault::Status(401)), "rejected"),
        (Some(Fault::Status(429)), "overloaded"),
        (Some(Fault::Garbage), "invalid"),
        (Some(Fault::GarbageJson), "invalid"),
        (Some(Fault::WrongShape), "invalid"),
        (Some(Fault::CutBody), "invalid"),
        (Some(Fault::Huge { announced: true }), "invalid"),
        (Some(Fault::Huge { announced: false }), "invalid"),
        (Some(Fault::Redirect(elsewhere.url())), "invalid"),
    ]
}

async fn set(proxy: &Proxy, fault: Option<&Fault>) {
    match fault {
        Some(fault) => proxy.fail(fault.clone()),
        None => proxy.refuse().await,
    }
}

fn assert_in_time(answer: &Answer, what: &str) {
    assert!(answer.took <= DEADLINE + SLACK, "{what}: {:?}", answer.took);
    assert!(!answer.text().contains(PLANTED), "{what}: {}", answer.text());
}

pub(crate) fn degraded(feed: &Value) -> Vec<(&str, &str, &str)> {
    let text = |part: &'_ Value, key: &str| -> String { part[key].as_str().expect("a word").to_owned() };
    let parts = feed["degraded"].as_array().expect("a list");
    parts
        .iter()
        .map(|part| {
            assert_eq!(crate::fixtures::keys(part), ["part", "reason", "status"], "{}", text(part, "part"));
            (
                part["part"].as_str().expect("a word"),
                part["status"].as_str().expect("a word"),
                part["reason"].as_str().expect("a word"),
            )
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_timeline_service_the_feed_has_no_posts_and_says_why() {
    let (bff, cook) = fixtures().await;
    let elsewhere = Proxy::listen().await.expect("a port");
    let mut slowest = Duration::ZERO;
    for (number, (fault, reason)) in failures(&elsewhere).into_iter().enumerate() {
        let reader = newcomer(&bff, &cook, number).await;
        set(&bff.timeline, fault.as_ref()).await;
        let answer = reader.get(FEED).await.expect(200);
        let what = format!("{fault:?}");
        assert_in_time(&answer, &what);
        slowest = slowest.max(answer.took);
        let feed = answer.json();
        assert_eq!(degraded(&feed), [("posts", "missing", reason)], "{what}");
        assert_eq!((&feed["posts"], &feed["nextCursor"]), (&Value::Null, &Value::Null), "{what}");
        assert_eq!(titles(&feed), ["Rice with eggs"], "{what}");
        assert_eq!(feed["recipes"][0]["author"]["username"], "cook", "{what}");
        assert!(answer.cache_status().contains("detail=degraded"), "{what}: {}", answer.cache_status());
        bff.heal().await;
    }
    figures::note(
        "slowest feed without the timeline service (limit 900 ms)",
        format!("{} ms", slowest.as_millis()),
    );
    assert_eq!(elsewhere.requests().len(), 0, "redirects of upstreams are not followed");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_recipe_service_the_feed_has_no_recipes_and_says_why() {
    let (bff, cook) = fixtures().await;
    let elsewhere = Proxy::listen().await.expect("a port");
    for (number, (fault, reason)) in failures(&elsewhere).into_iter().enumerate() {
        let reader = newcomer(&bff, &cook, number).await;
        set(&bff.recipe, fault.as_ref()).await;
        let answer = reader.get(FEED).await.expect(200);
        let what = format!("{fault:?}");
        assert_in_time(&answer, &what);
        let feed = answer.json();
        assert_eq!(degraded(&feed), [("recipes", "missing", reason)], "{what}");
        assert_eq!((texts(&feed), &feed["recipes"]), (vec!["Try this".to_owned()], &Value::Null), "{what}");
        assert_eq!(feed["posts"][0]["recipe"], Value::Null, "{what}");
        assert_eq!(feed["posts"][0]["author"]["username"], "cook", "{what}");
        bff.heal().await;
    }
    assert_eq!(elsewhere.requests().len(), 0, "redirects of upstreams are not followed");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_profile_service_there_is_no_feed_and_nothing_of_the_upstream_gets_out() {
    let (bff, cook) = fixtures().await;
    let elsewhere = Proxy::listen().await.expect("a port");
    for (number, (fault, reason)) in failures(&elsewhere).into_iter().enumerate() {
        let reader = newcomer(&bff, &cook, number).await;
        set(&bff.profile, fault.as_ref()).await;
        let answer = reader.get(FEED).await;
        let what = format!("{fault:?}");
        assert_in_time(&answer, &what);
        match reason {
            "timeout" => answer.expect_problem(504, "upstream_timeout"),
            "overloaded" => answer.expect_problem(503, "overloaded"),
            _ => answer.expect_problem(502, "upstream_unavailable"),
        }
        // A failure is not kept: the next request finds the service healed.
        bff.heal().await;
        assert_eq!(reader.get(FEED).await.expect(200).json()["degraded"], json!([]), "{what}");
    }
    assert_eq!(elsewhere.requests().len(), 0, "redirects of upstreams are not followed");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_cards_the_feed_names_no_authors_and_no_recipes_of_posts() {
    let (bff, cook) = fixtures().await;
    let reader = newcomer(&bff, &cook, 0).await;
    tokio::time::sleep(Duration::from_millis(2100)).await; // cards are shared and kept for 2 s
    bff.profile.fail_on("/members?ids=", Fault::BlackHole);
    let answer = reader.get(FEED).await.expect(200);
    assert_in_time(&answer, "authors");
    let feed = answer.json();
    assert_eq!(degraded(&feed), [("authors", "missing", "timeout")]);
    assert_eq!(feed["posts"][0]["author"], Value::Null);
    assert_eq!(feed["recipes"][0]["author"], Value::Null);
    assert_eq!(feed["profile"]["username"], "newcomer0");

    bff.heal().await;
    let reader = newcomer(&bff, &cook, 1).await;
    bff.recipe.fail_on("/recipes/cards", Fault::Status500);
    let feed = reader.get(FEED).await.expect(200).json();
    assert_eq!(feed["posts"][0]["recipe"], Value::Null);
    assert_eq!(titles(&feed), ["Rice with eggs"]);
    assert_eq!(feed["degraded"][0]["part"], "recipes");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_posts_and_recipes_there_is_no_feed() {
    let (bff, cook) = fixtures().await;
    let reader = newcomer(&bff, &cook, 0).await;
    bff.timeline.refuse().await;
    bff.recipe.fail(Fault::Garbage);
    reader.get(FEED).await.expect_problem(502, "upstream_unavailable");
    bff.timeline.fail(Fault::BlackHole);
    bff.timeline.heal().await;
    bff.timeline.fail(Fault::BlackHole);
    bff.recipe.fail(Fault::BlackHole);
    let answer = reader.get(FEED).await;
    answer.expect_problem(504, "upstream_timeout");
    assert_in_time(&answer, "both hanging");
    bff.heal().await;
    assert_eq!(reader.get(FEED).await.expect(200).json()["degraded"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_no_longer_matter_are_stopped() {
    let (bff, cook) = fixtures().await;
    let reader = newcomer(&bff, &cook, 0).await;
    bff.recipe.fail(Fault::BlackHole);
    let _ = reader.get(FEED).await.expect(200);
    tests::soon("the hanging call to end", bff.recipe.wait_for_abandoned(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_of_64_mib_are_not_held_in_memory() {
    let (bff, cook) = fixtures().await;
    let mut readers = Vec::new();
    for number in 0..20 {
        readers.push(newcomer(&bff, &cook, number).await);
    }
    let (_, before) = bff.memory_kib();
    bff.recipe.fail(Fault::Huge { announced: false });
    bff.timeline.fail(Fault::Huge { announced: true });
    for answer in join_all(readers.iter().map(|reader| reader.get(FEED))).await {
        assert!(matches!(answer.status.as_u16(), 502 | 504), "{}", answer.text());
        assert!(answer.took <= DEADLINE + SLACK, "{:?}", answer.took);
    }
    let (_, peak) = bff.memory_kib();
    let grown = (peak - before) / 1024;
    figures::note("memory grown by 40 bodies of 64 MiB at once", format!("{grown} MiB"));
    assert!(grown < 128, "{grown} MiB");
    let sent = bff.recipe.bytes_sent() + bff.timeline.bytes_sent();
    assert!(sent < 40 * HUGE as u64 / 4, "the gateway stops reading: {} MiB were sent", sent >> 20);
}
