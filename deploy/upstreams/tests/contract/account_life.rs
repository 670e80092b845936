//! Passwords and addresses as far as no mail is needed for it; what mail does is the behaviour suites' to show.

use serde_json::json;
use upstreams::{Running, Service};

use crate::{
    gateway::Gateway,
    profile::{PASSWORD, sign_up, verify},
};

async fn member() -> (Gateway, Running, String) {
    let gateway = Gateway::spawn().await;
    let profile = gateway.start(Service::Profile).await;
    let id = sign_up(&gateway, &profile, "ada").await;
    (gateway, profile, id)
}

#[tokio::test]
async fn a_password_is_changed_by_whoever_knows_it() {
    let (gateway, profile, id) = member().await;
    let ada = gateway.caller(&profile, "profile", Some(&id));
    let change =
        |current: &str, new: &str| ada.post("/members/me/password", json!({"current": current, "new": new}));
    assert_eq!(change("wrong-horse", "a-new-password").await.code(), (401, "bad_credentials"));
    assert_eq!(change(PASSWORD, "short").await.field(), ("new", "invalid_length"));
    assert_eq!(change("", "a-new-password").await.field(), ("current", "invalid_length"));
    change(PASSWORD, "a-new-password").await.expect(204);
    assert_eq!(change(PASSWORD, "another-password").await.code(), (401, "bad_credentials"));
    let sign_in = |password: &str| verify(&gateway, &profile, json!({"login": "ada", "password": password}));
    assert_eq!(sign_in(PASSWORD).await.0, 401);
    assert_eq!(sign_in("a-new-password").await.0, 200);
    let ghost = gateway.caller(&profile, "profile", Some("ghost"));
    let body = json!({"current": PASSWORD, "new": PASSWORD});
    assert_eq!(ghost.post("/members/me/password", body).await.code(), (404, "not_found"));
}

#[tokio::test]
async fn of_changes_at_the_same_time_one_counts() {
    let (gateway, profile, id) = member().await;
    let ada = gateway.caller(&profile, "profile", Some(&id));
    let changes = (0..8).map(|n| {
        ada.post("/members/me/password", json!({"current": PASSWORD, "new": format!("password-{n}")}))
    });
    let answers = futures_util::future::join_all(changes).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 204).count(), 1);
    assert!(answers.iter().all(|answer| answer.status == 204 || answer.code() == (401, "bad_credentials")));
}

#[tokio::test]
async fn a_forgotten_password_is_answered_alike_for_everybody() {
    let (gateway, profile, _) = member().await;
    let nobody = gateway.caller(&profile, "profile", None);
    let forgot =
        |email: &str| nobody.post("/members/password/forgot", json!({"email": email, "locale": "ko"}));
    for email in ["ada@example.org", "nobody@example.org", "АDA@example.org", "김보라@예시.한국"] {
        let answer = forgot(email).await;
        assert_eq!((answer.status.as_u16(), &answer.body), (202, &json!(null)), "{email}");
    }
    for email in
        ["", "ada", "ada@example.org\r\nBcc: eve@example.org", "a\0@b", &format!("{}@b", "a".repeat(300))]
    {
        assert_eq!(forgot(email).await.field(), ("email", "invalid_email"), "{email:?}");
    }
}

#[tokio::test]
async fn a_token_that_was_never_mailed_is_refused() {
    let (gateway, profile, _) = member().await;
    let nobody = gateway.caller(&profile, "profile", None);
    for token in ["", "x", "\0", &"A".repeat(43), &"é".repeat(1000)] {
        let reset =
            nobody.post("/members/password/reset", json!({"token": token, "new": "a-new-password"})).await;
        assert_eq!(reset.code(), (422, "token_invalid"), "{token:?}");
        let checked = nobody.post("/members/password/reset/check", json!({"token": token})).await;
        assert_eq!(checked.code(), (422, "token_invalid"), "{token:?}");
        let confirmed = nobody.post("/members/email/confirm", json!({"token": token})).await;
        assert_eq!(confirmed.code(), (422, "token_invalid"), "{token:?}");
    }
    let short = nobody.post("/members/password/reset", json!({"token": "x", "new": "short"})).await;
    assert_eq!(short.field(), ("new", "invalid_length"));
}

#[tokio::test]
async fn another_address_takes_the_password_and_counts_only_once_it_is_confirmed() {
    let (gateway, profile, id) = member().await;
    let ada = gateway.caller(&profile, "profile", Some(&id));
    let change = |email: &str, password: &str| {
        ada.post("/members/me/email", json!({"email": email, "password": password}))
    };
    assert_eq!(change("new@example.org", "wrong-horse").await.code(), (401, "bad_credentials"));
    assert_eq!(change("new@", PASSWORD).await.field(), ("email", "invalid_email"));
    assert_eq!(change("new@example.org", PASSWORD).await.status.as_u16(), 202);
    let me = ada.get("/members/me").await.expect(200);
    assert_eq!((&me["email"], &me["emailConfirmed"]), (&json!("ada@example.org"), &json!(false)));
}
