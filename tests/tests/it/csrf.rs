//! Cross-site request forgery, over the wire: method × Origin × Sec-Fetch-Site × token.

use futures_util::{StreamExt as _, stream};
use reqwest::Method;
use serde_json::json;
use tests::{Actor, Answer, PASSWORD, TestBff, figures};

/// Who the request says it comes from.
const ORIGINS: [Option<&str>; 7] = [
    None,
    Some(TestBff::ORIGIN),
    Some("http://localhost:3000"),
    Some("https://evil.example"),
    Some("null"),
    Some("https://app.example.evil.example"),
    Some("http://app.example"),
];
const SITES: [Option<&str>; 6] =
    [None, Some("same-origin"), Some("same-site"), Some("cross-site"), Some("none"), Some("nonsense")];
const TOKENS: [Token; 5] = [Token::Own, Token::Missing, Token::Anothers, Token::Wrong, Token::Empty];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Own,
    Missing,
    Anothers,
    Wrong,
    Empty,
}

/// The rule of DESIGN section 6, written down a second time.
fn comes_from_us(origin: Option<&str>, referer: Option<&str>, site: Option<&str>) -> bool {
    let allowed = |origin: &str| [TestBff::ORIGIN, "http://localhost:3000"].contains(&origin);
    match site {
        Some("same-origin") => true,
        Some("cross-site") => false,
        _ => match (origin, referer) {
            (Some(origin), _) => allowed(origin),
            (None, Some(referer)) => {
                let end = referer.match_indices('/').nth(2).map_or(referer.len(), |(at, _)| at);
                allowed(&referer[..end])
            }
            (None, None) => site.is_none(),
        },
    }
}

