//! The rules of tokens.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, crypto, jwk::Jwk};
use serde_json::{Value, json};

use super::super::{Client, Person, TokenFault, verify_id_token};
use super::{EVENT, ISSUER, Key, NONCE, NOW, check_id, check_logout, id_claims, logout_claims, with};

#[test]
fn each_of_the_four_algorithms_signs_in() {
    for algorithm in [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA] {
        let (key, other) = (Key::new(algorithm, "k"), Key::new(Algorithm::EdDSA, "other"));
        let keys = [other.public.clone(), key.public.clone()];
        let token = key.sign(&key.header(), &id_claims());
        let signed_in = check_id(&token, &keys).expect("it is sound");
        assert_eq!((signed_in.subject.as_str(), signed_in.sid.as_deref()), ("ada", Some("s-1")));
        assert_eq!(signed_in.person.email.as_deref(), Some("ada@example.org"));
        assert_eq!(signed_in.person.name.as_deref(), Some("Ada"));
        // Another key under the same name.
        let forger = Key::new(algorithm, "k");
        let forged = forger.sign(&forger.header(), &id_claims());
        assert_eq!(check_id(&forged, &keys), Err(TokenFault::Signature), "{algorithm:?}");
        let (message, signature) = token.rsplit_once('.').expect("three parts");
        let header = message.split_once('.').expect("two parts").0;
        let claims = URL_SAFE_NO_PAD.encode(with(id_claims(), &json!({ "sub": "eve" })).to_string());
        let changed = format!("{header}.{claims}.{signature}");
        assert_eq!(check_id(&changed, &keys), Err(TokenFault::Signature));
        assert_eq!(check_id(&format!("{message}."), &keys), Err(TokenFault::Signature));
    }
}

#[test]
fn the_key_pins_the_algorithm_and_no_token_chooses_its_own() {
    let rsa = Key::new(Algorithm::RS256, "k");
    let keys = [rsa.public.clone()];
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    for alg in ["none", "None", "HS256", "RS1", "RS512", ""] {
        let message = format!("{}.{}", part(&with(rsa.header(), &json!({ "alg": alg }))), part(&id_claims()));
        assert_eq!(check_id(&format!("{message}."), &keys), Err(TokenFault::Algorithm), "{alg}");
        // HMAC with what everybody can read at the provider.
        let public = serde_json::to_vec(&rsa.public).expect("JSON");
        let key = EncodingKey::from_secret(&public);
        let signature = crypto::sign(message.as_bytes(), &key, Algorithm::HS256).expect("signed");
        assert_eq!(check_id(&format!("{message}.{signature}"), &keys), Err(TokenFault::Algorithm), "{alg}");
    }
    // The key says RS256: its owner never signs with PS256.
    let pss = Key { algorithm: Algorithm::PS256, private: rsa.private.clone(), public: rsa.public.clone() };
    assert_eq!(check_id(&pss.sign(&pss.header(), &id_claims()), &keys), Err(TokenFault::UnknownKey));
    // Nor may a provider sign with what it does not announce.
    let client = Client { issuer: ISSUER, client_id: "bff", algorithms: &["ES256".to_owned()] };
    let token = rsa.sign(&rsa.header(), &id_claims());
    assert_eq!(verify_id_token(&token, &keys, &client, NONCE, NOW), Err(TokenFault::Algorithm));
    for (member, value) in [("use", json!("enc")), ("key_ops", json!(["sign"])), ("alg", json!("RSA-OAEP"))] {
        let mut key = serde_json::to_value(&rsa.public).expect("JSON");
        key[member] = value;
        let key: Jwk = serde_json::from_value(key).expect("a key");
        assert_eq!(check_id(&token, &[key]), Err(TokenFault::UnknownKey), "{member}");
    }
    let symmetric: Jwk =
        serde_json::from_value(json!({ "kty": "oct", "k": "AAAA", "kid": "k" })).expect("a key");
    assert_eq!(check_id(&token, &[symmetric]), Err(TokenFault::UnknownKey));
}

