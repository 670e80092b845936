//! What members take along.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Fault, TestBff};

use super::{builder, settle};
use crate::fixtures::{post, publish};

const EXPORT: &str = "/api/me/export";

#[tokio::test(flavor = "multi_thread")]
async fn an_export_has_everything_of_the_member_and_nothing_of_others() {
    let bff = builder().spawn().await;
    let bora = bff.signed_in("bora").await;
    let (recipe, written) = (publish(&bora, "Bora's").await, post(&bora, "Bora's own").await);
    let ada = settle(&bff, "ada", &bora, &recipe, &written).await;
    // More than one page of it.
    for number in 0..130 {
        post(&ada, &format!("post {number}")).await;
    }
    let answer = ada.get(EXPORT).await.expect(200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(answer.header("content-disposition").is_some_and(|value| value.starts_with("attachment")));
    assert!(answer.header("content-length").is_none(), "it is sent as it is gathered");
    let export = answer.json();
    assert_eq!((&export["member"], &export["incomplete"]), (&json!(ada.id()), &json!([])));
    let kinds = |part: &str| -> Vec<&str> {
        let items = export["data"][part].as_array().expect("a list");
        items.iter().map(|item| item["kind"].as_str().expect("a kind")).collect()
    };
    assert_eq!(kinds("profile"), ["member"]);
    assert_eq!(kinds("recipe"), ["recipe", "recipeLike", "comment"]);
    let timeline = kinds("timeline");
    let count = |kind: &str| timeline.iter().filter(|known| **known == kind).count();
    assert_eq!(["post", "like", "following", "follower"].map(count), [131, 1, 1, 1]);
    let text = export.to_string();
    assert!(!text.contains("Bora's own") && !text.contains("$argon2"), "{text}");
    let anonymous = bff.anonymous();
    anonymous.get(EXPORT).await.expect_problem(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_are_few_a_day_and_one_that_failed_does_not_count() {
    let bff = TestBff::builder().set("accounts.exports_per_day", 2).spawn().await;
    let (ada, bora) = (bff.signed_in("ada").await, bff.signed_in("bora").await);
    bff.recipe.fail(Fault::Status500);
    for _ in 0..3 {
        let failed = ada.get(EXPORT).await;
        assert!([502, 503].contains(&failed.status.as_u16()), "{}", failed.text());
        assert!(failed.header("content-disposition").is_none());
    }
    bff.recipe.heal().await;
    for _ in 0..2 {
        let _ = ada.get(EXPORT).await.expect(200);
    }
    let refused = ada.get(EXPORT).await;
    assert_eq!(refused.status, 429, "{}", refused.text());
    let wait: u64 = refused.header("retry-after").expect("a time").parse().expect("seconds");
    assert!((1..=24 * 3600).contains(&wait));
    let _ = bora.get(EXPORT).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_fails_on_the_way_is_named_in_a_sound_document() {
    let bff = builder().spawn().await;
    let ada = bff.signed_in("ada").await;
    for number in 0..120 {
        post(&ada, &format!("post {number}")).await;
    }
    // The second page alone: its cursor is not empty.
    let first = bff.direct(upstreams::Service::Timeline, Some(&ada.id())).await;
    let page = first.get(&format!("/members/{}/export", ada.id())).await.expect(200).json();
    let cursor = page["nextCursor"].as_str().expect("more than a page").to_owned();
    let second = format!("/members/{}/export?cursor={cursor}", ada.id());
    bff.timeline.fail_on(&second, Fault::Status500);
    let export: Value = ada.request(Method::GET, EXPORT).send().await.expect(200).json();
    assert_eq!(export["incomplete"], json!([{ "part": "timeline", "reason": "unavailable" }]));
    assert_eq!(export["data"]["timeline"].as_array().map(Vec::len), Some(100));
    assert!(export["data"]["recipe"].is_array() && export["data"]["profile"][0]["kind"] == "member");
}
