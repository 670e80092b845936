//! A password is changed, a second factor switched on: other sign-ins end.

use serde_json::json;
use tests::{PASSWORD, email};

use super::{NEW, change, enrol, everywhere, forgot, is_signed_in, known, reset, system, two_replicas};
use crate::second_factor::switch_on;

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_password_ends_all_other_sign_ins_on_both_replicas() {
    let (_redis, server, bff, second) = two_replicas().await;
    let others = everywhere(&bff, &second, "ada").await;
    let stranger = bff.signed_in("bora").await;
    let ada = bff.anonymous();
    let _ = ada.sign_in("ada").await;
    let (cookie, csrf) = (ada.cookie(), ada.csrf_token());
    let changed = change(&ada, PASSWORD, NEW).await.expect(204);
    assert_eq!(changed.header("cache-control"), Some("no-store"));
    for (place, other) in others.iter().enumerate() {
        assert!(!is_signed_in(other).await, "{place}");
    }
    // An app cannot go on by its refresh token either.
    let app = &others[4];
    app.present(&app.refresh_token()).await.expect_problem(401, "invalid_grant");
    assert!(is_signed_in(&stranger).await, "somebody else's go on");

    // One's own goes on, under another id, at both.
    assert!(is_signed_in(&ada).await && is_signed_in(&ada.at(&second.url())).await);
    assert!(ada.cookie() != cookie && ada.csrf_token() != csrf);
    let old = bff.anonymous();
    old.set_cookie(cookie);
    assert!(!is_signed_in(&old).await && !is_signed_in(&old.at(&second.url())).await);

    bff.anonymous().try_sign_in("ada").await.expect_problem(401, "bad_credentials");
    let _ = bff.anonymous().at(&second.url()).try_sign_in_with("ada", NEW).await.expect(200);
    server.mail(&email("ada"), "password was changed", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_changes_nothing_and_counts_as_a_guess() {
    let (_server, bff) = system().await;
    let (ada, elsewhere) = (bff.signed_in("ada").await, bff.signed_in("ada").await);
    let cookie = ada.cookie();
    for (current, new, field) in [("", NEW, "current"), (PASSWORD, "1234567", "new")] {
        assert_eq!(change(&ada, current, new).await.field_errors()[0].0, field);
    }
    bff.anonymous()
        .post("/auth/password", &json!({ "current": PASSWORD, "new": NEW }))
        .await
        .expect_problem(401, "unauthenticated");
    let forged = ada.request(reqwest::Method::POST, "/auth/password");
    forged.json(&json!({ "current": PASSWORD, "new": NEW })).send().await.expect_problem(403, "csrf_failed");
    for _ in 0..5 {
        change(&ada, "planted-wrong-password", NEW).await.expect_problem(401, "bad_credentials");
    }
    let refused = change(&ada, PASSWORD, NEW).await;
    refused.expect_problem(429, "too_many_attempts");
    assert!(refused.header("retry-after").is_some());
    assert!(is_signed_in(&elsewhere).await);
    assert_eq!(ada.cookie(), cookie);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_factor_that_is_switched_on_ends_all_other_sign_ins_on_both_replicas() {
    let (_redis, _server, bff, second) = two_replicas().await;
    let others = everywhere(&bff, &second, "ada").await;
    let ada = bff.anonymous();
    let _ = ada.sign_in("ada").await;
    for wrong in [json!({}), json!({ "password": "planted-wrong-password" })] {
        enrol(&ada, &wrong).await.expect_problem(401, "bad_credentials");
    }
    let _ = enrol(&ada, &known()).await.expect(200);
    for other in &others {
        assert!(is_signed_in(other).await, "beginning it ends nothing that was not asked for");
    }
    let _ = switch_on(&ada).await;
    for (place, other) in others.iter().enumerate() {
        assert!(!is_signed_in(other).await, "{place}");
    }
    assert!(is_signed_in(&ada).await && is_signed_in(&ada.at(&second.url())).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn beginning_a_second_factor_ends_other_sign_ins_if_asked_to() {
    let (_redis, _server, bff, second) = two_replicas().await;
    let others = everywhere(&bff, &second, "ada").await;
    let ada = bff.anonymous();
    let _ = ada.sign_in("ada").await;
    let wrong = json!({ "password": "planted-wrong-password", "endOthers": true });
    enrol(&ada, &wrong).await.expect_problem(401, "bad_credentials");
    assert!(is_signed_in(&others[0]).await, "not with a wrong password");
    let _ = enrol(&ada, &json!({ "password": PASSWORD, "endOthers": true })).await.expect(200);
    for (place, other) in others.iter().enumerate() {
        assert!(!is_signed_in(other).await, "{place}");
    }
    assert!(is_signed_in(&ada).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn links_that_were_mailed_before_a_change_are_void() {
    let (server, bff) = system().await;
    let ada = bff.signed_in("ada").await;
    let _ = forgot(&bff.anonymous(), &email("ada")).await.expect(202);
    let token = server.mail(&email("ada"), "new password", 1).await.token();
    let _ = change(&ada, PASSWORD, NEW).await.expect(204);
    reset(&bff.anonymous(), &token, PASSWORD).await.expect_problem(422, "token_invalid");
}
