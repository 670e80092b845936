//! Raw calls: what declared parts, look-ups and routes make.

use std::{
    pin::pin,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::poll;
use http::{
    HeaderMap, HeaderValue, Method, StatusCode,
    header::{
        ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE, COOKIE, ETAG, IF_NONE_MATCH, LOCATION, SET_COOKIE,
    },
};
use tokio::{net::TcpListener, runtime::Handle};

use super::{
    Fixture, Recorded, Reply, Server, assert_sent, claims, clients_at, config_at, cx, id, me, ok, unheard,
};
use crate::{
    Authority, Authorization, CallContext, KeyRing, RawAnswer, RawCall, ServiceTokens, Upstream,
    UpstreamError, Upstreams,
};

fn get(path: &str) -> RawCall {
    RawCall::get("order", path.to_owned())
}

async fn call(it: &Fixture, call: RawCall) -> Result<RawAnswer, UpstreamError> {
    it.clients.upstream("orders").call(&cx(), call).await
}

fn raw(text: &str) -> Reply {
    Reply::Raw(text.as_bytes().to_vec())
}

#[tokio::test]
async fn a_success_is_its_bytes_and_the_headers_that_may_be_seen() {
    let answer = "HTTP/1.1 201 X\r\nContent-Type: application/json\r\nLocation: /orders/7\r\nSet-Cookie: a=b\r\n\
        X-Inner: secret\r\nETag: \"1\"\r\nContent-Length: 7\r\n\r\n{\"a\":1}";
    let it = Fixture::new(move |_| raw(answer)).await;
    let mut order = RawCall::new("create_order", Method::POST, "/orders?a=%20b&c=d,e".to_owned());
    order.headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static("ko"));
    order.headers.insert(COOKIE, HeaderValue::from_static("sid=secret"));
    order.headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer theirs"));
    order.body = Some(Bytes::from_static(b"{}"));
    let answer = call(&it, order).await.expect("created");
    assert_eq!((answer.status, &answer.body[..]), (StatusCode::CREATED, &b"{\"a\":1}"[..]));
    assert_eq!(answer.headers[LOCATION], "/orders/7");
    assert_eq!(answer.headers[ETAG], "\"1\"");
    assert!(!answer.headers.contains_key(SET_COOKIE) && !answer.headers.contains_key("x-inner"));
    let request = it.only_request();
    assert_sent(&request, "POST", "/orders?a=%20b&c=d,e", "{}");
    assert_eq!((request.header("accept-language"), request.header("cookie")), (Some("ko"), None));
    assert_eq!(claims(&request).sub.as_deref(), Some("ada"));
    assert_eq!(*it.reports.lock(), [("create_order", "ok")]);
}

#[tokio::test]
async fn a_call_can_act_for_nobody_and_send_nothing() {
    let it = Fixture::new(|_| Reply::NoContent).await;
    let mut like = RawCall::new("like", Method::PUT, "/orders/7/like".to_owned());
    (like.authority, like.wants_body) = (Authority::Nobody, false);
    assert_eq!(call(&it, like).await.expect("done").status, StatusCode::NO_CONTENT);
    let request = it.only_request();
    assert_eq!((request.header("content-length"), request.header("content-type")), (Some("0"), None));
    assert_eq!(claims(&request).sub, None);
}

#[tokio::test]
async fn writes_that_want_no_answer_leave_the_connection_usable() {
    let it = Fixture::new(|_| Reply::NoContent).await;
    for (method, path) in [(Method::PUT, "/orders/7/like"), (Method::DELETE, "/orders/7/like")] {
        let write = RawCall { wants_body: false, ..RawCall::new("write", method, path.to_owned()) };
        assert_eq!(call(&it, write).await.expect("done").status, StatusCode::NO_CONTENT);
    }
    let sent: Vec<_> =
        it.server.requests().into_iter().map(|r| format!("{} {}", r.method, r.target)).collect();
    assert_eq!(
        (sent, it.server.connections()),
        (vec!["PUT /orders/7/like".to_owned(), "DELETE /orders/7/like".to_owned()], 1)
    );
}

