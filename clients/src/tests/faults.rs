//! Every client before every kind of broken upstream.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use http::{Method, StatusCode};
use schemas::Reason;
use tokio::{io::AsyncWriteExt, net::TcpListener, runtime::Handle};

use super::{Fixture, Reply, calls::Clients, clients_at, cx, ids, outcome, unheard};
use crate::{BodyFault, CallContext, RawCall, UpstreamError};

const SECRET: &str = "ada@example.org";

/// Calls of the accounts contract, whose answers the client reads: a read, and a write that wants an answer.
async fn of_accounts(clients: &Clients, cx: &CallContext) -> Vec<UpstreamError> {
    vec![clients.me(cx).await.expect_err("me"), clients.sign_up(cx).await.expect_err("sign-up")]
}

/// The same, batched look-ups, and a raw read.
async fn all(clients: &Clients, cx: &CallContext) -> Vec<UpstreamError> {
    let mut errors = of_accounts(clients, cx).await;
    errors.push(clients.items(cx, ids(&["ada"])).await.expect_err("items"));
    errors.push(clients.own_items(cx, ids(&["r"])).await.expect_err("own items"));
    errors.push(clients.order(cx).await.expect_err("order"));
    errors
}

/// What all of them say of an upstream that answers so; and that none quotes it.
async fn each_says(
    reply: impl Fn() -> Reply + Send + Sync + 'static,
    label: &str,
    reason: Reason,
) -> Fixture {
    let it = Fixture::with(|config| config.timeout = Duration::from_millis(250), move |_| reply()).await;
    let errors = all(&it.clients, &cx()).await;
    check(&it, &errors, label, reason);
    it
}

/// Each of these calls ended like this and was reported once, and none quotes the upstream.
fn check(it: &Fixture, errors: &[UpstreamError], label: &str, reason: Reason) {
    for error in errors {
        assert_eq!((error.outcome(), error.reason()), (label, reason), "{error:?}");
        let mut text = format!("{error}");
        let mut cause = std::error::Error::source(error);
        while let Some(error) = cause {
            text += &format!(": {error}");
            cause = error.source();
        }
        assert!(!text.contains("ada"), "neither body nor url: {text}");
    }
    assert!(it.reports.lock().iter().all(|(_, outcome)| *outcome == label), "{:?}", it.reports.lock());
    assert_eq!(it.reports.lock().len(), errors.len(), "each call is reported once");
}

fn raw(text: &str) -> Reply {
    Reply::Raw(text.as_bytes().to_vec())
}

#[tokio::test]
async fn a_4xx_is_a_rejection() {
    each_says(|| Reply::Json(404, format!("\"{SECRET}\"")), "status_4xx", Reason::Rejected).await;
}

#[tokio::test]
async fn a_429_means_that_there_is_no_room() {
    each_says(|| Reply::Json(429, "{}".to_owned()), "status_4xx", Reason::Overloaded).await;
}

#[tokio::test]
async fn a_5xx_is_an_outage() {
    let it = each_says(|| Reply::Json(500, format!("\"{SECRET}\"")), "status_5xx", Reason::Unavailable).await;
    assert_eq!(it.server.connections(), 3, "one for each upstream: short bodies are read to their end");
}

#[tokio::test]
async fn an_upstream_that_hangs_times_out() {
    each_says(|| Reply::Hang, "timeout", Reason::Timeout).await;
}

#[tokio::test]
async fn an_upstream_that_answers_too_late_times_out() {
    let late = || Reply::After(Duration::from_millis(400), Box::new(Reply::NoContent));
    each_says(late, "timeout", Reason::Timeout).await;
}

#[tokio::test]
async fn a_body_that_stops_arriving_times_out() {
    let stall = || Reply::Stall("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"id\":");
    each_says(stall, "timeout", Reason::Timeout).await;
}

#[tokio::test]
async fn a_body_that_is_cut_off_is_invalid() {
    let cut = || raw("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"id\": \"ada@example.org\"");
    each_says(cut, "invalid", Reason::Invalid).await;
    let cut =
        || raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{\"id\": \"ada@example.org\"");
    each_says(cut, "invalid", Reason::Invalid).await;
}

#[tokio::test]
async fn json_of_another_shape_is_invalid() {
    let replies: [fn() -> Reply; 3] = [
        || Reply::Json(200, format!("\"{SECRET}\"")),
        || Reply::Json(200, format!("<p>{SECRET}")),
        || Reply::NoContent,
    ];
    for reply in replies {
        let it = Fixture::new(move |_| reply()).await;
        let errors = of_accounts(&it.clients, &cx()).await;
        check(&it, &errors, "invalid", Reason::Invalid);
        // Whoever made the raw call reads its answer: the call itself went well.
        assert_eq!(outcome(&it.clients.items(&cx(), ids(&["ada"])).await), "invalid");
        assert_eq!(it.reports.lock().last(), Some(&("items", "ok")));
    }
}

#[tokio::test]
async fn bytes_that_are_not_http_are_invalid() {
    let it =
        each_says(|| raw("SSH-2.0-OpenSSH_9.2 ada@example.org\r\n\r\n"), "invalid", Reason::Invalid).await;
    let error = it.clients.me(&cx()).await.expect_err("garbage");
    assert!(matches!(error, UpstreamError::Body { source: BodyFault::Http(_), .. }), "{error:?}");
}

#[tokio::test]
async fn a_connection_that_closes_without_an_answer_is_an_outage() {
    each_says(|| raw(""), "connect", Reason::Unavailable).await;
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let redirect = || raw("HTTP/1.1 302 Found\r\nLocation: /ada@example.org\r\nContent-Length: 0\r\n\r\n");
    let it = each_says(redirect, "redirect", Reason::Invalid).await;
    assert_eq!(it.server.requests().len(), 5);
}