#[test]
fn a_token_is_meant_for_the_keys_of_the_name_that_it_bears_or_for_any_that_fits() {
    let (a, b) = (Key::new(Algorithm::EdDSA, "a"), Key::new(Algorithm::EdDSA, "b"));
    let named = a.sign(&a.header(), &id_claims());
    let unnamed = a.sign(&json!({ "alg": "EdDSA" }), &id_claims());
    let both = [b.public.clone(), a.public.clone()];
    let one = [a.public];
    assert!(
        check_id(&named, &one).is_ok() && check_id(&named, &both).is_ok() && check_id(&unnamed, &one).is_ok()
    );
    assert!(check_id(&unnamed, &both).is_ok());
    // A new key under the old one's name, beside it or in its place.
    let renewed = Key::new(Algorithm::EdDSA, "a");
    let token = renewed.sign(&renewed.header(), &id_claims());
    assert_eq!(check_id(&token, &both), Err(TokenFault::Signature));
    assert!(check_id(&token, &[one[0].clone(), renewed.public]).is_ok());
    for (fault, may) in [
        (TokenFault::Signature, true),
        (TokenFault::UnknownKey, true),
        (TokenFault::Algorithm, false),
        (TokenFault::Issuer, false),
    ] {
        assert_eq!(fault.may_be_an_old_key(), may, "{fault}");
    }
    assert_eq!(check_id(&named, std::slice::from_ref(&b.public)), Err(TokenFault::UnknownKey));
    assert_eq!(check_id(&named, &[]), Err(TokenFault::UnknownKey));
}

#[test]
fn every_claim_of_an_id_token_is_checked() {
    let key = Key::new(Algorithm::EdDSA, "k");
    let keys = [key.public.clone()];
    let check = |changes: &Value| check_id(&key.sign(&key.header(), &with(id_claims(), changes)), &keys);
    for (changes, fault) in [
        (json!({ "iss": "https://evil.example" }), TokenFault::Issuer),
        (json!({ "iss": "https://id.example/" }), TokenFault::Issuer),
        (json!({ "iss": null }), TokenFault::Issuer),
        (json!({ "aud": "other" }), TokenFault::Audience),
        (json!({ "aud": ["other", "another"] }), TokenFault::Audience),
        (json!({ "aud": null }), TokenFault::Audience),
        (json!({ "aud": ["bff", "other"] }), TokenFault::Audience),
        (json!({ "aud": ["bff", "other"], "azp": "other" }), TokenFault::Audience),
        (json!({ "azp": "other" }), TokenFault::Audience),
        (json!({ "exp": NOW - 30 }), TokenFault::Expired),
        (json!({ "exp": null }), TokenFault::Claims),
        (json!({ "exp": "soon" }), TokenFault::Claims),
        (json!({ "exp": -1 }), TokenFault::Claims),
        (json!({ "iat": NOW + 31 }), TokenFault::Future),
        (json!({ "iat": null }), TokenFault::Claims),
        (json!({ "nbf": NOW + 31 }), TokenFault::Future),
        (json!({ "nonce": "another" }), TokenFault::Nonce),
        (json!({ "nonce": NONCE[1..] }), TokenFault::Nonce),
        (json!({ "nonce": [NONCE] }), TokenFault::Nonce),
        (json!({ "nonce": null }), TokenFault::Nonce),
        (json!({ "sub": null }), TokenFault::Subject),
        (json!({ "sub": "" }), TokenFault::Subject),
        (json!({ "sub": "x".repeat(256) }), TokenFault::Subject),
        (json!({ "sub": 7 }), TokenFault::Claims),
    ] {
        assert_eq!(check(&changes), Err(fault), "{changes}");
    }
    for changes in [
        json!({ "aud": ["bff"] }),
        json!({ "aud": ["other", "bff"], "azp": "bff" }),
        json!({ "azp": "bff" }),
        json!({ "exp": NOW - 29 }),
        json!({ "exp": (NOW as f64) + 0.5, "iat": (NOW as f64) - 0.5 }),
        json!({ "iat": NOW + 30, "nbf": NOW + 30 }),
    ] {
        assert!(check(&changes).is_ok(), "{changes}");
    }
    assert_eq!(check(&json!({ "sid": null })).expect("it is sound").sid, None);
}

#[test]
fn headers_that_mean_something_else_are_refused() {
    let key = Key::new(Algorithm::EdDSA, "k");
    let keys = [key.public.clone()];
    let check = |changes: &Value| check_id(&key.sign(&with(key.header(), changes), &id_claims()), &keys);
    for typ in ["logout+jwt", "at+jwt", "application/at+jwt", ""] {
        assert_eq!(check(&json!({ "typ": typ })), Err(TokenFault::Type), "{typ}");
    }
    assert_eq!(check(&json!({ "crit": ["b64"], "b64": false })), Err(TokenFault::Critical));
    assert!(check(&json!({ "typ": null })).is_ok() && check(&json!({ "typ": "application/jwt" })).is_ok());
    for odd in ["", ".", "..", "a.b.c", "e30.e30.", "=.=.=", &"x".repeat(64 * 1024)] {
        assert_eq!(check_id(odd, &keys), Err(TokenFault::Malformed), "{odd:.20}");
    }
    assert_eq!(check_id(&"x".repeat(64 * 1024 + 1), &keys), Err(TokenFault::TooLarge));
    let token = key.sign(&key.header(), &id_claims());
    assert_eq!(check_id(&format!("{token}.x"), &keys), Err(TokenFault::Malformed));
}

