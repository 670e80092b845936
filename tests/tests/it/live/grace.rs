//! Live connections while the store is away, and when it is back.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tests::{
    Actor, Replica, TestBff, eventually, figures,
    redis::{RedisServer, Relay, StoreUrl},
};

use super::{
    builder,
    listeners::{EventStream, Heard, Listener, Socket},
    metric, tell,
};
use crate::tokens::app;

/// Both transports, each for somebody with a cookie and for an app.
async fn listeners(bff: &Replica, browser: &Actor, app: &Actor) -> Vec<Listener> {
    let authorization = format!("Bearer {}", app.access_token());
    let bearer = [("authorization", authorization.as_str())];
    let nobody = bff.anonymous();
    let mut all = vec![
        Listener::Socket(Box::new(Socket::try_open(bff, browser, "", &[]).await.expect("let in"))),
        Listener::Stream(Box::new(EventStream::try_open(bff, browser, "", &[]).await.expect("let in"))),
        Listener::Socket(Box::new(Socket::try_open(bff, &nobody, "", &bearer).await.expect("let in"))),
        Listener::Stream(Box::new(EventStream::try_open(bff, &nobody, "", &bearer).await.expect("let in"))),
    ];
    for listener in &mut all {
        assert_eq!(listener.next().await.message()["type"], "ready");
    }
    all
}

/// Waits until the gateway has noticed.
async fn store_is(bff: &Replica, up: u64) {
    eventually("the gateway to notice the store", || async {
        (metric(bff, "bff_store_up").await == up).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_its_callers_grace_where_redis_is_gone() {
    let mut redis = RedisServer::start().await;
    let bff = builder().set("store.grace_ms", 1500).redis(&redis).spawn().await;
    let (browser, phone) = (bff.signed_in("ada").await, app(&bff, "bora").await);
    let all = listeners(&bff, &browser, &phone).await;
    let began = Instant::now();
    redis.kill().await;
    end_with_the_grace(&bff, &browser, all, began).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_its_callers_grace_where_redis_hangs() {
    let redis = RedisServer::start().await;
    let bff = builder().set("store.grace_ms", 1500).redis(&redis).spawn().await;
    let (browser, phone) = (bff.signed_in("ada").await, app(&bff, "bora").await);
    let all = listeners(&bff, &browser, &phone).await;
    let began = Instant::now();
    redis.pause().await;
    end_with_the_grace(&bff, &browser, all, began).await;
    redis.resume().await;
}

/// The heartbeat is 25 s: it is not what ends them.
async fn end_with_the_grace(bff: &TestBff, browser: &Actor, all: Vec<Listener>, began: Instant) {
    for mut listener in all {
        assert_eq!(listener.next().await, Heard::Closed(1013), "come back");
    }
    let took = began.elapsed();
    figures::note("store away to closed live connections, grace 1.5 s", format!("{} ms", took.as_millis()));
    assert!(took < Duration::from_secs(15), "{took:?}");
    let refused = browser.get("/bff/home-feed").await;
    assert_eq!(refused.status, 503, "and so are its requests: {}", refused.text());
    assert_eq!(Socket::try_open(bff, browser, "", &[]).await.map(drop), Err(503));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_outlasts_a_store_that_is_back_within_the_grace() {
    let redis = RedisServer::start().await;
    let bff = builder().redis(&redis).spawn().await;
    let relay = Relay::before(&redis).await;
    let there = bff.replica_with(&[("store.url", &relay.store_url())]).await;
    let (browser, phone) = (bff.signed_in("ada").await, app(&bff, "ada").await);
    let mut all = listeners(&there, &browser, &phone).await;
    relay.cut();
    store_is(&there, 0).await;
    let user = format!("user:{}", browser.id());
    tell(&bff, &user, "meanwhile", Value::Null).await;
    relay.mend();
    store_is(&there, 1).await;
    tell(&bff, &user, "afterwards", Value::Null).await;
    for listener in &mut all {
        for kind in ["meanwhile", "afterwards"] {
            assert_eq!(listener.next().await.message()["type"], kind);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ended_while_the_store_was_away_is_told_nothing_when_it_is_back() {
    const CROWD: usize = 200;
    let redis = RedisServer::start().await;
    let here = builder().set("live.connections_per_user", 2 * CROWD).redis(&redis).spawn().await;
    let relay = Relay::before(&redis).await;
    let there = here.replica_with(&[("store.url", &relay.store_url())]).await;
    let (browser, phone) = (here.signed_in("ada").await, app(&here, "ada").await);
    let (stays, bobs_phone) = (here.signed_in("bob").await, app(&here, "bob").await);
    let adas = listeners(&there, &browser, &phone).await;
    let bobs = listeners(&there, &stays, &bobs_phone).await;
    let crowd = stream::iter(0..CROWD).map(async |_| EventStream::open(&there, &stays, "").await);
    let crowd: Vec<_> = crowd.buffer_unordered(8).collect().await;

    relay.cut();
    store_is(&there, 0).await;
    let _ = browser.post("/auth/logout", &json!({})).await.expect(204);
    let _ = phone.post("/auth/revoke", &json!({})).await.expect(204);
    for number in 0..6 {
        for person in [&browser, &stays] {
            tell(&here, &format!("user:{}", person.id()), "private", json!(number)).await;
        }
    }
    relay.mend();
    for mut listener in adas {
        assert_eq!(listener.next().await, Heard::Closed(4401), "nothing before it");
    }
    for mut listener in bobs {
        for number in 0..6 {
            assert_eq!(
                listener.next().await.message()["data"],
                number,
                "whoever is signed in misses nothing"
            );
        }
    }
    for mut listener in crowd {
        for number in 0..6 {
            assert_eq!(listener.next().await.message()["data"], number);
        }
    }
}
