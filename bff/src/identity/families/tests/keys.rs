//! Access tokens and refresh tokens while keys and secrets change, and tokens of others.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use clients::KeyRing;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::{Bench, MINUTE, Replica, SECOND, texts};
use crate::identity::RefreshError;

fn part(jwt: &str, at: usize) -> Value {
    let part = jwt.split('.').nth(at).expect("a part");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}

#[tokio::test]
async fn an_access_token_says_what_rfc_9068_asks_for_and_nothing_of_the_member() {
    let Bench { one, now, .. } = Bench::new().await;
    let pair = one.issue("ada", now).await;
    let jwt = pair.access_token.expose_secret();
    let kid = one.ring.signing_kid();
    assert_eq!(part(jwt, 0), json!({"typ": "at+jwt", "alg": "EdDSA", "kid": &*kid}));
    let claims = part(jwt, 1);
    let jti = claims["jti"].as_str().expect("jti");
    assert_eq!(jti.len(), 22);
    let iat = now / SECOND;
    let sid = URL_SAFE_NO_PAD.encode(pair.session.key);
    let expected = json!({"iss": "https://bff.example", "aud": "bff", "sub": "ada", "sid": sid, "iat": iat,
        "exp": iat + 900, "jti": jti});
    assert_eq!(claims, expected);
    let other = one.refresh(&pair, now).await.expect("a pair");
    assert_ne!(part(other.access_token.expose_secret(), 1)["jti"], claims["jti"]);
}

#[tokio::test]
async fn only_our_own_access_tokens_count() {
    let Bench { one, now, .. } = Bench::new().await;
    let pair = one.issue("ada", now).await;
    let jwt = pair.access_token.expose_secret();
    let (claims, kid) = (part(jwt, 1), one.ring.signing_kid());
    let signed = |typ: &str, change: Value| {
        let mut claims = claims.clone();
        for (name, value) in change.as_object().expect("an object") {
            claims[name] = value.clone();
        }
        claims.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
        one.ring.sign_as(&kid, typ, &claims).expect("signed").expect("the key")
    };
    let genuine = signed("at+jwt", json!({}));
    assert!(one.tokens.load_access(&genuine, now).await.expect("answers").is_some());

    let parts: Vec<_> = jwt.split('.').collect();
    let with_header =
        |header: Value| format!("{}.{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), parts[1], parts[2]);
    let elsewhere = tempfile::tempdir().expect("a folder");
    KeyRing::generate_in(elsewhere.path()).expect("a key");
    let foreign = KeyRing::load(elsewhere.path()).expect("keys");
    let wrong = [
        ("another type", signed("JWT", json!({}))),
        ("another audience", signed("at+jwt", json!({"aud": "profile"}))),
        ("no audience", signed("at+jwt", json!({"aud": null}))),
        ("another issuer", signed("at+jwt", json!({"iss": "bff"}))),
        ("no end", signed("at+jwt", json!({"exp": null}))),
        ("expired", signed("at+jwt", json!({"exp": now / SECOND}))),
        ("no family", signed("at+jwt", json!({"sid": null}))),
        ("half a family", signed("at+jwt", json!({"sid": "AAAA"}))),
        ("an unknown family", signed("at+jwt", json!({"sid": URL_SAFE_NO_PAD.encode([7; 32])}))),
        ("another key", foreign.sign_typed("at+jwt", &claims).expect("signed")),
        ("no signature", format!("{}.{}.", parts[0], parts[1])),
        (
            "another's signature",
            format!("{}.{}.{}", parts[0], parts[1], genuine.rsplit('.').next().expect("one")),
        ),
        ("alg none", with_header(json!({"typ": "at+jwt", "alg": "none", "kid": &*kid}))),
        ("alg HS256", with_header(json!({"typ": "at+jwt", "alg": "HS256", "kid": &*kid}))),
        ("no kid", with_header(json!({"typ": "at+jwt", "alg": "EdDSA"}))),
        ("too long", signed("at+jwt", json!({"more": "x".repeat(5000)}))),
        ("nothing", String::new()),
        ("no JWT", "a.b.c".to_owned()),
    ];
    for (what, token) in wrong {
        if what == "another's signature" && token == jwt {
            continue;
        }
        assert!(one.tokens.load_access(&token, now).await.expect("answers").is_none(), "{what}");
        assert!(one.tokens.peek_access(&token, now).is_none(), "{what}");
    }
}

#[tokio::test]
async fn the_same_pair_comes_again_also_when_the_keys_were_changed_meanwhile() {
    let Bench { store, one, two, keys, now, .. } = Bench::new().await;
    let first = one.issue("ada", now).await;
    let second = one.refresh(&first, now).await.expect("a pair");
    KeyRing::generate_in(keys.path()).expect("a key");
    two.ring.reload().expect("keys");
    two.secrets.replace(vec![SecretString::from("new"), SecretString::from("secret")]);
    // A replica that starts now, with the new key and the new secret alone.
    let three = Replica::new(store, keys.path(), "new");
    for replica in [&two, &three] {
        let again = replica.refresh(&first, now + 5 * SECOND).await.expect("the same pair");
        assert_eq!(texts(&again), texts(&second));
        assert!(replica.admits(&second, now).await);
    }
    let third = three.refresh(&second, now + MINUTE).await.expect("its hash is known, whatever the secret");
    assert!(
        matches!(three.refresh(&first, now + MINUTE).await, Err(RefreshError::Invalid)),
        "not told from an invention"
    );
    assert!(two.admits(&third, now + MINUTE).await);
    let reused = two.refresh(&first, now + MINUTE).await;
    assert!(matches!(reused, Err(RefreshError::Reused)), "told by the secret before: {reused:?}");
}

#[tokio::test]
async fn a_revoked_key_takes_its_access_tokens_with_it_and_nobody_is_signed_out() {
    let Bench { one, keys, now, .. } = Bench::new().await;
    let first = one.issue("ada", now).await;
    let second = one.refresh(&first, now).await.expect("a pair");
    assert!(one.admits(&second, now).await);
    let revoked = one.ring.signing_kid();
    KeyRing::generate_in(keys.path()).expect("a key");
    KeyRing::revoke(keys.path(), &revoked).expect("revoked");
    one.ring.reload().expect("keys");
    assert_ne!(one.ring.signing_kid(), revoked);
    for pair in [&first, &second] {
        assert!(one.tokens.peek_access(pair.access_token.expose_secret(), now).is_none());
        assert!(!one.admits(pair, now).await);
    }
    let again = one.refresh(&first, now + SECOND).await.expect("a pair");
    assert_eq!(texts(&again).1, texts(&second).1);
    assert!(one.admits(&again, now + SECOND).await);
}
