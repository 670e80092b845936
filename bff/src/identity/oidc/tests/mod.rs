//! Keys and tokens of a provider, made here.

mod records;
mod tokens;

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, EncodingKey, crypto, jwk::Jwk};
use serde_json::{Value, json};

use super::{Client, IdToken, LogoutToken, TokenFault, verify_id_token, verify_logout_token};

const NOW: u64 = 1_800_000_000;
const ISSUER: &str = "https://id.example";
const NONCE: &str = "the-nonce-of-this-sign-in";
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// A key of the provider.
struct Key {
    algorithm: Algorithm,
    private: EncodingKey,
    public: Jwk,
}

fn pem(pkcs8: &[u8]) -> Vec<u8> {
    let text = STANDARD.encode(pkcs8);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n")).into_bytes()
}

impl Key {
    fn new(algorithm: Algorithm, kid: &str) -> Self {
        let private = match algorithm {
            Algorithm::EdDSA => {
                let pair = Ed25519KeyPair::generate().expect("a key").to_pkcs8v1().expect("PKCS#8");
                EncodingKey::from_ed_pem(&pem(pair.as_ref()))
            }
            Algorithm::ES256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
                EncodingKey::from_ec_pem(&pem(pair.to_pkcs8v1().expect("PKCS#8").as_ref()))
            }
            _ => {
                let pair = KeyPair::generate(KeySize::Rsa2048).expect("a key");
                let der: Pkcs8V1Der<'_> = pair.as_der().expect("PKCS#8");
                EncodingKey::from_rsa_pem(&pem(der.as_ref()))
            }
        };
        let private = private.expect("a private key");
        let mut public = Jwk::from_encoding_key(&private, algorithm).expect("a public key");
        public.common.key_id = Some(kid.to_owned());
        Self { algorithm, private, public }
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let signature = crypto::sign(message.as_bytes(), &self.private, self.algorithm).expect("signed");
        format!("{message}.{signature}")
    }

    fn header(&self) -> Value {
        json!({ "alg": format!("{:?}", self.algorithm), "kid": self.public.common.key_id, "typ": "JWT" })
    }
}

fn id_claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "ada", "aud": "bff", "exp": NOW + 300, "iat": NOW, "nonce": NONCE, "sid": "s-1",
        "email": "ada@example.org", "email_verified": true, "name": " Ada ",
    })
}

fn logout_claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "ada", "sid": "s-1", "aud": ["bff"], "exp": NOW + 120, "iat": NOW, "jti": "j-1",
        "events": { EVENT: {} },
    })
}

/// `claims` with some members changed; null takes one away.
fn with(mut claims: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().expect("an object") {
        match value {
            Value::Null => drop(claims.as_object_mut().expect("an object").remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

fn all_algorithms() -> Vec<String> {
    ["RS256", "PS256", "ES256", "EdDSA", "HS256", "none"].map(str::to_owned).into()
}

fn check_id(token: &str, keys: &[Jwk]) -> Result<IdToken, TokenFault> {
    let algorithms = all_algorithms();
    let client = Client { issuer: ISSUER, client_id: "bff", algorithms: &algorithms };
    verify_id_token(token, keys, &client, NONCE, NOW)
}

fn check_logout(token: &str, keys: &[Jwk]) -> Result<LogoutToken, TokenFault> {
    let algorithms = all_algorithms();
    let client = Client { issuer: ISSUER, client_id: "bff", algorithms: &algorithms };
    verify_logout_token(token, keys, &client, NOW)
}
