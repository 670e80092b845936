//! Streamed routes: which headers pass, and what bounds them.

use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::Method;
use serde_json::json;
use tests::{DeclaredBff, Product, Reply, Stub, soon};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

const ROUTES: &str = r#"
[[route]]
path = "/api/files/{rest..}"
methods = ["GET", "POST"]
to = "shelf:/files/{rest..}?fixed=1"
access = "signed_in"
stream = true
max_bytes = 1000
idle_ms = 400
timeout_ms = 0
"#;

fn product() -> Product {
    Product::over_shelf().routes("files", ROUTES)
}

#[tokio::test]
async fn the_headers_of_the_agreement_pass_and_no_others() {
    let stub = Stub::new();
    let sent = [
        ("content-type", "application/pdf"),
        ("content-disposition", "attachment; filename=\"a.pdf\""),
        ("content-range", "bytes 0-3/10"),
        ("etag", "\"v1\""),
        ("last-modified", "Wed, 21 Oct 2015 07:28:00 GMT"),
        ("x-internal", "secret"),
        ("set-cookie", "a=b"),
        ("location", "/elsewhere"),
        ("access-control-allow-origin", "*"),
    ];
    let reply = sent
        .iter()
        .fold(Reply::raw("part").with_status(206), |reply, (name, value)| reply.header(name, value));
    stub.on("GET /files/a.pdf", reply);
    stub.on("GET /files/same", Reply::status(304).header("etag", "\"v1\""));
    stub.on("GET /files/short", Reply::status(416));
    stub.on("GET /files/none", Reply::problem(404, "x"));
    stub.on("GET /files/changed", Reply::problem(412, "x"));
    stub.on("POST /files/in", Reply::raw("<script>").header("content-type", "text/html").with_status(202));
    let bff = DeclaredBff::over(product(), &stub).await;
    let ada = bff.signed_in("ada").await;
    let asked = [
        ("accept", "application/pdf"),
        ("range", "bytes=0-3"),
        ("if-range", "\"v1\""),
        ("if-match", "\"v1\""),
        ("if-none-match", "\"v0\""),
        ("last-event-id", "7"),
        ("x-mine", "secret"),
        ("x-forwarded-for", "1.2.3.4"),
    ];
    let request = ada.request(Method::GET, "/api/files/a.pdf?x=%20&y");
    let answer = asked
        .iter()
        .fold(request, |request, (name, value)| request.header(name, value))
        .send()
        .await
        .expect(206);
    assert_eq!(answer.text(), "part");
    for (name, value) in &sent[..5] {
        assert_eq!(answer.header(name), Some(*value), "{name}");
    }
    for (name, _) in &sent[5..] {
        assert_eq!(answer.header(name), None, "{name}");
    }
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert!(answer.header("content-security-policy").is_some_and(|policy| policy.contains("sandbox")));
    let call = bff
        .upstream("shelf")
        .requests()
        .into_iter()
        .find(|call| call.path == "/files/a.pdf")
        .expect("a call");
    for (name, value) in &asked[..6] {
        assert_eq!(call.header(name), Some(*value), "{name}");
    }
    for name in ["x-mine", "x-forwarded-for", "cookie"] {
        assert_eq!(call.header(name), None, "{name}");
    }
    assert_eq!(call.query, "fixed=1&x=%20&y");
    let known = ada.request(Method::GET, "/api/files/same").header("if-none-match", "\"v1\"").send().await;
    assert_eq!((known.status.as_u16(), known.etag()), (304, "\"v1\""));
    assert_eq!(ada.get("/api/files/short").await.status, 416);
    assert_eq!(ada.get("/api/files/none").await.status, 404);
    assert_eq!(ada.get("/api/files/changed").await.status, 412);
    let request = ada.from_page(Method::POST, "/api/files/in").header("content-type", "image/png");
    let answer = request.body("bytes").send().await.expect(202);
    assert_eq!((answer.text(), answer.header("content-type")), ("<script>".to_owned(), Some("text/html")));
    assert!(answer.header("content-security-policy").is_some_and(|policy| policy.contains("sandbox")));
    let call =
        bff.upstream("shelf").requests().into_iter().find(|call| call.path == "/files/in").expect("a call");
    assert_eq!((call.header("content-type"), &call.body[..]), (Some("image/png"), &b"bytes"[..]));
}

#[tokio::test]
async fn more_than_max_bytes_is_refused_or_cut_either_way() {
    let stub = Stub::new();
    stub.on("GET /files/long", Reply::raw("x".repeat(1001)));
    stub.on("GET /files/full", Reply::raw("x".repeat(1000)));
    stub.with(|request| (request.method == "POST").then(|| Reply::json(&json!(request.body.len()))));
    let bff = DeclaredBff::over(product(), &stub).await;
    let ada = bff.signed_in("ada").await;
    assert_eq!(ada.get("/api/files/full").await.expect(200).body.len(), 1000);
    ada.get("/api/files/long").await.expect_problem(502, "upstream_unavailable");
    let post = |bytes: usize| {
        let pieces = (0..bytes / 100).map(|_| Ok::<_, std::io::Error>("y".repeat(100)));
        let body = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
        ada.from_page(Method::POST, "/api/files/up").body(body).send()
    };
    assert_eq!(post(1000).await.expect(200).text(), "1000");
    post(1100).await.expect_problem(413, "body_too_large");
}

/// An upstream that answers with events as they are asked for.
async fn events() -> (std::net::SocketAddr, tokio::sync::mpsc::Sender<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (sender, mut receiver) = tokio::sync::mpsc::channel::<String>(8);
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut head = Vec::new();
        while !head.windows(4).any(|four| four == b"\r\n\r\n") {
            if stream.read_buf(&mut head).await.unwrap_or_default() == 0 {
                return;
            }
        }
        let answer =
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
        let _ = stream.write_all(answer.as_bytes()).await;
        while let Some(event) = receiver.recv().await {
            let chunk = format!("{:x}\r\n{event}\r\n", event.len());
            if stream.write_all(chunk.as_bytes()).await.is_err() {
                return;
            }
        }
        // Silence, on a connection that stays open.
        std::future::pending::<()>().await;
    });
    (address, sender)
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_as_they_are_sent_and_silence_ends_them() {
    let (address, events) = events().await;
    let bff =
        DeclaredBff::builder(product()).set("upstreams.shelf.url", format!("http://{address}")).spawn().await;
    let ada = bff.signed_in("ada").await;
    #[expect(clippy::disallowed_methods, reason = "a caller of the gateway, not the gateway")]
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let request = client
        .get(format!("{}/api/files/events", bff.url()))
        .header("cookie", ada.cookie().expect("a cookie"));
    let answer = soon("an answer", request.send()).await.expect("an answer");
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let mut body = answer.bytes_stream();
    // Longer in all than any one silence may be.
    for number in 0..6 {
        let event = format!("data: {number}\n\n");
        events.send(event.clone()).await.expect("sent");
        let came = soon("the event", body.next()).await.expect("more").expect("bytes");
        assert_eq!(came, event.as_bytes());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let end = soon("the end", body.next()).await;
    assert!(!matches!(end, Some(Ok(_))), "{end:?}");
}
