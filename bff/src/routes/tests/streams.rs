//! Streamed routes.

use std::{pin::Pin, time::Duration};

use actix_web::{
    HttpResponse,
    body::MessageBody,
    dev::Payload,
    error::PayloadError,
    http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY},
    test::TestRequest,
};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::Method;

use super::{NOTHING, World, json, route, text};
use crate::{
    compose::plan::{RoutePlan, StreamPlan},
    routes::stream::stream as serve,
};

const MIB: u64 = 1024 * 1024;
const SIZE: u64 = 100 * MIB;

fn streamed(method: Method, max_bytes: u64) -> RoutePlan {
    let idle = Duration::from_secs(20);
    let stream = StreamPlan { max_bytes, idle, timeout: Duration::ZERO };
    RoutePlan { stream: Some(stream), shape: None, ..route(method) }
}

/// Resident memory of this process, in bytes.
pub(super) fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}

fn pieces(size: u64) -> impl futures_util::Stream<Item = Bytes> {
    stream::iter((0..size / (64 * 1024)).map(|_| Bytes::from(vec![b'x'; 64 * 1024])))
}

#[actix_web::test]
async fn a_large_answer_goes_through_in_flat_memory() {
    let world = World::new(|_| {
        let body = pieces(SIZE).map(Ok::<_, actix_web::Error>);
        HttpResponse::Ok().content_type("text/csv").insert_header(("set-cookie", "a=b")).streaming(body)
    })
    .await;
    let request = TestRequest::get().uri("/api/orders/7?a=1&b=%2F").insert_header(("range", "bytes=0-"));
    let request = request.insert_header(("cookie", "secret=1"));
    let before = resident();
    let answer =
        serve(world.asked(streamed(Method::GET, SIZE), "7", request), NOTHING).await.expect("an answer");
    assert_eq!(answer.headers().get(CACHE_CONTROL).expect("a rule"), "private, no-cache");
    let policy = answer.headers().get(CONTENT_SECURITY_POLICY).expect("a policy").to_str().expect("text");
    assert!(policy.contains("sandbox"), "{policy}");
    assert!(!answer.headers().contains_key("set-cookie"));
    let (mut body, mut came, mut most) = (answer.into_body(), 0, 0);
    loop {
        let piece = std::future::poll_fn(|cx| Pin::new(&mut body).poll_next(cx)).await;
        let Some(piece) = piece else { break };
        came += piece.expect("a piece").len() as u64;
        most = most.max(resident());
    }
    assert_eq!(came, SIZE);
    assert!(most < before + 24 * MIB, "from {before} to {most}");
    let sent = world.sent.lock();
    assert_eq!((&*sent[0].method, &*sent[0].target), ("GET", "/orders/7?a=1&b=%2F"));
    assert_eq!((sent[0].header("range"), sent[0].header("cookie")), (Some("bytes=0-"), None));
}

#[actix_web::test]
async fn a_body_goes_through_and_one_that_is_too_long_is_refused() {
    let world = World::new(|sent| HttpResponse::Ok().body(sent.body.len().to_string())).await;
    let payload = |size| {
        let pieces: Pin<Box<dyn futures_util::Stream<Item = Result<Bytes, PayloadError>>>> =
            Box::pin(pieces(size).map(Ok));
        Payload::from(pieces)
    };
    let post = || TestRequest::post().insert_header(("transfer-encoding", "chunked"));
    let plan = || streamed(Method::POST, 4 * MIB);
    let answer = serve(world.asked(plan(), "7", post()), payload(4 * MIB)).await.expect("an answer");
    assert_eq!(text(answer).await, (4 * MIB).to_string());
    let refused = serve(world.asked(plan(), "7", post()), payload(5 * MIB)).await.expect_err("too long");
    assert_eq!(refused.code(), "body_too_large");
    let announced = TestRequest::post().insert_header(("content-length", (5 * MIB).to_string()));
    let refused = serve(world.asked(plan(), "7", announced), NOTHING).await.expect_err("too long");
    assert_eq!(refused.code(), "body_too_large");
}

#[actix_web::test]
async fn conditions_and_ranges_are_the_upstreams_to_judge() {
    for (status, code) in [(416, "range_not_satisfiable"), (412, "precondition_failed"), (404, "not_found")] {
        let world = World::new(move |_| json(status, "{}")).await;
        let plan = streamed(Method::GET, MIB);
        let refused =
            serve(world.asked(plan, "7", TestRequest::get()), NOTHING).await.expect_err("a refusal");
        assert_eq!(refused.code(), code);
    }
    let world = World::new(|_| HttpResponse::NotModified().insert_header(("etag", "\"v\"")).finish()).await;
    let request = TestRequest::get().insert_header(("if-none-match", "\"v\""));
    let answer =
        serve(world.asked(streamed(Method::GET, MIB), "7", request), NOTHING).await.expect("an answer");
    assert_eq!((answer.status().as_u16(), answer.headers().contains_key("etag")), (304, true));
    let world = World::new(|_| {
        HttpResponse::PartialContent().insert_header(("content-range", "bytes 0-1/9")).body("ab")
    })
    .await;
    let request = TestRequest::get().insert_header(("range", "bytes=0-1"));
    let answer =
        serve(world.asked(streamed(Method::GET, MIB), "7", request), NOTHING).await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 206);
    assert_eq!(answer.headers().get("content-range").expect("a range"), "bytes 0-1/9");
    assert_eq!(text(answer).await, "ab");
}
