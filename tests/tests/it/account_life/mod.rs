//! Passwords and addresses over the life of an account, with a real mail server.

mod bad_input;
mod email;
mod killed;
mod offers;
mod outages;
mod password;
mod reset;
mod times;

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Actor, Answer, Builder, MailServer, PASSWORD, Replica, TestBff, email, redis::RedisServer};
use upstreams::MailOptions;

pub(super) const FORGOT: &str = "/auth/password/forgot";
pub(super) const RESET: &str = "/auth/password/reset";
pub(super) const CHANGE: &str = "/auth/password";
pub(super) const EMAIL: &str = "/auth/email";
pub(super) const CONFIRM: &str = "/auth/email/confirm";
/// What passwords are changed to. Planted: it must turn up in no log.
pub(super) const NEW: &str = "planted-password-of-tomorrow";

/// Where mail goes, with the limits as they are.
pub(crate) fn mail(server: &MailServer) -> MailOptions {
    MailOptions {
        smtp: Some(server.url().parse().expect("a URL")),
        sender: "Recipe book <no-reply@book.example>".to_owned(),
        link_base: "https://app.example/".parse().expect("a URL"),
        ..MailOptions::default()
    }
}

pub(crate) async fn mail_server() -> MailServer {
    MailServer::start(crate::readme::python().to_str().expect("a path")).await
}

/// A system that mails.
pub(super) async fn system() -> (MailServer, TestBff) {
    system_with(TestBff::builder(), |_| {}).await
}

pub(super) async fn system_with(
    builder: Builder,
    change: impl FnOnce(&mut MailOptions),
) -> (MailServer, TestBff) {
    let server = mail_server().await;
    let mut options = mail(&server);
    change(&mut options);
    let bff = builder.mail(options).spawn().await;
    (server, bff)
}

/// Two gateways over one Redis.
pub(super) async fn two_replicas() -> (RedisServer, MailServer, TestBff, Replica) {
    let redis = RedisServer::start().await;
    let (server, bff) = system_with(TestBff::builder().redis(&redis), |_| {}).await;
    let second = bff.replica().await;
    (redis, server, bff, second)
}

pub(super) async fn forgot(caller: &Actor, address: &str) -> Answer {
    caller.post(FORGOT, &json!({ "email": address })).await
}

pub(super) async fn reset(caller: &Actor, token: &str, new: &str) -> Answer {
    caller.post(RESET, &json!({ "token": token, "new": new })).await
}

pub(super) async fn change(caller: &Actor, current: &str, new: &str) -> Answer {
    caller.post(CHANGE, &json!({ "current": current, "new": new })).await
}

/// Asks for a link and takes its token out of mail `number`.
pub(super) async fn reset_token(server: &MailServer, caller: &Actor, name: &str, number: usize) -> String {
    let _ = forgot(caller, &email(name)).await.expect(202);
    server.mail(&email(name), "new password", number).await.token()
}

pub(super) async fn is_signed_in(actor: &Actor) -> bool {
    let answer = actor.get("/auth/session").await;
    assert!([200, 401].contains(&answer.status.as_u16()), "{}", answer.text());
    answer.status == 200
}

/// Browsers and an app of somebody, some of them at the other gateway, all of them used there.
pub(super) async fn everywhere(bff: &TestBff, second: &Replica, name: &str) -> Vec<Actor> {
    let (here, there, app) = (bff.signed_in(name).await, bff.anonymous(), bff.anonymous());
    let _ = there.sign_in(name).await;
    let _ = app.sign_in_app(name).await;
    let all = vec![
        here.clone(),
        here.at(&second.url()),
        there.clone(),
        there.at(&second.url()),
        app.clone(),
        app.at(&second.url()),
    ];
    for actor in &all {
        assert!(is_signed_in(actor).await);
    }
    all
}

/// Begins a second factor with a password.
pub(super) async fn enrol(caller: &Actor, input: &Value) -> Answer {
    caller.from_page(Method::POST, "/auth/2fa/totp").json(input).send().await
}

/// The password as it is known, for those who begin a second factor.
pub(super) fn known() -> Value {
    json!({ "password": PASSWORD })
}

pub(super) const HALF_A_SECOND: Duration = Duration::from_millis(500);
