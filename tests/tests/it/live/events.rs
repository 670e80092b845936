//! `POST /events`, and what it drops.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Fault, Proxy, eventually, soon};
use upstreams::Service;

use super::{RECIPE_TOKEN, TIMELINE_TOKEN, builder, listeners::Socket, metric, send_event};
use crate::fixtures::{post, texts};

const FEED: &str = "/bff/home-feed";

#[tokio::test(flavor = "multi_thread")]
async fn events_are_taken_from_upstreams_with_their_token_alone() {
    let bff = builder().spawn().await;
    let ada = bff.signed_in("ada").await;
    let mut socket = Socket::open(&bff, &ada, "?topics=recipe:r").await;
    let event = json!({ "topic": "recipe:r", "type": "forged", "tags": ["recipe:r"] });
    send_event(&bff, None, &event).await.expect_problem(401, "invalid_token");
    let almost = &RECIPE_TOKEN[1..];
    for token in ["", "x", almost, "planted-token-of-the-profile-service-012", &RECIPE_TOKEN.to_uppercase()] {
        send_event(&bff, Some(token), &event).await.expect_problem(401, "invalid_token");
    }
    let sender = bff.anonymous().elsewhere(&bff.internal_url());
    let basic =
        sender.request(Method::POST, "/events").header("authorization", &format!("Basic {RECIPE_TOKEN}"));
    basic.json(&event).send().await.expect_problem(401, "invalid_token");
    // Not on the public side, whoever asks.
    let public =
        ada.request(Method::POST, "/events").header("authorization", &format!("Bearer {RECIPE_TOKEN}"));
    public.json(&event).send().await.expect_problem(404, "not_found");
    sender.get("/events").await.expect_problem(405, "method_not_allowed");
    for token in [RECIPE_TOKEN, TIMELINE_TOKEN] {
        let taken = json!({ "topic": "recipe:r", "type": "real" });
        let _ = send_event(&bff, Some(token), &taken).await.expect(202);
        assert_eq!(socket.next().await.message()["type"], "real");
    }
    let text = bff.internal("/metrics").await.text();
    assert!(text.contains("bff_events_total{upstream=\"recipe\"} 1"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_event_is_refused_as_a_whole() {
    let bff = builder().spawn().await;
    let refused = async |event: Value| send_event(&bff, Some(RECIPE_TOKEN), &event).await;
    let fields = refused(json!({ "topic": "r", "type": "Ready!", "tags": ["recipes"] })).await.field_errors();
    let names: Vec<_> = fields.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(names, ["topic", "type", "tags[0]"]);
    let unknown = refused(json!({ "topic": "recipe:r", "type": "x", "tag": [] })).await.field_errors();
    assert_eq!(unknown, [("tag".to_owned(), "unknown_field".to_owned())]);
    let reserved = refused(json!({ "topic": "recipe:r", "type": "reset" })).await.field_errors();
    assert_eq!(reserved, [("type".to_owned(), "reserved".to_owned())]);
    let large = refused(json!({ "topic": "recipe:r", "type": "x", "data": "x".repeat(70_000) })).await;
    large.expect_problem(413, "body_too_large");
    let sender = bff.anonymous().elsewhere(&bff.internal_url());
    let text =
        sender.request(Method::POST, "/events").header("authorization", &format!("Bearer {RECIPE_TOKEN}"));
    text.header("content-type", "text/plain")
        .body("{}")
        .send()
        .await
        .expect_problem(415, "unsupported_media_type");
    assert_eq!(metric(&bff, "bff_live_messages_published_total").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_event_no_document_with_its_tags_is_served_as_current() {
    let bff = builder().set("screens.home_feed.fresh_ms", 60_000).spawn().await;
    let ada = bff.signed_in("ada").await;
    post(&ada, "old").await;
    assert_eq!(texts(&ada.get(FEED).await.expect(200).json()), ["old"]);
    assert!(ada.get(FEED).await.is_fresh_hit());
    // Past the gateway, so that only the event tells of it.
    let timeline = bff.direct(Service::Timeline, Some(&ada.id())).await;
    let _ = timeline.post("/posts", &json!({ "text": "new" })).await.expect(201);
    assert!(ada.get(FEED).await.is_fresh_hit(), "it cannot know");
    let tag = format!("timeline:{}", ada.id());
    let event = json!({ "topic": tag, "type": "post.created", "tags": [tag] });
    let _ = send_event(&bff, Some(TIMELINE_TOKEN), &event).await.expect(202);
    // Its fresh time has hardly begun: without the event it would be served for a minute.
    let after = eventually("the new post", || async {
        let feed = ada.get(FEED).await.expect(200).json();
        (texts(&feed) == ["new", "old"]).then_some(())
    });
    after.await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_during_a_composition_is_never_overwritten_by_it() {
    let bff = builder()
        .set("screens.home_feed.fresh_ms", 60_000)
        .set("screens.home_feed.deadline_ms", 10_000)
        .set("upstreams.recipe.timeout_ms", 9_000)
        .spawn()
        .await;
    let ada = bff.signed_in("ada").await;
    let timeline = bff.direct(Service::Timeline, Some(&ada.id())).await;
    let tag = format!("timeline:{}", ada.id());
    let mut expected = Vec::new();
    for round in 0..10 {
        // Each round asks for a document of its own, so that it is composed in any case.
        let path = format!("{FEED}?limit={}", 20 + round);
        bff.recipe.clear();
        bff.timeline.clear();
        bff.recipe.fail_on("/recipes/for-me", Fault::Hold);
        let reading = tokio::spawn({
            let (ada, path) = (ada.clone(), path.clone());
            async move { ada.get(&path).await }
        });
        // The posts are read, the recipes are waited for.
        soon("both calls", bff.timeline.wait_for(1)).await;
        soon("both calls", bff.recipe.wait_for(1)).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        let text = format!("post {round}");
        let _ = timeline.post("/posts", &json!({ "text": text })).await.expect(201);
        expected.insert(0, text);
        let event = json!({ "topic": tag, "type": "post.created", "tags": [tag] });
        let _ = send_event(&bff, Some(TIMELINE_TOKEN), &event).await.expect(202);
        bff.recipe.heal().await;
        let older = soon("the composition", reading).await.expect("no panic").expect(200);
        assert_eq!(texts(&older.json()), expected[1..], "it was composed before the event");
        let after = ada.get(&path).await.expect(200);
        assert_eq!(texts(&after.json()), expected, "round {round}: {}", after.cache_status());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rendering_server_is_told_which_tags_changed() {
    let web = Proxy::listen().await.expect("a port");
    // Anything that is answered with 200.
    web.fail(Fault::GarbageJson);
    let mut bff = builder()
        .set("events.revalidate_url", format!("{}/api/revalidate", web.url()))
        .set("events.revalidate_secret", "planted-secret-of-the-rendering-server")
        .spawn()
        .await;
    let ada = bff.signed_in("ada").await;
    let tags = |web: &Proxy| {
        let mut tags: Vec<String> = Vec::new();
        for request in web.requests() {
            assert_eq!(request.line(), "POST /api/revalidate");
            assert_eq!(request.bearer(), Some("planted-secret-of-the-rendering-server"));
            let body: Value = serde_json::from_slice(&request.body).expect("JSON");
            let told = body["tags"].as_array().expect("tags");
            tags.extend(told.iter().map(|tag| tag.as_str().expect("a tag").to_owned()));
        }
        tags
    };
    for number in 0..30 {
        let tag = format!("recipe:{}", number % 10);
        let event = json!({ "topic": "recipe:r", "type": "changed", "tags": [tag] });
        let _ = send_event(&bff, Some(RECIPE_TOKEN), &event).await.expect(202);
    }
    eventually("all tags", || async { (tags(&web).len() >= 10).then_some(()) }).await;
    assert!(web.requests().len() < 30, "they are gathered");
    web.clear();
    post(&ada, "a write of a user").await;
    let own = format!("timeline:{}", ada.id());
    eventually("the write", || async { tags(&web).contains(&own).then_some(()) }).await;

    // While it is away nothing else suffers, and what it missed is told later.
    web.heal().await;
    web.fail(Fault::Status500);
    web.clear();
    let event = json!({ "topic": "recipe:r", "type": "changed", "tags": ["recipe:missed"] });
    let answer = send_event(&bff, Some(RECIPE_TOKEN), &event).await.expect(202);
    assert!(answer.took < Duration::from_millis(500), "{:?}", answer.took);
    soon("two tries", web.wait_for(2)).await;
    web.fail(Fault::GarbageJson);
    let works_again = "the revalidation webhook works again";
    eventually("it to be told", || async { bff.output().contains(works_again).then_some(()) }).await;
    assert!(tags(&web).contains(&"recipe:missed".to_owned()));
    // A stop does not forget what was to be told.
    let event = json!({ "topic": "recipe:r", "type": "changed", "tags": ["recipe:last"] });
    let _ = send_event(&bff, Some(RECIPE_TOKEN), &event).await.expect(202);
    bff.terminate().await;
    assert!(bff.ended().await.success());
    assert!(tags(&web).contains(&"recipe:last".to_owned()));
    let output = bff.output();
    assert_eq!(output.matches("the revalidation webhook fails").count(), 1, "{output}");
    assert!(!output.contains("planted-"), "{output}");
}
