//! An OpenID provider that says what a test wants it to, true or not. It has no pages: tests make the codes themselves.

use std::{collections::HashMap, net::Ipv4Addr, sync::Arc};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, dev::ServerHandle, http::StatusCode, web};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, crypto, jwk::Jwk};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tests::{
    Builder, Proxy,
    leak_canaries::{Secret, plant},
};
use url::form_urlencoded;

use super::{Begun, unix_seconds};

/// What the gateway is called there. The secret needs escapes.
const CLIENT: (&str, &str) = ("bff client", "planted-client-secret:&+ %");
/// `Basic` of both, form-encoded first (RFC 6749 section 2.3.1).
const BASIC: &str = "Basic YmZmK2NsaWVudDpwbGFudGVkLWNsaWVudC1zZWNyZXQlM0ElMjYlMkIrJTI1";
const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// The provider. Behind a proxy, which writes down what it is asked and can take it away.
pub(super) struct Fake {
    pub(super) front: Proxy,
    state: Arc<State>,
    server: ServerHandle,
}

struct State {
    issuer: String,
    says: Mutex<Says>,
    /// Codes that were not used yet.
    codes: Mutex<HashMap<String, Grant>>,
}

/// A code's circumstances.
struct Grant {
    nonce: String,
    challenge: String,
    redirect_uri: String,
}

/// What it says. Null in a patch takes a member away.
pub(super) struct Says {
    /// Over the true metadata.
    pub(super) metadata: Value,
    /// Over true claims of an ID token.
    pub(super) claims: Value,
    /// Over the true header of an ID token.
    pub(super) header: Value,
    /// Takes the place of the ID token altogether.
    pub(super) id_token: Option<String>,
    pub(super) user_info: Value,
    /// In the place of the user information: a status, a media type and a body.
    pub(super) user_info_is: Option<(u16, &'static str, String)>,
    /// Signs.
    pub(super) key: Key,
    /// Are published.
    pub(super) keys: Vec<Jwk>,
}

/// A key that signs with ES256.
#[derive(Clone)]
pub(super) struct Key {
    private: EncodingKey,
    pub(super) public: Jwk,
}

impl Key {
    pub(super) fn new(kid: &str) -> Self {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
        let private = EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).expect("a private key");
        let mut public = Jwk::from_encoding_key(&private, Algorithm::ES256).expect("a public key");
        public.common.key_id = Some(kid.to_owned());
        Self { private, public }
    }

    pub(super) fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let signature = crypto::sign(message.as_bytes(), &self.private, Algorithm::ES256).expect("signed");
        planted(format!("{message}.{signature}"))
    }

    pub(super) fn header(&self, typ: &str) -> Value {
        json!({ "alg": "ES256", "kid": self.public.common.key_id, "typ": typ })
    }
}

/// No log may hold it.
fn planted(token: String) -> String {
    plant(Secret::InventedToken, &token);
    token
}

/// `base` with the members of `patch`, without those that are null there.
pub(super) fn patched(mut base: Value, patch: &Value) -> Value {
    for (name, value) in patch.as_object().into_iter().flatten() {
        match value {
            Value::Null => drop(base.as_object_mut().expect("an object").remove(name)),
            value => base[name] = value.clone(),
        }
    }
    base
}

impl Fake {
    pub(super) async fn start() -> Self {
        let front = Proxy::listen().await.expect("a port");
        let key = Key::new("first");
        let says = Says {
            metadata: json!({}),
            claims: json!({}),
            header: json!({}),
            id_token: None,
            user_info: json!({ "sub": "ada" }),
            user_info_is: None,
            keys: vec![key.public.clone()],
            key,
        };
        let state = Arc::new(State { issuer: front.url(), says: Mutex::new(says), codes: Mutex::default() });
        let shared = web::Data::from(Arc::clone(&state));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(shared.clone())
                .route("/.well-known/openid-configuration", web::get().to(metadata))
                .route("/keys", web::get().to(keys))
                .route("/token", web::post().to(token))
                .route("/me", web::get().to(user_info))
        });
        let server = server.workers(1).disable_signals().bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        front.forward_to(server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { front, state, server: handle }
    }

    pub(super) fn issuer(&self) -> &str {
        &self.state.issuer
    }

    /// Makes it the gateway's provider `name`.
    pub(super) fn of(&self, builder: Builder, name: &str) -> Builder {
        self.settings(name).into_iter().fold(builder, |builder, (key, value)| builder.set(&key, value))
    }

    /// What the gateway has to know of it to have it as the provider `name`.
    pub(super) fn settings(&self, name: &str) -> [(String, String); 3] {
        plant(Secret::Configured, CLIENT.1);
        [("issuer", self.issuer()), ("client_id", CLIENT.0), ("client_secret", CLIENT.1)]
            .map(|(key, value)| (format!("oidc.{name}.{key}"), value.to_owned()))
    }

    pub(super) fn says<T>(&self, change: impl FnOnce(&mut Says) -> T) -> T {
        change(&mut self.state.says.lock())
    }

    /// Somebody signed in at its pages, as the request that `begun` led to asked for.
    pub(super) fn code(&self, begun: &Begun) -> String {
        let code = planted(format!("planted-code-{}", uuid::Uuid::new_v4()));
        let grant = Grant {
            nonce: begun.asked("nonce"),
            challenge: begun.asked("code_challenge"),
            redirect_uri: begun.asked("redirect_uri"),
        };
        self.state.codes.lock().insert(code.clone(), grant);
        code
    }

    /// A sound logout token for Ada's session, with `patch`.
    pub(super) fn logout_token(&self, patch: &Value) -> String {
        let now = unix_seconds();
        let claims = json!({
            "iss": self.issuer(), "aud": CLIENT.0, "iat": now, "exp": now + 120, "sub": "ada", "sid": "session-1",
            "jti": uuid::Uuid::new_v4().to_string(), "events": { LOGOUT_EVENT: {} },
        });
        let key = self.says(|says| says.key.clone());
        key.sign(&key.header("logout+jwt"), &patched(claims, patch))
    }

    /// A sound ID token for `nonce`, with what it is told to say else.
    pub(super) fn id_token(&self, nonce: &str) -> String {
        self.state.id_token(nonce)
    }

    /// How often `path` was asked.
    pub(super) fn asked(&self, path: &str) -> usize {
        self.front.requests().iter().filter(|request| request.line().contains(path)).count()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        // Tells it to stop; the answer is of no interest.
        drop(self.server.stop(false));
    }
}

