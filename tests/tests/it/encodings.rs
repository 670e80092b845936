//! Representations of one document: encodings, their ETags, conditional requests.

use reqwest::Method;
use serde_json::Value;
use tests::{Actor, Answer, TestBff, figures};

use crate::fixtures::{post_about, publish};

const FEED: &str = "/bff/home-feed";

/// The JSON of an answer, whatever it is encoded in.
pub(crate) fn decoded(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.plain()).expect("JSON")
}

/// A feed that is long enough to be compressed.
async fn reader(bff: &TestBff) -> Actor {
    let ada = bff.signed_in("ada").await;
    let recipe = publish(&ada, "Rice with eggs").await;
    for n in 0..10 {
        post_about(&ada, &format!("Try this, number {n}"), &recipe).await;
    }
    ada
}

async fn get(actor: &Actor, accept: Option<&str>, known: Option<&str>) -> Answer {
    let mut request = actor.request(Method::GET, FEED);
    if let Some(accept) = accept {
        request = request.header("accept-encoding", accept);
    }
    if let Some(known) = known {
        request = request.header("if-none-match", known);
    }
    request.send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_encoding_is_the_same_document_under_an_etag_of_its_own() {
    let bff = TestBff::builder().set("screens.home_feed.fresh_ms", 60_000).spawn().await;
    let ada = reader(&bff).await;
    let plain = get(&ada, None, None).await.expect(200);
    assert_eq!(plain.header("content-encoding"), None);
    let mut etags = vec![plain.etag().to_owned()];
    let mut sizes = vec![format!("{} plain", plain.body.len())];
    for encoding in ["br", "gzip", "zstd"] {
        let answer = get(&ada, Some(encoding), None).await.expect(200);
        assert_eq!(answer.header("content-encoding"), Some(encoding));
        assert_eq!(decoded(&answer), plain.json());
        assert!(answer.body.len() * 2 < plain.body.len(), "{encoding}: {}", answer.body.len());
        assert!(answer.lists("vary", "accept-encoding"));
        assert_eq!(answer.header("content-length"), Some(&*answer.body.len().to_string()));
        assert!(!answer.etag().starts_with("W/"), "strong");
        etags.push(answer.etag().to_owned());
        sizes.push(format!("{} {encoding}", answer.body.len()));
        let again = get(&ada, Some(encoding), None).await.expect(200);
        assert_eq!((again.etag(), &again.body), (answer.etag(), &answer.body));
        assert!(again.is_fresh_hit());
    }
    figures::note("bytes of a feed with 10 posts and 1 recipe", sizes.join(", "));
    let distinct: std::collections::HashSet<_> = etags.iter().collect();
    assert_eq!(distinct.len(), 4, "{etags:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_callers_wishes_are_heeded() {
    let bff = TestBff::builder().set("screens.home_feed.fresh_ms", 60_000).spawn().await;
    let ada = reader(&bff).await;
    let wishes = [
        ("gzip, deflate, br, zstd", Some("br")),
        ("gzip, deflate", Some("gzip")),
        ("br;q=0, gzip", Some("gzip")),
        ("GZIP", Some("gzip")),
        ("identity", None),
        ("deflate", None),
        ("gzip;q=0, br;q=0, zstd;q=0", None),
        ("*;q=0", None),
    ];
    for (accept, encoding) in wishes {
        let answer = get(&ada, Some(accept), None).await.expect(200);
        assert_eq!(answer.header("content-encoding"), encoding, "{accept}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_has_the_document_gets_304_and_no_bytes() {
    let bff = TestBff::builder().set("screens.home_feed.fresh_ms", 60_000).spawn().await;
    let ada = reader(&bff).await;
    for accept in [None, Some("br"), Some("gzip"), Some("zstd")] {
        let full = get(&ada, accept, None).await.expect(200);
        let etag = full.etag();
        let weak = format!("W/{etag}");
        let list = format!("\"other\", {etag} , \"third\"");
        for known in [etag, "*", &weak, &list] {
            let answer = get(&ada, accept, Some(known)).await;
            assert_eq!((answer.status.as_u16(), answer.body.len()), (304, 0), "{known}");
            assert_eq!(answer.etag(), etag);
            // RFC 9110 section 15.4.5: what a cache needs to bring its copy up to date.
            for name in ["cache-control", "vary"] {
                assert_eq!(answer.header(name), full.header(name), "{name}");
            }
            assert_eq!(answer.header("content-type"), None);
        }
        let unquoted = etag.trim_matches('"');
        let longer = format!("\"{unquoted}x\"");
        for unknown in ["\"other\"", unquoted, "", &longer] {
            assert_eq!(get(&ada, accept, Some(unknown)).await.status, 200, "{unknown:?}");
        }
    }
    let br = get(&ada, Some("br"), None).await.expect(200);
    let gzip = get(&ada, Some("gzip"), Some(br.etag())).await;
    assert_eq!(gzip.status, 200, "another representation is not the one that the caller has");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_document_is_sent_as_it_is() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    let answer = get(&ada, Some("br, gzip, zstd"), None).await.expect(200);
    assert!(answer.body.len() < 1024, "this test wants a short one");
    assert_eq!(answer.header("content-encoding"), None);
    assert!(answer.lists("vary", "accept-encoding"));
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_with_tokens_or_ids_are_never_kept_and_never_compressed() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    for path in ["/auth/session", "/auth/csrf-token"] {
        let answer = ada
            .request(Method::GET, path)
            .header("accept-encoding", "br, gzip, zstd")
            .send()
            .await
            .expect(200);
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(answer.header("content-encoding"), None, "{path}");
    }
    let login = ada.sign_in("ada").await;
    assert_eq!(login.header("cache-control"), Some("no-store"));
    assert_eq!(login.header("content-encoding"), None);
}
