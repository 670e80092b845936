//! Calls across origins: who may read what, and with whose cookie.

use reqwest::Method;
use tests::{Actor, Answer};

use crate::edge::{answers_of_every_kind, with_a_limit};

const FEED: &str = "/bff/home-feed";

/// What a browser at `origin` would send.
async fn across(actor: &Actor, method: Method, path: &str, origin: &str, preflight: bool) -> Answer {
    let mut request = actor.request(method, path).header("origin", origin);
    if preflight {
        request = request
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type,x-csrf-token");
    }
    request.send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_names_no_origin_is_told_nothing_of_origins() {
    let bff = with_a_limit().await;
    let ada = bff.signed_in("ada").await;
    let answer = ada.get(FEED).await.expect(200);
    for name in
        ["access-control-allow-origin", "access-control-allow-credentials", "access-control-expose-headers"]
    {
        assert_eq!(answer.header(name), None, "{name}");
    }
    // A cache must not hand it to a page of another origin.
    assert!(answer.lists("vary", "origin"), "{:?}", answer.all("vary"));
    let preflight = ada.request(Method::OPTIONS, FEED).header("access-control-request-method", "POST");
    assert_eq!(preflight.send().await.status, 400, "nobody asks for nobody");
}

#[tokio::test(flavor = "multi_thread")]
async fn allowed_origins_may_call_with_credentials_and_no_others() {
    let bff = with_a_limit().await;
    let ada = bff.signed_in("ada").await;
    for origin in ["https://app.example", "http://localhost:3000"] {
        let answer = across(&ada, Method::GET, FEED, origin, false).await.expect(200);
        assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
        assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
        assert!(answer.lists("vary", "origin"), "{:?}", answer.all("vary"));
        assert!(answer.lists("access-control-expose-headers", "etag"));
        let preflight = across(&ada, Method::OPTIONS, "/api/posts", origin, true).await;
        assert!(preflight.status.is_success(), "{} {}", preflight.status, preflight.text());
        assert_eq!(preflight.header("access-control-allow-origin"), Some(origin));
        assert_eq!(preflight.header("access-control-allow-credentials"), Some("true"));
        assert!(preflight.lists("access-control-allow-methods", "post"));
        assert!(preflight.lists("access-control-allow-headers", "x-csrf-token"));
        assert!(preflight.header("access-control-max-age").is_some());
        // Refusals can be read as well, or the page could not tell why.
        let refused = across(&bff.anonymous(), Method::GET, FEED, origin, false).await;
        refused.expect_problem(401, "unauthenticated");
        assert_eq!(refused.header("access-control-allow-origin"), Some(origin));
        let missing = across(&ada, Method::GET, "/nothing", origin, false).await;
        assert_eq!(missing.header("access-control-allow-origin"), Some(origin));
    }
    for origin in [
        "https://evil.example",
        "null",
        "https://app.example.evil.example",
        "http://app.example",
        "https://APP.example",
        "https://app.example/",
    ] {
        for preflight in [false, true] {
            let method = if preflight { Method::OPTIONS } else { Method::GET };
            let answer = across(&ada, method, FEED, origin, preflight).await;
            assert_eq!(answer.header("access-control-allow-origin"), None, "{origin}");
            assert!(answer.status.as_u16() < 500, "{origin}");
        }
    }
    let (first, second) =
        (ada.get(FEED).await, across(&ada, Method::GET, FEED, "https://app.example", false).await);
    assert_eq!(first.header("access-control-allow-origin"), None);
    assert_eq!(first.body, second.body);
    for answer in answers_of_every_kind(&bff).await {
        assert_ne!(answer.1.header("access-control-allow-origin"), Some("*"));
    }
}
