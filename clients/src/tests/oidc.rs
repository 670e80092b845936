//! The OpenID client before every kind of provider.

use std::{
    error::Error,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::{net::TcpListener, runtime::Handle};

use super::{Recorded, Reply, Server};
use crate::{ClientAuth, OidcError, OidcProvider, OidcProviderConfig, OidcTimes};

const DISCOVERY: &str = "/o/.well-known/openid-configuration";

/// A provider that answers discovery by itself and everything else by `handler`.
async fn provider(
    auth: ClientAuth,
    times: OidcTimes,
    handler: impl Fn(&Recorded) -> Reply + Send + Sync + 'static,
) -> (Server, OidcProvider) {
    let base = Arc::new(OnceLock::<String>::new());
    let told = Arc::clone(&base);
    let server = Server::start(move |request| match request.target.as_str() {
        DISCOVERY => Reply::Json(200, metadata(told.get().expect("it is told")).to_string()),
        _ => handler(request),
    })
    .await;
    base.set(issuer(&server)).expect("told once");
    let client = client(issuer(&server), auth, times);
    (server, client)
}

fn issuer(server: &Server) -> String {
    server.url.join("/o").expect("a URL").to_string()
}

fn client(issuer: String, auth: ClientAuth, times: OidcTimes) -> OidcProvider {
    let timeout = Duration::from_millis(300);
    let config = OidcProviderConfig { issuer, client_id: "bff web".into(), auth, timeout, times };
    OidcProvider::new(Handle::current(), config).expect("a provider")
}

fn metadata(issuer: &str) -> Value {
    json!({
        "issuer": issuer, "authorization_endpoint": format!("{issuer}/auth"),
        "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/keys"),
        "userinfo_endpoint": format!("{issuer}/me"),
    })
}

fn secret() -> SecretString {
    SecretString::from("planted:secret&")
}

async fn redeem(client: &OidcProvider) -> Result<crate::Redeemed, OidcError> {
    let verifier = SecretString::from("planted-verifier");
    client.redeem("planted code", &verifier, "https://bff.example/auth/oidc/x/callback").await
}

/// What it says with all its causes: nothing that was sent may be in it.
fn harmless(error: &OidcError) {
    let mut text = format!("{error:?} {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &error.to_string();
        cause = error.source();
    }
    assert!(!text.contains("planted"), "{text}");
}

#[tokio::test]
async fn a_code_is_exchanged_in_each_of_the_three_ways() {
    let form = "grant_type=authorization_code&code=planted+code\
                &redirect_uri=https%3A%2F%2Fbff.example%2Fauth%2Foidc%2Fx%2Fcallback&code_verifier=planted-verifier";
    // base64 of bff+web:planted%3Asecret%26
    let basic = "Basic YmZmK3dlYjpwbGFudGVkJTNBc2VjcmV0JTI2";
    for (auth, authorization, extra) in [
        (ClientAuth::Basic(secret()), Some(basic), ""),
        (ClientAuth::Post(secret()), None, "&client_id=bff+web&client_secret=planted%3Asecret%26"),
        (ClientAuth::Public, None, "&client_id=bff+web"),
    ] {
        let answer = r#"{"access_token":"a","token_type":"Bearer","id_token":"i","expires_in":60}"#;
        let (server, client) =
            provider(auth, OidcTimes::default(), move |_| Reply::Json(200, answer.into())).await;
        let redeemed = redeem(&client).await.expect("it is taken");
        assert_eq!(redeemed.id_token.expose_secret(), "i");
        assert_eq!(redeemed.access_token.as_ref().map(ExposeSecret::expose_secret), Some("a"));
        let requests = server.requests();
        let request = requests.iter().find(|request| request.target == "/o/token").expect("a request");
        assert_eq!(request.method, "POST");
        assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
        assert_eq!(request.header("authorization"), authorization);
        assert_eq!(request.body, format!("{form}{extra}"));
    }
}

