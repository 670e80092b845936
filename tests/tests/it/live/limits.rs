//! How much one front-end may ask of a connection.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tests::soon;
use tokio_tungstenite::tungstenite::Message;

use super::{
    builder,
    listeners::{EventStream, Heard, Listener, Socket},
    tell,
};

/// The codes of the errors that come before the next message of an upstream.
async fn errors(listener: &mut Listener) -> Vec<String> {
    let mut codes = Vec::new();
    loop {
        let message = listener.next().await.message();
        match message["type"].as_str().expect("a type") {
            "error" => codes.push(message["data"]["code"].as_str().expect("a code").to_owned()),
            "over" => return codes,
            _ => {}
        }
    }
}

fn count(codes: &[String], code: &str) -> usize {
    codes.iter().filter(|other| *other == code).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_refused_topics_is_cut_short_with_one_error() {
    let bff = builder().spawn().await;
    let ada = bff.signed_in("ada").await;
    // As much as fits a request's head.
    let query = format!("?topics={}", "x,".repeat(16_000));
    let repeated = format!("?{}", "topics=x,x&".repeat(3000));
    for query in [&query, &repeated] {
        let socket = Socket::try_open(&bff, &ada, query, &[]).await.expect("let in");
        let stream = EventStream::try_open(&bff, &ada, query, &[]).await.expect("let in");
        for mut listener in [Listener::Socket(Box::new(socket)), Listener::Stream(Box::new(stream))] {
            tell(&bff, &format!("user:{}", ada.id()), "over", Value::Null).await;
            let codes = errors(&mut listener).await;
            let (unknown, many) = (count(&codes, "unknown_topic"), count(&codes, "too_many_topics"));
            assert_eq!((unknown, many, codes.len()), (100, 1, 101));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_within_one_command_is_cut_short_with_one_error() {
    let bff = builder().spawn().await;
    let ada = bff.signed_in("ada").await;
    for verb in ["subscribe", "unsubscribe"] {
        let mut socket = Socket::open(&bff, &ada, "").await;
        socket.say(Message::text(json!({ (verb): vec!["x"; 900] }).to_string())).await;
        let mut codes = Vec::new();
        loop {
            let message = socket.next().await.message();
            if message["type"] != "error" {
                break assert_eq!(message["data"]["topics"], json!([]), "{message}");
            }
            codes.push(message["data"]["code"].as_str().expect("a code").to_owned());
        }
        assert_eq!(
            (count(&codes, "unknown_topic"), count(&codes, "too_many_topics"), codes.len()),
            (100, 1, 101)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_of_any_length_resumes_or_is_told_reset() {
    let bff = builder().spawn().await;
    let ada = bff.signed_in("ada").await;
    let long = "9".repeat(20_000);
    let mut stream = EventStream::resume(&bff, &ada, &format!("?lastEventId={long}"), None).await;
    assert_eq!(stream.next().await.message()["type"], "reset");
    let mut stream = EventStream::resume(&bff, &ada, "", Some(&long)).await;
    assert_eq!(stream.next().await.message()["type"], "reset");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_says_too_much_is_told_once_and_then_closed() {
    let bff = builder().spawn().await;
    let ada = bff.signed_in("ada").await;
    for kind in [Message::text(r#"{"unsubscribe":["recipe:r"]}"#), Message::Ping("x".into())] {
        let mut socket = Socket::open(&bff, &ada, "").await;
        let mut other = Socket::open(&bff, &ada, "").await;
        // All at once: the gateway gives one more for each tenth of a second that it takes over them.
        for _ in 0..400 {
            socket.0.feed(kind.clone()).await.expect("there is room");
        }
        let _ = socket.0.flush().await;
        let (mut done, mut warned) = (0, 0);
        let closed = loop {
            match soon("an answer or the end", socket.0.next()).await {
                Some(Ok(Message::Pong(_))) => done += 1,
                Some(Ok(Message::Text(text))) => {
                    let message: Value = serde_json::from_str(&text).expect("JSON");
                    match message["data"]["code"].as_str() {
                        Some("too_many_commands") => warned += 1,
                        _ => done += 1,
                    }
                }
                Some(Ok(Message::Close(frame))) => break frame.map(|frame| u16::from(frame.code)),
                Some(Ok(_)) => {}
                Some(Err(error)) => panic!("{error}"),
                None => break None,
            }
        };
        assert_eq!((closed, warned), (Some(1008), 1));
        assert!((60..300).contains(&done), "{done} were answered");
        assert_eq!(other.command(&json!({ "subscribe": ["recipe:r"] })).await["type"], "subscribed");
        tell(&bff, "recipe:r", "heard", Value::Null).await;
        assert!(matches!(other.next().await, Heard::Message(message) if message["type"] == "heard"));
    }
}
