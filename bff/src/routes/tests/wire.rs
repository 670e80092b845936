//! Streams between two connections: what ends them, and what follows.

use std::{sync::Arc, time::Duration};

use actix_web::{HttpResponse, body::SizedStream};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::Method;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::{Semaphore, watch},
};

use super::{
    Recorded, World,
    keys::gated,
    plan, route,
    served::{Reply, Served},
    streams::resident,
};
use crate::compose::plan::{
    GatewayPlan, ParamId, ParamKind, ParamPlan, ParamSource, PathPiece, RoutePlan, StreamPlan, TagTemplate,
    Value,
};

const MIB: usize = 1024 * 1024;
const LONG: Duration = Duration::from_secs(20);

fn streamed(method: Method, limits: StreamPlan) -> RoutePlan {
    RoutePlan { stream: Some(limits), shape: None, ..route(method) }
}

const LIMITS: StreamPlan = StreamPlan { max_bytes: MIB as u64, idle: LONG, timeout: Duration::ZERO };

fn piece() -> Bytes {
    Bytes::from(vec![b'x'; 16 * 1024])
}

/// Pieces until somebody has had enough.
fn endless() -> impl futures_util::Stream<Item = Result<Bytes, actix_web::Error>> {
    stream::repeat_with(|| Ok(piece())).then(|piece| async {
        tokio::task::yield_now().await;
        piece
    })
}

async fn download(
    limits: StreamPlan,
    answer: impl Fn(&Recorded) -> HttpResponse + Send + Sync + 'static,
) -> Reply {
    let world = World::serving(vec![streamed(Method::GET, limits)], answer).await;
    Served::new(world).await.ask("GET /api/orders/7", "", "").await
}

#[actix_web::test]
async fn an_answer_that_breaks_its_bounds_is_cut_off_and_its_caller_can_tell() {
    let one_and_silence = |_: &Recorded| {
        HttpResponse::Ok()
            .streaming(stream::iter([Ok::<_, actix_web::Error>(piece())]).chain(stream::pending()))
    };
    let short = Duration::from_millis(60);
    for (what, limits, reply) in [
        ("max_bytes", LIMITS, download(LIMITS, |_| HttpResponse::Ok().streaming(endless())).await),
        ("idle_ms", LIMITS, download(StreamPlan { idle: short, ..LIMITS }, one_and_silence).await),
        ("timeout_ms", LIMITS, download(StreamPlan { timeout: short, ..LIMITS }, one_and_silence).await),
        (
            "an upstream that dies",
            LIMITS,
            download(LIMITS, |_| {
                let gone = async {
                    // What came before has been sent.
                    tokio::task::yield_now().await;
                    Err(actix_web::error::ErrorInternalServerError("gone"))
                };
                let broken = stream::iter([Ok(piece())]).chain(stream::once(gone));
                HttpResponse::Ok().body(SizedStream::new(64 * 1024, Box::pin(broken)))
            })
            .await,
        ),
    ] {
        assert_eq!((reply.status, reply.is_whole), (200, false), "{what}");
        assert!(reply.body.len() as u64 <= limits.max_bytes, "{what}");
        assert!(what == "max_bytes" || reply.body == piece(), "{what}: what came before went through");
    }
}

#[actix_web::test]
async fn what_is_said_to_be_too_long_is_not_begun_and_a_head_has_no_body() {
    let long = |_: &Recorded| HttpResponse::Ok().body(vec![b'x'; MIB + 1]);
    let refused = download(LIMITS, long).await;
    assert_eq!((refused.status, &*refused.code()), (502, "upstream_unavailable"));
    let world = World::serving(vec![streamed(Method::GET, LIMITS)], |_| {
        HttpResponse::Ok().content_type("text/csv").insert_header(("etag", "\"v\"")).body("a,b")
    })
    .await;
    let served = Served::new(world).await;
    let head = served.ask("HEAD /api/orders/7", "range: bytes=0-1\r\n", "").await;
    assert_eq!((head.status, &*head.body, head.header("content-length")), (200, &b""[..], Some("3")));
    assert_eq!((head.header("content-type"), head.header("etag")), (Some("text/csv"), Some("\"v\"")));
    assert_eq!(head.header("x-content-type-options"), Some("nosniff"));
    let sent = served.world.sent.lock();
    assert_eq!((&*sent[0].method, sent[0].header("range")), ("HEAD", Some("bytes=0-1")));
}

#[actix_web::test]
async fn whoever_hangs_up_ends_the_upstreams_work() {
    struct Gone(Arc<Semaphore>);
    impl Drop for Gone {
        fn drop(&mut self) {
            self.0.add_permits(1);
        }
    }
    let gone = Arc::new(Semaphore::new(0));
    let told = Arc::clone(&gone);
    let answer = move |_: &Recorded| {
        let guard = Gone(Arc::clone(&told));
        HttpResponse::Ok().streaming(endless().map(move |piece| {
            let _ = &guard;
            piece
        }))
    };
    let limits = StreamPlan { max_bytes: u64::MAX, ..LIMITS };
    let served = Served::new(World::serving(vec![streamed(Method::GET, limits)], answer).await).await;
    let mut connection = served.begin("GET /api/orders/7", &served.bearer, b"").await;
    let mut some = vec![0; 256 * 1024];
    connection.read_exact(&mut some).await.expect("a beginning");
    assert_eq!(gone.available_permits(), 0, "it is still being sent");
    drop(connection);
    gone.acquire().await.expect("never closed").forget();
}