#[tokio::test]
async fn a_path_that_would_become_another_one_is_not_sent() {
    let it =
        Fixture::with(|config| config.url = config.url.join("v1/").expect("a url"), |_| ok(&me("ada"))).await;
    for path in ["/a/../b", "/a/%2e%2E/b", "/./a", "a", "", "/a b", "/a#b", "/a\\b", "@host/a", "/\u{e4}"] {
        let error = call(&it, get(path)).await.expect_err(path);
        assert_eq!(error.status(), Some(StatusCode::NOT_FOUND), "{path}");
    }
    let long = call(&it, get(&format!("/{}", "x".repeat(40_000)))).await.expect_err("long");
    assert_eq!(long.status(), Some(StatusCode::URI_TOO_LONG));
    assert_eq!(it.server.connections(), 0);
    for path in ["/a//b", "/a%2Fb?c=%23&d=%25", "/a~b.c_d-e", "//a"] {
        call(&it, get(path)).await.expect(path);
        assert_eq!(it.server.requests().last().expect("one").target, format!("/v1{path}"));
    }
}

#[tokio::test]
async fn a_refusal_says_what_programs_may_decide_by_and_no_more() {
    let document = r#"{"title": "planted", "detail": "planted", "code": "own_order", "errors":
        [{"field": "lines[0].amount", "code": "range", "message": "planted"}, {"field": "x\u0000", "code": "y"}]}"#;
    let it = Fixture::new(move |_| Reply::Problem(403, document.to_owned())).await;
    let error = call(&it, get("/a")).await.expect_err("403");
    assert_eq!((error.status(), error.problem_code()), (Some(StatusCode::FORBIDDEN), Some("own_order")));
    let [field] = error.field_errors() else { panic!("{error:?}") };
    assert_eq!((field.field.as_str(), field.code.as_str()), ("lines[0].amount", "range"));
    assert!(!format!("{error:?}").contains("planted"), "{error:?}");

    let slow_down = "HTTP/1.1 429 X\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n";
    let it = Fixture::new(move |_| raw(slow_down)).await;
    let error = call(&it, get("/a")).await.expect_err("429");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    assert!(!error.is_explained() && error.problem_code().is_none());
}

#[tokio::test]
async fn every_kind_of_broken_upstream_has_its_outcome() {
    type Make = fn() -> Reply;
    let cases: [(Make, &str); 8] = [
        (|| Reply::Json(404, "{}".to_owned()), "status_4xx"),
        (|| Reply::Json(500, "{}".to_owned()), "status_5xx"),
        (|| Reply::Hang, "timeout"),
        (|| Reply::Stall("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"), "timeout"),
        (|| raw("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"), "invalid"),
        (|| raw("SSH-2.0-OpenSSH_9.2\r\n\r\n"), "invalid"),
        (|| Reply::Promise, "too_large"),
        (|| raw("HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"), "redirect"),
    ];
    for (reply, expected) in cases {
        let it = Fixture::with(|config| config.timeout = Duration::from_millis(250), move |_| reply()).await;
        let error = call(&it, get("/a")).await.expect_err(expected);
        assert_eq!(error.outcome(), expected, "{error:?}");
        assert_eq!(*it.reports.lock(), [("order", expected)]);
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    drop(listener);
    let clients = clients_at(&url.parse().expect("a url"), |_| (), unheard(), Handle::current());
    let refused = clients.upstream("orders").call(&cx(), get("/a")).await;
    assert_eq!(refused.expect_err("refused").outcome(), "connect");
}

#[tokio::test]
async fn the_deadline_ends_a_call_and_a_caller_that_goes_away_cancels_it() {
    let it = Fixture::new(|_| Reply::Hang).await;
    let upstream = it.clients.upstream("orders");
    let hurried = CallContext { deadline: Instant::now() + Duration::from_millis(60), ..cx() };
    assert_eq!(upstream.call(&hurried, get("/a")).await.expect_err("late").outcome(), "timeout");
    {
        let cx = cx();
        let mut call = pin!(upstream.call(&cx, get("/b")));
        assert!(poll!(call.as_mut()).is_pending());
        // Nothing else polls it: it runs where its caller runs.
        tokio::select! {
            _ = call.as_mut() => panic!("it hangs"),
            () = it.server.until_seen(2) => {}
        }
    }
    it.server.until_ended(2).await;
    assert_eq!(*it.reports.lock(), [("order", "timeout"), ("order", "canceled")]);
}

#[tokio::test]
async fn an_answer_is_asked_about_by_the_same_question_alone() {
    let it = Fixture::new(|request: &Recorded| {
        let language = request.header("accept-language").unwrap_or("none").to_owned();
        match request.header("if-none-match") {
            Some(known) if known == format!("\"{language}\"") => {
                raw("HTTP/1.1 304 X\r\nContent-Length: 0\r\n\r\n")
            }
            _ => raw(&format!(
                "HTTP/1.1 200 OK\r\nETag: \"{language}\"\r\nContent-Type: text/x\r\nContent-Length: 2\r\n\r\n{}",
                &language[..2]
            )),
        }
    })
    .await;
    let ask = async |language: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static(language));
        let answer = call(&it, RawCall { headers, ..get("/a") }).await.expect("an answer");
        (answer.body, answer.headers.get(CONTENT_TYPE).cloned(), answer.not_modified)
    };
    for (language, not_modified) in [("ko", false), ("en", false), ("ko", true), ("en", true)] {
        let expected = (Bytes::from(language), Some(HeaderValue::from_static("text/x")), not_modified);
        assert_eq!(ask(language).await, expected);
    }
    let mut own = get("/a");
    own.headers.insert(IF_NONE_MATCH, HeaderValue::from_static("\"none\""));
    let answer = call(&it, own).await.expect("not modified");
    assert_eq!((answer.status, answer.body.len()), (StatusCode::NOT_MODIFIED, 0));
}

