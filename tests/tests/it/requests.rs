//! Requests that no browser sends.

use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use reqwest::Method;
use tests::{Actor, TestBff, figures, soon};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

const FEED: &str = "/bff/home-feed";

/// Sends bytes as they are and reads what comes until the gateway closes.
async fn raw(bff: &TestBff, bytes: &[u8]) -> String {
    let address = bff.url().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    // It may answer and close before it has read everything.
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    let mut answer = Vec::new();
    let _ = soon("the connection to end", stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_http_is_refused_and_harms_nobody() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    let long_path = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(200_000));
    let long_header = format!("GET / HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "a".repeat(200_000));
    let many_headers = format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "X-Many: 1\r\n".repeat(2_000));
    let requests: [&[u8]; 12] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /auth/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        long_path.as_bytes(),
        long_header.as_bytes(),
        many_headers.as_bytes(),
    ];
    for request in requests {
        let answer = raw(&bff, request).await;
        let shown = String::from_utf8_lossy(&request[..request.len().min(60)]).into_owned();
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(answer.is_empty() || status.starts_with('4'), "{shown:?}: {answer}");
        assert!(!answer.to_lowercase().contains("\r\nserver:"), "{shown:?}: {answer}");
        let _ = ada.get(FEED).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_cannot_be_smuggled_behind_another() {
    let bff = TestBff::spawn().await;
    let bytes = b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /.well-known/jwks.json HTTP/1.1\r\nHost: x\r\n\r\n";
    let answer = raw(&bff, bytes).await;
    assert!(!answer.contains("\"keys\""), "{answer}");
}

#[derive(Debug, Clone)]
struct Odd {
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Option<String>,
    signed_in: bool,
}

fn odd() -> impl Strategy<Value = Odd> {
    let base = proptest::sample::select(vec![
        FEED,
        "/api/recipes",
        "/api/posts",
        "/api/posts/",
        "/api/follows/",
        "/auth/signup",
        "/auth/login",
        "/auth/session",
        "/auth/csrf-token",
        "/.well-known/jwks.json",
        "/",
        "/bff",
        "//",
    ]);
    let tail = prop_oneof![
        Just(String::new()),
        "[a-zA-Z0-9%._~/-]{0,40}",
        "\\?[a-z0-9=&%+;.]{0,60}",
        Just("?limit=%00&cursor=%ff%fe".to_owned()),
        Just("/..%2f..%2fetc%2fpasswd".to_owned()),
    ];
    let method = proptest::sample::select(vec![
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW",
    ]);
    let name = proptest::sample::select(vec![
        "accept",
        "accept-encoding",
        "content-type",
        "cookie",
        "if-none-match",
        "origin",
        "referer",
        "sec-fetch-site",
        "traceparent",
        "x-request-id",
        "x-csrf-token",
        "authorization",
        "access-control-request-method",
        "range",
        "expect",
    ]);
    let headers = proptest::collection::vec((name, "[ -~]{0,60}"), 0..6);
    let json = prop_oneof![
        "[ -~]{0,80}",
        Just(r#"{"text":"x"}"#.to_owned()),
        Just(r#"{"text":1e999,"recipeId":[]}"#.to_owned()),
        Just(r#"{"title":"t","body":"b","servings":1,"ingredients":[{"ingredientId":"rice","amount":999999999999999}]}"#.to_owned()),
        Just(r#"{"email":"a@b","username":"abc","password":"12345678"}"#.to_owned()),
        Just(r#"{"login":"\ud800","password":"x"}"#.to_owned()),
    ];
    (method, base, tail, headers, proptest::option::of(json), any::<bool>()).prop_map(
        |(method, base, tail, headers, body, signed_in)| Odd {
            method,
            path: format!("{base}{tail}"),
            headers,
            body,
            signed_in,
        },
    )
}

/// How many odd requests are sent.
const CASES: u32 = 3_000;

#[test]
fn no_request_whatever_brings_a_5xx_or_anything_but_a_problem_document() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (bff, ada) = runtime.block_on(async {
        let bff = TestBff::spawn().await;
        let ada = bff.signed_in("ada").await;
        (bff, ada)
    });
    let mut runner = TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
    runner
        .run(&odd(), |odd| {
            runtime.block_on(check(&bff, &ada, &odd));
            Ok(())
        })
        .expect("no odd request is answered badly");
    figures::note("odd requests without a 5xx", CASES);
    runtime.block_on(async move {
        let _ = bff.internal("/livez").await.expect(200);
        drop(bff);
    });
}

async fn check(bff: &TestBff, ada: &Actor, odd: &Odd) {
    let caller = if odd.signed_in { ada.clone() } else { bff.anonymous() };
    let method: Method = odd.method.parse().expect("a method");
    let mut request = caller.from_page(method, &odd.path);
    for (name, value) in &odd.headers {
        request = request.header(name, value.trim());
    }
    if let Some(body) = &odd.body {
        request = request.header("content-type", "application/json").body(body.clone());
    }
    // The client itself refuses what is no URL.
    let Ok(answer) = request.try_send().await else { return };
    assert!(!answer.status.is_server_error(), "{odd:?}: {} {}", answer.status, answer.text());
    if answer.status.is_client_error() && odd.method != "HEAD" {
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json"),
            "{odd:?}: {}",
            answer.text()
        );
        assert_eq!(answer.json()["status"], answer.status.as_u16(), "{odd:?}");
    }
}
