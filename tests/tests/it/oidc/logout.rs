//! A provider signs people out.

use reqwest::Method;
use serde_json::json;
use tests::{Actor, Answer, TestBff};

use super::{Fake, begin, fake::Key, finish, signed_in, system, unix_seconds};
use crate::second_factor::{code, switch_on};

/// A provider, through `caller`, wants somebody signed out.
pub(super) async fn order(caller: &Actor, token: &str) -> Answer {
    let form =
        url::form_urlencoded::Serializer::new(String::new()).append_pair("logout_token", token).finish();
    let request = caller.request(Method::POST, "/auth/oidc/fake/backchannel-logout");
    request.header("content-type", "application/x-www-form-urlencoded").body(form).send().await
}

async fn is_signed_in(actor: &Actor) -> bool {
    let answer = actor.get("/auth/session").await;
    assert!(matches!(answer.status.as_u16(), 200 | 401), "{}", answer.text());
    answer.status == 200
}

async fn with_session(fake: &Fake, bff: &TestBff, subject: &str, sid: Option<&str>) -> Actor {
    fake.says(|says| says.claims = json!({ "sub": subject, "sid": sid, "email": null }));
    fake.says(|says| says.user_info = json!({ "sub": subject }));
    signed_in(fake, bff).await
}

#[tokio::test]
async fn the_sessions_of_the_sid_end_and_no_others() {
    let (fake, bff) = system().await;
    let first = with_session(&fake, &bff, "ada", Some("session-1")).await;
    let same = with_session(&fake, &bff, "ada", Some("session-1")).await;
    let second = with_session(&fake, &bff, "ada", Some("session-2")).await;
    let somebody = with_session(&fake, &bff, "bo", Some("session-3")).await;
    let by_password = bff.signed_in("grace").await;
    let _ = first.get("/bff/home-feed").await.expect(200);
    let done = order(&bff.anonymous(), &fake.logout_token(&json!({ "sub": null }))).await.expect(200);
    assert_eq!(done.header("cache-control"), Some("no-store"));
    assert!(done.body.is_empty());
    first.get("/bff/home-feed").await.expect_problem(401, "unauthenticated");
    assert!(!is_signed_in(&first).await && !is_signed_in(&same).await);
    assert!(is_signed_in(&second).await && is_signed_in(&somebody).await && is_signed_in(&by_password).await);
    // Nobody of that name: that is no mistake.
    let _ = order(&bff.anonymous(), &fake.logout_token(&json!({ "sid": "session-9" }))).await.expect(200);
}

#[tokio::test]
async fn without_a_sid_all_sessions_of_the_subject_end() {
    let (fake, bff) = system().await;
    let with = with_session(&fake, &bff, "ada", Some("session-1")).await;
    let without = with_session(&fake, &bff, "ada", None).await;
    let somebody = with_session(&fake, &bff, "bo", Some("session-2")).await;
    let _ = order(&bff.anonymous(), &fake.logout_token(&json!({ "sid": null }))).await.expect(200);
    assert!(!is_signed_in(&with).await && !is_signed_in(&without).await && is_signed_in(&somebody).await);
}

#[tokio::test]
async fn an_order_that_does_not_hold_ends_nothing() {
    let (fake, bff) = system().await;
    let actor = with_session(&fake, &bff, "ada", Some("session-1")).await;
    let now = unix_seconds();
    for lie in [
        json!({ "iss": "https://evil.example" }),
        json!({ "aud": "another client" }),
        json!({ "exp": now - 60 }),
        json!({ "exp": null }),
        json!({ "iat": now + 120 }),
        json!({ "jti": null }),
        json!({ "events": null }),
        json!({ "events": { "http://evil.example": {} } }),
        json!({ "nonce": "any" }),
        json!({ "sub": null, "sid": null }),
    ] {
        let answer = order(&bff.anonymous(), &fake.logout_token(&lie)).await;
        answer.expect_problem(400, "oidc_logout_token_invalid");
        assert!(is_signed_in(&actor).await, "{lie}");
    }
    let stranger = Key::new("first");
    let claims = json!({
        "iss": fake.issuer(), "aud": "bff client", "iat": now, "exp": now + 120, "sub": "ada", "jti": "j",
        "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
    });
    let forged = stranger.sign(&stranger.header("logout+jwt"), &claims);
    let access = fake.says(|says| says.key.sign(&says.key.header("at+jwt"), &claims));
    for token in [forged, access, fake.id_token("any"), String::new(), "x".repeat(100)] {
        order(&bff.anonymous(), &token).await.expect_problem(400, "oidc_logout_token_invalid");
    }
    assert!(is_signed_in(&actor).await);
}