fn upstream_with(authorization: Authorization, url: &url::Url) -> Upstreams {
    let dir = tempfile::tempdir().expect("a folder");
    KeyRing::generate_in(dir.path()).expect("a key");
    let ring = std::sync::Arc::new(KeyRing::load(dir.path()).expect("keys"));
    let tokens = std::sync::Arc::new(ServiceTokens::new(ring, "https://bff.test".to_owned()));
    let config = crate::UpstreamConfig { authorization, ..config_at(url, "orders") };
    Upstreams::new(&Handle::current(), [config], &tokens, &unheard()).expect("an upstream")
}

#[tokio::test]
async fn an_upstream_can_be_proved_to_by_a_fixed_token_that_is_read_again_or_by_nothing() {
    let server = Server::start(|_| ok(&me("ada"))).await;
    let bearer =
        || server.requests().last().and_then(|request| request.header("authorization").map(str::to_owned));
    let nothing = upstream_with(Authorization::None, &server.url);
    nothing.get("orders").expect("it").call(&cx(), get("/a")).await.expect("an answer");
    assert_eq!(bearer(), None);

    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("token");
    std::fs::write(&path, "planted-1\n").expect("written");
    let fixed = upstream_with(Authorization::File(path.clone()), &server.url);
    let ask = async || {
        fixed.get("orders").expect("it").call(&cx(), get("/a")).await.expect("an answer");
        bearer()
    };
    assert_eq!(ask().await.as_deref(), Some("Bearer planted-1"));
    assert!(fixed.reload_files().is_empty(), "nothing is new");
    std::fs::write(&path, "planted-2").expect("written");
    assert_eq!(fixed.reload_files().into_iter().map(Result::unwrap).collect::<Vec<_>>(), ["orders"]);
    assert_eq!(ask().await.as_deref(), Some("Bearer planted-2"));
    std::fs::write(&path, "planted with spaces").expect("written");
    let refused = fixed.reload_files().remove(0).expect_err("no token");
    assert!(!format!("{refused:?} {refused}").contains("planted with"), "{refused:?}");
    assert_eq!(ask().await.as_deref(), Some("Bearer planted-2"), "the one before stays");
    assert!(!format!("{fixed:?}", fixed = fixed.get("orders")).contains("planted"));
}

#[test]
fn each_worker_has_connections_of_its_own_and_all_share_one_limit() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let server = runtime.block_on(Server::start(|_| ok(&me("ada"))));
    let clients =
        clients_at(&server.url, |config| config.max_concurrent = 1, unheard(), runtime.handle().clone());
    let upstream: Upstream = clients.upstream("orders").clone();
    // A worker that is there, one that comes after it has gone, and the shared runtime.
    for connections in 1..=2 {
        let worker = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a worker");
        for _ in 0..3 {
            worker.block_on(upstream.call(&cx(), get("/a"))).expect("an answer");
        }
        assert_eq!(server.connections(), connections);
    }
    runtime
        .block_on(async move {
            tokio::spawn(async move { upstream.call(&cx(), get("/a")).await.map(drop) }).await
        })
        .expect("no panic")
        .expect("an answer");
    assert_eq!((server.requests().len(), server.connections()), (7, 3));
    runtime.block_on(server.until_ended(2));
}

#[tokio::test]
async fn any_upstreams_can_be_named_and_a_missing_one_is_an_error() {
    let url = "http://127.0.0.1:9/".parse().expect("a url");
    let upstreams = upstream_with(Authorization::None, &url);
    assert_eq!(upstreams.iter().map(Upstream::name).collect::<Vec<_>>(), ["orders"]);
    assert!(upstreams.get("accounts").is_none());
    let _ = id("ada");
}
