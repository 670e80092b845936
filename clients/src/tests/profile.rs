//! What the profile client sends and takes.

use schemas::{ByIdentity, Credentials, MemberPatch, SignUp};
use serde_json::json;

use super::{Fixture, Reply, assert_sent, card, claims, cx, id, ids, me, ok, outcome};

#[tokio::test]
async fn accounts_are_made_and_verified_for_nobody() {
    let it = Fixture::new(|_| Reply::Json(201, me("ada").to_string())).await;
    let input = SignUp { email: "a@b.c".to_owned(), username: "ada".to_owned(), password: "p\"w".to_owned() };
    assert_eq!(it.clients.profile.sign_up(&cx(), &input).await.expect("me").email, "ada@example.org");
    let request = it.only_request();
    assert_sent(&request, "POST", "/members", r#"{"email":"a@b.c","username":"ada","password":"p\"w"}"#);
    assert_eq!((claims(&request).sub, claims(&request).scope.as_str()), (None, "accounts"));

    let it = Fixture::new(|_| ok(&me("ada"))).await;
    let input = Credentials { login: "ada".to_owned(), password: "pw".to_owned(), otp: None };
    it.clients.profile.verify(&cx(), &input).await.expect("me");
    let request = it.only_request();
    assert_sent(&request, "POST", "/members/verify", r#"{"login":"ada","password":"pw"}"#);
    assert_eq!((claims(&request).sub, claims(&request).scope.as_str()), (None, "accounts"));

    let it = Fixture::new(|_| ok(&me("ada"))).await;
    let input =
        ByIdentity { issuer: "https://op".to_owned(), subject: "s".to_owned(), email: None, name: None };
    it.clients.profile.by_identity(&cx(), &input).await.expect("me");
    let request = it.only_request();
    assert_sent(&request, "PUT", "/members/by-identity", r#"{"issuer":"https://op","subject":"s"}"#);
    assert_eq!(claims(&request).scope, "accounts");
}

#[tokio::test]
async fn wrong_credentials_come_back_with_their_code() {
    let it = Fixture::new(|_| Reply::Problem(401, r#"{"code": "otp_required"}"#.to_owned())).await;
    let input = Credentials { login: "ada".to_owned(), password: "pw".to_owned(), otp: None };
    let error = it.clients.profile.verify(&cx(), &input).await.expect_err("401");
    assert_eq!((error.problem_code(), error.upstream()), (Some("otp_required"), "profile"));
}

#[tokio::test]
async fn members_are_read_and_changed() {
    let it = Fixture::new(|_| ok(&me("ada"))).await;
    assert_eq!(it.clients.profile.member(&cx(), &id("ada")).await.expect("a member").id, id("ada"));
    assert_sent(&it.only_request(), "GET", "/members/ada", "");

    let it = Fixture::new(|_| ok(&me("ada"))).await;
    assert_eq!(it.clients.profile.me(&cx()).await.expect("me").email, "ada@example.org");
    let request = it.only_request();
    assert_sent(&request, "GET", "/members/me", "");
    assert_eq!(claims(&request).sub.as_deref(), Some("ada"));

    let it = Fixture::new(|_| ok(&me("ada"))).await;
    let patch = MemberPatch { bio: Some(String::new()), ..MemberPatch::default() };
    it.clients.profile.patch_me(&cx(), &patch).await.expect("me");
    assert_sent(&it.only_request(), "PATCH", "/members/me", r#"{"bio":""}"#);

    let it = Fixture::new(|_| ok(&json!({"items": [card("a"), card("b")]}))).await;
    assert_eq!(it.clients.profile.members(&cx(), &ids(&["b", "a"])).await.expect("members").len(), 2);
    assert_sent(&it.only_request(), "GET", "/members?ids=b,a", "");
}

#[tokio::test]
async fn an_answer_about_somebody_else_is_refused() {
    let it = Fixture::new(|_| ok(&me("eve"))).await;
    let profile = &it.clients.profile;
    assert_eq!(outcome(&profile.member(&cx(), &id("ada")).await), "invalid");
    assert_eq!(outcome(&profile.me(&cx()).await), "invalid");
    assert_eq!(outcome(&profile.patch_me(&cx(), &MemberPatch::default()).await), "invalid");
    let reports = it.reports.lock();
    assert_eq!(*reports, [("member", "invalid"), ("me", "invalid"), ("patch_me", "invalid")]);
}

#[tokio::test]
async fn a_second_factor_is_enrolled_confirmed_and_removed() {
    let it = Fixture::new(|_| ok(&json!({"secret": "S", "otpauthUri": "otpauth://totp/x"}))).await;
    assert_eq!(it.clients.profile.enrol_totp(&cx()).await.expect("an enrolment").secret, "S");
    let request = it.only_request();
    assert_sent(&request, "POST", "/members/me/totp", "");
    assert_eq!(request.header("content-length"), Some("0"), "a POST without a body says so");

    let it = Fixture::new(|_| ok(&json!({"recoveryCodes": ["r1"]}))).await;
    let codes = it.clients.profile.confirm_totp(&cx(), "123456").await.expect("codes").recovery_codes;
    assert_eq!(codes, ["r1"]);
    assert_sent(&it.only_request(), "POST", "/members/me/totp/confirm", r#"{"code":"123456"}"#);

    let it = Fixture::new(|_| Reply::NoContent).await;
    it.clients.profile.verify_totp(&cx(), "123456").await.expect("right");
    assert_sent(&it.only_request(), "POST", "/members/me/totp/verify", r#"{"code":"123456"}"#);

    let it = Fixture::new(|_| Reply::NoContent).await;
    it.clients.profile.remove_totp(&cx(), "123456").await.expect("removed");
    assert_sent(&it.only_request(), "DELETE", "/members/me/totp", r#"{"code":"123456"}"#);
}