#[test]
fn an_address_counts_only_when_the_provider_has_verified_it() {
    let person = |claims: Value| Person::of(claims.as_object().expect("an object"));
    for verified in [json!(true), json!("true")] {
        let person = person(json!({ "email": "ada@example.org", "email_verified": verified }));
        assert_eq!(person.email.as_deref(), Some("ada@example.org"));
    }
    for claims in [
        json!({ "email": "ada@example.org" }),
        json!({ "email": "ada@example.org", "email_verified": false }),
        json!({ "email": "ada@example.org", "email_verified": "false" }),
        json!({ "email": "ada@example.org", "email_verified": 1 }),
        json!({ "email": "no address", "email_verified": true }),
        json!({ "email": ["ada@example.org"], "email_verified": true }),
    ] {
        assert_eq!(person(claims.clone()).email, None, "{claims}");
    }
    let name = |claims: Value| person(claims).name;
    assert_eq!(name(json!({ "name": "", "preferred_username": "ada" })).as_deref(), Some("ada"));
    assert_eq!(name(json!({ "name": " " })), None);
    assert_eq!(name(json!({ "name": "n".repeat(500) })).map(|name| name.len()), Some(200));
    let more = person(json!({ "name": "B", "email": "b@example.org", "email_verified": true }));
    let both = person(json!({ "name": "A" })).or(more);
    assert_eq!((both.name.as_deref(), both.email.as_deref()), (Some("A"), Some("b@example.org")));
    assert!(!format!("{both:?}").contains("example"));
}

#[test]
fn every_claim_of_a_logout_token_is_checked() {
    let key = Key::new(Algorithm::ES256, "k");
    let keys = [key.public.clone()];
    let header = with(key.header(), &json!({ "typ": "logout+jwt" }));
    let check = |changes: &Value| check_logout(&key.sign(&header, &with(logout_claims(), changes)), &keys);
    for (changes, fault) in [
        (json!({ "iss": "https://evil.example" }), TokenFault::Issuer),
        (json!({ "aud": ["other"] }), TokenFault::Audience),
        (json!({ "exp": NOW - 30 }), TokenFault::Expired),
        (json!({ "exp": null }), TokenFault::Claims),
        (json!({ "iat": NOW + 31 }), TokenFault::Future),
        (json!({ "iat": null }), TokenFault::Claims),
        (json!({ "jti": null }), TokenFault::Claims),
        (json!({ "jti": "" }), TokenFault::Claims),
        (json!({ "events": null }), TokenFault::Event),
        (json!({ "events": {} }), TokenFault::Event),
        (json!({ "events": { EVENT: true } }), TokenFault::Event),
        (json!({ "events": { "http://other.example": {} } }), TokenFault::Event),
        (json!({ "nonce": "any" }), TokenFault::Event),
        (json!({ "sub": null, "sid": null }), TokenFault::Subject),
        (json!({ "sub": "" }), TokenFault::Subject),
        (json!({ "sid": "" }), TokenFault::Subject),
    ] {
        assert_eq!(check(&changes), Err(fault), "{changes}");
    }
    for changes in [json!({}), json!({ "sub": null }), json!({ "sid": null })] {
        let token = check(&changes).expect("it is sound");
        assert_eq!((token.jti.as_str(), token.issued_s, token.expires_s), ("j-1", NOW, NOW + 120));
    }
    // A nonce without a value is one all the same.
    let mut claims = logout_claims();
    claims["nonce"] = Value::Null;
    assert_eq!(check_logout(&key.sign(&header, &claims), &keys), Err(TokenFault::Event));
    // Neither kind passes for the other, whatever it calls itself.
    for typ in ["logout+jwt", "JWT"] {
        let header = with(key.header(), &json!({ "typ": typ }));
        assert_eq!(check_logout(&key.sign(&header, &id_claims()), &keys), Err(TokenFault::Event));
        assert!(check_id(&key.sign(&header, &logout_claims()), &keys).is_err());
    }
    let access = key.sign(&with(key.header(), &json!({ "typ": "at+jwt" })), &logout_claims());
    assert_eq!(check_logout(&access, &keys), Err(TokenFault::Type));
}
