use std::time::{Duration, Instant};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use serde_json::{Value, json};
use upstreams::{Running, Service};

use crate::gateway::{Gateway, Key};

async fn status(gateway: &Gateway, service: &Running, authorization: Option<String>) -> u16 {
    let answer = gateway.caller_with(service, authorization).get("/ingredients").await;
    if answer.status != 200 {
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
    if answer.status == 401 {
        let challenge = answer.headers["www-authenticate"].to_str().expect("text");
        assert!(challenge.starts_with("Bearer realm=\"recipe\""), "{challenge}");
    }
    answer.status.as_u16()
}

fn with(mut claims: Value, field: &str, value: Value) -> Value {
    if value.is_null() {
        claims.as_object_mut().expect("an object").remove(field);
    } else {
        claims[field] = value;
    }
    claims
}

#[tokio::test]
async fn only_a_sound_token_for_this_service_is_believed() {
    let gateway = Gateway::spawn().await;
    let recipe = gateway.start(Service::Recipe).await;
    let claims = gateway.claims("recipe", Some("ada"));
    let now = get_current_timestamp();
    let sign = |field: &str, value| gateway.key.sign(&with(claims.clone(), field, value));
    let sound = gateway.key.sign(&claims);
    let hs256 = |secret: &[u8]| {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some("first".to_owned());
        encode(&header, &claims, &EncodingKey::from_secret(secret)).expect("signs")
    };
    let unsigned = |header: Value| {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.", part(&header), part(&claims))
    };
    let mut no_kid = Header::new(Algorithm::EdDSA);
    let keyless = encode(&no_kid, &claims, &gateway.key.private).expect("signs");
    no_kid.kid = Some("first".to_owned());
    no_kid.crit = Some(vec!["exp".to_owned()]);
    let critical = encode(&no_kid, &claims, &gateway.key.private).expect("signs");
    let mut impostor = Key::new("first");
    let forged = impostor.sign(&claims);
    impostor.id = "unpublished".to_owned();
    let (head, _) = sound.rsplit_once('.').expect("three parts");

    let table = [
        ("sound", sound.clone(), 200),
        ("for nobody", sign("sub", Value::Null), 200),
        ("expired within the leeway", sign("exp", json!(now - 2)), 200),
        ("expired", sign("exp", json!(now - 8)), 401),
        ("without an end", sign("exp", Value::Null), 401),
        ("end is text", sign("exp", json!("soon")), 401),
        ("from the future", sign("iat", json!(now + 60)), 401),
        ("not yet", sign("nbf", json!(now + 60)), 401),
        ("for another service", sign("aud", json!("profile")), 401),
        ("for several services", sign("aud", json!(["recipe", "profile"])), 401),
        ("for no service", sign("aud", Value::Null), 401),
        ("from another issuer", sign("iss", json!("else")), 401),
        ("without an issuer", sign("iss", Value::Null), 401),
        ("sub is no id", sign("sub", json!("a/b")), 401),
        ("sub is empty", sign("sub", json!("")), 401),
        ("without a key id", keyless, 401),
        ("with critical extensions", critical, 401),
        ("signed by another key", forged, 401),
        ("key that nobody published", impostor.sign(&claims), 401),
        ("alg none", unsigned(json!({"alg": "none", "kid": "first"})), 401),
        ("alg None", unsigned(json!({"alg": "None", "typ": "JWT", "kid": "first"})), 401),
        ("EdDSA without a signature", format!("{head}."), 401),
        ("HS256 with the public key", hs256(&gateway.key.public), 401),
        (
            "HS256 with the public key as text",
            hs256(URL_SAFE_NO_PAD.encode(&gateway.key.public).as_bytes()),
            401,
        ),
        ("two parts", head.to_owned(), 401),
        ("garbage", "garbage".to_owned(), 401),
        ("nothing", String::new(), 401),
        ("endless", "x".repeat(6000), 401),
    ];
    for (name, token, expected) in table {
        let got = status(&gateway, &recipe, Some(format!("Bearer {token}"))).await;
        assert_eq!(got, expected, "{name}");
    }
    for (name, value) in [
        ("no header", None),
        ("basic", Some(format!("Basic {sound}"))),
        ("no scheme", Some(sound.clone())),
        ("scheme only", Some("Bearer".to_owned())),
    ] {
        assert_eq!(status(&gateway, &recipe, value).await, 401, "{name}");
    }
    assert_eq!(status(&gateway, &recipe, Some(format!("bearer {sound}"))).await, 200, "RFC 9110 11.1");
    let twice = gateway.caller_with(&recipe, Some(format!("Bearer {sound}")));
    let doubled = twice.request(reqwest::Method::GET, "/ingredients").header("Authorization", "Bearer x");
    assert_eq!(twice.send(doubled).await.status, 401);
}

#[tokio::test]
async fn a_token_is_good_for_what_its_scope_names() {
    let gateway = Gateway::spawn().await;
    let profile = gateway.start(Service::Profile).await;
    let verify = json!({ "login": "ada", "password": "wrong" });
    for (scope, method, path, body, refused) in [
        ("read", "GET", "/members?ids=a", None, None),
        ("write accounts", "GET", "/members?ids=a", None, Some("read")),
        ("readwrite", "GET", "/members?ids=a", None, Some("read")),
        ("", "GET", "/members?ids=a", None, Some("read")),
        ("read", "PATCH", "/members/me", Some(json!({ "bio": "" })), Some("write")),
        ("accounts", "PATCH", "/members/me", Some(json!({ "bio": "" })), Some("write")),
        ("accounts", "POST", "/members/verify", Some(verify.clone()), None),
        ("read write", "POST", "/members/verify", Some(verify.clone()), Some("accounts")),
        ("read write", "POST", "/members", Some(verify.clone()), Some("accounts")),
        ("read write", "PUT", "/members/by-identity", Some(verify), Some("accounts")),
    ] {
        let claims = with(gateway.claims("profile", Some("ada")), "scope", json!(scope));
        let caller = gateway.caller_with(&profile, Some(format!("Bearer {}", gateway.key.sign(&claims))));
        let mut request = caller.request(method.parse().expect("a method"), path);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = caller.send(request).await;
        let case = format!("{scope}: {method} {path}: {}", answer.status);
        let Some(needed) = refused else {
            assert_ne!(answer.status, 403, "{case}");
            continue;
        };
        assert_eq!(answer.status, 403, "{case}");
        let challenge = answer.headers["www-authenticate"].to_str().expect("text").to_owned();
        let expected = format!("Bearer realm=\"profile\", error=\"insufficient_scope\", scope=\"{needed}\"");
        assert_eq!(challenge, expected, "{case}");
    }
}

#[tokio::test]
async fn the_health_check_alone_needs_no_token() {
    let gateway = Gateway::spawn().await;
    let recipe = gateway.start(Service::Recipe).await;
    let nobody = gateway.caller_with(&recipe, None);
    assert_eq!(nobody.get("/healthz").await.status, 200);
    for path in ["/recipes", "/nowhere", "/healthz/", "/healthz/x"] {
        assert_eq!(nobody.get(path).await.status, 401, "{path}");
    }
    assert_eq!(gateway.fetches(), 0, "no token, no need of keys");
}

#[tokio::test]
async fn a_new_key_is_found_without_a_refused_call() {
    let gateway = Gateway::spawn().await;
    let recipe = gateway.start(Service::Recipe).await;
    let claims = gateway.claims("recipe", None);
    let old = format!("Bearer {}", gateway.key.sign(&claims));
    assert_eq!(status(&gateway, &recipe, Some(old.clone())).await, 200);
    let next = Key::new("second");
    gateway.publish(vec![next.jwk(), gateway.key.jwk()]);
    let new = format!("Bearer {}", next.sign(&claims));
    assert_eq!(status(&gateway, &recipe, Some(new.clone())).await, 200);
    assert_eq!(status(&gateway, &recipe, Some(old.clone())).await, 200);
    assert_eq!(gateway.fetches(), 2);

    // Keys of other kinds beside it, and a key that has gone.
    let odd = json!({"kty": "RSA", "kid": "rsa", "n": "AQAB", "e": "AQAB"});
    let third = Key::new("third");
    gateway.publish(vec![odd, json!("nonsense"), third.jwk()]);
    assert_eq!(status(&gateway, &recipe, Some(format!("Bearer {}", third.sign(&claims)))).await, 200);
    assert_eq!(status(&gateway, &recipe, Some(old)).await, 401);
}

#[tokio::test]
async fn unknown_keys_cost_one_fetch_a_second_however_many_come() {
    let gateway = Gateway::spawn().await;
    let recipe = gateway.start(Service::Recipe).await;
    let claims = gateway.claims("recipe", None);
    let unknown = format!("Bearer {}", Key::new("unknown").sign(&claims));
    let began = Instant::now();
    let calls = (0..40).map(|_| status(&gateway, &recipe, Some(unknown.clone())));
    let statuses = futures_util::future::join_all(calls).await;
    assert!(statuses.iter().all(|status| *status == 401));
    let allowed = 2 + began.elapsed().as_secs() as usize;
    assert!(gateway.fetches() <= allowed, "{} fetches, {allowed} allowed", gateway.fetches());
    // A known key waits for nobody.
    let known = format!("Bearer {}", gateway.key.sign(&claims));
    let began = Instant::now();
    assert_eq!(status(&gateway, &recipe, Some(known)).await, 200);
    assert!(began.elapsed() < Duration::from_millis(500));
}

#[tokio::test]
async fn an_outage_of_the_gateway_leaves_the_last_good_keys() {
    let gateway = Gateway::spawn().await;
    let recipe = gateway.start(Service::Recipe).await;
    let claims = gateway.claims("recipe", None);
    let known = format!("Bearer {}", gateway.key.sign(&claims));
    gateway.set_down(true);
    let answer = gateway.caller_with(&recipe, Some(known.clone())).get("/ingredients").await;
    assert_eq!(answer.code(), (503, "keys_unavailable"));
    assert_eq!(answer.headers["retry-after"], "1");
    gateway.set_down(false);
    assert_eq!(status(&gateway, &recipe, Some(known.clone())).await, 200, "heals by itself");
    gateway.set_down(true);
    let unknown = format!("Bearer {}", Key::new("unknown").sign(&claims));
    assert_eq!(status(&gateway, &recipe, Some(unknown)).await, 401);
    assert_eq!(status(&gateway, &recipe, Some(known)).await, 200, "the last good set stays");
}
