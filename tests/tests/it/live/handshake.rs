//! Who may connect, from where, and how often.

use reqwest::Method;
use tests::{TestBff, eventually};

use super::{
    builder,
    listeners::{EventStream, Heard, Socket},
};
use crate::{callers, tokens::app};

/// `Origin`, `Sec-Fetch-Site`, and whether they are let in.
const TABLE: [(Option<&str>, Option<&str>, bool); 14] = [
    // A program that is no browser.
    (None, None, true),
    (Some(TestBff::ORIGIN), None, true),
    (Some(TestBff::ORIGIN), Some("same-site"), true),
    (Some("http://localhost:3000"), Some("none"), true),
    (Some("https://anywhere.example"), Some("same-origin"), true),
    (None, Some("same-origin"), true),
    (Some("https://evil.example"), None, false),
    (Some("https://evil.example"), Some("cross-site"), false),
    (Some(TestBff::ORIGIN), Some("cross-site"), false),
    (Some("null"), None, false),
    (Some("https://app.example.evil.example"), None, false),
    (None, Some("cross-site"), false),
    (None, Some("same-site"), false),
    (None, Some("none"), false),
];

#[tokio::test(flavor = "multi_thread")]
async fn the_origin_decides_whoever_brings_the_cookie() {
    let bff = builder().set("live.connections_per_user", 1000).spawn().await;
    let ada = bff.signed_in("ada").await;
    for (origin, site, let_in) in TABLE {
        let mut headers = Vec::new();
        headers.extend(origin.map(|origin| ("origin", origin)));
        headers.extend(site.map(|site| ("sec-fetch-site", site)));
        let socket = Socket::try_open(&bff, &ada, "", &headers).await;
        assert_eq!(socket.map(drop), if let_in { Ok(()) } else { Err(403) }, "{origin:?} {site:?}");
        let stream = EventStream::try_open(&bff, &ada, "", &headers).await;
        assert_eq!(stream.map(drop), if let_in { Ok(()) } else { Err(403) }, "{origin:?} {site:?}");
    }
    // A page of the gateway's own origin, in a browser that does not say so.
    let own = bff.url();
    assert!(Socket::try_open(&bff, &ada, "", &[("origin", &own)]).await.is_ok());
    assert_eq!(Socket::try_open(&bff, &ada, "", &[("origin", &format!("{own}0"))]).await.map(drop), Err(403));
    let two = [("origin", TestBff::ORIGIN), ("origin", "https://evil.example")];
    assert_eq!(Socket::try_open(&bff, &ada, "", &two).await.map(drop), Err(403));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_those_who_are_signed_in_may_listen() {
    let bff = builder().spawn().await;
    let nobody = bff.anonymous();
    assert_eq!(Socket::try_open(&bff, &nobody, "", &[]).await.map(drop), Err(401));
    assert_eq!(EventStream::try_open(&bff, &nobody, "", &[]).await.map(drop), Err(401));
    let answer =
        nobody.request(Method::GET, "/bff/notify").header("accept", "text/event-stream").send().await;
    answer.expect_problem(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_handshake_is_told_what_to_do() {
    let bff = builder().spawn().await;
    let ada = bff.signed_in("ada").await;
    let plain = ada.get("/bff/notify").await;
    plain.expect_problem(426, "upgrade_required");
    assert_eq!(plain.header("upgrade"), Some("websocket"));
    let old = ada
        .request(Method::GET, "/bff/notify")
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-key", "x3JJHMbDL1EzLkh9GBhXDw==")
        .header("sec-websocket-version", "8");
    let old = old.send().await;
    old.expect_problem(426, "upgrade_required");
    assert_eq!(old.header("sec-websocket-version"), Some("13"));
    let keyless = ada
        .request(Method::GET, "/bff/notify")
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13");
    keyless.send().await.expect_problem(400, "bad_request");
    ada.from_page(Method::POST, "/bff/notify").send().await.expect_problem(405, "method_not_allowed");
    assert_eq!(ada.request(Method::HEAD, "/bff/notify").send().await.status, 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_has_so_many_connections_at_a_time() {
    let bff = builder().set("live.connections_per_user", 2).spawn().await;
    let (ada, bob) = (bff.signed_in("ada").await, bff.signed_in("bob").await);
    let first = Socket::open(&bff, &ada, "").await;
    let second = EventStream::open(&bff, &ada, "").await;
    assert_eq!(Socket::try_open(&bff, &ada, "", &[]).await.map(drop), Err(429));
    let refused = ada.request(Method::GET, "/bff/notify").header("accept", "text/event-stream").send().await;
    refused.expect_problem(429, "too_many_connections");
    assert!(refused.header("retry-after").is_some());
    let _bobs = Socket::open(&bff, &bob, "").await;
    // Whoever hangs up makes room at once, also without a word.
    drop(first);
    let third = eventually("room", || async { Socket::try_open(&bff, &ada, "", &[]).await.ok() }).await;
    drop(second);
    let fourth = eventually("room", || async { Socket::try_open(&bff, &ada, "", &[]).await.ok() }).await;
    assert_eq!(Socket::try_open(&bff, &ada, "", &[]).await.map(drop), Err(429));
    drop((third, fourth));
}

#[tokio::test(flavor = "multi_thread")]
async fn live_connections_are_open_to_apps_and_servers() {
    let bff = callers::builder().spawn().await;
    let phone = app(&bff, "ada").await;
    let authorization = format!("Bearer {}", phone.access_token());
    let nobody = bff.anonymous();
    let headers = [("authorization", authorization.as_str())];
    let mut socket = Socket::try_open(&bff, &nobody, "", &headers).await.expect("an app is let in");
    assert_eq!(socket.next().await.message()["type"], "ready");
    let bad = [("authorization", "Bearer x"), ("origin", TestBff::ORIGIN)];
    assert_eq!(Socket::try_open(&bff, &nobody, "", &bad).await.map(drop), Err(401));
    let ada = bff.signed_in("ada").await;
    let server = [("x-caller-token", callers::TOKEN), ("origin", "https://evil.example")];
    assert!(Socket::try_open(&bff, &ada, "", &server).await.is_ok());
    assert_eq!(Socket::try_open(&bff, &ada, "", &server[1..]).await.map(drop), Err(403));
    let _ = phone.request(Method::POST, "/auth/revoke").send().await.expect(204);
    assert_eq!(socket.next().await, Heard::Closed(4401));
}
