//! A route that streams: 100 MiB either way, and the gateway holds none of it.

use super::raw;
use futures_util::StreamExt;
use reqwest::Method;
use sha2::{Digest, Sha256};
use tests::{Actor, DeclaredBff, figures, soon};

const SIZE: usize = 100 << 20;
/// What the gateway may take beyond what it had, in KiB: buffers of connections and of the allocator.
const FLAT_KIB: u64 = 16 * 1024;

fn client() -> reqwest::Client {
    #[expect(clippy::disallowed_methods, reason = "a caller of the gateway, not the gateway")]
    let builder = reqwest::Client::builder();
    builder.no_proxy().build().expect("a client")
}

fn request(bff: &DeclaredBff, ada: &Actor, method: Method, path: &str) -> reqwest::RequestBuilder {
    client()
        .request(method, format!("{}{path}", bff.url()))
        .header("cookie", ada.cookie().expect("a cookie"))
        .header("sec-fetch-site", "same-origin")
        .header("x-csrf-token", ada.csrf_token().expect("a token"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_megabytes_pass_through_either_way_in_flat_memory() {
    let bff = DeclaredBff::shop().unproxied().alone().spawn().await;
    let ada = bff.signed_in("ada").await;
    // Once before, so that what is made once is made.
    let small =
        request(&bff, &ada, Method::GET, "/api/reports/x?bytes=70000").send().await.expect("an answer");
    assert_eq!(small.content_length(), Some(70_000));
    let _ = small.bytes().await.expect("a body");
    let before = bff.memory_kib().0;

    let answer = request(&bff, &ada, Method::GET, "/api/reports/year").send().await.expect("an answer");
    assert_eq!((answer.status().as_u16(), answer.content_length()), (200, Some(SIZE as u64)));
    let header =
        |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    assert_eq!(header("content-type").as_deref(), Some("text/html"));
    assert_eq!(header("x-content-type-options").as_deref(), Some("nosniff"));
    assert!(header("content-security-policy").is_some_and(|policy| policy.contains("sandbox")));
    assert_eq!((header("set-cookie"), header("x-internal")), (None, None));
    let (mut body, mut count, mut sha) = (answer.bytes_stream(), 0, Sha256::new());
    while let Some(chunk) = soon("more of it", body.next()).await {
        let chunk = chunk.expect("a chunk");
        count += chunk.len();
        sha.update(&chunk);
    }
    let block: Vec<u8> = (0..=255).collect();
    let block = block.repeat(4096);
    let mut expected = Sha256::new();
    (0..SIZE / block.len()).for_each(|_| expected.update(&block));
    let expected = expected.finalize();
    assert_eq!((count, sha.finalize()), (SIZE, expected));
    let (_, down) = bff.memory_kib();
    assert!(down < before + FLAT_KIB, "{before} KiB before, {down} KiB at most while it answered");

    let sent = bytes::Bytes::from(block);
    let blocks = (0..SIZE / sent.len()).map(move |_| Ok::<_, std::io::Error>(sent.clone()));
    let body = reqwest::Body::wrap_stream(futures_util::stream::iter(blocks));
    let taken = request(&bff, &ada, Method::POST, "/api/reports/upload")
        .header("content-type", "application/octet-stream")
        .body(body);
    let taken = soon("an answer", taken.send()).await.expect("an answer");
    assert_eq!(taken.status(), 200);
    let text = taken.text().await.expect("a body");
    let told: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let hexadecimal: String = expected.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        (&told["bytes"], &told["sha256"]),
        (&serde_json::json!(SIZE), &serde_json::json!(hexadecimal))
    );
    let (_, up) = bff.memory_kib();
    assert!(up < before + FLAT_KIB, "{before} KiB before, {up} KiB at most while it was sent");
    figures::note(
        "100 MiB through a declared route, down and up: memory beyond before",
        format!("{} KiB", up.saturating_sub(before)),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_bounded_and_ends_with_its_caller() {
    let bff = DeclaredBff::shop().spawn().await;
    let ada = bff.signed_in("ada").await;
    // 200 MiB are allowed: what announces more is refused before it is read.
    let token = ada.csrf_token().expect("a token");
    let announced = format!(
        "sec-fetch-site: same-origin\r\nx-csrf-token: {token}\r\ncontent-length: 209715201\r\n\r\nbeginning"
    );
    let refused = raw(&bff, &ada, "POST /api/reports/x HTTP/1.1", &announced).await;
    assert!(refused.starts_with("HTTP/1.1 413 "), "{refused}");
    // Nobody without a session, and nobody's page but their own.
    let nobody = bff.anonymous().get("/api/reports/x?bytes=1").await;
    nobody.expect_problem(401, "unauthenticated");
    ada.request(Method::POST, "/api/reports/x").body("x").send().await.expect_problem(403, "csrf_failed");
}
