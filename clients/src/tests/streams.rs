//! Bodies that go through as they come.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{
    HeaderValue, Method, StatusCode,
    header::{CONTENT_LENGTH, CONTENT_TYPE, IF_NONE_MATCH},
};

use tokio::{net::TcpListener, runtime::Handle};

use super::{Fixture, Reply, clients_at, cx, unheard};
use crate::{RawCall, StreamCall, StreamError, StreamLimits, StreamedAnswer, Upload, UpstreamError};

const LIMITS: StreamLimits =
    StreamLimits { max_bytes: 128 << 20, idle: Duration::from_secs(5), total: Some(Duration::from_secs(60)) };

fn raw(text: &str) -> Reply {
    Reply::Raw(text.as_bytes().to_vec())
}

fn get() -> RawCall {
    RawCall::get("report", "/reports/7".to_owned())
}

async fn stream(it: &Fixture, limits: StreamLimits) -> Result<StreamedAnswer, StreamError> {
    let call = StreamCall { call: get(), upload: None, limits };
    it.clients.upstream("orders").stream(&cx(), call).await
}

async fn upload(it: &Fixture, upload: Upload, limits: StreamLimits) -> Result<StreamedAnswer, StreamError> {
    let mut call = RawCall::new("upload", Method::POST, "/files".to_owned());
    call.headers.insert(CONTENT_TYPE, HeaderValue::from_static("image/png"));
    let call = StreamCall { call, upload: Some(upload), limits };
    it.clients.upstream("orders").stream(&cx(), call).await
}

#[tokio::test]
async fn a_large_answer_comes_piece_by_piece_and_only_as_fast_as_it_is_taken() {
    let it = Fixture::new(|_| Reply::Flood).await;
    let mut body = stream(&it, LIMITS).await.expect("an answer").body;
    let mut taken = body.next().await.expect("a piece").expect("bytes").len();
    // The server runs on this thread: it writes until every buffer between it and us is full.
    for _ in 0..20_000 {
        tokio::task::yield_now().await;
    }
    let sent = it.server.flooded_bytes();
    assert!(sent < 16 << 20, "{sent} bytes were sent that nobody took");
    while let Some(piece) = body.next().await {
        taken += piece.expect("bytes").len();
    }
    assert_eq!(taken, 64 << 20);
    assert_eq!(*it.reports.lock(), [("report", "ok")]);
}

#[tokio::test]
async fn an_answer_beyond_the_limit_ends_with_an_error_and_its_connection() {
    let it = Fixture::new(|_| Reply::Flood).await;
    let mut body = stream(&it, StreamLimits { max_bytes: 1 << 20, ..LIMITS }).await.expect("an answer").body;
    let mut taken = 0;
    let error = loop {
        match body.next().await.expect("an error at last") {
            Ok(bytes) => taken += bytes.len(),
            Err(error) => break error,
        }
    };
    assert!(taken <= 1 << 20 && matches!(error, UpstreamError::TooLarge { .. }), "{error:?}");
    assert!(body.next().await.is_none());
    it.server.until_ended(1).await;
    assert_eq!(*it.reports.lock(), [("report", "too_large")]);
}

