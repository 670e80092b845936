//! Servers that call on behalf of browsers, and where a request comes from.

use reqwest::Method;
use serde_json::json;
use tests::{Actor, Answer, Builder, PASSWORD, TestBff};

use crate::{service_tokens::claims, tokens::app};

const FEED: &str = "/bff/home-feed";
pub(crate) const TOKEN: &str = "planted-token-of-the-web-server-0123456789";
/// `printf %s TOKEN | sha256sum`.
const TOKEN_SHA256: &str = "cc76a53c25be288416c94a1b803038b40c139f0776d497f15d352b86cdf12995";

/// A system that a rendering server may call.
pub(crate) fn builder() -> Builder {
    TestBff::builder().set("callers.web.token_sha256", TOKEN_SHA256)
}

/// What the rendering server sends along.
fn by_server(request: tests::Request) -> tests::Request {
    request.header("x-caller-token", TOKEN)
}

/// Signs in from behind `headers`; the network that the session shows.
async fn address(nobody: &Actor, headers: &[(&str, &str)]) -> String {
    let browser = nobody.signed_out();
    let login = json!({ "login": "ada", "password": PASSWORD });
    let request = browser.request(Method::POST, "/auth/login").json(&login);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
    let _ = request.send().await.expect(200);
    let listed = browser.get("/auth/sessions").await.expect(200).json();
    let own = listed["items"].as_array().expect("a list").iter().find(|item| item["current"] == true);
    own.expect("its own")["address"].as_str().expect("an address").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_servers_word_counts_for_the_browser_behind_it() {
    let bff = builder().spawn().await;
    let ada = bff.signed_in("ada").await;
    bff.clear_journals();
    // With the browser's cookie alone: its CSRF token is in the page, not in the server.
    let _ = by_server(ada.request(Method::GET, FEED)).send().await.expect(200);
    let text = json!({ "text": "From a form that the server handled" });
    let write = by_server(ada.request(Method::POST, "/api/posts")).header("origin", "https://evil.example");
    let _ = write.json(&text).send().await.expect(201);
    ada.request(Method::POST, "/api/posts").json(&text).send().await.expect_problem(403, "csrf_failed");
    let acting: Vec<_> = bff
        .proxies()
        .iter()
        .flat_map(|proxy| proxy.requests())
        .filter_map(|request| request.bearer().map(claims))
        .filter(|claims| claims["sub"] == ada.id())
        .collect();
    assert!(!acting.is_empty());
    assert!(acting.iter().all(|claims| claims["client"] == "ssr"), "{acting:?}");
    // No session, no word: the token stands for nobody.
    by_server(bff.anonymous().request(Method::GET, FEED)).send().await.expect_problem(401, "unauthenticated");
    // An app's token passed on is the app's.
    let phone = app(&bff, "ada").await;
    let _ = by_server(phone.request(Method::GET, "/bff/me")).send().await.expect(200);
    let login = json!({ "login": "ada", "password": PASSWORD });
    let form = by_server(bff.anonymous().request(Method::POST, "/auth/login"))
        .header("sec-fetch-site", "cross-site");
    let _ = form.json(&login).send().await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_caller_token_is_refused_whatever_is_asked() {
    let bff = builder().spawn().await;
    let ada = bff.signed_in("ada").await;
    let refused = |answer: &Answer| {
        answer.expect_problem(401, "invalid_caller_token");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    };
    for token in ["", "planted-wrong-caller-token-0123456789", TOKEN_SHA256] {
        for path in [FEED, "/api/recipes", "/auth/session", "/nowhere"] {
            refused(&ada.request(Method::GET, path).header("x-caller-token", token).send().await);
        }
        let write = ada.from_page(Method::POST, "/api/posts").header("x-caller-token", token);
        refused(&write.json(&json!({ "text": "no" })).send().await);
    }
    let twice = by_server(by_server(ada.request(Method::GET, FEED))).send().await;
    refused(&twice);
    let none_known = TestBff::spawn().await;
    refused(&by_server(none_known.anonymous().request(Method::GET, "/api/recipes")).send().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_taken_from_those_who_may_tell_it() {
    let bff = builder().spawn().await;
    let nobody = bff.sign_up("ada").await;
    let here = "127.0.0.0/24";
    assert_eq!(address(&nobody, &[]).await, here);
    assert_eq!(
        address(&nobody, &[("x-forwarded-for", "192.0.2.9")]).await,
        here,
        "from nobody in particular"
    );
    assert_eq!(address(&nobody, &[("forwarded", "for=192.0.2.9")]).await, here);
    let server = ("x-caller-token", TOKEN);
    assert_eq!(address(&nobody, &[server, ("x-forwarded-for", "192.0.2.9")]).await, "192.0.2.0/24");
    assert_eq!(
        address(&nobody, &[server, ("x-forwarded-for", "203.0.113.1, 192.0.2.9")]).await,
        "192.0.2.0/24"
    );
    assert_eq!(address(&nobody, &[server, ("x-forwarded-for", "2001:db8:1:2::9")]).await, "2001:db8:1::/48");
    assert_eq!(address(&nobody, &[server]).await, here);

    let bff = TestBff::builder().set("http.trusted_proxies", "127.0.0.1,10.0.0.0/8").spawn().await;
    let nobody = bff.sign_up("ada").await;
    for (headers, shown) in [
        (&[("x-forwarded-for", "203.0.113.1, 192.0.2.9, 10.1.1.1")][..], "192.0.2.0/24"),
        (
            &[("forwarded", "for=203.0.113.1, for=\"192.0.2.9:1234\";proto=https, for=10.1.1.1")],
            "192.0.2.0/24",
        ),
        (&[("x-forwarded-for", "192.0.2.9"), ("forwarded", "for=203.0.113.1")], here),
        (&[("x-forwarded-for", "192.0.2.9, unknown")], here),
        (&[("x-forwarded-for", "nonsense")], here),
        (&[("forwarded", "for=\"192.0.2.9")], here),
        (&[], here),
    ] {
        assert_eq!(address(&nobody, headers).await, shown, "{headers:?}");
    }
}
