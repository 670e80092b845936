//! Paths: what they mean and which are refused.

use actix_web::{
    http::{
        Method,
        header::{ACCEPT, HeaderName},
    },
    test::TestRequest,
};
use proptest::prelude::*;

use crate::files::site::place::{decoded, is_closed, is_for_a_page, is_own, reads_app};

#[test]
fn sound_paths_are_decoded() {
    for (raw, path) in [
        ("/", "/"),
        ("/a/b.js", "/a/b.js"),
        ("/a%20b", "/a b"),
        ("/%ED%95%9C%EA%B8%80", "/한글"),
        ("/a/", "/a/"),
        ("/tags/a%2Fb", "/tags/a%2Fb"),
        ("/search/100%25", "/search/100%"),
        ("/.well-known/security.txt", "/.well-known/security.txt"),
        ("/a..b", "/a..b"),
    ] {
        assert_eq!(decoded(raw).as_deref(), Some(path), "{raw}");
    }
}

#[test]
fn what_could_lead_elsewhere_is_refused() {
    for raw in [
        "",
        "a",
        "//",
        "//evil.example",
        "/a//b",
        "/..",
        "/../etc/passwd",
        "/a/../b",
        "/./a",
        "/a/.",
        "/%2e%2e/etc/passwd",
        "/%2E%2E%2Fetc%2Fpasswd",
        "/..%2f..%2fetc/passwd",
        "/a%2f..%2fb",
        "/..%5c..%5cboot.ini",
        "/a%5Cb",
        "/a\\b",
        "/a%00.js",
        "/%00",
        "/%0d%0aset-cookie:x",
        "/%252e%252e%252fetc%252fpasswd",
        "/%252e%252e/x",
        "/a%252f..%252fb",
        "/%255c",
        "/a%2500",
        "/.git/config",
        "/.env",
        "/a/.env",
        "/%2eenv",
        "/a%2F.env",
        "/.well-known/.env",
        "/a/.well-known/x",
        "/%",
        "/%2",
        "/%zz",
        "/%ff",
        "/%c0%ae%c0%ae/x",
        "/%+1",
    ] {
        assert_eq!(decoded(raw), None, "{raw}");
    }
}

#[test]
fn the_gateways_own_places_are_known_by_their_whole_first_segment() {
    for path in [
        "/api",
        "/api/",
        "/api/orders",
        "/auth/x",
        "/bff",
        "/files/x",
        "/.well-known/x",
        "/problems/x",
        "/docs",
        "/docs/x",
        "/openapi.json",
        "/config.js",
        "/api%2Fx",
    ] {
        assert!(is_own(path), "{path}");
    }
    for path in ["/", "/apiary", "/authors", "/bffs", "/filesystem", "/a/api", "/docs.html", "/Api"] {
        assert!(!is_own(path), "{path}");
    }
    assert!(is_closed("/docs/a.png") && !is_closed("/.well-known/security.txt"));
}

#[test]
fn what_reads_the_app_costs_nothing_and_what_may_be_the_gateways_does() {
    for (method, path, free) in [
        (Method::GET, "/", true),
        (Method::HEAD, "/assets/a.js", true),
        (Method::GET, "/deep/link", true),
        (Method::GET, "/config.js", false),
        (Method::GET, "/..", true),
        (Method::POST, "/", false),
        (Method::GET, "/api/orders", false),
        (Method::GET, "/%61pi/orders", false),
        (Method::GET, "/api%2Forders", false),
        (Method::GET, "/auth/session", false),
        (Method::GET, "/.well-known/jwks.json", false),
        (Method::HEAD, "/.well-known/jwks.json", false),
        (Method::DELETE, "/.well-known/jwks.json", false),
        (Method::POST, "/config.js", false),
        (Method::GET, "/.well-known/security.txt", false),
        (Method::GET, "/openapi.json", false),
        // Only the first segment counts, as it was sent and as the router may read it.
        (Method::GET, "/bff/orders/.x1", false),
        (Method::GET, "/bff/orders/%zz", false),
        (Method::GET, "/bff/orders/%2e%2e", false),
        (Method::GET, "/bff/orders/a\\b", false),
        (Method::GET, "/bff/orders//x", false),
        (Method::GET, "/%62ff/orders/.x1", false),
        (Method::GET, "/%62%66%66/home-feed", false),
        (Method::GET, "/bff%2f..", false),
        (Method::GET, "/bff%2Fhome-feed", false),
        (Method::GET, "/bff%5c..", false),
        (Method::GET, "/bff\\x", false),
        (Method::GET, "/bff", false),
        (Method::GET, "bff/home-feed", false),
        (Method::GET, "*", false),
        (Method::GET, "//bff/home-feed", true),
        (Method::GET, "/./bff/home-feed", true),
        (Method::GET, "/BFF/home-feed", true),
        (Method::GET, "/%2562ff/home-feed", true),
        (Method::GET, "/bff%zz/home-feed", true),
        (Method::GET, "/%zz", true),
        (Method::GET, "/.env", true),
    ] {
        assert_eq!(reads_app(&method, path), free, "{method} {path}");
    }
}

#[test]
fn a_page_is_for_those_who_want_one() {
    let wants = |path: &str, headers: &[(&'static str, &str)]| {
        let request = headers.iter().fold(TestRequest::get(), |request, (name, value)| {
            request.insert_header((HeaderName::from_static(name), *value))
        });
        is_for_a_page(&request.to_http_request(), path)
    };
    let (browser, accept) =
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", ACCEPT.as_str());
    assert_eq!(accept, "accept");
    let document = [("sec-fetch-dest", "document"), ("accept", browser)];
    for path in ["/orders/1", "/@jane.doe", "/a/", "/release/v1.2"] {
        assert!(wants(path, &document), "{path}");
        assert!(wants(path, &[("accept", browser)]), "{path}: an older browser");
        assert!(wants(path, &[]) && wants(path, &[("accept", "*/*")]), "{path}: a program");
        for dest in ["script", "style", "image", "font", "worker", "manifest", "empty", "audio", ""] {
            assert!(!wants(path, &[("sec-fetch-dest", dest), ("accept", browser)]), "{path} for {dest}");
        }
        for accept in
            ["application/json", "image/avif,image/webp", "text/css", "text/html;q=0", "text/event-stream"]
        {
            assert!(!wants(path, &[("accept", accept)]), "{path} for {accept}");
        }
    }
    assert!(!wants("/assets/index-old.js", &document), "a stale chunk is no page, whoever asks");
}

proptest! {
    #[test]
    fn nothing_that_is_decoded_leads_out(raw in "/(%2[eEfF]|%5[cC]|%25|%00|\\.|/|a|%61|\\\\){0,12}") {
        if let Some(path) = decoded(&raw) {
            for segment in path.split('/') {
                prop_assert!(segment != ".." && segment != "." && !segment.contains(['\\', '\0']), "{raw}");
            }
            // Nor would it after another decoding, which proxies in front have been known to do.
            let again = path.replace("%2F", "/").replace("%2f", "/").replace("%2e", ".").replace("%2E", ".");
            prop_assert!(again.split('/').all(|segment| segment != ".." && segment != "."), "{raw}");
        }
    }
}
