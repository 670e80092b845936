//! `Expect: 100-continue` (RFC 9110 section 10.1.1): a caller is asked for its body when something wants to read it.

use tests::{Actor, TestBff};

use super::{Raw, Wire, get};

const JWKS: &str = "/.well-known/jwks.json";
const GOOD: &str = r#"{"text":"x"}"#;

/// The head of a request whose body waits.
fn head(method: &str, path: &str, length: usize, headers: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nhost: bff\r\ncontent-length: {length}\r\nexpect: 100-continue\r\n{headers}\r\n"
    )
}

/// What passes the checks of a write.
fn credentials(ada: &Actor) -> String {
    let (cookie, csrf) = (ada.cookie().expect("a cookie"), ada.csrf_token().expect("a token"));
    format!("cookie: {cookie}\r\norigin: {}\r\nx-csrf-token: {csrf}\r\n", TestBff::ORIGIN)
}

/// The answer, which is the first thing that comes and the last one of the connection.
async fn alone(bff: &TestBff, bytes: &str) -> (Raw, Wire) {
    let mut wire = Wire::to(&bff.url()).await;
    wire.send(bytes).await;
    let answer = wire.answer().await.expect("an answer");
    assert_eq!(answer.header("connection"), Some("close"), "{bytes}: {answer:?}");
    (answer, wire)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_head_alone_decides_is_answered_without_asking_for_the_body() {
    for limited in ["false", "true"] {
        let bff = TestBff::builder().set("limits.enabled", limited).spawn().await;
        let ada = bff.signed_in("ada").await;
        let json = "content-type: application/json\r\n";
        let (good, own) = (GOOD.len(), credentials(&ada));
        let unknown = own.replace("sid=", "sid=x");
        let cookie =
            format!("cookie: {}\r\norigin: https://evil.example\r\n", ada.cookie().expect("a cookie"));
        let foreign = "origin: https://evil.example\r\nsec-fetch-site: cross-site\r\n";
        for (path, length, headers, status, code) in [
            ("/api/posts", good, json.to_owned(), 401, "unauthenticated"),
            ("/api/posts", good, format!("{json}{unknown}"), 401, "unauthenticated"),
            ("/api/posts", good, format!("{json}authorization: Bearer x\r\n"), 401, "invalid_token"),
            ("/api/posts", good, format!("{json}x-caller-token: x\r\n"), 401, "invalid_caller_token"),
            ("/api/posts", good, format!("{json}{cookie}"), 403, "csrf_failed"),
            ("/auth/login", good, format!("{json}{foreign}"), 403, "csrf_failed"),
            ("/auth/signup", good, format!("{json}{foreign}"), 403, "csrf_failed"),
            ("/api/nothing", good, format!("{json}{own}"), 404, "not_found"),
            ("/bff/me", good, format!("{json}{own}"), 405, "method_not_allowed"),
            ("/api/posts", good, format!("{json}accept: text/html\r\n{own}"), 406, "not_acceptable"),
            ("/api/posts", 1 << 20, format!("{json}{own}"), 413, "body_too_large"),
            ("/api/posts", good, format!("content-type: text/plain\r\n{own}"), 415, "unsupported_media_type"),
            (
                "/api/posts",
                good,
                format!("{json}content-encoding: gzip\r\n{own}"),
                415,
                "unsupported_media_type",
            ),
        ] {
            let (answer, _open) = alone(&bff, &head("POST", path, length, &headers)).await;
            answer.expect_problem(status, code);
            let coding = headers.contains("content-encoding");
            assert_eq!(answer.header("accept-encoding"), coding.then_some("identity"), "{answer:?}");
        }
        // A body in chunks that was not asked for is not waited for either.
        let chunked = head("POST", "/api/posts", good, json)
            .replace(&format!("content-length: {good}"), "transfer-encoding: chunked");
        for refused in [head("POST", "/api/posts", good, json), chunked] {
            let (answer, wire) = alone(&bff, &refused).await;
            answer.expect_problem(401, "unauthenticated");
            assert_eq!(wire.rest().await, "");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_write_is_asked_for_the_body() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    let headers = format!("content-type: application/json\r\n{}", credentials(&ada));
    let mut wire = Wire::to(&bff.url()).await;
    for round in 0..3 {
        wire.send(&head("POST", "/api/posts", GOOD.len(), &headers)).await;
        assert_eq!(wire.expect(100).await.head, "HTTP/1.1 100 Continue\r\n\r\n", "{round}");
        wire.send(GOOD).await;
        let _ = wire.expect(201).await;
        // In chunks, byte by byte.
        let chunked = head("POST", "/api/posts", 0, &headers)
            .replace("content-length: 0", "transfer-encoding: chunked");
        wire.send(&chunked).await;
        let _ = wire.expect(100).await;
        for byte in GOOD.chars() {
            wire.send(&format!("1\r\n{byte}\r\n")).await;
        }
        wire.send(&format!("0\r\n\r\n{}", get(JWKS, ""))).await;
        let _ = wire.expect(201).await;
        let _ = wire.expect(200).await;
    }
    // Who does not wait gets one answer, with or without the word before it.
    wire.send(&format!("{}{GOOD}", head("POST", "/api/posts", GOOD.len(), &headers))).await;
    let mut answer = wire.answer().await.expect("an answer");
    if answer.status() == 100 {
        answer = wire.answer().await.expect("an answer");
    }
    assert_eq!(answer.status(), 201, "{answer:?}");
    // A body that is asked for and wrong is refused as ever.
    wire.send(&head("POST", "/api/posts", 2, &headers)).await;
    let _ = wire.expect(100).await;
    wire.send("{}").await;
    wire.expect(422).await.expect_problem(422, "validation_failed");
    // Where there is no body to be asked for there is an answer.
    wire.send(&get(JWKS, "expect: 100-continue\r\n")).await;
    let _ = wire.expect(200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expectation_that_is_not_known_is_not_met() {
    let bff = TestBff::spawn().await;
    for (expected, status) in [
        ("200-ok", 417),
        ("100-continue, 200-ok", 417),
        ("", 200),
        ("100-Continue,", 200),
        ("100-continue", 200),
    ] {
        for version in ["1.0", "1.1"] {
            let mut wire = Wire::to(&bff.url()).await;
            wire.send(&format!("GET {JWKS} HTTP/{version}\r\nhost: bff\r\nexpect: {expected}\r\n\r\n")).await;
            let answer = wire.answer().await.expect("an answer");
            if version == "1.1" && status == 417 {
                answer.expect_problem(417, "expectation_failed");
            } else {
                assert_eq!(answer.status(), 200, "{expected:?} of {version}: {answer:?}");
            }
        }
    }
}
