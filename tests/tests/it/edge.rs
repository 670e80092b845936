//! What every answer has, whatever was asked.

use std::collections::HashSet;

use reqwest::Method;
use serde_json::json;
use tests::{Answer, TestBff};

use crate::fixtures::{post, recipe_input};

const FEED: &str = "/bff/home-feed";

/// The route table, and the methods of each path.
const ROUTES: [(&str, &[&str]); 24] = [
    (FEED, &["GET", "HEAD"]),
    ("/bff/recipes/x", &["GET", "HEAD"]),
    ("/bff/members/x", &["GET", "HEAD"]),
    ("/bff/me", &["GET", "HEAD"]),
    ("/api/recipes", &["GET", "HEAD", "POST"]),
    ("/api/recipes/x", &["GET", "HEAD", "PUT", "DELETE"]),
    ("/api/recipes/x/form", &["GET", "HEAD"]),
    ("/api/recipes/x/like", &["PUT", "DELETE"]),
    ("/api/recipes/x/comments", &["GET", "HEAD", "POST"]),
    ("/api/comments/x", &["PUT", "DELETE"]),
    ("/api/comments/x/like", &["PUT", "DELETE"]),
    ("/api/ingredients", &["GET", "HEAD"]),
    ("/api/me", &["GET", "HEAD", "PATCH", "DELETE"]),
    ("/api/me/export", &["GET"]),
    ("/api/posts", &["POST"]),
    ("/api/posts/x", &["DELETE"]),
    ("/api/posts/x/like", &["PUT", "DELETE"]),
    ("/api/follows/x", &["PUT", "DELETE"]),
    ("/auth/signup", &["POST"]),
    ("/auth/login", &["POST"]),
    ("/auth/logout", &["POST"]),
    ("/auth/session", &["GET", "HEAD"]),
    ("/auth/csrf-token", &["GET", "HEAD"]),
    ("/.well-known/jwks.json", &["GET", "HEAD"]),
];

/// Bytes that a body may have.
pub(crate) const LIMIT: usize = 2_000;

pub(crate) async fn with_a_limit() -> TestBff {
    TestBff::builder().set("http.body_limit_bytes", LIMIT).spawn().await
}

