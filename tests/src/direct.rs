//! Straight to an upstream, past the gateway: with tokens of the gateway's own key, or forged ones.

use std::{
    path::Path,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Method;
use serde_json::{Value, json};

use crate::Answer;

/// Signs with the gateway's key, read from its folder.
pub struct Signer {
    key: EncodingKey,
    kid: String,
}

impl Signer {
    /// # Panics
    /// When `dir` does not hold exactly one key.
    pub(crate) fn new(dir: &Path, kid: &str) -> Self {
        let files =
            std::fs::read_dir(dir).expect("the folder of keys").map(|entry| entry.expect("a file").path());
        let mut pems = files.filter(|path| path.extension().is_some_and(|extension| extension == "pem"));
        let pem = std::fs::read(pems.next().expect("a key")).expect("a readable key");
        assert!(pems.next().is_none(), "more than one key");
        Self { key: EncodingKey::from_ed_pem(&pem).expect("an Ed25519 key"), kid: kid.to_owned() }
    }

    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Sound claims for `audience`, as the gateway would make them now.
    #[must_use]
    pub fn claims(audience: &str, acting: Option<&str>) -> Value {
        let now = unix_seconds();
        let mut claims = json!({
            "iss": "bff", "aud": audience, "act": { "sub": "bff" }, "scope": "read write", "client": "web",
            "iat": now, "exp": now + 60, "jti": uuid::Uuid::now_v7().to_string(),
        });
        if let Some(acting) = acting {
            claims["sub"] = acting.into();
        }
        claims
    }

    /// A token with `claims`.
    ///
    /// # Panics
    /// Never: an Ed25519 key signs everything.
    #[must_use]
    pub fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.kid.clone()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, claims, &self.key).expect("a token")
    }
}

/// Seconds since the epoch.
///
/// # Panics
/// When the clock is before 1970.
#[must_use]
pub(crate) fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs()
}

/// Calls one upstream with one token.
#[derive(Debug, Clone)]
pub struct Direct {
    http: reqwest::Client,
    base: String,
    token: String,
}

impl Direct {
    pub(crate) fn new(http: reqwest::Client, base: String, token: String) -> Self {
        Self { http, base, token }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    pub async fn put(&self, path: &str) -> Answer {
        self.call(Method::PUT, path, None).await
    }

    /// # Panics
    /// When there is no answer.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let began = Instant::now();
        let mut request = self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.expect("a whole answer");
        Answer { status, headers, body, took: began.elapsed() }
    }
}