async fn send(
    actor: &Actor,
    (method, path): (&Method, &str),
    (origin, referer, site): (Option<&str>, Option<&str>, Option<&str>),
    token: Option<&str>,
) -> Answer {
    let mut request = actor.request(method.clone(), path);
    for (name, value) in
        [("origin", origin), ("referer", referer), ("sec-fetch-site", site), ("x-csrf-token", token)]
    {
        if let Some(value) = value {
            request = request.header(name, value);
        }
    }
    if *method == Method::POST {
        request = request.json(&json!({ "text": "hello" }));
    }
    request.send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_table() {
    let bff = TestBff::spawn().await;
    let (ada, bob) = (bff.signed_in("ada").await, bff.signed_in("bob").await);
    let follow = format!("/api/follows/{}", bob.id());
    let targets = [
        (Method::GET, "/auth/csrf-token", 200),
        (Method::HEAD, "/auth/session", 200),
        (Method::POST, "/api/posts", 201),
        (Method::PUT, &*follow, 204),
        (Method::DELETE, &*follow, 204),
    ];
    let mut table = Vec::new();
    for (method, path, success) in &targets {
        for origin in ORIGINS {
            for site in SITES {
                for token in TOKENS {
                    table.push((method, *path, *success, origin, site, token));
                }
            }
        }
    }
    let (own, others) = (ada.csrf_token().expect("a token"), bob.csrf_token().expect("a token"));
    let wrong = own.chars().rev().collect::<String>();
    let rows = table.len();
    let refused = stream::iter(table)
        .map(|(method, path, success, origin, site, token)| {
            let text = match token {
                Token::Own => Some(&*own),
                Token::Missing => None,
                Token::Anothers => Some(&*others),
                Token::Wrong => Some(&*wrong),
                Token::Empty => Some(""),
            };
            let ada = &ada;
            async move {
                let answer = send(ada, (method, path), (origin, None, site), text).await;
                let row =
                    format!("{method} {path} Origin {origin:?} Sec-Fetch-Site {site:?} token {token:?}");
                let safe = matches!(*method, Method::GET | Method::HEAD);
                if safe || (comes_from_us(origin, None, site) && token == Token::Own) {
                    assert_eq!(answer.status.as_u16(), success, "{row}: {}", answer.text());
                    return 0;
                }
                assert_eq!(answer.status.as_u16(), 403, "{row}: {}", answer.text());
                answer.expect_problem(403, "csrf_failed");
                assert!(answer.lists("vary", "sec-fetch-site") && answer.lists("vary", "origin"), "{row}");
                1
            }
        })
        .buffer_unordered(4)
        .fold(0, |sum, refused| async move { sum + refused })
        .await;
    figures::note("forgery table: rows (refused)", format!("{rows} ({refused})"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_referer_counts_where_there_is_no_origin() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    let own = ada.csrf_token().expect("a token");
    for (referer, site) in [
        ("https://app.example/page?x=1", None),
        ("https://app.example/", Some("same-site")),
        ("https://app.example", None),
        ("https://evil.example/https://app.example/", None),
        ("https://app.example.evil.example/", None),
        ("https://app.example@evil.example/", None),
        ("https://evil.example/", Some("same-site")),
        ("https://app.example/page", Some("cross-site")),
        ("about:blank", None),
        ("", None),
    ] {
        let answer = send(&ada, (&Method::POST, "/api/posts"), (None, Some(referer), site), Some(&own)).await;
        let allowed = referer.starts_with("https://app.example") && comes_from_us(None, Some(referer), site);
        assert_eq!(
            answer.status.as_u16(),
            if allowed { 201 } else { 403 },
            "{referer} {site:?}: {}",
            answer.text()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_in_and_sign_up_check_where_they_come_from() {
    let bff = TestBff::spawn().await;
    let nobody = bff.sign_up("ada").await;
    for origin in ORIGINS {
        for site in SITES {
            let mut request = nobody.request(Method::POST, "/auth/login");
            for (name, value) in [("origin", origin), ("sec-fetch-site", site)] {
                if let Some(value) = value {
                    request = request.header(name, value);
                }
            }
            let answer = request.json(&json!({ "login": "ada", "password": PASSWORD })).send().await;
            nobody.set_cookie(None);
            if comes_from_us(origin, None, site) {
                assert_eq!(answer.status, 200, "{origin:?} {site:?}: {}", answer.text());
            } else {
                answer.expect_problem(403, "csrf_failed");
                assert_eq!(answer.all("set-cookie"), Vec::<String>::new());
            }
        }
    }
    // A form of another site can send text, but not JSON.
    let form = "login=ada&password=planted-password-correct-horse";
    for content_type in ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"]
    {
        let request = nobody.request(Method::POST, "/auth/login").header("content-type", content_type);
        request.body(form).send().await.expect_problem(415, "unsupported_media_type");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_out_cannot_be_forged() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    let forged =
        ada.request(Method::POST, "/auth/logout").header("origin", "https://evil.example").send().await;
    forged.expect_problem(403, "csrf_failed");
    let _ = ada.get("/auth/session").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_come_twice_count_for_nothing() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    let own = ada.csrf_token().expect("a token");
    let base = || ada.request(Method::POST, "/api/posts").json(&json!({ "text": "x" }));
    let two_tokens = base()
        .header("sec-fetch-site", "same-origin")
        .header("x-csrf-token", &own)
        .header("x-csrf-token", "x");
    two_tokens.send().await.expect_problem(403, "csrf_failed");
    let two_sites = base().header("sec-fetch-site", "same-origin").header("sec-fetch-site", "cross-site");
    two_sites.header("x-csrf-token", &own).send().await.expect_problem(403, "csrf_failed");
    let two_origins = base().header("origin", TestBff::ORIGIN).header("origin", "https://evil.example");
    two_origins.header("x-csrf-token", &own).send().await.expect_problem(403, "csrf_failed");
}

/// Signs in, and posts, as a page of `origin` does that is in a browser which says nothing of sites.
async fn by_origin(ada: &Actor, headers: &[(&str, &str)]) -> [u16; 2] {
    let sent = |actor: &Actor, path: &str| {
        headers
            .iter()
            .fold(actor.request(Method::POST, path), |request, (name, value)| request.header(name, value))
    };
    let login = sent(&ada.signed_out(), "/auth/login");
    let login = login.json(&json!({ "login": "ada", "password": PASSWORD })).send().await;
    let token = ada.csrf_token().expect("a token");
    let post = sent(ada, "/api/posts").header("x-csrf-token", &token).json(&json!({ "text": "hello" }));
    let tokenless = sent(ada, "/api/posts").json(&json!({ "text": "hello" })).send().await;
    tokenless.expect_problem(403, "csrf_failed");
    [login, post.send().await].map(|answer| answer.status.as_u16())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_ones_own_origin_passes_where_the_browser_does_not_say_so() {
    const PASSES: [u16; 2] = [200, 201];
    const FAILS: [u16; 2] = [403, 403];
    let bff = TestBff::builder().set("http.public_url", "https://public.example").spawn().await;
    let ada = bff.signed_in("ada").await;
    let own = bff.url();
    let (other, page) = (format!("{own}0"), format!("{own}/sign-in?x=1"));
    let other_page = format!("{own}0/sign-in");
    for (headers, expected) in [
        (&[("origin", own.as_str())][..], PASSES),
        (&[("referer", &page)], PASSES),
        (&[("origin", "https://public.example")], PASSES),
        (&[("origin", "https://public.example"), ("sec-fetch-site", "same-site")], PASSES),
        (&[("origin", "https://shop.example"), ("host", "shop.example")], PASSES),
        (&[("origin", "http://shop.example"), ("host", "Shop.Example:80")], PASSES),
        (&[("origin", "https://shop.example:8443"), ("host", "shop.example:8443")], PASSES),
        (&[("origin", &other)], FAILS),
        (&[("referer", &other_page)], FAILS),
        (&[("origin", &own), ("sec-fetch-site", "same-site")], FAILS),
        (&[("origin", &own), ("sec-fetch-site", "cross-site")], FAILS),
        (&[("origin", "https://public.example"), ("sec-fetch-site", "cross-site")], FAILS),
        (&[("origin", "http://public.example")], FAILS),
        (&[("origin", "null"), ("referer", &page)], FAILS),
        (&[("origin", "https://shop.example:8443"), ("host", "shop.example")], FAILS),
        (&[("origin", "ftp://shop.example"), ("host", "shop.example")], FAILS),
        // Nobody whose word counts.
        (&[("origin", "https://shop.example"), ("x-forwarded-host", "shop.example")], FAILS),
    ] {
        assert_eq!(by_origin(&ada, headers).await, expected, "{headers:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_ones_own_origin_is_what_the_browser_was_told() {
    let bff = TestBff::builder().set("http.trusted_proxies", "127.0.0.0/8").spawn().await;
    let ada = bff.signed_in("ada").await;
    for (headers, passes) in [
        (&[("origin", "https://shop.example"), ("x-forwarded-host", "shop.example")][..], true),
        (
            &[
                ("origin", "https://shop.example"),
                ("forwarded", "for=192.0.2.1;host=shop.example;proto=https"),
            ],
            true,
        ),
        (&[("origin", "http://shop.example:81"), ("forwarded", "host=\"shop.example:81\";proto=http")], true),
        (&[("origin", "http://shop.example"), ("host", "shop.example"), ("x-forwarded-proto", "http")], true),
        (
            &[("origin", "http://shop.example"), ("host", "shop.example"), ("x-forwarded-proto", "https")],
            false,
        ),
        (&[("origin", "http://shop.example"), ("forwarded", "host=shop.example;proto=https")], false),
        (&[("origin", "https://evil.example"), ("x-forwarded-host", "shop.example")], false),
    ] {
        let expected = if passes { [200, 201] } else { [403, 403] };
        assert_eq!(by_origin(&ada, headers).await, expected, "{headers:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_production_ones_own_origin_is_one_over_https() {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = folder.path().join("keys").display().to_string();
    let (code, text) = tests::run_bff(&["keys", "new", "--dir", &keys], &[], folder.path()).await;
    assert_eq!(code, Some(0), "{text}");
    let bff = TestBff::builder().set("profile", "production").set("keys.dir", &keys).spawn().await;
    let ada = bff.signed_in("ada").await;
    let own = bff.url();
    for (origin, expected) in [(own.clone(), [403, 403]), (own.replace("http:", "https:"), [200, 201])] {
        assert_eq!(by_origin(&ada, &[("origin", &origin)]).await, expected, "{origin}");
    }
}