/// One answer of every kind.
pub(crate) async fn answers_of_every_kind(bff: &TestBff) -> Vec<(&'static str, Answer)> {
    let ada = bff.signed_in("ada").await;
    let feed = ada.get(FEED).await.expect(200);
    let known = ada.request(Method::GET, FEED).header("if-none-match", feed.etag()).send().await;
    let forged = ada.request(Method::POST, "/api/posts").json(&json!({ "text": "x" })).send().await;
    let json = |method: Method, path: &str, body: &str| {
        ada.from_page(method, path).header("content-type", "application/json").body(body.to_owned()).send()
    };
    vec![
        ("200", feed),
        ("201", ada.post("/api/posts", &json!({ "text": "x" })).await),
        ("204", ada.put("/api/follows/somebody").await),
        ("304", known),
        ("400", json(Method::POST, "/api/posts", "{").await),
        ("401", bff.anonymous().get(FEED).await),
        ("403", forged),
        ("404", ada.get("/nothing/here").await),
        ("405", ada.get("/api/posts").await),
        ("406", ada.request(Method::GET, FEED).header("accept", "text/html").send().await),
        ("413", json(Method::POST, "/api/posts", &"x".repeat(LIMIT + 1)).await),
        (
            "415",
            ada.from_page(Method::POST, "/api/posts")
                .header("content-type", "text/plain")
                .body("x")
                .send()
                .await,
        ),
        ("422", ada.post("/api/posts", &json!({})).await),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_bears_an_id_and_the_security_headers_and_names_no_software() {
    let bff = with_a_limit().await;
    let mut ids = HashSet::new();
    for (status, answer) in answers_of_every_kind(&bff).await {
        assert_eq!(answer.status.as_str(), status, "{}", answer.text());
        let id = answer.header("x-request-id").expect("an id").to_owned();
        assert!(id.len() >= 16 && ids.insert(id), "{status}: ids are long and differ");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{status}");
        assert_eq!(answer.header("x-frame-options"), Some("DENY"), "{status}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{status}");
        assert!(
            answer.header("content-security-policy").is_some_and(|p| p.starts_with("default-src 'none'")),
            "{status}"
        );
        assert_eq!(answer.header("strict-transport-security"), None, "not without TLS: {status}");
        for name in ["server", "x-powered-by", "via"] {
            assert_eq!(answer.header(name), None, "{status}: {name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_callers_request_id_is_kept_if_it_is_plain() {
    let bff = TestBff::spawn().await;
    let nobody = bff.anonymous();
    let ask = async |id: &str| {
        let answer = nobody.request(Method::GET, "/nothing").header("x-request-id", id).send().await;
        answer.header("x-request-id").expect("an id").to_owned()
    };
    assert_eq!(ask("0192f5a0-7c3e-7b1a").await, "0192f5a0-7c3e-7b1a");
    let long = "x".repeat(200);
    for odd in ["", "short", "has space inside", "<script>alert(1)</script>", "\"quoted-quoted\"", &*long] {
        assert_ne!(ask(odd).await, odd);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_is_a_problem_document() {
    let bff = with_a_limit().await;
    let codes = [
        ("400", "invalid_body"),
        ("401", "unauthenticated"),
        ("403", "csrf_failed"),
        ("404", "not_found"),
        ("405", "method_not_allowed"),
        ("406", "not_acceptable"),
        ("413", "body_too_large"),
        ("415", "unsupported_media_type"),
        ("422", "validation_failed"),
    ];
    let answers = answers_of_every_kind(&bff).await;
    for (status, code) in codes {
        let (_, answer) = answers.iter().find(|(known, _)| *known == status).expect("an answer");
        answer.expect_problem(status.parse().expect("a number"), code);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_answers_its_methods_and_names_them_to_all_others() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    for (path, methods) in ROUTES {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"] {
            let answer = ada.from_page(method.parse().expect("a method"), path).send().await;
            if methods.contains(&method) {
                assert_ne!(answer.status, 405, "{method} {path}");
                if path == "/auth/logout" {
                    let _ = ada.sign_in("ada").await;
                }
                continue;
            }
            assert_eq!(answer.status, 405, "{method} {path}: {}", answer.text());
            let allowed: HashSet<_> = answer.header("allow").expect("Allow").split(", ").collect();
            assert_eq!(allowed, methods.iter().copied().collect(), "{method} {path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn head_is_get_without_the_body() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    for path in [FEED, "/auth/session", "/auth/csrf-token", "/.well-known/jwks.json"] {
        let _ = ada.get(path).await.expect(200);
        let (get, head) = (ada.get(path).await, ada.request(Method::HEAD, path).send().await);
        assert_eq!((head.status, head.body.len()), (get.status, 0), "{path}");
        for name in ["content-type", "content-length", "etag", "cache-control", "vary"] {
            assert_eq!(head.header(name), get.header(name), "{path}: {name}");
        }
    }
    let missing = ada.request(Method::HEAD, "/nothing").send().await;
    assert_eq!((missing.status.as_u16(), missing.body.len()), (404, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_screen_says_how_it_may_be_kept_and_how_it_came() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    post(&ada, "hello").await;
    let (cold, warm) = (ada.get(FEED).await, ada.get(FEED).await);
    for answer in [&cold, &warm] {
        assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
        for name in ["cookie", "authorization", "accept", "accept-encoding"] {
            assert!(answer.lists("vary", name), "{name}: {:?}", answer.all("vary"));
        }
        let timing = answer.header("server-timing").expect("timings");
        for part in ["profile", "posts", "recipes", "authors"] {
            assert!(
                timing.split(", ").any(|entry| entry.starts_with(&format!("{part};"))),
                "{part}: {timing}"
            );
        }
        assert!(!answer.cache_status().contains(&ada.id()), "no user in the key");
    }
    assert!(cold.cache_status().contains("fwd=uri-miss"), "{}", cold.cache_status());
    assert!(warm.is_fresh_hit(), "{}", warm.cache_status());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_caller_takes_is_heeded() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    let ask = async |accept: &str| ada.request(Method::GET, FEED).header("accept", accept).send().await;
    for takes in [
        "*/*",
        "application/json",
        "application/*",
        "text/html, application/xhtml+xml, */*;q=0.8",
        "application/json;q=0.1",
    ] {
        assert_eq!(ask(takes).await.status, 200, "{takes}");
    }
    for refuses in ["text/html", "application/xml", "application/json;q=0", "image/*"] {
        ask(refuses).await.expect_problem(406, "not_acceptable");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_in_production_insists_on_tls_at_the_browser() {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = folder.path().join("keys").display().to_string();
    let (code, text) = tests::run_bff(&["keys", "new", "--dir", &keys], &[], folder.path()).await;
    assert_eq!(code, Some(0), "{text}");
    let bff = TestBff::builder().set("profile", "production").set("keys.dir", &keys).spawn().await;
    let answer = bff.anonymous().get("/nothing").await;
    assert!(answer.header("strict-transport-security").is_some_and(|value| value.starts_with("max-age=")));
    let ada = bff.signed_in("ada").await;
    assert!(ada.cookie().expect("a cookie").starts_with("__Host-Http-sid="));
    let _ = ada.get(FEED).await.expect(200);
    let made = ada.post("/api/recipes", &recipe_input("Rice with eggs")).await;
    assert_eq!(made.status, 201, "{}", made.text());
}
