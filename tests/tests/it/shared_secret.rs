//! Service tokens of an upstream that cannot fetch keys: signed with a secret that it alone shares.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode};
use serde_json::{Value, json};
use tests::{Signer, TestBff};
use upstreams::Service;

use crate::{
    fixtures::{post_about, publish},
    service_tokens::assert_refused,
};

const SECRET: &str = "planted-secret-of-the-recipe-service-0123456789";
const PATH: &str = "/recipes/for-me";

async fn system() -> TestBff {
    TestBff::builder()
        .set("upstreams.recipe.token_algorithm", "HS256")
        .set("upstreams.recipe.secret", SECRET)
        .spawn()
        .await
}

fn signed(algorithm: Algorithm, secret: &str, claims: &Value) -> String {
    let header = Header { kid: Some("recipe".into()), ..Header::new(algorithm) };
    jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(secret.as_bytes())).expect("a token")
}

#[tokio::test(flavor = "multi_thread")]
async fn one_upstream_has_a_secret_and_the_others_the_keys() {
    let bff = system().await;
    let ada = bff.signed_in("ada").await;
    let recipe = publish(&ada, "Rice with eggs").await;
    post_about(&ada, "Try this", &recipe).await;
    let feed = ada.get("/bff/home-feed").await.expect(200).json();
    assert_eq!((&feed["degraded"], &feed["recipes"][0]["id"]), (&json!([]), &json!(recipe)));

    let mut rules = Validation::new(Algorithm::HS256);
    rules.set_audience(&["recipe"]);
    rules.set_issuer(&["bff"]);
    let mut acting = 0;
    for request in bff.recipe.requests() {
        let token = request.bearer().expect("a token");
        let read =
            decode::<Value>(token, &DecodingKey::from_secret(SECRET.as_bytes()), &rules).expect("genuine");
        assert_eq!((read.header.alg, read.header.kid.as_deref()), (Algorithm::HS256, Some("recipe")));
        assert_eq!(read.claims["act"], json!({ "sub": "bff" }));
        acting += usize::from(read.claims["sub"] == ada.id());
    }
    assert!(acting > 0);
    for request in bff.profile.requests().iter().chain(&bff.timeline.requests()) {
        let token = request.bearer().expect("a token");
        let head = URL_SAFE_NO_PAD.decode(token.split('.').next().expect("a header")).expect("base64url");
        let head: Value = serde_json::from_slice(&head).expect("JSON");
        assert_eq!(head["alg"], "EdDSA", "{}", request.line());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_with_a_secret_believes_nothing_else() {
    let bff = system().await;
    let signer = bff.signer().await;
    let claims = Signer::claims("recipe", Some("ada"));
    let with = |token: String| {
        let direct = bff.direct_with(Service::Recipe, token);
        async move { direct.get(PATH).await }
    };
    let _ = with(signed(Algorithm::HS256, SECRET, &claims)).await.expect(200);
    assert_refused(&with(signer.sign(&claims)).await, "the gateway's own key");
    assert_refused(&with(signed(Algorithm::HS384, SECRET, &claims)).await, "another algorithm");
    assert_refused(&with(signed(Algorithm::HS256, &format!("{SECRET}x"), &claims)).await, "another secret");
    assert_refused(&with(signed(Algorithm::HS256, "", &claims)).await, "no secret");
    let for_profile = Signer::claims("profile", Some("ada"));
    assert_refused(&with(signed(Algorithm::HS256, SECRET, &for_profile)).await, "another audience");
    let mut late = claims.clone();
    late["exp"] = json!(claims["iat"].as_u64().expect("seconds") - 60);
    assert_refused(&with(signed(Algorithm::HS256, SECRET, &late)).await, "a token that has ended");
    let mut foreign = claims.clone();
    foreign["iss"] = json!("somebody");
    assert_refused(&with(signed(Algorithm::HS256, SECRET, &foreign)).await, "another issuer");

    // And who goes by the published keys believes no secret.
    let token = signed(Algorithm::HS256, SECRET, &for_profile);
    assert_refused(&bff.direct_with(Service::Profile, token).get("/members?ids=x").await, "the others");
}

#[tokio::test]
async fn secrets_that_would_be_believed_elsewhere_are_refused_at_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let session = "planted-session-secret-0123456789abcdef";
    let base = [("session.secret", session), ("upstreams.recipe.token_algorithm", "HS256")];
    let cases: [(&[(&str, &str)], &str); 6] = [
        (&[], "upstreams.recipe.secret"),
        (&[("upstreams.recipe.secret", "planted-too-short")], "upstreams.recipe.secret"),
        (&[("upstreams.recipe.secret", session)], "upstreams.recipe.secret"),
        (
            &[
                ("upstreams.recipe.secret", SECRET),
                ("upstreams.profile.token_algorithm", "HS256"),
                ("upstreams.profile.secret", SECRET),
            ],
            "upstreams.recipe.secret",
        ),
        (
            &[
                ("upstreams.recipe.secret", SECRET),
                ("upstreams.profile.secret", "planted-without-a-use-of-it"),
            ],
            "upstreams.profile.secret",
        ),
        (
            &[("upstreams.recipe.secret", SECRET), ("upstreams.profile.audience", "bff")],
            "upstreams.profile.audience",
        ),
    ];
    for (changes, key) in cases {
        let settings: Vec<_> = base.iter().chain(changes).copied().collect();
        let (code, text) = tests::run_bff(&["check"], &settings, folder.path()).await;
        assert_eq!(code, Some(1), "{key} was accepted");
        assert!(text.lines().any(|line| line.starts_with(key)), "{key} is not named in\n{text}");
        assert!(!text.contains("planted"), "{text}");
    }
    let settings: Vec<_> = base.into_iter().chain([("upstreams.recipe.secret", SECRET)]).collect();
    let (code, text) = tests::run_bff(&["check"], &settings, folder.path()).await;
    assert_eq!(code, Some(0), "{text}");
}
