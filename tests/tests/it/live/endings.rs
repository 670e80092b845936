//! How connections end.

use std::time::Duration;

use futures_util::{SinkExt, future::join_all};
use serde_json::{Value, json};
use tests::{eventually, figures, soon};
use tokio::{io::AsyncReadExt, time::Instant};
use tokio_tungstenite::{
    client_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

use super::{
    builder,
    listeners::{A_WHILE, EventStream, Heard, Socket, connect},
    metric, tell,
};

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_closes_the_connections_of_that_session_alone() {
    let bff = builder().spawn().await;
    let ada = bff.signed_in("ada").await;
    let elsewhere = bff.signed_in("ada").await;
    let mut socket = Socket::open(&bff, &ada, "").await;
    let mut stream = EventStream::open(&bff, &ada, "").await;
    let mut other = Socket::open(&bff, &elsewhere, "").await;
    let began = Instant::now();
    let _ = ada.post("/auth/logout", &json!({})).await.expect(204);
    assert_eq!(socket.next().await, Heard::Closed(4401));
    assert_eq!(stream.next().await, Heard::Closed(4401));
    figures::note("sign-out to closed connections", format!("{} ms", began.elapsed().as_millis()));
    assert_eq!(stream.next().await, Heard::Gone);
    assert_eq!(Socket::try_open(&bff, &ada, "", &[]).await.map(drop), Err(401));
    let kind = format!("user:{}", elsewhere.id());
    tell(&bff, &kind, "still_here", Value::Null).await;
    assert_eq!(other.next().await.message()["type"], "still_here");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_runs_out_takes_its_connections_along() {
    let bff = builder()
        .set("session.idle_ms", 1500)
        .set("session.touch_ms", 100)
        .set("live.heartbeat_ms", 200)
        .set("live.dead_after_ms", 5000)
        .spawn()
        .await;
    let ada = bff.signed_in("ada").await;
    let mut socket = Socket::open(&bff, &ada, "").await;
    let mut stream = EventStream::open(&bff, &ada, "").await;
    assert_eq!(socket.next().await, Heard::Closed(4401), "an open page does not extend the session");
    assert_eq!(stream.next().await, Heard::Closed(4401));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_tells_everybody_to_come_back() {
    let mut bff = builder().spawn().await;
    let ada = bff.signed_in("ada").await;
    let mut socket = Socket::open(&bff, &ada, "").await;
    let mut stream = EventStream::open(&bff, &ada, "").await;
    let began = Instant::now();
    bff.terminate().await;
    assert_eq!(socket.next().await, Heard::Closed(1001));
    assert_eq!(stream.next().await, Heard::Closed(1001));
    assert_eq!(stream.retry, Some(1000));
    assert_eq!(stream.next().await, Heard::Gone);
    drop(socket);
    assert_eq!(bff.ended().await.code(), Some(0));
    let took = began.elapsed();
    figures::note("stop with open live connections", format!("{} ms", took.as_millis()));
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_is_dropped_and_nobody_waits_for_it() {
    let bff = builder()
        .set("live.heartbeat_ms", 500)
        .set("live.dead_after_ms", 2000)
        .set("live.queue_messages", 16)
        .spawn()
        .await;
    let (ada, bob) = (bff.signed_in("ada").await, bff.signed_in("bob").await);
    // Neither of these two reads on.
    let stalled_socket = {
        let mut request = format!("{}/bff/notify?topics=recipe:r", bff.url().replace("http://", "ws://"))
            .into_client_request()
            .expect("a request");
        let cookie = ada.cookie().expect("a session");
        request.headers_mut().insert("cookie", HeaderValue::from_str(&cookie).expect("a header value"));
        client_async(request, connect(&bff, Some(4096)).await).await.expect("let in").0
    };
    let stalled_stream = EventStream::open(&bff, &ada, "?topics=recipe:r").await;
    let mut quick = Socket::open(&bff, &bob, "?topics=recipe:r").await;
    let payload = "x".repeat(60_000);
    let (mut sent, mut slowest) = (0, Duration::ZERO);
    while metric(&bff, "bff_live_slow_readers_total").await < 2 {
        assert!(sent < 1000, "nobody was dropped");
        let began = Instant::now();
        tell(&bff, "recipe:r", "large", json!(payload)).await;
        assert_eq!(quick.next().await.message()["type"], "large");
        slowest = slowest.max(began.elapsed());
        sent += 1;
    }
    figures::note("60 kB messages until two stalled readers were dropped", sent);
    figures::note("slowest delivery to another reader meanwhile", format!("{} ms", slowest.as_millis()));
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    // The kernel takes what they never took, and their places are free. The quick one answers its pings meanwhile.
    let quick = tokio::spawn(async move { quick.next().await });
    eventually("one connection", || async {
        (metric(&bff, "bff_live_connections").await == 1).then_some(())
    })
    .await;
    assert!(!quick.is_finished(), "nobody else is cut off");
    quick.abort();
    drop(stalled_stream);
    let mut rest = Vec::new();
    let read = soon("the end", stalled_socket.into_inner().read_to_end(&mut rest)).await;
    assert!(read.is_err() || rest.len() < sent * 60_000, "not everything was kept for it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_vanished_is_noticed() {
    let bff = builder().set("live.heartbeat_ms", 200).set("live.dead_after_ms", 600).spawn().await;
    let ada = bff.signed_in("ada").await;
    let mut alive = Socket::open(&bff, &ada, "").await;
    // It reads no pings, so that it answers none.
    let silent = Socket::open(&bff, &ada, "").await;
    let hearing = tokio::spawn(async move { alive.next().await });
    eventually("one connection", || async {
        (metric(&bff, "bff_live_connections").await == 1).then_some(())
    })
    .await;
    drop(silent);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(!hearing.is_finished(), "who answers pings stays");
    hearing.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_breaks_the_rules_is_told_which() {
    let bff = builder().spawn().await;
    let ada = bff.signed_in("ada").await;
    let large = "x".repeat(5000);
    let endings = join_all(
        [(Message::binary(vec![1, 2, 3]), 1003), (Message::text(large), 1009), (Message::Close(None), 1005)]
            .map(async |(message, _code)| {
                let mut socket = Socket::open(&bff, &ada, "").await;
                socket.say(message).await;
                socket.next().await
            }),
    )
    .await;
    assert_eq!(endings, [Heard::Closed(1003), Heard::Closed(1009), Heard::Closed(1005)]);
    let mut socket = Socket::open(&bff, &ada, "").await;
    assert_eq!(socket.command(&json!({ "sub": [] })).await["data"]["code"], "invalid_command");
    socket.0.send(Message::Ping("x".into())).await.expect("sent");
    let pong =
        soon("a pong", futures_util::StreamExt::next(&mut socket.0)).await.expect("open").expect("a frame");
    assert_eq!(pong, Message::Pong("x".into()));
    assert!(tokio::time::timeout(A_WHILE, socket.next()).await.is_err(), "it stays open");
}
