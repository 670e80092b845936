//! Callers of HTTP/1.0, and methods of the internal listener.

use reqwest::Method;
use tests::{Actor, TestBff};

use super::{Raw, Wire};

async fn old(bff: &TestBff, ada: &Actor, path: &str, accept: &str) -> Wire {
    let cookie = ada.cookie().expect("a cookie");
    let mut wire = Wire::to(&bff.url()).await;
    // It asks for the connection to be kept: a stream ends it all the same.
    wire.send(&format!(
        "GET {path} HTTP/1.0\r\ncookie: {cookie}\r\naccept: {accept}\r\nconnection: keep-alive\r\n\r\n"
    ))
    .await;
    wire
}

fn not_chunked(text: &str) -> Raw {
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let answer = Raw { head: format!("{head}\r\n"), body: body.to_owned() };
    assert_eq!(answer.status(), 200, "{answer:?}");
    for absent in ["transfer-encoding", "content-length", "connection"] {
        assert_eq!(answer.header(absent), None, "{answer:?}");
    }
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_for_http_1_0_end_with_the_connection() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    let lines = old(&bff, &ada, "/bff/home-feed", "application/x-ndjson").await.rest().await;
    let answer = not_chunked(&lines);
    let parts: Vec<serde_json::Value> =
        answer.body.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    assert_eq!(parts.last().expect("lines")["part"], "end");
    let mut events = old(&bff, &ada, "/bff/notify", "text/event-stream").await;
    while !String::from_utf8_lossy(&events.came).contains("\"ready\"") {
        assert!(events.more().await, "{}", String::from_utf8_lossy(&events.came));
    }
    let answer = not_chunked(&String::from_utf8_lossy(&events.came));
    assert!(answer.body.lines().next().is_some_and(|line| line.contains(':')), "{answer:?}");
    // What has a length keeps the connection.
    for (path, accept) in [("/bff/me", "application/json"), ("/bff/home-feed", "application/x-ndjson")] {
        let answer = old(&bff, &ada, path, accept).await.expect(200).await;
        assert_eq!(answer.header("connection"), Some("keep-alive"), "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_internal_listener_answers_head_as_get_and_refuses_other_methods() {
    let bff = TestBff::spawn().await;
    for path in ["/livez", "/readyz", "/metrics"] {
        let mut wire = Wire::to(&bff.internal_url()).await;
        wire.send(&format!("HEAD {path} HTTP/1.1\r\nhost: bff\r\nconnection: close\r\n\r\n")).await;
        let said = wire.rest().await;
        assert!(said.starts_with("HTTP/1.1 200 ") && said.ends_with("\r\n\r\n"), "{said}");
        let length = said.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
        assert_ne!(length, "0", "{path}");
        wire = Wire::to(&bff.internal_url()).await;
        wire.send(&format!("{} {path} HTTP/1.1\r\nhost: bff\r\n\r\n", Method::DELETE)).await;
        assert_eq!(wire.expect(405).await.header("allow"), Some("GET, HEAD"), "{path}");
    }
}
