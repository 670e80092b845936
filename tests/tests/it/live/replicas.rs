//! Two gateways over one Redis: what is said and written at one is heard and shown at the other.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::{
    Fault, Proxy, Replica, TestBff, eventually, figures,
    redis::{Durability, RedisServer},
    soon,
};
use upstreams::Service;

use super::{
    RECIPE_TOKEN, TIMELINE_TOKEN, builder,
    listeners::{EventStream, Heard, Socket},
    send_event, tell,
};
use crate::fixtures::{follow, post, texts};

const FEED: &str = "/bff/home-feed";

async fn two_gateways() -> (RedisServer, TestBff, Replica) {
    let redis = RedisServer::start().await;
    let here = builder().redis(&redis).spawn().await;
    let there = here.replica().await;
    (redis, here, there)
}

/// The middle one.
fn median(mut all: Vec<Duration>) -> Duration {
    all.sort_unstable();
    all[all.len() / 2]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_sent_to_one_gateway_is_heard_at_both_in_one_order() {
    let (_redis, here, there) = two_gateways().await;
    let (ada, bob) = (here.signed_in("ada").await, here.signed_in("bob").await);
    let mut adas = Socket::open(&here, &ada, "?topics=recipe:r").await;
    let mut bobs = EventStream::open(&there, &bob, "?topics=recipe:r").await;
    let mut took = Vec::new();
    for round in 0..100 {
        let sender = if round % 2 == 0 { &*here } else { &there };
        let began = Instant::now();
        let id = tell(sender, "recipe:r", "changed", json!(round)).await;
        let expected = json!({ "id": id, "type": "changed", "topic": "recipe:r", "data": round });
        assert_eq!(bobs.next().await, Heard::Message(expected.clone()));
        took.push(began.elapsed());
        assert_eq!(adas.next().await, Heard::Message(expected));
    }
    let took = median(took);
    figures::note("event sent to heard, median over two gateways", format!("{} µs", took.as_micros()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_resumes_at_the_other_gateway_and_after_a_restart_of_both() {
    let (_redis, mut here, mut there) = two_gateways().await;
    let ada = here.signed_in("ada").await;
    let mut stream = EventStream::open(&here, &ada, "?topics=recipe:r").await;
    for round in 0..20 {
        let (sender, other) = if round % 2 == 0 { (&*here, &there) } else { (&there, &*here) };
        tell(sender, "recipe:r", "heard", json!(round)).await;
        assert_eq!(stream.next().await.message()["data"], round);
        let last = stream.last_id.clone();
        drop(stream);
        tell(sender, "recipe:r", "missed", json!(round)).await;
        stream = EventStream::resume(other, &ada, "?topics=recipe:r", last.as_deref()).await;
        let ready = stream.next().await.message();
        assert_eq!((&ready["type"], &ready["data"]["resumed"]), (&json!("ready"), &json!(true)));
        let missed = stream.next().await.message();
        assert_eq!((&missed["type"], &missed["data"]), (&json!("missed"), &json!(round)));
    }
    let last = stream.last_id.clone();
    tell(&here, "recipe:r", "missed", Value::Null).await;
    there.kill9().await;
    here.kill9().await;
    there.restart().await;
    here.restart().await;
    for gateway in [&*here, &there] {
        let mut stream = EventStream::resume(gateway, &ada, "?topics=recipe:r", last.as_deref()).await;
        assert_eq!(stream.next().await.message()["data"]["resumed"], true);
        assert_eq!(stream.next().await.message()["type"], "missed");
    }
    let mut stream = EventStream::resume(&there, &ada, "", Some("1-1")).await;
    assert_eq!(stream.next().await.message()["type"], "reset");
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_at_one_gateway_closes_the_connections_of_the_other_at_once() {
    let (_redis, here, there) = two_gateways().await;
    let stays = here.signed_in("ada").await;
    let mut other = Socket::open(&there, &stays, "").await;
    let mut took = Vec::new();
    for _ in 0..20 {
        let ada = here.signed_in("ada").await;
        let mut socket = Socket::open(&there, &ada, "").await;
        let mut stream = EventStream::open(&there, &ada, "").await;
        let began = Instant::now();
        let _ = ada.post("/auth/logout", &json!({})).await.expect(204);
        assert_eq!(socket.next().await, Heard::Closed(4401));
        took.push(began.elapsed());
        assert_eq!(stream.next().await, Heard::Closed(4401));
    }
    let took = median(took);
    figures::note(
        "sign-out to closed connection at the other gateway, median of 20",
        format!("{} µs", took.as_micros()),
    );
    assert!(took < Duration::from_millis(100), "{took:?}");
    tell(&here, &format!("user:{}", stays.id()), "still_here", Value::Null).await;
    assert_eq!(other.next().await.message()["type"], "still_here");
    let _ = stays.post("/auth/logout-everywhere", &json!({})).await.expect(204);
    assert_eq!(other.next().await, Heard::Closed(4401));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_writers_next_screen_at_the_other_gateway_shows_the_write() {
    const ROUNDS: usize = 100;
    let redis = RedisServer::start().await;
    let here = builder().set("screens.home_feed.fresh_ms", 60_000).alone().redis(&redis).spawn().await;
    let there = here.replica().await;
    let ada = here.signed_in("ada").await;
    let adas_there = there.called_by(&ada);
    let mut shown = 0;
    for round in 0..ROUNDS {
        let text = format!("post {round}");
        let (writer, reader) = if round % 2 == 0 { (&ada, &adas_there) } else { (&adas_there, &ada) };
        let _ = reader.get(FEED).await.expect(200);
        let id = post(writer, &text).await;
        shown += usize::from(texts(&reader.get(FEED).await.expect(200).json()) == [text]);
        assert!(reader.get(FEED).await.is_fresh_hit());
        let _ = writer.delete(&format!("/api/posts/{id}")).await.expect(204);
    }
    figures::note(
        "writes that the writer's next screen shows at the other gateway",
        format!("{shown} of 100"),
    );
    assert_eq!(shown, ROUNDS);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_write_or_an_event_makes_stale_is_stale_at_both_gateways() {
    let redis = RedisServer::start().await;
    let here = builder().set("screens.home_feed.fresh_ms", 60_000).redis(&redis).spawn().await;
    let there = here.replica().await;
    let (ada, bob) = (here.signed_in("ada").await, here.signed_in("bob").await);
    follow(&bob, &ada).await;
    let bobs_there = there.called_by(&bob);
    let shows = async |expected: &[&str]| {
        // Somebody else's change: the old one may be served once more while it is refreshed.
        eventually("the other gateway shows it", || async {
            (texts(&bobs_there.get(FEED).await.expect(200).json()) == expected).then_some(())
        })
        .await;
        assert!(bobs_there.get(FEED).await.is_fresh_hit());
    };
    // What shows nothing of hers depends on nothing of hers.
    post(&ada, "the first").await;
    shows(&["the first"]).await;
    post(&ada, "by a write").await;
    shows(&["by a write", "the first"]).await;

    let timeline = here.direct(Service::Timeline, Some(&ada.id())).await;
    let _ = timeline.post("/posts", &json!({ "text": "by an event" })).await.expect(201);
    assert!(bobs_there.get(FEED).await.is_fresh_hit(), "it cannot know");
    let tag = format!("posts:{}", ada.id());
    let topic = format!("member:{}", ada.id());
    let mut stream = EventStream::open(&there, &bob, &format!("?topics={topic}")).await;
    let event = json!({ "topic": topic, "type": "post.created", "tags": [tag] });
    let _ = send_event(&here, Some(TIMELINE_TOKEN), &event).await.expect(202);
    assert_eq!(stream.next().await.message()["type"], "post.created");
    let next = bobs_there.get(FEED).await.expect(200);
    let current = next.is_fresh_hit() && !next.cache_status().ends_with("ttl=0");
    assert!(!current, "heard, and the old one is current: {}", next.cache_status());
    shows(&["by an event", "by a write", "the first"]).await;
    let metrics = there.internal("/metrics").await.text();
    assert!(metrics.contains("bff_relayed_drops_total{outcome=\"heard\"}"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rendering_server_is_told_of_each_change_once() {
    let web = Proxy::listen().await.expect("a port");
    // Anything that is answered with 200.
    web.fail(Fault::GarbageJson);
    let redis = RedisServer::start().await;
    let here = builder()
        .set("events.revalidate_url", format!("{}/api/revalidate", web.url()))
        .set("events.revalidate_secret", "planted-secret-of-the-rendering-server")
        .redis(&redis)
        .spawn()
        .await;
    let mut there = here.replica().await;
    let ada = here.signed_in("ada").await;
    let mut stream = EventStream::open(&there, &ada, "?topics=recipe:r").await;
    let event = json!({ "topic": "recipe:r", "type": "changed", "tags": ["recipe:r"] });
    let _ = send_event(&here, Some(RECIPE_TOKEN), &event).await.expect(202);
    assert_eq!(stream.next().await.message()["type"], "changed");
    post(&ada, "a write").await;
    let own = format!("timeline:{}", ada.id());
    let told = || {
        let bodies = web.requests().into_iter().map(|request| {
            let body: Value = serde_json::from_slice(&request.body).expect("JSON");
            body["tags"].as_array().expect("tags").clone()
        });
        bodies.flatten().collect::<Vec<_>>()
    };
    eventually("the write", || async { told().contains(&json!(own)).then_some(()) }).await;
    // A stop tells what waits: the other gateway has nothing to tell.
    there.terminate().await;
    assert!(there.ended().await.success());
    let told = told();
    for tag in ["recipe:r", &own] {
        assert_eq!(told.iter().filter(|told| *told == tag).count(), 1, "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_redis_is_away_events_are_refused_and_own_messages_wait() {
    let mut redis = RedisServer::durable(Durability::Always).await;
    let here = builder().redis(&redis).spawn().await;
    let there = here.replica().await;
    let (ada, bob) = (here.signed_in("ada").await, here.signed_in("bob").await);
    let topic = format!("member:{}", ada.id());
    let mut stream = EventStream::open(&there, &bob, &format!("?topics={topic}")).await;
    tell(&here, &topic, "before", Value::Null).await;
    assert_eq!(stream.next().await.message()["type"], "before");
    // What it costs to find out is no part of this.
    let _ = ada.get("/auth/session").await.expect(200);
    redis.kill().await;
    let event = json!({ "topic": topic, "type": "refused" });
    let refused = send_event(&here, Some(RECIPE_TOKEN), &event).await;
    refused.expect_problem(503, "store_unavailable");
    assert!(refused.header("retry-after").is_some());
    eventually("the gauge", || async {
        here.internal("/metrics").await.text().contains("bff_store_up 0").then_some(())
    })
    .await;
    let ready = here.internal("/readyz").await.expect(200);
    assert_eq!(ready.text(), "ready\nstore: away\n");
    for round in 0..3 {
        post(&ada, &format!("post {round}")).await;
    }
    redis.restart().await;
    for round in 0..3 {
        let message = stream.next().await.message();
        assert_eq!(
            (&message["type"], &message["data"]["text"]),
            (&json!("post.created"), &json!(format!("post {round}")))
        );
    }
    let accepted = eventually("events to be taken again", || async {
        let answer = send_event(&here, Some(RECIPE_TOKEN), &json!({ "topic": topic, "type": "after" })).await;
        (answer.status == 202).then_some(answer)
    });
    let _ = soon("an event", accepted).await;
    assert_eq!(stream.next().await.message()["type"], "after");
    eventually("the gauge", || async {
        here.internal("/metrics").await.text().contains("bff_store_up 1").then_some(())
    })
    .await;
    assert_eq!(here.internal("/readyz").await.expect(200).text(), "ready\n");
}
