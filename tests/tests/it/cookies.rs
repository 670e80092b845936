//! Several cookies under one of our names: browsers send one for each scope that fits, and which is ours is not said.

use reqwest::Method;
use serde_json::json;
use tests::{
    Actor, Answer, PASSWORD, TestBff,
    redis::{Durability, RedisServer},
};

const SESSION: &str = "/auth/session";

/// What may be a session id, and is none.
fn dead(number: usize) -> String {
    format!("{number:A>43}")
}

async fn with_cookies(nobody: &Actor, cookies: &str) -> Answer {
    nobody.signed_out().request(Method::GET, SESSION).header("cookie", cookies).send().await
}

/// The `Set-Cookie` lines for `name`: value, and `Domain`.
fn set(answer: &Answer, name: &str) -> Vec<(bool, Option<String>)> {
    let lines = answer.all("set-cookie");
    let ours = lines.iter().filter_map(|line| line.strip_prefix(&format!("{name}=")));
    ours.map(|line| {
        let domain = line.split("; ").find_map(|part| part.strip_prefix("Domain="));
        (!line.starts_with(';'), domain.map(str::to_owned))
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_session_is_found_among_cookies_of_its_name() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    let (nobody, good) = (bff.anonymous(), ada.cookie_value());
    let three = format!("sid={}; sid={}; sid={}", dead(1), dead(2), dead(3));
    for cookies in [
        format!("sid=AAAA; sid={good}"),
        format!("sid={good}; sid=AAAA"),
        format!("sid={}; sid={good}", dead(1)),
        format!("sid={good}; sid={}", dead(1)),
        format!("sid=; sid={good}"),
        format!("sid=\"{good}\"; sid={good}"),
        format!("a=b; sid={good}; c=d; sid={good}"),
        format!("{three}; sid={good}"),
        format!("sid={good}; {three}"),
    ] {
        let answer = with_cookies(&nobody, &cookies).await.expect(200);
        assert_eq!(answer.json()["user"]["id"], ada.id(), "{cookies}");
    }
    // More than four that may be meant are not tried.
    let many = format!("{three}; sid={}; sid={good}", dead(4));
    with_cookies(&nobody, &many).await.expect_problem(401, "unauthenticated");
    with_cookies(&nobody, &three).await.expect_problem(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_live_sessions_the_first_counts_and_the_others_token_is_none() {
    let bff = TestBff::spawn().await;
    let (ada, bob) = (bff.signed_in("ada").await, bff.signed_in("bob").await);
    let cookies = format!("sid={}; sid={}", ada.cookie_value(), bob.cookie_value());
    let answer = with_cookies(&bff.anonymous(), &cookies).await.expect(200);
    assert_eq!(answer.json()["user"]["id"], ada.id());
    for (token, status) in [(ada.csrf_token(), 201), (bob.csrf_token(), 403)] {
        let post = bff.anonymous().from_page(Method::POST, "/api/posts").header("cookie", &cookies);
        let post = post.header("x-csrf-token", &token.expect("a token")).json(&json!({ "text": "hello" }));
        assert_eq!(post.send().await.status, status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_that_another_scope_has_left_is_in_nobodys_way_and_is_cleared() {
    let redis = RedisServer::durable(Durability::Nothing).await;
    let bff = TestBff::builder().redis(&redis).spawn().await;
    let old = bff.signed_in("ada").await.cookie_value();
    let moved = bff.replica_with(&[("session.domain", "shop.example")]).await;
    let nobody = moved.anonymous();
    let at = |method: Method, path: &str, cookies: &str| {
        nobody
            .signed_out()
            .from_page(method, path)
            .header("host", "app.shop.example:8080")
            .header("cookie", cookies)
    };
    let sign_in = async |cookies: &str| {
        let input = json!({ "login": "ada", "password": PASSWORD });
        at(Method::POST, "/auth/login", cookies).json(&input).send().await.expect(200)
    };
    let first = sign_in(&format!("sid={old}")).await;
    assert_eq!(
        set(&first, "sid"),
        [(true, Some("shop.example".into()))],
        "one cookie: nothing to be cleared"
    );
    let value = |answer: &Answer| {
        let lines = answer.all("set-cookie");
        let line = lines.iter().rev().find_map(|line| line.strip_prefix("sid=")).expect("a cookie");
        line.split(';').next().expect("a value").to_owned()
    };
    // The browser keeps both: the domain's, and the host's, whose session has ended.
    let new = value(&first);
    for cookies in [format!("sid={old}; sid={new}"), format!("sid={new}; sid={old}")] {
        let _ = at(Method::GET, SESSION, &cookies).send().await.expect(200);
    }
    let cleared = [(false, None), (false, Some("app.shop.example".into()))];
    let again = sign_in(&format!("sid={old}; sid={new}")).await;
    assert_eq!(set(&again, "sid"), [&cleared[..], &[(true, Some("shop.example".into()))]].concat());
    at(Method::GET, SESSION, &format!("sid={new}")).send().await.expect_problem(401, "unauthenticated");
    // Signing out takes with it what is live under the name.
    let (own, beside) = (value(&again), value(&sign_in("").await));
    let token = again.json()["csrfToken"].as_str().expect("a token").to_owned();
    let out = at(Method::POST, "/auth/logout", &format!("sid={own}; sid={beside}"));
    let out = out.header("x-csrf-token", &token).send().await.expect(204);
    assert_eq!(set(&out, "sid"), [&cleared[..], &[(false, Some("shop.example".into()))]].concat());
    for ended in [own, beside] {
        at(Method::GET, SESSION, &format!("sid={ended}")).send().await.expect_problem(401, "unauthenticated");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spent_refresh_token_beside_the_current_one_ends_nothing() {
    let bff = TestBff::builder().set("tokens.retry_ms", 0).spawn().await;
    let nobody = bff.sign_up("ada").await;
    let input = json!({ "login": "ada", "password": PASSWORD, "refresh_cookie": true });
    let page = |path: &str, cookies: &str| {
        nobody
            .signed_out()
            .from_page(Method::POST, path)
            .header("host", "app.shop.example")
            .header("cookie", cookies)
    };
    let value = |answer: &Answer| {
        let lines = answer.all("set-cookie");
        let line = lines.iter().rev().find_map(|line| line.strip_prefix("rt=")).expect("a cookie");
        line.split(';').next().expect("a value").to_owned()
    };
    let spent = value(&page("/auth/token", "a=b").json(&input).send().await.expect(200));
    let mut current = value(&page("/auth/refresh", &format!("rt={spent}")).send().await.expect(200));
    for spent_first in [true, false, true] {
        let pair = [&spent, &current];
        let [first, second] = if spent_first { pair } else { [pair[1], pair[0]] };
        let answer =
            page("/auth/refresh", &format!("rt={first}; rt={second}; rt=AAAA")).send().await.expect(200);
        let scopes =
            [(false, Some("app.shop.example".into())), (false, Some("shop.example".into())), (true, None)];
        assert_eq!(set(&answer, "rt"), scopes);
        current = value(&answer);
    }
    let alone = page("/auth/refresh", &format!("rt={current}")).send().await.expect(200);
    assert_eq!(set(&alone, "rt"), [(true, None)]);
}