#[actix_web::test]
async fn a_streamed_write_makes_documents_old_also_when_its_caller_hangs_up() {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let plan = RoutePlan {
        drops: [TagTemplate { kind: "order".into(), id: Some(Value::Param(ParamId(0))) }].into(),
        ..streamed(Method::POST, LIMITS)
    };
    let world = World::serving(vec![plan], move |sent| {
        if sent.body == b"wait" { gated(&held, 200, "{}") } else { HttpResponse::Ok().body("done") }
    })
    .await;
    let (tell, mut told) = watch::channel(());
    world.routes.bus.changes().subscribe(move |_| tell.send_replace(()));
    let served = Served::new(world).await;
    let reply = served.ask("POST /api/orders/7", "", "go").await;
    assert_eq!((reply.status, reply.text(), reply.header("cache-control")), (200, "done", Some("no-store")));
    assert_eq!(served.world.dropped(), ["order:7"]);
    told.mark_unchanged();
    let headers = format!("{}content-length: 4\r\n", served.bearer);
    let connection = served.begin("POST /api/orders/7", &headers, b"wait").await;
    served.world.called(2).await;
    drop(connection);
    told.changed().await.expect("the bus");
    assert_eq!(served.world.dropped(), ["order:7"]);
}

#[actix_web::test]
async fn the_rest_of_a_path_goes_along_and_leads_nowhere_else() {
    let rest = ParamPlan {
        name: "rest".into(),
        source: ParamSource::Rest,
        kind: ParamKind::String { max_length: 200, one_of: [].into() },
        default: None,
        compact_default: None,
    };
    let mut plan = RoutePlan {
        name: "/api/reports/{rest..}",
        path: "/api/reports/{rest..}".into(),
        params: [rest].into(),
        ..streamed(Method::GET, LIMITS)
    };
    plan.call.path = [PathPiece::Text("/r/".into()), PathPiece::Rest(Value::Param(ParamId(0)))].into();
    let served = Served::new(World::serving(vec![plan], |_| HttpResponse::Ok().body("")).await).await;
    for (path, target) in [
        ("a/b?x=1&y=%2F'", "/r/a/b?x=1&y=%2F%27"),
        ("a%20b/%EA%B9%80", "/r/a%20b/%EA%B9%80"),
        ("a%252fb", "/r/a%252fb"),
        ("a+b", "/r/a%2Bb"),
        ("a%2Bb;c=d", "/r/a%2Bb%3Bc%3Dd"),
    ] {
        assert_eq!(served.ask(&format!("GET /api/reports/{path}"), "", "").await.status, 200, "{path}");
        assert_eq!(served.world.sent.lock().last().expect("a call").target, target);
    }
    let calls = served.world.sent.lock().len();
    for path in [
        "", "..", "../x", "a/../b", "a/./b", "a//b", "a/", "%2e%2e/x", "a/%2E", "a%2Fb", "a%2fb", "a%5Cb",
        "a%00", "%ff", "a%",
    ] {
        let refused = served.ask(&format!("GET /api/reports/{path}"), "", "").await;
        assert_eq!((refused.status, &*refused.code()), (404, "not_found"), "{path}");
    }
    assert_eq!(served.world.sent.lock().len(), calls);
}

#[actix_web::test]
async fn a_large_upload_goes_through_in_flat_memory() {
    const SIZE: usize = 100 * MIB;
    // It counts what comes: a server that gathers bodies would do so in this process.
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    actix_web::rt::spawn(async move {
        let (mut connection, _) = listener.accept().await.expect("a connection");
        let (mut buffer, mut head, mut came) = (vec![0; 64 * 1024], Vec::new(), 0);
        while came < SIZE {
            let read = connection.read(&mut buffer).await.expect("a piece");
            assert!(read > 0, "cut off after {came} bytes");
            if came == 0 {
                head.extend_from_slice(&buffer[..read]);
                let end = head.windows(4).position(|four| four == b"\r\n\r\n");
                came = end.map_or(0, |end| head.len() - end - 4);
            } else {
                came += read;
            }
        }
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 9\r\nconnection: close\r\n\r\n{came}");
        connection.write_all(answer.as_bytes()).await.expect("sent");
    });
    let limits = StreamPlan { max_bytes: SIZE as u64, ..LIMITS };
    let plan = GatewayPlan { routes: [Arc::new(streamed(Method::POST, limits))].into(), ..plan() };
    let url = url::Url::parse(&url).expect("a url");
    let world = World::before(plan, &url, Arc::default(), watch::channel(0).1).await;
    let served = Served::new(world).await;
    let (before, mut most) = (resident(), 0);
    let headers = format!("{}content-length: {SIZE}\r\n", served.bearer);
    let mut connection = served.begin("POST /api/orders/7", &headers, b"").await;
    let block = vec![b'x'; 64 * 1024];
    for _ in 0..SIZE / block.len() {
        connection.write_all(&block).await.expect("sent");
        most = most.max(resident());
    }
    let reply = Served::finish(connection, false).await;
    assert_eq!((reply.status, reply.text()), (200, &*SIZE.to_string()));
    assert!(most < before + 24 * MIB as u64, "from {before} to {most}");
}
