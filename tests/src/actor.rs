//! Who calls: nobody, somebody with a session cookie, or an app with its tokens. Actors keep their own cookies
//! and tokens, so that suites see every byte of them.

use std::{sync::Arc, time::Instant};

use parking_lot::Mutex;
use reqwest::{Method, header::SET_COOKIE};
use serde_json::{Value, json};

use crate::{
    Answer,
    contract::{self, Terms},
    leak_canaries,
};

/// Everybody's password. Planted: it must turn up in no log.
pub const PASSWORD: &str = "planted-password-correct-horse";

/// The e-mail address of the member called `name`. Planted as well.
#[must_use]
pub fn email(name: &str) -> String {
    let email = format!("planted-{name}@mail.example");
    leak_canaries::plant(leak_canaries::Secret::Email, &email);
    email
}

/// Somebody who calls the gateway. Clones are the same person with the same cookies and tokens.
#[derive(Debug, Clone)]
pub struct Actor {
    http: reqwest::Client,
    base: String,
    /// What every answer is held against; nothing where it is not the gateway's public listener that answers.
    terms: Option<Terms>,
    session: Arc<Mutex<Session>>,
}

#[derive(Debug, Default, Clone)]
struct Session {
    /// `name=value`.
    cookie: Option<String>,
    csrf: Option<String>,
    id: Option<String>,
    /// `name=value` of the refresh token's cookie, which goes to `/auth` only.
    refresh_cookie: Option<String>,
    access: Option<String>,
    refresh: Option<String>,
}

/// A request under way. Nothing is in it but what was put there.
#[must_use = "a request does nothing until it is sent"]
pub struct Request {
    actor: Actor,
    method: Method,
    path: String,
    builder: reqwest::RequestBuilder,
}

impl Actor {
    pub(crate) fn anonymous(http: reqwest::Client, base: String, terms: Option<Terms>) -> Self {
        Self { http, base, terms, session: Arc::default() }
    }

    /// The same person after the gateway has moved to another address.
    #[must_use]
    pub fn at(&self, base: &str) -> Self {
        Self { base: base.to_owned(), ..self.clone() }
    }

    /// The same person at something that is not the gateway, such as the app or a cache before it: the contract does not
    /// speak of that.
    #[must_use]
    pub fn elsewhere(&self, base: &str) -> Self {
        Self { terms: None, ..self.at(base) }
    }

    /// Somebody else at the same address, without a session.
    #[must_use]
    pub fn signed_out(&self) -> Self {
        Self::anonymous(self.http.clone(), self.base.clone(), self.terms)
    }

    /// A request with the actor's cookies, or an app's access token, and nothing else.
    pub fn request(&self, method: Method, path: &str) -> Request {
        let builder = self.http.request(method.clone(), format!("{}{path}", self.base));
        let request = Request { actor: self.clone(), method, path: path.to_owned(), builder };
        let Session { cookie, refresh_cookie, access, .. } = self.session.lock().clone();
        let refresh_cookie = refresh_cookie.filter(|_| path.starts_with("/auth"));
        let cookies: Vec<_> = cookie.into_iter().chain(refresh_cookie).collect();
        let request =
            if cookies.is_empty() { request } else { request.header("cookie", &cookies.join("; ")) };
        match access {
            Some(token) => request.header("authorization", &format!("Bearer {token}")),
            None => request,
        }
    }

