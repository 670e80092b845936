//! Who may not leave, and what is no request to.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Actor, Answer, PASSWORD, TestBff};

use super::{builder, kept};
use crate::second_factor::{code, switch_on};

async fn send(actor: &Actor, body: &Value) -> Answer {
    actor.from_page(Method::DELETE, "/api/me").json(body).send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_proves_it_leaves() {
    let bff = builder().spawn().await;
    let ada = bff.signed_in("ada").await;
    let before = kept(&bff, &ada.id()).await;
    send(&ada, &json!({ "password": "wrong-password" })).await.expect_problem(401, "bad_credentials");
    let anonymous = bff.anonymous();
    send(&anonymous, &json!({ "password": PASSWORD })).await.expect_problem(401, "unauthenticated");
    let forged = ada.request(Method::DELETE, "/api/me").header("sec-fetch-site", "cross-site");
    forged.json(&json!({ "password": PASSWORD })).send().await.expect_problem(403, "csrf_failed");
    for (body, field, code) in [
        (json!({}), "password", "required"),
        (json!({ "password": "" }), "password", "too_short"),
        (json!({ "password": "x".repeat(257) }), "password", "too_long"),
        (json!({ "password": 7 }), "password", "invalid"),
        (json!({ "password": "x", "otp": "" }), "otp", "too_short"),
        (json!({ "password": "x", "otp": "1".repeat(65) }), "otp", "too_long"),
        (json!({ "password": "x", "member": "bora" }), "member", "unknown"),
    ] {
        let answer = send(&ada, &body).await;
        assert_eq!(answer.status, 422, "{body}: {}", answer.text());
        let (named, said) = answer.field_errors().remove(0);
        assert_eq!(named, field, "{body}: {said} is not {code}");
    }
    let text = ada.from_page(Method::DELETE, "/api/me").header("content-type", "text/plain").body("{}");
    text.send().await.expect_problem(415, "unsupported_media_type");
    let cut = ada.from_page(Method::DELETE, "/api/me").header("content-type", "application/json").body("{");
    cut.send().await.expect_problem(400, "invalid_body");
    let _ = ada.get("/auth/session").await.expect(200);
    assert_eq!(kept(&bff, &ada.id()).await, before);
    assert_eq!(bff.internal("/jobs").await.expect(200).json()["waitingCount"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_a_second_factor_proves_that_as_well() {
    let bff = builder().spawn().await;
    let ada = bff.signed_in("ada").await;
    let (secret, used, _) = switch_on(&ada).await;
    let before = kept(&bff, &ada.id()).await;
    send(&ada, &json!({ "password": PASSWORD })).await.expect_problem(401, "otp_required");
    for wrong in ["abcdef", &code(&secret, used)] {
        let answer = send(&ada, &json!({ "password": PASSWORD, "otp": wrong })).await;
        answer.expect_problem(401, "otp_invalid");
    }
    assert_eq!(kept(&bff, &ada.id()).await, before);
    let answer = send(&ada, &json!({ "password": PASSWORD, "otp": code(&secret, used + 1) })).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_not_guessed_here_either() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    for _ in 0..5 {
        send(&ada, &json!({ "password": "wrong-password" })).await.expect_problem(401, "bad_credentials");
    }
    let refused = send(&ada, &json!({ "password": PASSWORD })).await;
    refused.expect_problem(429, "too_many_attempts");
    assert!(refused.header("retry-after").is_some());
    let _ = ada.get("/auth/session").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_has_a_look_at_the_queue_on_the_internal_listener_alone() {
    let bff = builder().spawn().await;
    let ada = bff.signed_in("ada").await;
    assert_eq!(ada.get("/jobs").await.status, 404);
    let queue = bff.internal("/jobs").await.expect(200).json();
    assert_eq!(queue, json!({ "waitingCount": 0, "deadCount": 0, "waiting": [], "dead": [] }));
}