impl State {
    fn id_token(&self, nonce: &str) -> String {
        let says = self.says.lock();
        if let Some(token) = &says.id_token {
            return planted(token.clone());
        }
        let now = unix_seconds();
        let claims = json!({
            "iss": self.issuer, "aud": CLIENT.0, "iat": now, "exp": now + 300, "nonce": nonce, "sub": "ada",
            "sid": "session-1", "name": "Ada Lovelace", "email": "planted-ada-oidc@mail.example",
            "email_verified": true,
        });
        says.key.sign(&patched(says.key.header("JWT"), &says.header), &patched(claims, &says.claims))
    }
}

async fn metadata(state: web::Data<State>) -> HttpResponse {
    let issuer = &state.issuer;
    let truth = json!({
        "issuer": issuer, "authorization_endpoint": format!("{issuer}/auth?tenant=7"),
        "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/keys"),
        "userinfo_endpoint": format!("{issuer}/me"), "id_token_signing_alg_values_supported": ["ES256"],
        "authorization_response_iss_parameter_supported": true,
    });
    HttpResponse::Ok().json(patched(truth, &state.says.lock().metadata))
}

async fn keys(state: web::Data<State>) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "keys": state.says.lock().keys }))
}

/// As RFC 6749 section 4.1.3 and RFC 7636 section 4.6 want it: each code once, for the client, the redirect URI and
/// the verifier that it was made for.
async fn token(request: HttpRequest, body: web::Bytes, state: web::Data<State>) -> HttpResponse {
    let authorization = request.headers().get("authorization").map(|value| value.as_bytes());
    if authorization != Some(BASIC.as_bytes()) {
        return HttpResponse::Unauthorized().json(json!({ "error": "invalid_client" }));
    }
    let form: HashMap<_, _> = form_urlencoded::parse(&body).collect();
    let field = |name: &str| form.get(name).map(AsRef::as_ref).unwrap_or_default();
    let grant = state.codes.lock().remove(field("code")).filter(|grant| {
        field("grant_type") == "authorization_code"
            && field("redirect_uri") == grant.redirect_uri
            && super::challenge(field("code_verifier")) == grant.challenge
    });
    let Some(grant) = grant else {
        return HttpResponse::BadRequest().json(json!({ "error": "invalid_grant" }));
    };
    let access_token = planted("planted-access-token-of-a-provider".to_owned());
    let id_token = state.id_token(&grant.nonce);
    HttpResponse::Ok()
        .json(json!({ "token_type": "Bearer", "access_token": access_token, "id_token": id_token }))
}

async fn user_info(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    match request.headers().get("authorization") {
        Some(value) if value == "Bearer planted-access-token-of-a-provider" => {
            let says = state.says.lock();
            match &says.user_info_is {
                Some((status, media_type, body)) => {
                    let status = StatusCode::from_u16(*status).expect("a status");
                    HttpResponse::build(status).content_type(*media_type).body(body.clone())
                }
                None => HttpResponse::Ok().json(&says.user_info),
            }
        }
        _ => HttpResponse::Unauthorized().finish(),
    }
}

/// The header of a token that nobody signed, and of one that is signed with what everybody knows.
pub(super) fn confused(alg: &str, claims: &Value, public: &Jwk) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    match alg {
        "none" => {
            let header = json!({ "alg": "none", "kid": public.common.key_id });
            planted(format!("{}.{}.", part(&header), part(claims)))
        }
        _ => {
            let header = Header { kid: public.common.key_id.clone(), ..Header::new(Algorithm::HS256) };
            let secret = serde_json::to_vec(public).expect("JSON");
            let token = jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(&secret));
            planted(token.expect("a token"))
        }
    }
}
