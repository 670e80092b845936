//! Accounts and the browsers they are used in: what cannot be forged, what happens at the same time.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Actor, Answer, PASSWORD, TestBff, email};

fn newcomer(name: &str) -> Value {
    json!({ "email": email(name), "username": name, "password": PASSWORD })
}

async fn sign_up_from(actor: &Actor, name: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = actor.request(Method::POST, "/auth/signup");
    for (name, value) in headers {
        request = request.header(name, value);
    }
    request.json(&newcomer(name)).send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_up_cannot_be_forged() {
    let bff = TestBff::spawn().await;
    let nobody = bff.anonymous();
    let own = TestBff::ORIGIN;
    let forged: [&[(&str, &str)]; 9] = [
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")],
        &[("origin", own), ("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "same-site"), ("origin", "https://evil.example")],
        &[("referer", "https://evil.example/page")],
        &[("origin", "https://evil.example"), ("referer", "https://app.example/page")],
    ];
    for headers in forged {
        let answer = sign_up_from(&nobody, "mallory", headers).await;
        answer.expect_problem(403, "csrf_failed");
        assert!(answer.lists("vary", "sec-fetch-site") && answer.lists("vary", "origin"), "{headers:?}");
    }
    assert_eq!(bff.calls(), 0, "a forged sign-up reaches nobody: {:#?}", bff.call_lines());

    let honest: [&[(&str, &str)]; 5] = [
        &[],
        &[("origin", own)],
        &[("sec-fetch-site", "same-origin")],
        &[("origin", own), ("sec-fetch-site", "same-site")],
        &[("referer", "https://app.example/join?x=1")],
    ];
    for (n, headers) in honest.into_iter().enumerate() {
        let answer = sign_up_from(&nobody, &format!("honest{n}"), headers).await;
        assert_eq!(answer.status, 201, "{headers:?}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_another_site_can_sign_nobody_up_or_in() {
    let bff = TestBff::spawn().await;
    let nobody = bff.anonymous();
    for path in ["/auth/signup", "/auth/login"] {
        for content_type in
            ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"]
        {
            let request = nobody.request(Method::POST, path).header("content-type", content_type);
            let answer = request.body(newcomer("ada").to_string()).send().await;
            answer.expect_problem(415, "unsupported_media_type");
        }
    }
    assert_eq!(bff.calls(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_those_who_want_the_same_name_at_the_same_time_one_gets_it() {
    let bff = TestBff::spawn().await;
    let wishes = (0..16).map(|n| {
        let nobody = bff.anonymous();
        let input = json!({ "email": email(&n.to_string()), "username": "ada", "password": PASSWORD });
        async move { nobody.post("/auth/signup", &input).await }
    });
    let mut made = 0;
    for answer in join_all(wishes).await {
        if answer.status == 201 {
            made += 1;
        } else {
            answer.expect_problem(409, "username_taken");
        }
    }
    assert_eq!(made, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_signs_in_in_a_browser_ends_the_session_of_whoever_had_it_before() {
    let bff = TestBff::spawn().await;
    let browser = bff.signed_in("ada").await;
    let (before, before_token) = (browser.cookie(), browser.csrf_token().expect("a token"));
    let _ = bff.sign_up("bob").await;
    let _ = browser.sign_in("bob").await;
    let session = browser.get("/auth/session").await.expect(200).json();
    assert_eq!(session["user"]["username"], "bob");
    assert_ne!(browser.csrf_token().expect("a token"), before_token);
    let old = bff.anonymous();
    old.set_cookie(before);
    old.get("/auth/session").await.expect_problem(401, "unauthenticated");
    let feed = browser.get("/bff/home-feed").await.expect(200).json();
    assert_eq!(feed["profile"]["username"], "bob");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_sign_in_leaves_the_session_that_there_is() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    let wrong = json!({ "login": "ada", "password": "wrong-password" });
    let refused = ada.post("/auth/login", &wrong).await;
    refused.expect_problem(401, "bad_credentials");
    assert_eq!(refused.all("set-cookie"), Vec::<String>::new());
    let _ = ada.get("/auth/session").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_ends_one_session_and_is_seen_by_requests_at_the_same_time() {
    let bff = TestBff::spawn().await;
    let (here, there) = (bff.signed_in("ada").await, bff.signed_in("ada").await);
    let cookie = here.cookie();
    let out = here.post("/auth/logout", &json!({})).await.expect(204);
    assert_eq!(out.header("cache-control"), Some("no-store"));
    let stolen = bff.anonymous();
    stolen.set_cookie(cookie);
    // Both workers, all connections: nobody is served from a near cache that has not heard of it.
    for answer in join_all((0..32).map(|_| stolen.get("/bff/home-feed"))).await {
        answer.expect_problem(401, "unauthenticated");
    }
    let _ = there.get("/bff/home-feed").await.expect(200);
}
