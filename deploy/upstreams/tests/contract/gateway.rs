//! Stands in for the gateway: signs tokens, publishes keys, calls services.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use actix_web::{App, HttpResponse, HttpServer, dev::ServerHandle, web};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use parking_lot::Mutex;
use reqwest::{Method, StatusCode, header::HeaderMap};
use serde_json::{Value, json};
use upstreams::{Options, Running, Service, start};
use url::Url;

/// A signing key.
pub struct Key {
    pub id: String,
    pub private: EncodingKey,
    pub public: Vec<u8>,
}

impl Key {
    pub fn new(id: &str) -> Self {
        let pkcs8 = Ed25519KeyPair::generate().expect("a key").to_pkcs8().expect("a document");
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).expect("a key");
        let public = pair.public_key().as_ref().to_vec();
        Self { id: id.to_owned(), private: EncodingKey::from_ed_der(pkcs8.as_ref()), public }
    }

    pub fn jwk(&self) -> Value {
        let x = URL_SAFE_NO_PAD.encode(&self.public);
        json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": self.id, "x": x})
    }

    pub fn sign(&self, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.id.clone());
        encode(&header, claims, &self.private).expect("signs")
    }
}

#[derive(Default)]
struct Published {
    keys: Mutex<Vec<Value>>,
    fetches: AtomicUsize,
    down: AtomicBool,
}

/// The gateway's side.
pub struct Gateway {
    pub key: Key,
    published: Arc<Published>,
    jwks_url: Url,
    handle: ServerHandle,
    client: reqwest::Client,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    pub fn code(&self) -> (u16, &str) {
        (self.status.as_u16(), self.body["code"].as_str().unwrap_or_default())
    }

    /// Code of the first field error and its field.
    pub fn field(&self) -> (&str, &str) {
        let error = &self.body["errors"][0];
        (error["field"].as_str().unwrap_or_default(), error["code"].as_str().unwrap_or_default())
    }

    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self.body
    }
}

impl Gateway {
    pub async fn spawn() -> Self {
        let key = Key::new("first");
        let published = Arc::new(Published::default());
        published.keys.lock().push(key.jwk());
        let shared = Arc::clone(&published);
        let server = HttpServer::new(move || {
            let shared = Arc::clone(&shared);
            App::new().route(
                "/jwks.json",
                web::get().to(move || {
                    let shared = Arc::clone(&shared);
                    async move {
                        shared.fetches.fetch_add(1, Ordering::SeqCst);
                        if shared.down.load(Ordering::SeqCst) {
                            return HttpResponse::InternalServerError().finish();
                        }
                        HttpResponse::Ok().json(json!({"keys": *shared.keys.lock()}))
                    }
                }),
            )
        })
        .workers(1)
        .disable_signals()
        .bind("127.0.0.1:0")
        .expect("a port");
        let jwks_url = format!("http://{}/jwks.json", server.addrs()[0]).parse().expect("a URL");
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        #[expect(clippy::disallowed_methods, reason = "a test's client, on loopback")]
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        Self { key, published, jwks_url, handle, client }
    }

    pub fn publish(&self, keys: Vec<Value>) {
        *self.published.keys.lock() = keys;
    }

    pub fn set_down(&self, down: bool) {
        self.published.down.store(down, Ordering::SeqCst);
    }

    pub fn fetches(&self) -> usize {
        self.published.fetches.load(Ordering::SeqCst)
    }

    pub async fn start(&self, service: Service) -> Running {
        self.start_with(service, |_| {}).await
    }

    pub async fn start_with(&self, service: Service, change: impl FnOnce(&mut Options)) -> Running {
        let mut options = Options::new(service, self.jwks_url.clone());
        options.cheap_passwords = true;
        options.workers = 1;
        change(&mut options);
        start(service, options).await.expect("starts")
    }

    /// Sound claims for an audience.
    pub fn claims(&self, audience: &str, acting: Option<&str>) -> Value {
        let now = get_current_timestamp();
        let mut claims = json!({
            "iss": "bff", "aud": audience, "act": {"sub": "bff"}, "scope": "all", "client": "web",
            "iat": now, "exp": now + 60, "jti": "1",
        });
        if let Some(acting) = acting {
            claims["sub"] = acting.into();
        }
        claims
    }

    /// A caller of one service for one user, or for nobody.
    pub fn caller<'a>(&'a self, running: &'a Running, audience: &str, acting: Option<&str>) -> Caller<'a> {
        let token = self.key.sign(&self.claims(audience, acting));
        Caller { client: &self.client, running, authorization: Some(format!("Bearer {token}")) }
    }

    /// A caller with that `Authorization`, or none.
    pub fn caller_with<'a>(&'a self, running: &'a Running, authorization: Option<String>) -> Caller<'a> {
        Caller { client: &self.client, running, authorization }
    }
}

/// Calls a service as somebody.
pub struct Caller<'a> {
    client: &'a reqwest::Client,
    running: &'a Running,
    authorization: Option<String>,
}

impl Caller<'_> {
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let url = self.running.url().join(path).expect("a path");
        let request = self.client.request(method, url);
        match &self.authorization {
            Some(value) => request.header("Authorization", value),
            None => request,
        }
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.expect("a body");
        Answer { status, headers, body: serde_json::from_slice(&body).unwrap_or(Value::Null) }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    pub async fn call(&self, method: Method, path: &str) -> Answer {
        self.send(self.request(method, path)).await
    }

    pub async fn call_with(&self, method: Method, path: &str, body: Value) -> Answer {
        self.send(self.request(method, path).json(&body)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call_with(Method::POST, path, body).await
    }

    pub async fn put(&self, path: &str) -> Answer {
        self.call(Method::PUT, path).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path).await
    }
}
