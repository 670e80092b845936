//! Who hears what, and what becomes of it over a cut.

use std::time::Duration;

use futures_util::future::join;
use serde_json::{Value, json};
use tests::{Actor, TestBff, figures};
use tokio::time::{Instant, sleep};

use crate::fixtures::publish;

use super::{
    builder,
    listeners::{EventStream, Heard, Listener, Socket},
    tell,
};

#[tokio::test(flavor = "multi_thread")]
async fn an_event_on_a_recipe_reaches_its_subscribers_and_nobody_else() {
    let bff = builder().spawn().await;
    let (ada, bob, eve) =
        (bff.signed_in("ada").await, bff.signed_in("bob").await, bff.signed_in("eve").await);
    let mut adas = Socket::open(&bff, &ada, "").await;
    let said = adas.command(&json!({ "subscribe": ["recipe:r-1"] })).await;
    assert_eq!((&said["type"], &said["data"]["topics"]), (&json!("subscribed"), &json!(["recipe:r-1"])));
    let mut bobs = EventStream::open(&bff, &bob, "?topics=recipe:r-1,recipe:r-2").await;
    let mut eves = Socket::open(&bff, &eve, "?topics=recipe:r-2").await;

    let data = json!({ "commentId": "c-1", "text": "맛있다 \"sehr\" gut\n" });
    let began = Instant::now();
    let id = tell(&bff, "recipe:r-1", "comment.created", data.clone()).await;
    let expected = json!({ "id": id, "type": "comment.created", "topic": "recipe:r-1", "data": data });
    assert_eq!(adas.next().await, Heard::Message(expected.clone()));
    assert_eq!(bobs.next().await, Heard::Message(expected));
    figures::note("event to both listeners, sent to heard", format!("{} ms", began.elapsed().as_millis()));

    // What is personal goes to one person, and comes first where nothing else came before.
    for (actor, kind) in [(&eve, "for_eve"), (&bob, "for_bob"), (&ada, "for_ada")] {
        tell(&bff, &format!("user:{}", actor.id()), kind, Value::Null).await;
    }
    assert_eq!(eves.next().await.message()["type"], "for_eve");
    assert_eq!(bobs.next().await.message()["type"], "for_bob");
    assert_eq!(adas.next().await.message()["type"], "for_ada");

    let left = adas.command(&json!({ "unsubscribe": ["recipe:r-1"] })).await;
    assert_eq!(left["type"], "unsubscribed");
    tell(&bff, "recipe:r-1", "after", Value::Null).await;
    tell(&bff, &format!("user:{}", ada.id()), "last", Value::Null).await;
    assert_eq!(adas.next().await.message()["type"], "last");
    assert_eq!(bobs.next().await.message()["type"], "after");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_written_through_the_gateway_reaches_those_who_follow_its_recipe() {
    let bff = builder().spawn().await;
    let (ada, bob, eve) =
        (bff.signed_in("ada").await, bff.signed_in("bob").await, bff.signed_in("eve").await);
    let recipe = publish(&ada, "Rice with eggs").await;
    let mut adas = Socket::open(&bff, &ada, &format!("?topics=recipe:{recipe}")).await;
    let mut bobs = EventStream::open(&bff, &bob, &format!("?topics=recipe:{recipe}")).await;
    let mut eves = Socket::open(&bff, &eve, "?topics=recipe:another").await;

    let path = format!("/api/recipes/{recipe}/comments");
    let written = eve.post(&path, &json!({ "body": "맛있다" })).await.expect(201).json();
    for heard in [adas.next().await, bobs.next().await] {
        let message = heard.message().clone();
        assert_eq!(
            (&message["type"], &message["topic"]),
            (&json!("comment.created"), &json!(format!("recipe:{recipe}")))
        );
        assert_eq!(message["data"], written);
    }
    tell(&bff, &format!("user:{}", eve.id()), "for_eve", Value::Null).await;
    assert_eq!(eves.next().await.message()["type"], "for_eve", "who does not listen hears nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_others_cannot_be_listened_to() {
    let bff = builder().spawn().await;
    let (ada, bob) = (bff.signed_in("ada").await, bff.signed_in("bob").await);
    let foreign = [format!("user:{}", bob.id()), format!("timeline:{}", bob.id())];
    let mut socket = Socket::open(&bff, &ada, &format!("?topics={}", foreign[0])).await;
    let error = socket.next().await.message();
    assert_eq!((&error["type"], &error["data"]["code"]), (&json!("error"), &json!("forbidden_topic")));
    for topic in &foreign {
        let error = socket.command(&json!({ "subscribe": [topic] })).await;
        assert_eq!(error["data"]["code"], "forbidden_topic", "{error}");
        assert_eq!(socket.next().await.message()["data"]["topics"], json!([]));
    }
    let error = socket.command(&json!({ "subscribe": ["everything"] })).await;
    assert_eq!(error["data"]["code"], "unknown_topic");
    assert_eq!(socket.next().await.message()["type"], "subscribed");
    let own = socket.command(&json!({ "subscribe": [format!("timeline:{}", ada.id())] })).await;
    assert_eq!(own["type"], "subscribed");
    for topic in &foreign {
        tell(&bff, topic, "secret", Value::Null).await;
    }
    tell(&bff, &format!("timeline:{}", ada.id()), "mine", Value::Null).await;
    assert_eq!(socket.next().await.message()["type"], "mine");
}

#[tokio::test(flavor = "multi_thread")]
async fn over_cuts_nothing_is_lost_and_nothing_repeated() {
    const EVENTS: usize = 400;
    let bff = builder().set("live.queue_messages", 16).spawn().await;
    let (ada, bob) = (bff.signed_in("ada").await, bff.signed_in("bob").await);
    // Both begin before the first event, so that both owe all of them.
    let socket = Socket::opening(&bff, &ada, "?topics=recipe:r").await;
    let stream = EventStream::resume(&bff, &bob, "?topics=recipe:r", None).await;
    let telling = async {
        for number in 0..EVENTS {
            tell(&bff, "recipe:r", "n", json!(number)).await;
            tell(&bff, "recipe:other", "no", Value::Null).await;
        }
    };
    let listening = join(
        listen_with_cuts(&bff, &ada, Listener::Socket(Box::new(socket)), EVENTS),
        listen_with_cuts(&bff, &bob, Listener::Stream(Box::new(stream)), EVENTS),
    );
    let (cuts, ()) = join(listening, telling).await;
    assert!(cuts.0 >= 10 && cuts.1 >= 10, "{cuts:?}");
    figures::note("cuts without loss or repetition (WebSocket, event stream)", format!("{cuts:?}"));
}

/// Hears `0, 1, …` and cuts the connection after 1 to 30 messages, again and again.
async fn listen_with_cuts(bff: &TestBff, actor: &Actor, mut listener: Listener, events: usize) -> usize {
    let (mut last, mut expected, mut cuts, mut patience) = (None::<String>, 0, 0, 7);
    while expected < events {
        match listener.next().await {
            Heard::Message(message) => {
                if let Some(id) = message["id"].as_str() {
                    last = Some(id.to_owned());
                }
                if message["type"] != "ready" {
                    assert_eq!((&message["type"], &message["data"]), (&json!("n"), &json!(expected)));
                    expected += 1;
                    patience -= 1;
                }
            }
            // Too slow now and then: it comes back like after a cut.
            Heard::Closed(_) | Heard::Gone => patience = 0,
        }
        if patience == 0 {
            cuts += 1;
            patience = 1 + (cuts * 17) % 30;
            let id = last.as_deref();
            listener = match listener {
                Listener::Socket(socket) => {
                    drop(socket);
                    sleep(Duration::from_millis((cuts % 4) as u64 * 5)).await;
                    let query = id.map_or_else(String::new, |id| format!("&lastEventId={id}"));
                    let query = format!("?topics=recipe:r{query}");
                    Listener::Socket(Box::new(Socket::opening(bff, actor, &query).await))
                }
                Listener::Stream(stream) => {
                    drop(stream);
                    sleep(Duration::from_millis((cuts % 4) as u64 * 5)).await;
                    let stream = EventStream::resume(bff, actor, "?topics=recipe:r", id).await;
                    Listener::Stream(Box::new(stream))
                }
            };
        }
    }
    cuts
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_away_for_too_long_is_told_to_read_everything_anew() {
    // Long enough for whoever hands messages out to be behind by a few on a busy machine.
    let mut bff = builder().set("live.log_messages", 50).spawn().await;
    let ada = bff.signed_in("ada").await;
    let mut stream = EventStream::open(&bff, &ada, "?topics=recipe:r").await;
    tell(&bff, "recipe:r", "seen", Value::Null).await;
    assert_eq!(stream.next().await.message()["type"], "seen");
    let last = stream.last_id.clone().expect("an id");
    drop(stream);
    for _ in 0..60 {
        tell(&bff, "recipe:r", "missed", Value::Null).await;
    }
    let mut stream = EventStream::resume(&bff, &ada, "?topics=recipe:r", Some(&last)).await;
    assert_eq!(stream.next().await.message()["type"], "reset");
    assert_eq!(stream.next().await.message()["type"], "ready");
    tell(&bff, "recipe:r", "new", Value::Null).await;
    assert_eq!(stream.next().await.message()["type"], "new");
    let last = stream.last_id.clone().expect("an id");

    // The ids of another process life are not mistaken for one's own.
    bff.terminate().await;
    assert!(bff.ended().await.success());
    bff.restart().await;
    let ada = ada.at(&bff.url());
    let query = format!("?topics=recipe:r&lastEventId={last}");
    let mut socket = Socket::opening(&bff, &ada, &query).await;
    assert_eq!(socket.next().await.message()["type"], "reset");
    assert_eq!(socket.next().await.message()["type"], "ready");
}
