//! Logs hold no cookie, token, password or e-mail, however much is logged.

use reqwest::Method;
use serde_json::json;
use tests::{
    Fault, PASSWORD, TestBff, email, eventually,
    leak_canaries::{Secret, plant},
    redis::RedisServer,
};

use crate::{
    callers,
    fixtures::{post_about, publish},
};

const FEED: &str = "/bff/home-feed";

#[tokio::test(flavor = "multi_thread")]
async fn nothing_secret_is_in_the_logs_also_when_everything_is_logged() {
    for format in ["json", "text"] {
        let mut bff =
            TestBff::builder().set("telemetry.log", "trace").set("telemetry.format", format).spawn().await;
        let ada = bff.signed_in("ada").await;
        let _ = ada.sign_in(&email("ada")).await;
        let recipe = publish(&ada, "Rice with eggs").await;
        post_about(&ada, "planted-text-of-a-post", &recipe).await;
        let _ = ada.get(FEED).await.expect(200);
        let wrong = json!({ "login": email("nobody"), "password": "planted-wrong-password" });
        ada.request(Method::POST, "/auth/login")
            .json(&wrong)
            .send()
            .await
            .expect_problem(401, "bad_credentials");
        let broken = format!("{{\"login\": \"{}\", \"password\": \"{PASSWORD}", email("ada"));
        let request = ada.request(Method::POST, "/auth/login").header("content-type", "application/json");
        request.body(broken).send().await.expect_problem(400, "invalid_body");
        let bearer = ada.request(Method::GET, &format!("{FEED}?token=planted-in-the-query"));
        let _ = bearer.header("authorization", "Bearer planted-access-token").send().await;
        // Failures log their causes.
        for fault in [Fault::Status500, Fault::Garbage, Fault::CutBody, Fault::Reset] {
            bff.profile.fail(fault.clone());
            bff.timeline.fail(fault);
            let _ = ada.post("/auth/login", &json!({ "login": email("ada"), "password": PASSWORD })).await;
            let _ = ada.post("/api/posts", &json!({ "text": "planted-text-of-a-post" })).await;
            let _ = ada.get(&format!("{FEED}?limit=7")).await;
            bff.heal().await;
        }
        let tokens: Vec<String> = bff
            .proxies()
            .iter()
            .flat_map(|proxy| proxy.requests())
            .filter_map(|request| request.bearer().map(str::to_owned))
            .collect();
        let (cookie, csrf) = (ada.cookie_value(), ada.csrf_token().expect("a token"));
        bff.terminate().await;
        assert_eq!(bff.ended().await.code(), Some(0));
        let text = bff.output();
        assert!(text.lines().count() > 20, "something was logged");
        for line in text.lines() {
            assert!(!line.contains("planted"), "{format}: {line}");
            assert!(!line.contains(&cookie) && !line.contains(&csrf), "{format}: {line}");
            assert!(
                !tokens.iter().any(|token| line.contains(&token[token.len() - 40..])),
                "{format}: {line}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_secret_is_in_the_logs_of_a_gateway_on_redis_also_when_that_fails() {
    let mut redis = RedisServer::start().await;
    let builder = callers::builder().set("telemetry.log", "trace").set("telemetry.format", "json");
    let bff = builder.redis(&redis).set("tokens.retry_ms", 100).spawn().await;
    let ada = bff.signed_in("ada").await;
    let app = bff.anonymous();
    let _ = app.sign_in_app("ada").await;
    let spent = app.refresh_token();
    let _ = app.refresh().await;
    let _ = app.get(FEED).await.expect(200);
    let by_server = ada.request(Method::GET, FEED).header("x-caller-token", callers::TOKEN);
    let _ = by_server.send().await.expect(200);
    let wrong = ada.request(Method::GET, FEED).header("x-caller-token", "planted-wrong-caller-token");
    let _ = wrong.send().await.expect(401);
    // What comes back is written down as well: the secret, its URI, a replaced refresh token.
    let _ = ada.post("/auth/2fa/totp", &json!({ "password": PASSWORD })).await.expect(200);
    ada.post("/auth/2fa/totp/confirm", &json!({ "code": "000000" })).await.expect_problem(422, "otp_invalid");
    let _ = app.refresh().await;
    eventually("a replay to be taken for one", || async {
        (app.present(&spent).await.status == 401).then_some(())
    })
    .await;
    let other = bff.anonymous();
    let _ = other.sign_in_app("ada").await;
    redis.kill().await;
    let fresh = bff.anonymous();
    eventually("the outage to be noticed", || async {
        (fresh.try_sign_in("ada").await.status == 503).then_some(())
    })
    .await;
    let _ = other.present(&other.refresh_token()).await.expect(503);
    let _ = ada.post("/auth/logout", &json!({})).await.expect(503);
    redis.restart().await;
    eventually("Redis to be back", || async { (fresh.try_sign_in("ada").await.status == 200).then_some(()) })
        .await;
    let text = bff.output();
    assert!(
        text.contains("\"level\":\"TRACE\"") && text.contains("bff::store::redis"),
        "everything is logged"
    );
    assert!(!text.contains("planted"), "{:?}", text.lines().find(|line| line.contains("planted")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_holds_no_session_id_that_could_be_used() {
    let mut bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    let (cookie, csrf) = (ada.cookie_value(), ada.csrf_token().expect("a token"));
    bff.terminate().await;
    assert!(bff.ended().await.success());
    let store = std::fs::read(bff.folder().join("store.redb")).expect("the store");
    let holds = |needle: &str| store.windows(needle.len()).any(|window| window == needle.as_bytes());
    assert!(holds("ada"), "the session is in there");
    assert!(!holds(&cookie) && !holds(&csrf) && !holds(PASSWORD));
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_told_apart_in_the_log_but_not_named() {
    let mut bff = TestBff::builder().set("telemetry.format", "json").spawn().await;
    let ada = bff.signed_in("ada").await;
    let _ = ada.get(FEED).await.expect(200);
    bff.terminate().await;
    assert!(bff.ended().await.success());
    let text = bff.output();
    assert!(text.contains(FEED));
    assert!(!text.contains(&ada.id()), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
#[should_panic(expected = "the log holds a secret (AccessToken): ")]
async fn a_secret_in_a_gateway_s_output_fails_the_test_that_started_it() {
    let bff = TestBff::spawn().await;
    let answer = bff.anonymous().get("/.well-known/jwks.json").await.expect(200);
    // It is logged, so that it is as good as a token that leaks.
    let request_id = answer.header("x-request-id").expect("a request id");
    eventually("its line", || async { bff.output().contains(request_id).then_some(()) }).await;
    plant(Secret::AccessToken, request_id);
}
