//! Request bodies: how long, of what type, of what shape.

use reqwest::Method;
use serde_json::json;
use tests::TestBff;

use crate::edge::{LIMIT, with_a_limit};

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_the_limit_is_refused_whether_it_is_announced_or_not() {
    let bff = with_a_limit().await;
    let ada = bff.signed_in("ada").await;
    bff.clear_journals();
    let sized = |length: usize| {
        let frame = json!({ "text": "" }).to_string().len();
        json!({ "text": "x".repeat(length - frame) }).to_string()
    };
    let send = async |body: reqwest::Body| {
        ada.from_page(Method::POST, "/api/posts")
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await
    };
    let streamed = |body: String| {
        let chunks: Vec<_> =
            body.into_bytes().chunks(500).map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec())).collect();
        reqwest::Body::wrap_stream(futures_util::stream::iter(chunks))
    };
    assert_eq!(send(sized(LIMIT).into()).await.status, 201);
    assert_eq!(send(streamed(sized(LIMIT))).await.status, 201);
    bff.clear_journals();
    send(sized(LIMIT + 1).into()).await.expect_problem(413, "body_too_large");
    send(streamed(sized(LIMIT + 1))).await.expect_problem(413, "body_too_large");
    assert_eq!(bff.calls(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_json_that_is_json_is_taken() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    bff.clear_journals();
    let send = async |content_type: Option<&str>, body: &[u8]| {
        let mut request = ada.from_page(Method::POST, "/api/posts").body(body.to_vec());
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        request.send().await
    };
    let good = br#"{"text":"x"}"#;
    for wrong in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("application/jsonp"),
        Some("json"),
    ] {
        send(wrong, good).await.expect_problem(415, "unsupported_media_type");
    }
    for broken in [&b""[..], b"{", b"x", b"{\"text\":\"x\"} trailing", b"{\"text\":\"\xff\xfe\"}", b"\0"] {
        send(Some("application/json"), broken).await.expect_problem(400, "invalid_body");
    }
    for other in [
        &b"[]"[..],
        b"null",
        b"1",
        b"\"text\"",
        b"[\"text\"]",
        b"{\"text\":null}",
        b"{\"text\":\"a\",\"text\":\"b\"}",
    ] {
        send(Some("application/json"), other).await.expect_problem(422, "validation_failed");
    }
    let deep = [b"{\"text\":".as_slice(), &b"[".repeat(30_000)].concat();
    let answer = send(Some("application/json"), &deep).await;
    assert!(answer.status.is_client_error(), "{}", answer.text());
    assert_eq!(bff.calls(), 0);
    for right in ["application/json", "application/json; charset=utf-8", "Application/JSON"] {
        assert_eq!(send(Some(right), good).await.status, 201, "{right}");
    }
}
