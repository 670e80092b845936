//! Every rule by which files are served, over HTTP.

use std::io::Read as _;

use reqwest::Method;
use tests::TestBff;

use super::{IMMUTABLE, asked, build, expect_page, film, navigate, script, serving, write};

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_asked_about_each_time_and_files_with_a_hash_are_kept_for_a_year() {
    let folder = build();
    let bff = serving(folder.path()).spawn().await;
    let nobody = bff.anonymous();
    for path in [
        "/",
        "/index.html",
        "/recipes/1",
        "/recipes/1?tab=2",
        "/a/b/c/",
        "/@jane.doe",
        "/release/v1.2",
        "/apiary",
    ] {
        expect_page(&navigate(&nobody, path).await, "app");
    }
    expect_page(&navigate(&nobody, "/about").await, "about");
    for (path, media_type, cache) in [
        ("/assets/index-B3k_x9aQ.js", "text/javascript; charset=utf-8", IMMUTABLE),
        ("/assets/index-DiwrgTda.css", "text/css; charset=utf-8", IMMUTABLE),
        ("/logo.svg", "image/svg+xml", "no-cache"),
        ("/site.webmanifest", "application/manifest+json", "no-cache"),
        ("/engine.wasm", "application/wasm", "no-cache"),
        ("/film.mp4", "video/mp4", "no-cache"),
        ("/.well-known/security.txt", "text/plain; charset=utf-8", "no-cache"),
    ] {
        let answer = nobody.get(path).await.expect(200);
        assert_eq!(answer.header("content-type"), Some(media_type), "{path}");
        assert_eq!(answer.header("cache-control"), Some(cache), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("accept-ranges"), Some("bytes"), "{path}");
        let head = nobody.request(Method::HEAD, path).send().await.expect(200);
        assert!(head.body.is_empty(), "{path}");
        for name in ["content-type", "content-length", "etag", "cache-control", "vary"] {
            assert_eq!(head.header(name), answer.header(name), "{name} of HEAD {path}");
        }
        assert_eq!(head.header("content-length"), Some(&*answer.body.len().to_string()), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_browser_has_is_not_sent_again_and_replicas_agree_on_what_it_has() {
    let folder = build();
    let bff = serving(folder.path()).spawn().await;
    let copy = build();
    let replica = serving(copy.path()).spawn().await;
    for path in ["/", "/assets/index-B3k_x9aQ.js", "/logo.svg", "/film.mp4"] {
        let first = bff.anonymous().get(path).await.expect(200);
        let known = asked(&replica.anonymous(), path, &[("if-none-match", first.etag())]).await.expect(304);
        assert!(known.body.is_empty());
        // A cache takes over what a 304 says: another policy would break the page that it has.
        for name in [
            "etag",
            "cache-control",
            "vary",
            "content-security-policy",
            "referrer-policy",
            "cross-origin-opener-policy",
        ] {
            assert_eq!(known.header(name), first.header(name), "{name} of {path}");
        }
        let weak = format!("W/{}, \"other\"", first.etag());
        let _ = asked(&bff.anonymous(), path, &[("if-none-match", &weak)]).await.expect(304);
        let _ = asked(&bff.anonymous(), path, &[("if-none-match", "\"other\"")]).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_the_build_made_is_sent_to_those_who_take_it() {
    let folder = build();
    let text = script("one");
    let zstd = zstd::bulk::compress(text.as_bytes(), 19).expect("zstd");
    write(folder.path(), "assets/index-B3k_x9aQ.js.zst", &zstd);
    let bff = serving(folder.path()).spawn().await;
    let nobody = bff.anonymous();
    let path = "/assets/index-B3k_x9aQ.js";
    let plain = nobody.get(path).await.expect(200);
    assert_eq!((plain.text(), plain.header("content-encoding")), (text.clone(), None));
    let mut etags = vec![plain.etag().to_owned()];
    for (accept, coding) in
        [("gzip, deflate, br, zstd", "br"), ("zstd, gzip;q=0.5", "zstd"), ("br;q=0, zstd;q=0, gzip", "gzip")]
    {
        let answer = asked(&nobody, path, &[("accept-encoding", accept)]).await.expect(200);
        assert_eq!(answer.header("content-encoding"), Some(coding), "{accept}");
        assert_eq!(answer.header("cache-control"), Some(IMMUTABLE));
        assert!(answer.lists("vary", "accept-encoding"));
        assert!(answer.body.len() < plain.body.len() / 3);
        let mut unpacked = String::new();
        let read = match coding {
            "br" => brotli::Decompressor::new(&answer.body[..], 4096).read_to_string(&mut unpacked),
            "zstd" => zstd::stream::read::Decoder::new(&answer.body[..])
                .expect("zstd")
                .read_to_string(&mut unpacked),
            _ => flate2::read::GzDecoder::new(&answer.body[..]).read_to_string(&mut unpacked),
        };
        read.expect("it unpacks");
        assert_eq!(unpacked, text, "{coding}");
        etags.push(answer.etag().to_owned());
        let again =
            asked(&nobody, path, &[("accept-encoding", accept), ("if-none-match", answer.etag())]).await;
        assert_eq!(again.status, 304, "{coding}");
        let other =
            asked(&nobody, path, &[("accept-encoding", accept), ("if-none-match", plain.etag())]).await;
        assert_eq!(other.status, 200, "the tag of another form");
    }
    assert_eq!(asked(&nobody, path, &[("accept-encoding", "zstd")]).await.body, zstd, "the build's own");
    etags.sort();
    etags.dedup();
    assert_eq!(etags.len(), 4);
    nobody.get("/assets/index-B3k_x9aQ.js.zst").await.expect_problem(404, "not_found");
    let film = asked(&nobody, "/film.mp4", &[("accept-encoding", "br, gzip")]).await.expect(200);
    assert_eq!(film.header("content-encoding"), None, "compressed already");
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_files_are_sent_from_memory_and_from_disk() {
    let folder = build();
    let bff = serving(folder.path()).spawn().await;
    let nobody = bff.anonymous();
    let (film, text) = (film(), script("one").into_bytes());
    for (path, whole) in [("/film.mp4", &film), ("/assets/index-B3k_x9aQ.js", &text)] {
        let length = whole.len();
        let all = nobody.get(path).await.expect(200);
        assert!(all.body == whole[..], "{path}");
        for (range, from, to) in [
            ("bytes=0-0", 0, 1),
            ("bytes=100-", 100, length),
            ("bytes=-7", length - 7, length),
            ("bytes=5-999999999", 5, length),
        ] {
            let part = asked(&nobody, path, &[("range", range), ("if-range", all.etag())]).await.expect(206);
            assert!(part.body == whole[from..to], "{path} {range}");
            let said = format!("bytes {from}-{}/{length}", to - 1);
            assert_eq!(part.header("content-range"), Some(&*said), "{path}");
            assert_eq!(part.etag(), all.etag());
        }
        for headers in [
            [("range", "bytes=0-1"), ("if-range", "\"of another version\"")],
            [("range", "bytes=0-1,5-6"), ("accept", "*/*")],
            [("range", "lines=0-1"), ("accept", "*/*")],
        ] {
            assert_eq!(asked(&nobody, path, &headers).await.expect(200).body.len(), length, "{headers:?}");
        }
        let behind = asked(&nobody, path, &[("range", &format!("bytes={length}-"))]).await;
        behind.expect_problem(416, "range_not_satisfiable");
        assert_eq!(behind.header("content-range"), Some(&*format!("bytes */{length}")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_a_problem_and_never_a_page() {
    let folder = build();
    let bff = serving(folder.path()).spawn().await;
    let nobody = bff.anonymous();
    for path in [
        "/assets/index-0ldHash1.js",
        "/assets/gone.css",
        "/missing.png",
        "/favicon.ico",
        "/wp-login.php",
        "/api",
        "/api/",
        "/api/nothing",
        "/auth/nothing",
        "/bff",
        "/bff/nothing",
        "/files",
        "/files/nothing",
        "/.well-known/nothing",
        "/problems/nothing",
        "/.env",
        "/.git/config",
        "/assets/",
    ] {
        let answer = navigate(&nobody, path).await;
        if path == "/assets/" {
            expect_page(&answer, "app");
            continue;
        }
        answer.expect_problem(404, "not_found");
        assert_eq!(
            answer.header("content-security-policy"),
            Some("default-src 'none'; frame-ancestors 'none'")
        );
    }
    for dest in ["script", "style", "image", "font", "worker", "manifest", "empty"] {
        let answer = asked(&nobody, "/recipes/1", &[("sec-fetch-dest", dest), ("accept", "*/*")]).await;
        answer.expect_problem(404, "not_found");
    }
    for accept in ["application/json", "image/avif,image/webp,*/*;q=0", "text/event-stream"] {
        asked(&nobody, "/recipes/1", &[("accept", accept)]).await.expect_problem(404, "not_found");
    }
    expect_page(&asked(&nobody, "/recipes/1", &[("accept", "*/*")]).await, "app");
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        for path in ["/", "/assets/index-B3k_x9aQ.js", "/recipes/1"] {
            let answer = nobody.request(method.clone(), path).send().await;
            answer.expect_problem(405, "method_not_allowed");
            assert_eq!(answer.header("allow"), Some("GET, HEAD"), "{method} {path}");
        }
        for path in ["/missing.js", "/api/nothing"] {
            nobody.request(method.clone(), path).send().await.expect_problem(404, "not_found");
        }
    }
    let bare = TestBff::spawn().await;
    navigate(&bare.anonymous(), "/").await.expect_problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_app_costs_its_readers_nothing_and_asks_no_store() {
    let folder = build();
    let bff = serving(folder.path())
        .set("limits.anonymous.per_second", 1)
        .set("limits.anonymous.burst", 2)
        .spawn()
        .await;
    let nobody = bff.anonymous();
    for path in ["/", "/assets/index-B3k_x9aQ.js", "/deep/link", "/config.js", "/missing.png"].repeat(4) {
        let answer = nobody.get(path).await;
        assert_ne!(answer.status, 429, "{path}");
        assert_eq!(answer.header("ratelimit"), None, "{path}");
    }
    // Nothing that asks an upstream: it would fetch the keys of its tokens from the same address.
    let limited = nobody.get("/openapi.json").await.expect(200);
    assert!(
        limited.header("ratelimit").is_some_and(|left| left.contains("r=1")),
        "{:?}",
        limited.header("ratelimit")
    );
    let _ = nobody.get("/api/nothing").await.expect(404);
    nobody.get("/openapi.json").await.expect_problem(429, "rate_limited");
    let _ = nobody.get("/").await.expect(200);
    let metrics = bff.internal("/metrics").await.expect(200).text();
    let labelled = |route: &str| metrics.lines().any(|line| line.contains(&format!("route=\"{route}\"")));
    assert!(labelled("site") && labelled("/config.js") && labelled("unmatched"), "{metrics}");
    assert!(!labelled("/deep/link") && !metrics.contains("B3k_x9aQ"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_map_is_for_an_error_tracker_unless_it_is_said_to_be_for_everybody() {
    let folder = build();
    let (map, hint) = ("/assets/index-B3k_x9aQ.js.map", "/assets/index-B3k_x9aQ.js");
    write(folder.path(), &map[1..], r#"{"version":3,"sources":["app.ts"]}"#);
    let kept = serving(folder.path()).spawn().await;
    let nobody = kept.anonymous();
    let _ = navigate(&nobody, hint).await.expect(200);
    for path in [map, "/assets/index-B3k_x9aQ.js%2emap", "/assets/../assets/index-B3k_x9aQ.js.map"] {
        for dest in ["script", "empty", "document"] {
            let answer = asked(&nobody, path, &[("sec-fetch-dest", dest), ("accept", "*/*")]).await;
            answer.expect_problem(404, "not_found");
        }
    }
    let shown = serving(folder.path()).set("site.source_maps", true).spawn().await;
    let answer = asked(&shown.anonymous(), map, &[("accept", "*/*")]).await.expect(200);
    assert!(answer.text().contains("app.ts"));
}
