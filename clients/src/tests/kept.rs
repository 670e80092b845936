//! Answers that are asked about instead of being sent again.

use serde_json::Value;

use bytes::Bytes;
use http::Method;

use super::{Fixture, Recorded, Reply, claims, cx, id, me, ok};
use crate::{ClientKind, RawCall, UpstreamError};

fn answer(status: &str, headers: &str, body: &str) -> Reply {
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{headers}{length}\r\n");
    Reply::Raw(format!("{head}{body}").into_bytes())
}

fn tagged(tag: &str, body: &Value) -> Reply {
    answer("200 OK", &format!("ETag: {tag}\r\n"), &body.to_string())
}

const NOT_MODIFIED: &str = "304 Not Modified";

/// A service that knows what it has sent.
fn service(request: &Recorded) -> Reply {
    match request.header("if-none-match") {
        Some("\"1\"") => answer(NOT_MODIFIED, "ETag: \"1\"\r\n", ""),
        _ => tagged("\"1\"", &me(&claims(request).sub.expect("somebody acts"))),
    }
}

fn asked_with(it: &Fixture) -> Vec<Option<String>> {
    it.server.requests().iter().map(|request| request.header("if-none-match").map(str::to_owned)).collect()
}

#[tokio::test]
async fn what_still_holds_is_not_sent_again() {
    let it = Fixture::new(service).await;
    let first = it.clients.me(&cx()).await.expect("me");
    let second = it.clients.me(&cx()).await.expect("me");
    assert_eq!(first, second);
    assert_eq!(asked_with(&it), [None, Some("\"1\"".to_owned())]);
    assert_eq!(*it.not_modified.lock(), [false, true]);
}

#[tokio::test]
async fn what_is_kept_for_one_is_asked_about_by_nobody_else() {
    let it = Fixture::new(service).await;
    let bora = crate::CallContext { acting: Some(id("bora")), ..cx() };
    let app = crate::CallContext { client: ClientKind::Mobile, ..cx() };
    for cx in [cx(), bora, app] {
        it.clients.me(&cx).await.expect("me");
    }
    let same_path = RawCall::get("me", "/members/me".to_owned());
    it.clients.upstream("orders").call(&cx(), same_path).await.expect("another upstream's");
    assert_eq!(asked_with(&it), [None, None, None, None]);
}

#[tokio::test]
async fn what_has_changed_takes_the_place_of_what_was_kept() {
    let mut renamed = me("ada");
    renamed["username"] = "countess".into();
    let it = Fixture::new(move |request| match request.header("if-none-match") {
        None => tagged("W/\"1\"", &me("ada")),
        Some("W/\"1\"") => tagged("\"2\"", &renamed),
        // A weak comparison is all that a 304 needs.
        Some("\"2\"") => answer(NOT_MODIFIED, "ETag: W/\"2\"\r\n", ""),
        Some(other) => panic!("{other}"),
    })
    .await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(it.clients.me(&cx()).await.expect("me")["username"].clone());
    }
    assert_eq!(seen, ["ada", "countess", "countess"]);
}

#[tokio::test]
async fn a_304_about_something_else_is_no_answer() {
    let it = Fixture::new(|request| match request.header("if-none-match") {
        None => tagged("\"1\"", &me("ada")),
        Some(_) => answer(NOT_MODIFIED, "ETag: \"7\"\r\n", ""),
    })
    .await;
    it.clients.me(&cx()).await.expect("me");
    let refused = it.clients.me(&cx()).await.expect_err("about something else");
    assert!(matches!(refused, UpstreamError::Redirect { .. }), "{refused:?}");
    it.clients.me(&cx()).await.expect("asked for anew");
    assert_eq!(asked_with(&it), [None, Some("\"1\"".to_owned()), None]);
}

#[tokio::test]
async fn a_304_that_nobody_asked_for_is_no_answer() {
    let it = Fixture::new(|_| answer(NOT_MODIFIED, "", "")).await;
    let refused = it.clients.me(&cx()).await.expect_err("nothing is known");
    assert!(matches!(refused, UpstreamError::Redirect { .. }), "{refused:?}");
}

#[tokio::test]
async fn what_must_not_be_kept_is_not() {
    for headers in ["", "ETag: \"1\"\r\nCache-Control: private, No-Store\r\n", "ETag: \r\n"] {
        let it = Fixture::new(move |_| answer("200 OK", headers, &me("ada").to_string())).await;
        for _ in 0..2 {
            it.clients.me(&cx()).await.expect("me");
        }
        assert_eq!(asked_with(&it), [None, None], "{headers}");
    }
    let none = Fixture::with(|config| config.etag_cache_bytes = 0, service).await;
    for _ in 0..2 {
        none.clients.me(&cx()).await.expect("me");
    }
    assert_eq!(asked_with(&none), [None, None]);
}

#[tokio::test]
async fn what_lost_its_validator_is_forgotten() {
    let it = Fixture::new(|request| match request.header("if-none-match") {
        None => tagged("\"1\"", &me("ada")),
        Some(_) => ok(&me("ada")),
    })
    .await;
    for _ in 0..3 {
        it.clients.me(&cx()).await.expect("me");
    }
    assert_eq!(asked_with(&it), [None, Some("\"1\"".to_owned()), None]);
}

#[tokio::test]
async fn writes_are_never_conditional() {
    let it = Fixture::new(|_| tagged("\"1\"", &me("ada"))).await;
    for _ in 0..2 {
        it.clients.sign_up(&cx()).await.expect("an account");
        let mut order = RawCall::new("create_order", Method::POST, "/orders".to_owned());
        order.body = Some(Bytes::from_static(b"{}"));
        it.clients.upstream("orders").call(&cx(), order).await.expect("an order");
    }
    assert_eq!(asked_with(&it), [None, None, None, None]);
}
