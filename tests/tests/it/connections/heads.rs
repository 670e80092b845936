//! The time that the head of a request may take.

use std::time::Duration;

use tests::{Fault, TestBff, soon};
use tokio::io::AsyncWriteExt as _;

use super::{Raw, Wire, get};

const JWKS: &str = "/.well-known/jwks.json";
const FEED: &str = "/bff/home-feed";

async fn with_a_short_time() -> TestBff {
    TestBff::builder().set("http.client_request_timeout_ms", 300).spawn().await
}

/// Sends `beginning` and then a byte now and then, until the gateway has had enough; what it says to that.
async fn trickle(mut wire: Wire, beginning: &str, more: &str) -> String {
    wire.send(beginning).await;
    let mut writing = wire.writing.take().expect("nobody else writes");
    let more = more.to_owned();
    let writing = tokio::spawn(async move {
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        loop {
            let _ = tick.tick().await;
            if writing.write_all(more.as_bytes()).await.is_err() {
                return writing;
            }
        }
    });
    let said = wire.rest().await;
    writing.abort();
    said
}

fn parsed(text: &str) -> Raw {
    let (head, body) = text.split_once("\r\n\r\n").expect("an answer");
    Raw { head: format!("{head}\r\n"), body: body.to_owned() }
}

/// Waits until a connection that says nothing has had the time of a head: longer than all that began before it.
async fn a_heads_time(bff: &TestBff) {
    Wire::to(&bff.url()).await.expect(408).await.expect_problem(408, "head_timeout");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_head_has_its_time_however_slowly_it_comes() {
    let bff = with_a_short_time().await;
    for (url, path) in [(bff.url(), JWKS), (bff.internal_url(), "/livez")] {
        for answered in [0, 1, 3] {
            for beginning in ["", "\r\n", "\r\n\r\n\r\n", "G", "GET / HTTP/1.1\r\nhost: bff\r\nx-slow: "] {
                if answered == 0 && beginning.is_empty() {
                    continue;
                }
                let mut wire = Wire::to(&url).await;
                for _ in 0..answered {
                    wire.send(&get(path, "")).await;
                    let _ = wire.expect(200).await;
                }
                // What ends a head ends no value.
                let more = if beginning.contains(':') { "a" } else { "G" };
                let said = parsed(&trickle(wire, beginning, more).await);
                said.expect_problem(408, "head_timeout");
                assert_eq!(said.header("connection"), Some("close"), "{said:?}");
            }
            // And without another byte. The beginning comes along with a whole request.
            let mut wire = Wire::to(&url).await;
            wire.send(&format!("{}GET / HT", get(path, "").repeat(answered.max(1)))).await;
            for _ in 0..answered.max(1) {
                let _ = wire.expect(200).await;
            }
            parsed(&wire.rest().await).expect_problem(408, "head_timeout");
        }
    }
    let metrics = bff.internal("/metrics").await.expect(200).text();
    assert!(metrics.contains(
        r#"bff_http_request_duration_seconds_count{route="unmatched",method="OTHER",status="408"}"#
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_idle_or_waits_for_an_answer_is_not_late() {
    let bff = with_a_short_time().await;
    let ada = bff.signed_in("ada").await;
    let cookie = format!("cookie: {}\r\n", ada.cookie().expect("a cookie"));
    let _ = ada.get(&format!("{FEED}?limit=1")).await.expect(200);
    let mut idle = Wire::to(&bff.url()).await;
    idle.send(&get(JWKS, "")).await;
    let _ = idle.expect(200).await;
    bff.timeline.clear();
    bff.timeline.fail(Fault::Hold);
    // One request, the next one whole behind it, and half of a third.
    let mut waiting = Wire::to(&bff.url()).await;
    waiting.send(&format!("{}{}GET {JWKS} HT", get(FEED, &cookie), get(JWKS, ""))).await;
    soon("the feed to be composed", bff.timeline.wait_for(1)).await;
    a_heads_time(&bff).await;
    idle.send(&get(JWKS, "")).await;
    let _ = idle.expect(200).await;
    bff.timeline.heal().await;
    let _ = waiting.expect(200).await;
    let _ = waiting.expect(200).await;
    waiting.send("TP/1.1\r\nhost: bff\r\n\r\n").await;
    let _ = waiting.expect(200).await;
    waiting.send(&get(JWKS, "")).await;
    let _ = waiting.expect(200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rest_of_a_body_that_nothing_reads_has_its_time() {
    let bff = with_a_short_time().await;
    let head = "POST /auth/logout HTTP/1.1\r\nhost: bff\r\ntransfer-encoding: chunked\r\n\r\n";
    for (beginning, more) in
        [("", "1\r\na\r\n"), ("1\r\na\r\n0\r\nx-trailer: ", "a"), ("4000\r\n", "a"), ("", "0")]
    {
        let wire = Wire::to(&bff.url()).await;
        let said = trickle(wire, &format!("{head}{beginning}"), more).await;
        let answers = said.matches("HTTP/1.1 ").count();
        // What is no chunk is told so besides.
        assert!(said.starts_with("HTTP/1.1 401 ") && answers <= 2, "{said}");
        assert!(!said.contains("HTTP/1.1 408 "), "it was answered before: {said}");
    }
    // Whose body ends goes on.
    let mut wire = Wire::to(&bff.url()).await;
    wire.send(&format!("{head}1\r\na\r\n0\r\n\r\n{}", get(JWKS, ""))).await;
    let _ = wire.expect(401).await;
    let _ = wire.expect(200).await;
}