#[tokio::test]
async fn an_order_counts_once() {
    let (fake, bff) = system().await;
    let _ = with_session(&fake, &bff, "ada", Some("session-1")).await;
    let token = fake.logout_token(&json!({ "sid": null }));
    let _ = order(&bff.anonymous(), &token).await.expect(200);
    fake.says(|says| says.claims["iat"] = json!(unix_seconds() + 2));
    let again = signed_in(&fake, &bff).await;
    order(&bff.anonymous(), &token).await.expect_problem(400, "oidc_logout_token_invalid");
    assert!(is_signed_in(&again).await, "an old order ends nothing new");
}

#[tokio::test]
async fn a_sign_in_that_the_order_overtakes_is_refused() {
    let (fake, bff) = system().await;
    fake.says(|says| says.claims = json!({ "iat": unix_seconds() - 5 }));
    let actor = bff.anonymous();
    let begun = begin(&actor, "fake", "/").await;
    let _ = order(&bff.anonymous(), &fake.logout_token(&json!({}))).await.expect(200);
    let answer = finish(&fake, &begun).await;
    answer.expect_problem(400, "oidc_token_invalid");
    assert!(actor.cookie().is_none() && answer.all("set-cookie").is_empty());
}

#[tokio::test]
async fn the_order_is_a_form_and_needs_no_cookie() {
    let (fake, bff) = system().await;
    let actor = with_session(&fake, &bff, "ada", Some("session-1")).await;
    let path = "/auth/oidc/fake/backchannel-logout";
    let post = |body: &str, media_type: &str| {
        let request = bff.anonymous().request(Method::POST, path).header("content-type", media_type);
        request.body(body.to_owned()).send()
    };
    let form = "application/x-www-form-urlencoded";
    post("{}", "application/json").await.expect_problem(415, "unsupported_media_type");
    post("", form).await.expect_problem(400, "bad_request");
    post("logout_token=a&logout_token=a", form).await.expect_problem(400, "bad_request");
    post(&format!("logout_token={}", "x".repeat(70_000)), form).await.expect_problem(413, "body_too_large");
    actor.get(path).await.expect_problem(405, "method_not_allowed");
    let nowhere = bff.anonymous().request(Method::POST, "/auth/oidc/other/backchannel-logout");
    nowhere.header("content-type", form).body("logout_token=a").send().await.expect_problem(404, "not_found");
    assert!(is_signed_in(&actor).await);
    let body = format!("logout_token={}", fake.logout_token(&json!({})));
    let _ = post(&body, "application/x-www-form-urlencoded; charset=UTF-8").await.expect(200);
    assert!(!is_signed_in(&actor).await);
}

#[tokio::test]
async fn a_session_without_a_sid_ends_with_its_subject_also_where_the_order_names_a_sid() {
    let (fake, bff) = system().await;
    let without = with_session(&fake, &bff, "ada", None).await;
    let other = with_session(&fake, &bff, "ada", Some("session-2")).await;
    let somebody = with_session(&fake, &bff, "bo", None).await;
    // Neither of them is of that session, as far as is known.
    let _ = order(&bff.anonymous(), &fake.logout_token(&json!({ "sub": null, "sid": "session-1" }))).await;
    assert!(is_signed_in(&without).await);
    let told = json!({ "sub": "ada", "sid": "session-1" });
    let _ = order(&bff.anonymous(), &fake.logout_token(&told)).await.expect(200);
    assert!(!is_signed_in(&without).await, "the subject decides");
    assert!(is_signed_in(&other).await, "its own session goes on there");
    assert!(is_signed_in(&somebody).await);
}

#[tokio::test]
async fn a_session_that_was_renewed_ends_as_the_one_that_it_replaced_would_have() {
    let (fake, bff) = system().await;
    for (subject, sid, told) in [
        ("ada", Some("session-1"), json!({ "sub": null, "sid": "session-1" })),
        ("bo", Some("session-2"), json!({ "sub": "bo", "sid": null })),
        ("eve", None, json!({ "sub": "eve", "sid": "session-3" })),
    ] {
        let actor = with_session(&fake, &bff, subject, sid).await;
        let token = actor.get("/auth/csrf-token").await.expect(200).json();
        actor.keep_csrf_token(token["csrf"].as_str().expect("a token"));
        let before = actor.cookie();
        let (secret, step, on) = switch_on(&actor).await;
        assert_ne!(actor.cookie(), before, "switching it on gives it a new id");
        actor.keep_csrf_token(on.json()["csrfToken"].as_str().expect("a token"));
        let before = actor.cookie();
        let code = json!({ "code": code(&secret, step + 1) });
        let _ = actor.from_page(Method::DELETE, "/auth/2fa/totp").json(&code).send().await.expect(204);
        assert_ne!(actor.cookie(), before, "and so does switching it off");
        let _ = order(&bff.anonymous(), &fake.logout_token(&told)).await.expect(200);
        assert!(!is_signed_in(&actor).await, "{subject} {told}");
    }
}
