//! Every rule by which files are served, over HTTP.

use std::{fs, io::Read as _, os::unix::fs::symlink};

use futures_util::future::join_all;
use reqwest::Method;
use tests::{Answer, TestBff, eventually, soon};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{IMMUTABLE, asked, build, film, navigate, page, script, serving, write};

/// What says of itself how it may be kept, and under which policy it runs.
fn expect_page(answer: &Answer, word: &str) {
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.text().contains(&format!("<title>{word}</title>")), "{}", answer.text());
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-cache"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "strict-origin-when-cross-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("x-frame-options", "DENY"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    let policy = answer.header("content-security-policy").expect("a policy");
    for part in ["default-src 'self'", "object-src 'none'", "base-uri 'self'", "frame-ancestors 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(answer.lists("vary", "accept-encoding") && answer.lists("vary", "origin"));
    assert!(answer.etag().starts_with('"'), "strong: {}", answer.etag());
    assert_eq!(answer.all("set-cookie"), Vec::<String>::new());
}

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

/// The status line and the body of the answer to a path that a client library would tidy up first.
async fn raw(bff: &TestBff, path: &str) -> String {
    let address = bff.url().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    let _ = soon("the answer", stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_path_leads_out_of_the_folder() {
    let folder = build();
    let outside = tempfile::tempdir().expect("a folder");
    write(outside.path(), "secret.txt", "planted-outside-of-the-folder");
    symlink(outside.path().join("secret.txt"), folder.path().join("leak.txt")).expect("a link");
    symlink(outside.path(), folder.path().join("leak")).expect("a link");
    write(folder.path().parent().expect("a folder"), "bff-site-beside.txt", "planted-outside-of-the-folder");
    let bff = serving(folder.path()).spawn().await;
    let inside = folder.path().file_name().expect("a name").to_str().expect("text").to_owned();
    let mut tried = 0;
    for up in ["..", "%2e%2e", "%2E.", ".%2e", "%252e%252e", "%c0%ae%c0%ae", "..%00", "..;"] {
        for slash in ["/", "%2f", "%5c", "\\", "%252f", "//", "/./"] {
            for target in ["bff-site-beside.txt", "etc/passwd", &format!("{inside}/.env")] {
                let path = format!("/assets{slash}{up}{slash}{up}{slash}{up}{slash}{target}");
                let answer = raw(&bff, &path).await;
                let status = answer.split(' ').nth(1).unwrap_or_default();
                let is_page = answer.contains("<title>app</title>");
                assert!(status.starts_with('4') || (is_page && status == "200"), "{path}: {answer}");
                assert!(
                    !answer.contains("planted-outside")
                        && !answer.contains("root:")
                        && !answer.contains("SECRET"),
                    "{path}"
                );
                tried += 1;
            }
        }
    }
    assert_eq!(tried, 168);
    for path in [
        "/..",
        "/../",
        "/%2e%2e/",
        "//etc/passwd",
        "/leak.txt",
        "/leak/secret.txt",
        "/.env",
        "/%2eenv",
        "/a%00.js",
        "/assets/../.env",
    ] {
        let answer = raw(&bff, path).await;
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
    }
    fs::remove_file(folder.path().parent().expect("a folder").join("bff-site-beside.txt")).expect("removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_build_is_served_after_sighup_and_open_tabs_find_their_chunks() {
    let folder = build();
    let bff = serving(folder.path()).spawn().await;
    let nobody = bff.anonymous();
    let old = nobody.get("/").await.expect(200);
    // Half of a new build is there: nothing of it is served.
    write(folder.path(), "assets/index-C4m_y0bR.js", script("two"));
    fs::remove_file(folder.path().join("index.html")).expect("removed");
    bff.signal("HUP").await;
    eventually("the fault to be told", || async { bff.output().contains("site.dir: ").then_some(()) }).await;
    assert_eq!(nobody.get("/").await.expect(200).etag(), old.etag());

    write(folder.path(), "index.html", page("two"));
    fs::remove_file(folder.path().join("assets/index-B3k_x9aQ.js")).expect("removed");
    bff.signal("HUP").await;
    let new = eventually("the new page", || async {
        let answer = nobody.get("/").await.expect(200);
        (answer.etag() != old.etag()).then_some(answer)
    });
    expect_page(&new.await, "two");
    let _ = nobody.get("/assets/index-C4m_y0bR.js").await.expect(200);
    let chunk = nobody.get("/assets/index-B3k_x9aQ.js").await.expect(200);
    assert_eq!(chunk.header("cache-control"), Some(IMMUTABLE), "of the build before, for tabs that are open");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_under_load_fails_no_request_and_mixes_no_builds() {
    let folder = build();
    write(folder.path(), "version.txt", "one");
    let bff = serving(folder.path()).spawn().await;
    let nobody = bff.anonymous();
    let asking = async {
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..60 {
            let answers = join_all((0..8).map(|_| nobody.get("/version.txt"))).await;
            for answer in answers {
                assert_eq!(answer.status, 200);
                seen.insert(answer.text());
            }
            if seen.contains("two") {
                break;
            }
        }
        seen
    };
    let deploying = async {
        write(folder.path(), "version.txt", "two");
        bff.signal("HUP").await;
    };
    let (seen, ()) = tokio::join!(asking, deploying);
    assert!(seen.iter().all(|text| text == "one" || text == "two"), "{seen:?}");
    eventually("the new build", || async {
        (nobody.get("/version.txt").await.text() == "two").then_some(())
    })
    .await;
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
