//! What the client of the accounts contract sends and takes.

use schemas::{
    ByIdentity, Credentials, EmailChange, EmailConfirmation, PasswordChange, PasswordReminder, PasswordReset,
    SignUp, TotpBegin,
};
use serde_json::{Value, json};

use super::{Fixture, Reply, assert_sent, claims, cx, me, ok, outcome};
use crate::{AccountsClient, BodyFault};

fn accounts(it: &Fixture) -> AccountsClient {
    assert!(it.clients.upstreams().accounts("nobody").is_none());
    it.clients.upstreams().accounts("accounts").expect("there is one of that name")
}

/// A profile of these tests is its id.
fn profile(json: &[u8]) -> Result<String, BodyFault> {
    let profile: Value = serde_json::from_slice(json)?;
    profile["id"].as_str().map(str::to_owned).ok_or(BodyFault::Mismatch)
}

#[tokio::test]
async fn accounts_are_made_and_verified_for_nobody() {
    let it = Fixture::new(|_| Reply::Json(201, me("ada").to_string())).await;
    let input = SignUp { email: "a@b.c".to_owned(), username: "ada".to_owned(), password: "p\"w".to_owned() };
    assert_eq!(accounts(&it).sign_up(&cx(), &input, Some("ko"), profile).await.expect("me"), "ada");
    let request = it.only_request();
    assert_sent(&request, "POST", "/members", r#"{"email":"a@b.c","username":"ada","password":"p\"w"}"#);
    assert_eq!((claims(&request).sub, claims(&request).scope.as_str()), (None, "accounts"));

    let it = Fixture::new(|_| ok(&me("ada"))).await;
    let input = Credentials { login: "ada".to_owned(), password: "pw".to_owned(), otp: None };
    accounts(&it).verify(&cx(), &input, profile).await.expect("me");
    let request = it.only_request();
    assert_sent(&request, "POST", "/members/verify", r#"{"login":"ada","password":"pw"}"#);
    assert_eq!((claims(&request).sub, claims(&request).scope.as_str()), (None, "accounts"));

    let it = Fixture::new(|_| ok(&me("ada"))).await;
    let input =
        ByIdentity { issuer: "https://op".to_owned(), subject: "s".to_owned(), email: None, name: None };
    accounts(&it).by_identity(&cx(), &input, profile).await.expect("me");
    let request = it.only_request();
    assert_sent(&request, "PUT", "/members/by-identity", r#"{"issuer":"https://op","subject":"s"}"#);
    assert_eq!(claims(&request).scope, "accounts");
}

#[tokio::test]
async fn the_acting_user_is_read_with_a_token_of_theirs() {
    let it = Fixture::new(|_| ok(&me("ada"))).await;
    assert_eq!(accounts(&it).me(&cx(), profile).await.expect("me"), "ada");
    let request = it.only_request();
    assert_sent(&request, "GET", "/members/me", "");
    assert_eq!(
        (claims(&request).sub.as_deref(), claims(&request).scope.as_str()),
        (Some("ada"), "read write")
    );
}

#[tokio::test]
async fn wrong_credentials_come_back_with_their_code() {
    let it = Fixture::new(|_| Reply::Problem(401, r#"{"code": "otp_required"}"#.to_owned())).await;
    let input = Credentials { login: "ada".to_owned(), password: "pw".to_owned(), otp: None };
    let error = accounts(&it).verify(&cx(), &input, profile).await.expect_err("401");
    assert_eq!((error.problem_code(), error.upstream()), (Some("otp_required"), "accounts"));
}

#[tokio::test]
async fn a_second_factor_is_enrolled_confirmed_and_removed() {
    let it = Fixture::new(|_| ok(&json!({"secret": "S", "otpauthUri": "otpauth://totp/x"}))).await;
    assert_eq!(accounts(&it).enrol_totp(&cx(), None).await.expect("an enrolment").secret, "S");
    let request = it.only_request();
    assert_sent(&request, "POST", "/members/me/totp", "");
    assert_eq!(request.header("content-length"), Some("0"), "a POST without a body says so");

    let it = Fixture::new(|_| ok(&json!({"secret": "S", "otpauthUri": "otpauth://totp/x"}))).await;
    let input = TotpBegin { password: Some("pw".to_owned()) };
    accounts(&it).enrol_totp(&cx(), Some(&input)).await.expect("an enrolment");
    assert_sent(&it.only_request(), "POST", "/members/me/totp", r#"{"password":"pw"}"#);

    let it = Fixture::new(|_| ok(&json!({"recoveryCodes": ["r1"]}))).await;
    let codes = accounts(&it).confirm_totp(&cx(), "123456").await.expect("codes").recovery_codes;
    assert_eq!(codes, ["r1"]);
    assert_sent(&it.only_request(), "POST", "/members/me/totp/confirm", r#"{"code":"123456"}"#);

    let it = Fixture::new(|_| Reply::NoContent).await;
    accounts(&it).verify_totp(&cx(), "123456").await.expect("right");
    assert_sent(&it.only_request(), "POST", "/members/me/totp/verify", r#"{"code":"123456"}"#);

    let it = Fixture::new(|_| Reply::NoContent).await;
    accounts(&it).remove_totp(&cx(), "123456").await.expect("removed");
    assert_sent(&it.only_request(), "DELETE", "/members/me/totp", r#"{"code":"123456"}"#);
}

#[tokio::test]
async fn an_answer_that_is_no_profile_is_no_usable_answer() {
    let it = Fixture::new(|_| ok(&json!({"id": 1}))).await;
    let input = Credentials { login: "ada".to_owned(), password: "pw".to_owned(), otp: None };
    assert_eq!(outcome(&accounts(&it).verify(&cx(), &input, profile).await), "invalid");
    assert_eq!(outcome(&accounts(&it).me(&cx(), profile).await), "invalid");
    assert_eq!(*it.reports.lock(), [("verify", "invalid"), ("me", "invalid")]);
}

#[tokio::test]
async fn passwords_and_addresses_are_changed_by_the_acting_user() {
    let it = Fixture::new(|_| Reply::NoContent).await;
    let input = PasswordChange { current: "old".to_owned(), new: "new".to_owned() };
    accounts(&it).change_password(&cx(), &input, Some("ko, en;q=0.5")).await.expect("changed");
    let request = it.only_request();
    assert_sent(&request, "POST", "/members/me/password", r#"{"current":"old","new":"new"}"#);
    assert_eq!(request.header("accept-language"), Some("ko, en;q=0.5"));
    assert_eq!(
        (claims(&request).sub.as_deref(), claims(&request).scope.as_str()),
        (Some("ada"), "read write")
    );

    let it = Fixture::new(|_| Reply::NoContent).await;
    let input = EmailChange { email: "b@c.d".to_owned(), password: "pw".to_owned() };
    accounts(&it).change_email(&cx(), &input, None).await.expect("asked for");
    let request = it.only_request();
    assert_sent(&request, "POST", "/members/me/email", r#"{"email":"b@c.d","password":"pw"}"#);
    assert_eq!(request.header("accept-language"), None);
    assert_eq!(claims(&request).sub.as_deref(), Some("ada"));

    let it = Fixture::new(|_| Reply::Problem(401, r#"{"code": "bad_credentials"}"#.to_owned())).await;
    let error = accounts(&it).change_email(&cx(), &input, None).await.expect_err("401");
    assert_eq!(error.problem_code(), Some("bad_credentials"));
}

#[tokio::test]
async fn links_are_asked_for_and_used_for_nobody() {
    let it = Fixture::new(|_| Reply::NoContent).await;
    let input = PasswordReminder { email: "a@b.c".to_owned(), locale: Some("ko".to_owned()) };
    // What is no header value, or far too long, is left out.
    for languages in ["ko\r\nx: y", &"k".repeat(257)] {
        accounts(&it).forget_password(&cx(), &input, Some(languages)).await.expect("asked for");
    }
    for request in it.server.requests() {
        assert_sent(&request, "POST", "/members/password/forgot", r#"{"email":"a@b.c","locale":"ko"}"#);
        assert_eq!(request.header("accept-language"), None);
        assert_eq!((claims(&request).sub, claims(&request).scope.as_str()), (None, "accounts"));
    }

    let it = Fixture::new(|_| ok(&me("ada"))).await;
    let input = PasswordReset { token: "t".to_owned(), new: "new".to_owned() };
    assert_eq!(accounts(&it).reset_password(&cx(), &input, None, profile).await.expect("me"), "ada");
    let request = it.only_request();
    assert_sent(&request, "POST", "/members/password/reset", r#"{"token":"t","new":"new"}"#);
    assert_eq!((claims(&request).sub, claims(&request).scope.as_str()), (None, "accounts"));

    let it = Fixture::new(|_| ok(&me("ada"))).await;
    let input = EmailConfirmation { token: "t".to_owned() };
    assert_eq!(accounts(&it).confirm_email(&cx(), &input, None, profile).await.expect("me"), "ada");
    let request = it.only_request();
    assert_sent(&request, "POST", "/members/email/confirm", r#"{"token":"t"}"#);
    assert_eq!((claims(&request).sub, claims(&request).scope.as_str()), (None, "accounts"));

    let it = Fixture::new(|_| Reply::Problem(422, r#"{"code": "token_invalid"}"#.to_owned())).await;
    let error = accounts(&it).confirm_email(&cx(), &input, None, profile).await.expect_err("422");
    assert_eq!(error.problem_code(), Some("token_invalid"));
}