#[tokio::test]
async fn silence_and_the_total_time_are_bounded() {
    const STALL: &str = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{";
    let it = Fixture::new(|_| Reply::Stall(STALL)).await;
    for limits in [
        StreamLimits { idle: Duration::from_millis(80), total: None, ..LIMITS },
        StreamLimits { total: Some(Duration::from_millis(80)), ..LIMITS },
    ] {
        let mut body = stream(&it, limits).await.expect("an answer").body;
        assert_eq!(body.next().await.expect("a piece").expect("bytes"), "{");
        let error = body.next().await.expect("an end").expect_err("silence");
        assert_eq!(error.outcome(), "timeout");
    }
    let it = Fixture::with(|config| config.timeout = Duration::from_millis(80), |_| Reply::Hang).await;
    let error = stream(&it, StreamLimits { total: None, ..LIMITS }).await.expect_err("no head");
    assert_eq!(error.outcome(), "timeout");
}

#[tokio::test]
async fn a_reader_that_goes_away_cancels_the_call() {
    let it = Fixture::with(|config| (config.max_concurrent, config.queue) = (1, 0), |_| Reply::Flood).await;
    let mut body = stream(&it, LIMITS).await.expect("an answer").body;
    body.next().await.expect("a piece").expect("bytes");
    let full = stream(&it, LIMITS).await.expect_err("no room: the stream counts until it ends");
    assert_eq!(full.outcome(), "overloaded");
    drop(body);
    it.server.until_ended(1).await;
    stream(&it, LIMITS).await.expect("room again");
    assert_eq!(it.reports.lock()[..2], [("report", "overloaded"), ("report", "canceled")]);
}

#[tokio::test]
async fn refusals_broken_bodies_and_304_are_told_apart() {
    let it = Fixture::new(|_| Reply::Problem(403, r#"{"code": "no"}"#.to_owned())).await;
    let StreamError::Upstream(error) = stream(&it, LIMITS).await.expect_err("403") else {
        panic!("the upstream's")
    };
    assert_eq!((error.status(), error.problem_code()), (Some(StatusCode::FORBIDDEN), Some("no")));
    let it = Fixture::new(|_| raw("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nab")).await;
    let pieces: Vec<_> = stream(&it, LIMITS).await.expect("an answer").body.collect().await;
    assert_eq!(pieces.last().expect("an end").as_ref().expect_err("cut off").outcome(), "invalid");
    let it = Fixture::new(|_| raw("HTTP/1.1 304 X\r\nETag: \"1\"\r\n\r\n")).await;
    let mut call = get();
    call.headers.insert(IF_NONE_MATCH, HeaderValue::from_static("\"1\""));
    let call = StreamCall { call, upload: None, limits: LIMITS };
    let answer = it.clients.upstream("orders").stream(&cx(), call).await;
    assert_eq!(answer.expect("unchanged").status, StatusCode::NOT_MODIFIED);
    assert_eq!(stream(&it, LIMITS).await.expect_err("nobody asked").outcome(), "redirect");
}

/// Pieces of 64 KiB that count how many were asked for.
fn pieces(count: usize, asked: &Arc<AtomicUsize>) -> Upload {
    let asked = Arc::clone(asked);
    Box::pin(stream::iter(0..count).map(move |_| {
        asked.fetch_add(1, Ordering::Relaxed);
        Ok(Bytes::from(vec![b'x'; 65_536]))
    }))
}

#[tokio::test]
async fn an_upload_is_sent_as_it_comes_and_bounded() {
    let it = Fixture::new(|_| Reply::NoContent).await;
    let told = {
        let mut call = RawCall::new("upload", Method::PUT, "/files/7".to_owned());
        call.headers.insert(CONTENT_LENGTH, HeaderValue::from_static("131072"));
        let call = StreamCall { call, upload: Some(pieces(2, &Arc::default())), limits: LIMITS };
        it.clients.upstream("orders").stream(&cx(), call).await.expect("taken")
    };
    assert_eq!(told.status, StatusCode::NO_CONTENT);
    let request = it.only_request();
    assert_eq!((request.body.len(), request.header("transfer-encoding")), (131_072, None));

    // A server that takes nothing: the upload waits for it.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let clients = clients_at(&url.parse().expect("a url"), |_| (), unheard(), Handle::current());
    let asked = Arc::default();
    let limits = StreamLimits { idle: Duration::from_millis(200), ..LIMITS };
    let call = RawCall::new("upload", Method::POST, "/files".to_owned());
    let call = StreamCall { call, upload: Some(pieces(2000, &asked)), limits };
    let error = clients.upstream("orders").stream(&cx(), call).await;
    let error = error.expect_err("nobody takes it");
    assert_eq!(error.outcome(), "timeout", "{error:?}");
    let asked = asked.load(Ordering::Relaxed);
    assert!(asked < 256, "{asked} pieces of 64 KiB were taken for a server that reads none");
}

#[tokio::test]
async fn an_upload_that_is_at_fault_is_told_from_an_upstream_that_is() {
    let it = Fixture::new(|_| Reply::Hang).await;
    let small = StreamLimits { max_bytes: 100_000, ..LIMITS };
    let error = upload(&it, pieces(2, &Arc::default()), small).await.expect_err("too large");
    assert!(matches!(error, StreamError::UploadTooLarge { limit_bytes: 100_000, .. }), "{error:?}");
    let broken = stream::iter([Ok(Bytes::from_static(b"x")), Err("gone".into())]);
    let error = upload(&it, Box::pin(broken), LIMITS).await.expect_err("broken");
    assert!(matches!(error, StreamError::UploadBroken { .. }), "{error:?}");
    let silent = stream::iter([Ok(Bytes::from_static(b"x"))]).chain(stream::pending());
    let quick = StreamLimits { idle: Duration::from_millis(80), ..LIMITS };
    let error = upload(&it, Box::pin(silent), quick).await.expect_err("silent");
    assert!(matches!(error, StreamError::UploadTimeout { .. }), "{error:?}");
    assert_eq!(*it.reports.lock(), [("upload", "upload"); 3]);
}