    /// A request as a page of the same origin sends it: with the cookie and what passes the forgery checks.
    pub fn from_page(&self, method: Method, path: &str) -> Request {
        let request = self.request(method, path).header("sec-fetch-site", "same-origin");
        match self.csrf_token() {
            Some(token) => request.header("x-csrf-token", &token),
            None => request,
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.request(Method::GET, path).send().await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.from_page(Method::POST, path).json(body).send().await
    }

    pub async fn put(&self, path: &str) -> Answer {
        self.from_page(Method::PUT, path).send().await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.from_page(Method::DELETE, path).send().await
    }

    /// Signs in and keeps the cookie and the CSRF token.
    ///
    /// # Panics
    /// When that is refused.
    pub async fn sign_in(&self, login: &str) -> Answer {
        self.try_sign_in(login).await.expect(200)
    }

    /// Signs in with a password of one's own, if that is allowed, and then keeps the cookie and the CSRF token.
    ///
    /// # Panics
    /// When a 200 comes without them.
    pub async fn try_sign_in_with(&self, login: &str, password: &str) -> Answer {
        let answer = self.post("/auth/login", &json!({ "login": login, "password": password })).await;
        self.keep_session(&answer);
        answer
    }

    /// Signs in, if that is allowed, and then keeps the cookie and the CSRF token.
    ///
    /// # Panics
    /// When a 200 comes without them.
    pub async fn try_sign_in(&self, login: &str) -> Answer {
        self.try_sign_in_with(login, PASSWORD).await
    }

    fn keep_session(&self, answer: &Answer) {
        if answer.status != 200 {
            return;
        }
        let info = answer.json();
        let mut session = self.session.lock();
        session.csrf = info["csrfToken"].as_str().map(str::to_owned);
        session.id = info["user"]["id"].as_str().map(str::to_owned);
        assert!(session.cookie.is_some() && session.csrf.is_some(), "signed in without a cookie or a token");
    }

    /// Asks for the CSRF token of a session that came by a redirect, as a page does, and keeps it.
    ///
    /// # Panics
    /// Without a session.
    pub async fn learn_csrf_token(&self) {
        let token = self.get("/auth/csrf-token").await.expect(200).json();
        self.session.lock().csrf = token["csrf"].as_str().map(str::to_owned);
    }

    /// Signs in as an app does and keeps the tokens: from then on, requests bear the access token.
    ///
    /// # Panics
    /// When that is refused.
    pub async fn sign_in_app(&self, login: &str) -> Answer {
        self.try_sign_in_app(login).await.expect(200)
    }

    /// Signs in as an app does, if that is allowed, and then keeps the tokens.
    ///
    /// # Panics
    /// When a 200 comes without them.
    pub async fn try_sign_in_app(&self, login: &str) -> Answer {
        let input = json!({ "login": login, "password": PASSWORD });
        let answer = self.signed_out().request(Method::POST, "/auth/token").json(&input).send().await;
        if answer.status == 200 {
            self.keep_tokens(&answer);
        }
        answer
    }

    /// Exchanges a refresh token for the next pair, and keeps neither: for those who try what does not work.
    pub async fn present(&self, refresh_token: &str) -> Answer {
        let request = self.signed_out().request(Method::POST, "/auth/refresh");
        request.json(&json!({ "refresh_token": refresh_token })).send().await
    }

    /// Exchanges the refresh token for the next pair and keeps that.
    ///
    /// # Panics
    /// When that is refused.
    pub async fn refresh(&self) -> Answer {
        let answer = self.present(&self.refresh_token()).await.expect(200);
        self.keep_tokens(&answer);
        answer
    }

    /// Goes on with the tokens of an answer.
    ///
    /// # Panics
    /// When it bears none.
    pub fn keep_tokens(&self, answer: &Answer) {
        let pair = answer.json();
        let token = |name: &str| pair[name].as_str().expect("a token").to_owned();
        let mut session = self.session.lock();
        session.access = Some(token("access_token"));
        session.refresh = Some(token("refresh_token"));
    }

    /// # Panics
    /// Without tokens.
    #[must_use]
    pub fn access_token(&self) -> String {
        self.session.lock().access.clone().expect("an access token")
    }

    /// # Panics
    /// Without tokens.
    #[must_use]
    pub fn refresh_token(&self) -> String {
        self.session.lock().refresh.clone().expect("a refresh token")
    }

    /// `name=value` of the session cookie.
    #[must_use]
    pub fn cookie(&self) -> Option<String> {
        self.session.lock().cookie.clone()
    }

    /// The value of the session cookie.
    ///
    /// # Panics
    /// Without a session.
    #[must_use]
    pub fn cookie_value(&self) -> String {
        let cookie = self.cookie().expect("a session");
        cookie.split_once('=').expect("name=value").1.to_owned()
    }

    /// Goes on with another cookie (`name=value`), or none.
    pub fn set_cookie(&self, cookie: Option<String>) {
        self.session.lock().cookie = cookie;
    }

    /// Goes on with another CSRF token.
    pub fn keep_csrf_token(&self, token: &str) {
        self.session.lock().csrf = Some(token.to_owned());
    }

    #[must_use]
    pub fn csrf_token(&self) -> Option<String> {
        self.session.lock().csrf.clone()
    }

    /// The signed-in member's id.
    ///
    /// # Panics
    /// Without a session.
    #[must_use]
    pub fn id(&self) -> String {
        self.session.lock().id.clone().expect("a session")
    }

    /// `name=value` of the refresh token's cookie.
    #[must_use]
    pub fn refresh_cookie(&self) -> Option<String> {
        self.session.lock().refresh_cookie.clone()
    }

    /// Takes over what the answer does to the cookies.
    fn keep_cookies(&self, answer: &Answer) {
        for line in answer.all(SET_COOKIE.as_str()) {
            let pair = line.split(';').next().unwrap_or_default();
            let Some((name, value)) = pair.split_once('=') else { continue };
            let kept = (!value.is_empty()).then(|| pair.to_owned());
            if name.ends_with("sid") {
                self.session.lock().cookie = kept;
            } else if name.ends_with("rt") {
                self.session.lock().refresh_cookie = kept;
            }
        }
    }
}

impl Request {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        leak_canaries::sent_header(name, value);
        self.builder = self.builder.header(name, value);
        self
    }

    pub fn json(mut self, body: &Value) -> Self {
        if self.path.starts_with("/auth") {
            leak_canaries::document(body);
        }
        self.builder = self.builder.json(body);
        self
    }

    pub fn body(mut self, body: impl Into<reqwest::Body>) -> Self {
        self.builder = self.builder.body(body);
        self
    }

    /// Sends it. The actor takes over a session cookie and a CSRF token that come back.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn send(self) -> Answer {
        self.try_send().await.expect("an answer")
    }

    /// Sends it.
    ///
    /// # Errors
    /// When there is no answer, or only a part of one.
    ///
    /// # Panics
    /// When the gateway's answer is not what the contract says.
    pub async fn try_send(self) -> Result<Answer, reqwest::Error> {
        let began = Instant::now();
        let response = self.builder.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let asked = response.url().path().to_owned();
        let body = response.bytes().await?;
        let answer = Answer { status, headers, body, took: began.elapsed() };
        leak_canaries::received(&self.path, &answer);
        if let Some(terms) = self.actor.terms {
            contract::hold(terms, &self.method, &asked, &answer);
        }
        self.actor.keep_cookies(&answer);
        if let Some(token) = answer.header("x-csrf-token") {
            self.actor.session.lock().csrf = Some(token.to_owned());
        }
        Ok(answer)
    }
}
