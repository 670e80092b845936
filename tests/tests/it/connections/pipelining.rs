//! Many requests at once on one connection (RFC 9112 section 9.3.2).

use std::collections::HashMap;

use tests::{Fault, TestBff, eventually, soon};
use tokio::io::AsyncWriteExt as _;

use super::{Wire, get};

const JWKS: &str = "/.well-known/jwks.json";
const FEED: &str = "/bff/home-feed";

#[tokio::test(flavor = "multi_thread")]
async fn pipelined_requests_are_answered_in_their_order_and_none_is_lost() {
    const MANY: usize = 300;
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    let cookie = format!("cookie: {}\r\n", ada.cookie().expect("a cookie"));
    let csrf = ada.csrf_token().expect("a token");
    let mut wire = Wire::to(&bff.url()).await;
    let mut all = String::new();
    for number in 0..MANY {
        let named = format!("x-request-id: pipelined-{number:04}\r\n");
        all += &match number % 4 {
            0 => get(JWKS, &named),
            1 => get(FEED, &format!("{named}{cookie}")),
            // Bodies of either kind, with what ends a head and what begins one in them.
            kind => {
                let body = r#"{"text": "a\r\n\r\nGET / HTTP/1.1"}"#;
                let padded = format!("\r\n\r\n{body}\n\n");
                let framed = if kind == 2 {
                    format!("content-length: {}\r\n\r\n{padded}", padded.len())
                } else {
                    format!("transfer-encoding: chunked\r\n\r\n{:x}\r\n{padded}\r\n0\r\n\r\n", padded.len())
                };
                format!(
                    "POST /api/posts HTTP/1.1\r\nhost: bff\r\n{named}{cookie}origin: {}\r\nx-csrf-token: {csrf}\r\ncontent-type: application/json\r\n{framed}",
                    TestBff::ORIGIN,
                )
            }
        };
    }
    // While the answers are read: they are more than the sockets hold.
    let mut writing = wire.writing.take().expect("nobody else writes");
    let sending = tokio::spawn(async move {
        writing.write_all(all.as_bytes()).await.expect("an open connection");
        writing
    });
    for number in 0..MANY {
        let answer = wire.expect(if number % 4 < 2 { 200 } else { 201 }).await;
        assert_eq!(answer.header("x-request-id"), Some(&*format!("pipelined-{number:04}")), "{answer:?}");
    }
    let _ = soon("all to be sent", sending).await.expect("no panic");
}

/// Two connections are woken by one event: each goes on with requests that came long before. The log says in which
/// order the one worker has answered them.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_with_many_requests_takes_turns_with_others() {
    const MANY: usize = 400;
    let bff = TestBff::builder().set("http.workers", 1).set("telemetry.format", "json").spawn().await;
    let ada = bff.signed_in("ada").await;
    let cookie = format!("cookie: {}\r\n", ada.cookie().expect("a cookie"));
    let _ = ada.get(&format!("{FEED}?limit=1")).await.expect(200);
    bff.timeline.clear();
    bff.timeline.fail(Fault::Hold);
    let named = |name: &str, number: usize| format!("x-request-id: {name}-{number:04}\r\n");
    let many: String = (0..MANY).map(|number| get(JWKS, &named("greedy", number))).collect();
    let mut greedy = Wire::to(&bff.url()).await;
    greedy.send(&(get(FEED, &cookie) + &many)).await;
    soon("the feed to be composed", bff.timeline.wait_for(1)).await;
    // Another one waits for the same composition.
    let mut modest = Wire::to(&bff.url()).await;
    modest.send(&(get(FEED, &cookie) + &get(JWKS, &named("modest", 0)))).await;
    // And was read before this is answered: one worker serves all.
    let mut last = Wire::to(&bff.url()).await;
    last.send(&get(JWKS, "")).await;
    let _ = last.expect(200).await;
    bff.timeline.heal().await;
    for status in [200, 200] {
        let _ = modest.expect(status).await;
    }
    for _ in 0..=MANY {
        let _ = greedy.expect(200).await;
    }
    let place = eventually("the lines", || async {
        let log = bff.output();
        let names = log.lines().filter_map(|line| {
            let at = line.find("greedy-").or_else(|| line.find("modest-"))?;
            line.get(at..at + 11)
        });
        let places: HashMap<_, _> = names.map(str::to_owned).zip(0..).collect();
        (places.len() > MANY).then(|| places["modest-0000"])
    })
    .await;
    assert!(place < 40, "{place} requests of one connection were answered before one of another");
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_in_a_row_close_a_connection_that_does_not_wait_for_them() {
    let bff = TestBff::builder()
        .set("limits.anonymous.per_second", 1)
        .set("limits.anonymous.burst", 1)
        .spawn()
        .await;
    let mut patient = Wire::to(&bff.url()).await;
    let mut refused = 0;
    for _ in 0..60 {
        patient.send(&get("/bff/me", "")).await;
        let answer = patient.answer().await.expect("an answer: it waits for each of them");
        assert_eq!(answer.header("connection"), None, "{answer:?}");
        refused += usize::from(answer.status() == 429);
    }
    assert!(refused > 30, "{refused}: the limits are on");
    let mut hasty = Wire::to(&bff.url()).await;
    hasty.send(&get("/bff/me", "").repeat(100)).await;
    let (mut answers, mut closed) = (0, false);
    while let Some(answer) = hasty.answer().await {
        assert!(!closed, "an answer behind the last one");
        answers += 1;
        closed = answer.header("connection") == Some("close");
        assert!(!closed || answer.status() == 429, "{answer:?}");
    }
    assert!(closed && answers < 100, "{answers} answers");
}