#[tokio::test]
async fn a_refused_connection_is_an_outage() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    drop(listener);
    let clients = clients_at(&url.parse().expect("a url"), |_| (), unheard(), Handle::current());
    for error in all(&clients, &cx()).await {
        assert_eq!((error.outcome(), error.reason()), ("connect", Reason::Unavailable), "{error:?}");
    }
}

#[tokio::test]
async fn a_peer_that_talks_first_or_resets_is_asked_only_once() {
    let cases = [
        ("220 mail.example ready\r\n", "invalid"),
        ("HTTP/1.1 500 X\r\n\r\n and nothing more", "status_5xx"),
        ("", "connect"),
    ];
    for (greeting, expected) in cases {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&accepted);
        let accepting = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                stream.write_all(greeting.as_bytes()).await.expect("written");
                if greeting.is_empty() {
                    stream.set_zero_linger().expect("a reset when it is dropped");
                } else {
                    tokio::spawn(async move { tokio::io::copy(&mut stream, &mut tokio::io::sink()).await });
                }
            }
        });
        let clients = clients_at(&url.parse().expect("a url"), |_| (), unheard(), Handle::current());
        let started = Instant::now();
        assert_eq!(outcome(&clients.me(&cx()).await), expected);
        assert!(started.elapsed() < Duration::from_secs(2));
        assert_eq!(accepted.load(Ordering::Relaxed), 1);
        accepting.abort();
    }
}

#[tokio::test]
async fn a_flood_is_cut_off_at_the_limit() {
    let it = Fixture::new(|_| Reply::Flood).await;
    let error = it.clients.me(&cx()).await.expect_err("64 MiB");
    assert!(matches!(error, UpstreamError::TooLarge { limit_bytes: 1_048_576, .. }), "{error:?}");
    assert_eq!(error.reason(), Reason::Invalid);
    it.server.until_ended(1).await;
    // What has left the server is in the gateway's hands or in the kernel's socket buffers.
    let flooded = it.server.flooded_bytes();
    assert!(flooded < 16 << 20, "{flooded} bytes were taken");
}

#[tokio::test]
async fn a_body_that_announces_too_much_is_not_read_at_all() {
    let it = Fixture::new(|_| Reply::Promise).await;
    assert_eq!(outcome(&it.clients.me(&cx()).await), "too_large");
    it.server.until_ended(1).await;
}

#[tokio::test]
async fn an_answer_of_exactly_the_limit_is_taken() {
    let body = super::me("ada").to_string();
    let (exact, short) = (body.len(), body.len() - 1);
    for (limit, expected) in [(exact, "ok"), (short, "too_large")] {
        let body = body.clone();
        let it = Fixture::with(
            |config| config.max_response_bytes = limit,
            move |_| {
                let (head, tail) = body.split_at(10);
                let chunked = format!("a\r\n{head}\r\n{:x}\r\n{tail}\r\n0\r\n\r\n", tail.len());
                raw(&format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunked}"))
            },
        )
        .await;
        assert_eq!(outcome(&it.clients.me(&cx()).await), expected);
    }
}

#[tokio::test]
async fn a_problem_document_keeps_its_code_and_fields() {
    let body = r#"{"title": "No", "code": "invalid", "errors":
        [{"field": "email", "code": "format", "message": "not an address"}]}"#;
    let it = Fixture::new(|_| Reply::Problem(422, body.to_owned())).await;
    let error = it.clients.me(&cx()).await.expect_err("422");
    assert_eq!(error.status(), Some(StatusCode::UNPROCESSABLE_ENTITY));
    assert_eq!(error.problem_code(), Some("invalid"));
    assert_eq!(error.field_errors()[0].field, "email");
}

#[tokio::test]
async fn a_problem_that_is_none_is_left_out() {
    let large = format!(r#"{{"code": "x", "detail": "{}"}}"#, "x".repeat(70_000));
    let cut =
        "HTTP/1.1 409 X\r\nContent-Type: application/problem+json\r\nContent-Length: 99\r\n\r\n{\"code\":";
    let replies: [Box<dyn Fn() -> Reply + Send + Sync>; 4] = [
        Box::new(|| Reply::Json(409, r#"{"code": "x"}"#.to_owned())),
        Box::new(|| Reply::Problem(409, "<html>".to_owned())),
        Box::new(move || Reply::Problem(409, large.clone())),
        Box::new(|| raw(cut)),
    ];
    for reply in replies {
        let it = Fixture::new(move |_| reply()).await;
        let error = it.clients.me(&cx()).await.expect_err("409");
        assert_eq!((error.status(), error.problem_code()), (Some(StatusCode::CONFLICT), None));
        assert!(error.field_errors().is_empty());
    }
}

#[tokio::test]
async fn a_write_that_was_done_stays_done_whatever_its_answer_holds() {
    const CUT: &str = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nsome";
    let replies: [fn() -> Reply; 5] = [
        || raw(CUT),
        || Reply::Stall(CUT),
        || Reply::Promise,
        || Reply::Json(200, "{}".to_owned()),
        || Reply::NoContent,
    ];
    for reply in replies {
        let it = Fixture::new(move |_| reply()).await;
        it.clients.remove_totp(&cx()).await.expect("done");
        let path = "/orders/7".to_owned();
        let delete = RawCall { wants_body: false, ..RawCall::new("delete", Method::DELETE, path) };
        it.clients.upstream("orders").call(&cx(), delete).await.expect("done");
    }
}
