//! Tests of the keys, seen from outside.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

use super::{KeyError, KeyRing};

/// The key pair of RFC 8037 appendix A.1 in PKCS#8 (RFC 8410 section 7).
fn rfc_8037_pem() -> String {
    let seed = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").expect("base64url");
    let prefix = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
    let der = STANDARD.encode([prefix.as_slice(), &seed].concat());
    format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n")
}

fn decoded(part: &str) -> Value {
    let json = URL_SAFE_NO_PAD.decode(part).expect("base64url");
    serde_json::from_slice(&json).expect("json")
}

#[test]
fn a_key_is_published_and_named_as_the_rfcs_say() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("1.pem"), rfc_8037_pem()).expect("written");
    let ring = KeyRing::load(dir.path()).expect("keys");
    let expected = json!({"keys": [{
        "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
    }]});
    assert_eq!(ring.jwks(), expected);
}

#[test]
fn a_generated_key_is_private_and_signs_what_its_public_half_verifies() {
    let dir = tempfile::tempdir().expect("a folder");
    let keys = dir.path().join("made/on/the/way");
    let path = KeyRing::generate_in(&keys).expect("a key");
    assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(&keys).expect("a folder").permissions().mode() & 0o777, 0o700);
    let ring = KeyRing::load(&keys).expect("keys");
    let token = ring.sign(&json!({"sub": "ada"})).expect("a token");
    let parts: Vec<_> = token.split('.').collect();
    let jwk = &ring.jwks()["keys"][0];
    assert_eq!(decoded(parts[0]), json!({"typ": "JWT", "alg": "EdDSA", "kid": jwk["kid"]}));
    assert_eq!(decoded(parts[1]), json!({"sub": "ada"}));
    let x = URL_SAFE_NO_PAD.decode(jwk["x"].as_str().expect("x")).expect("base64url");
    let signature = URL_SAFE_NO_PAD.decode(parts[2]).expect("base64url");
    let message = format!("{}.{}", parts[0], parts[1]);
    UnparsedPublicKey::new(&ED25519, x).verify(message.as_bytes(), &signature).expect("genuine");
}

#[test]
fn all_keys_are_published_and_of_new_ones_the_oldest_signs() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut paths: Vec<_> = (0..20).map(|_| KeyRing::generate_in(dir.path()).expect("a key")).collect();
    let newest = paths.last().cloned().expect("a path");
    paths.sort_unstable();
    paths.dedup();
    assert_eq!(paths.len(), 20, "also within a millisecond none is written over");
    assert_eq!(paths.last(), Some(&newest));
    fs::write(dir.path().join(".draft.pem"), "half a").expect("written");
    fs::write(dir.path().join("README"), "not a key").expect("written");
    let ring = KeyRing::load(dir.path()).expect("keys");
    let jwks = ring.jwks();
    let keys = jwks["keys"].as_array().expect("a list");
    assert_eq!(keys.len(), 20);
    let token = ring.sign(&json!({})).expect("a token");
    let header = decoded(token.split('.').next().expect("a header"));
    assert_eq!(header["kid"], keys[0]["kid"], "no other has been published for long enough");
    let again = KeyRing::load(dir.path()).expect("keys");
    assert_eq!(again.jwks(), jwks, "the same after a restart");
}

#[test]
fn what_is_no_key_is_refused_by_name_and_without_its_content() {
    let dir = tempfile::tempdir().expect("a folder");
    assert!(matches!(KeyRing::load(dir.path()), Err(KeyError::NoKey { .. })));
    assert!(matches!(KeyRing::load(&dir.path().join("none")), Err(KeyError::File { .. })));
    let secret = rfc_8037_pem().replace("MC4", "MC5");
    let public = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n\
                  -----END PUBLIC KEY-----\n";
    for bad in ["", "x", &secret, public] {
        fs::write(dir.path().join("1.pem"), bad).expect("written");
        let error = KeyRing::load(dir.path()).expect_err("no key");
        assert!(matches!(error, KeyError::NotEd25519 { .. }), "{error:?}");
        let text = format!("{error} {error:?}");
        assert!(text.contains("1.pem") && !text.contains("BEGIN"), "{text}");
    }
    assert!(matches!(KeyRing::generate_in(Path::new("/dev/null/keys")), Err(KeyError::File { .. })));
}

#[test]
fn a_ring_prints_no_secret() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("1.pem"), rfc_8037_pem()).expect("written");
    let ring = KeyRing::load(dir.path()).expect("keys");
    let text = format!("{ring:?}");
    assert_eq!(text, r#"KeyRing { kid: "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", .. }"#);
}
