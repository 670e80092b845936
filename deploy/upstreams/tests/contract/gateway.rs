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
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) private: EncodingKey,
    pub(crate) public: Vec<u8>,
}

impl Key {
    pub(crate) fn new(id: &str) -> Self {
        let pkcs8 = Ed25519KeyPair::generate().expect("a key").to_pkcs8().expect("a document");
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).expect("a key");
        let public = pair.public_key().as_ref().to_vec();
        Self { id: id.to_owned(), private: EncodingKey::from_ed_der(pkcs8.as_ref()), public }
    }

    pub(crate) fn jwk(&self) -> Value {
        let x = URL_SAFE_NO_PAD.encode(&self.public);
        json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": self.id, "x": x})
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
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
pub(crate) struct Gateway {
    pub(crate) key: Key,
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
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn code(&self) -> (u16, &str) {
        (self.status.as_u16(), self.body["code"].as_str().unwrap_or_default())
    }

    /// Code of the first field error and its field.
    pub(crate) fn field(&self) -> (&str, &str) {
        let error = &self.body["errors"][0];
        (error["field"].as_str().unwrap_or_default(), error["code"].as_str().unwrap_or_default())
    }

    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self.body
    }
}

impl Gateway {
    pub(crate) async fn spawn() -> Self {
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

    pub(crate) fn publish(&self, keys: Vec<Value>) {
        *self.published.keys.lock() = keys;
    }

    pub(crate) fn set_down(&self, down: bool) {
        self.published.down.store(down, Ordering::SeqCst);
    }

    pub(crate) fn fetches(&self) -> usize {
        self.published.fetches.load(Ordering::SeqCst)
    }

    pub(crate) async fn start(&self, service: Service) -> Running {
        self.start_with(service, |_| {}).await
    }

    pub(crate) async fn start_with(&self, service: Service, change: impl FnOnce(&mut Options)) -> Running {
        let mut options = Options::new(service, self.jwks_url.clone());
        options.cheap_passwords = true;
        options.workers = 1;
        change(&mut options);
        start(service, options).await.expect("starts")
    }

    /// Sound claims for an audience.
    pub(crate) fn claims(&self, audience: &str, acting: Option<&str>) -> Value {
        let now = get_current_timestamp();
        let mut claims = json!({
            "iss": "bff", "aud": audience, "act": {"sub": "bff"}, "scope": "read write accounts", "client": "web",
            "iat": now, "exp": now + 60, "jti": "1",
        });
        if let Some(acting) = acting {
            claims["sub"] = acting.into();
        }
        claims
    }

    /// A caller of one service for one user, or for nobody.
    pub(crate) fn caller<'a>(
        &'a self,
        running: &'a Running,
        audience: &str,
        acting: Option<&str>,
    ) -> Caller<'a> {
        let token = self.key.sign(&self.claims(audience, acting));
        Caller { client: &self.client, running, authorization: Some(format!("Bearer {token}")) }
    }

    /// A caller with that `Authorization`, or none.
    pub(crate) fn caller_with<'a>(
        &'a self,
        running: &'a Running,
        authorization: Option<String>,
    ) -> Caller<'a> {
        Caller { client: &self.client, running, authorization }
    }
}

/// Calls a service as somebody.
pub(crate) struct Caller<'a> {
    client: &'a reqwest::Client,
    running: &'a Running,
    authorization: Option<String>,
}

impl Caller<'_> {
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let url = self.running.url().join(path).expect("a path");
        let request = self.client.request(method, url);
        match &self.authorization {
            Some(value) => request.header("Authorization", value),
            None => request,
        }
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.expect("a body");
        Answer { status, headers, body: serde_json::from_slice(&body).unwrap_or(Value::Null) }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn call(&self, method: Method, path: &str) -> Answer {
        self.send(self.request(method, path)).await
    }

    pub(crate) async fn call_with(&self, method: Method, path: &str, body: Value) -> Answer {
        self.send(self.request(method, path).json(&body)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call_with(Method::POST, path, body).await
    }

    pub(crate) async fn put(&self, path: &str) -> Answer {
        self.call(Method::PUT, path).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path).await
    }
}
