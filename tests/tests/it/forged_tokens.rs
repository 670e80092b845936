//! Tokens that no upstream believes.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tests::{Signer, TestBff};

use crate::service_tokens::{SERVICES, assert_refused};

fn encode(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_and_expired_tokens_are_refused_by_every_service() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    let signer = bff.signer().await;
    let jwks = bff.anonymous().get("/.well-known/jwks.json").await.expect(200);
    let key = jwks.json()["keys"][0].clone();
    let key_text = key.to_string();
    let x = key["x"].as_str().expect("a public key");
    let public = URL_SAFE_NO_PAD.decode(x).expect("base64url");
    for (service, path) in SERVICES {
        let sound = Signer::claims(service.name(), Some(&ada.id()));
        let changed = |change: &dyn Fn(&mut Value)| {
            let mut claims = sound.clone();
            change(&mut claims);
            signer.sign(&claims)
        };
        let ask = async |token: String| bff.direct_with(service, token).get(path).await;
        let accepted = ask(signer.sign(&sound)).await;
        assert_eq!(accepted.status, 200, "the control: {}", accepted.text());

        let now = sound["iat"].as_u64().expect("seconds");
        let forged = [
            (
                "expired",
                changed(&|c| {
                    c["iat"] = json!(now - 120);
                    c["exp"] = json!(now - 60);
                }),
            ),
            (
                "no expiry",
                changed(&|c| {
                    c.as_object_mut().expect("claims").remove("exp");
                }),
            ),
            ("another issuer", changed(&|c| c["iss"] = json!("somebody"))),
            (
                "no audience",
                changed(&|c| {
                    c.as_object_mut().expect("claims").remove("aud");
                }),
            ),
            (
                "from the future",
                changed(&|c| {
                    c["iat"] = json!(now + 600);
                    c["exp"] = json!(now + 660);
                }),
            ),
            ("a strange subject", changed(&|c| c["sub"] = json!("../admin"))),
        ];
        for (what, token) in forged {
            assert_refused(&ask(token).await, what);
        }

        let header = json!({ "alg": "none", "typ": "JWT", "kid": signer.kid() });
        for alg in ["none", "None", "NONE", ""] {
            let mut header = header.clone();
            header["alg"] = json!(alg);
            for signature in ["", "AAAA"] {
                let token = format!("{}.{}.{signature}", encode(&header), encode(&sound));
                assert_refused(&ask(token).await, &format!("alg {alg:?}"));
            }
        }

        let pem = format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            base64::engine::general_purpose::STANDARD.encode(
                [&[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00][..], &public]
                    .concat()
            )
        );
        let secrets: [&[u8]; 5] = [&public, x.as_bytes(), pem.as_bytes(), &jwks.body, key_text.as_bytes()];
        for secret in secrets {
            for algorithm in [Algorithm::HS256, Algorithm::HS512] {
                let header = Header { kid: Some(signer.kid().to_owned()), ..Header::new(algorithm) };
                let token = jsonwebtoken::encode(&header, &sound, &EncodingKey::from_secret(secret))
                    .expect("a token");
                assert_refused(&ask(token).await, "HMAC with the public key as secret");
            }
        }

        let token = signer.sign(&sound);
        let (signed, signature) = token.rsplit_once('.').expect("three parts");
        let (head, _) = signed.split_once('.').expect("two parts");
        let mut other = sound.clone();
        other["sub"] = json!("somebody-else");
        assert_refused(&ask(format!("{head}.{}.{signature}", encode(&other))).await, "claims exchanged");
        assert_refused(
            &ask(format!("{signed}.{}", signature.replace(&signature[..2], "AA"))).await,
            "signature changed",
        );
        let unknown = json!({ "alg": "EdDSA", "typ": "JWT", "kid": "nobody" });
        assert_refused(
            &ask(format!("{}.{}.{signature}", encode(&unknown), encode(&sound))).await,
            "unknown key",
        );
        let own_key = json!({ "alg": "EdDSA", "typ": "JWT", "jwk": key, "jku": "http://127.0.0.1:1/" });
        assert_refused(
            &ask(format!("{}.{}.{signature}", encode(&own_key), encode(&sound))).await,
            "a key of its own",
        );
        for nonsense in ["", "x", "a.b", "a.b.c", "...."] {
            assert_refused(&ask(nonsense.to_owned()).await, nonsense);
        }
    }
}