#[tokio::test]
async fn a_refused_code_differs_from_a_refused_gateway_and_from_a_broken_provider() {
    for (status, body, expected) in [
        (400, r#"{"error":"invalid_grant","error_description":"planted"}"#, "invalid_grant"),
        (401, r#"{"error":"invalid_client"}"#, "invalid_client"),
        (400, r#"{"error":"planted-word"}"#, "a code of its own"),
        (400, "planted", "400"),
        (500, r#"{"error":"invalid_grant"}"#, "500"),
        (302, "{}", "302"),
        (200, "planted", "not JSON"),
        (200, r#"{"access_token":"planted"}"#, "without an ID token"),
    ] {
        let (server, client) = provider(ClientAuth::Basic(secret()), OidcTimes::default(), move |_| {
            Reply::Json(status, body.into())
        })
        .await;
        let error = redeem(&client).await.expect_err("a refusal");
        harmless(&error);
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(error.is_code_refused(), expected == "invalid_grant");
        let tries = server.requests().iter().filter(|request| request.target == "/o/token").count();
        assert_eq!(tries, 1, "a code is never sent twice");
    }
}

#[tokio::test]
async fn every_failure_has_its_name() {
    let failure = async |reply: fn() -> Reply| {
        let (_server, client) =
            provider(ClientAuth::Basic(secret()), OidcTimes::default(), move |_| reply()).await;
        let error = redeem(&client).await.expect_err("a failure");
        harmless(&error);
        error
    };
    assert!(matches!(failure(|| Reply::Hang).await, OidcError::Timeout));
    assert!(matches!(failure(|| Reply::Flood).await, OidcError::TooLarge));
    assert!(matches!(failure(|| Reply::Promise).await, OidcError::TooLarge));
    let garbage = failure(|| Reply::Raw(b"planted is no HTTP\r\n\r\n".to_vec())).await;
    assert!(matches!(garbage, OidcError::Unreachable(_)), "{garbage:?}");
    // Nobody listens there.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let issuer = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let gone = client(issuer, ClientAuth::Public, OidcTimes::default());
    assert!(matches!(gone.metadata().await, Err(OidcError::Unreachable(_))));
}

#[tokio::test]
async fn metadata_is_read_once_and_only_that_of_the_issuer() {
    let (server, client) =
        provider(ClientAuth::Public, OidcTimes::default(), |_| Reply::Json(200, r#"{"keys":[]}"#.into()))
            .await;
    assert_eq!(server.requests().len(), 0, "nothing is asked before it is needed");
    let (a, b) = tokio::join!(client.metadata(), client.keys());
    assert_eq!(a.expect("metadata").authorization_endpoint.path(), "/o/auth");
    assert!(b.expect("keys").is_empty());
    let lines: Vec<_> = server.requests().into_iter().map(|request| request.target).collect();
    assert_eq!(lines, [DISCOVERY, "/o/keys"]);

    let liar = Server::start(|_| Reply::Json(200, metadata("http://127.0.0.1:9/o").to_string())).await;
    let times = OidcTimes { failed: Duration::from_secs(60), ..OidcTimes::default() };
    let client = client_of(&liar, times);
    for _ in 0..3 {
        let error = client.metadata().await.expect_err("another issuer");
        assert!(error.to_string().contains("another issuer"), "{error}");
    }
    assert_eq!(liar.requests().len(), 1, "the failure is remembered");
}

fn client_of(server: &Server, times: OidcTimes) -> OidcProvider {
    client(issuer(server), ClientAuth::Public, times)
}

#[tokio::test]
async fn keys_of_unknown_kinds_are_passed_over_and_unknown_keys_are_asked_for_rarely() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let (_server, client) = provider(ClientAuth::Public, OidcTimes::default(), move |_| {
        let kid = format!("k{}", count.fetch_add(1, Ordering::Relaxed));
        let keys = json!({ "keys": [
            { "kty": "from-the-future", "kid": "x", "crv": ["?"] },
            7,
            { "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" },
        ] });
        Reply::Json(200, keys.to_string())
    })
    .await;
    let kids = |keys: &[jsonwebtoken::jwk::Jwk]| {
        keys.iter().filter_map(|key| key.common.key_id.clone()).filter(|kid| kid != "x").collect::<Vec<_>>()
    };
    let first = client.keys().await.expect("keys");
    assert_eq!(kids(&first), ["k0"]);
    let second = client.keys_after(Arc::clone(&first)).await.expect("keys");
    assert_eq!(kids(&second), ["k1"]);
    for seen in [first, second] {
        assert_eq!(kids(&client.keys_after(seen).await.expect("keys")), ["k1"]);
    }
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn user_information_is_asked_for_with_the_access_token() {
    let (server, client) =
        provider(ClientAuth::Public, OidcTimes::default(), |request| match request.header("authorization") {
            Some("Bearer good") => Reply::Json(200, r#"{"sub":"s","email":"a@b.example"}"#.into()),
            _ => Reply::Json(401, "{}".into()),
        })
        .await;
    let known = client.user_info(&SecretString::from("good")).await.expect("an answer");
    assert_eq!(known.expect("it has the endpoint")["sub"], "s");
    let refused = client.user_info(&SecretString::from("planted")).await.expect_err("a refusal");
    harmless(&refused);
    assert!(matches!(refused, OidcError::Status(StatusCode::UNAUTHORIZED)));
    let odd = client.user_info(&SecretString::from("planted\nline")).await.expect_err("no header");
    harmless(&odd);
    assert!(server.requests().iter().filter(|request| request.target == "/o/me").count() == 2);
}
