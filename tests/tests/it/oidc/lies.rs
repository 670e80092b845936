//! A provider, or somebody who speaks for it, lies: its token is refused and nobody is signed in.

use serde_json::json;
use tests::TestBff;

use super::{
    Fake, begin,
    fake::{Key, confused},
    finish, system, unix_seconds,
};

/// Nobody is signed in by what `fake` says now.
async fn refused(fake: &Fake, bff: &TestBff, what: &str) {
    let actor = bff.anonymous();
    let begun = begin(&actor, "fake", "/").await;
    let answer = finish(fake, &begun).await;
    assert_eq!(answer.status, 400, "{what}: {}", answer.text());
    answer.expect_problem(400, "oidc_token_invalid");
    assert!(actor.cookie().is_none() && answer.all("set-cookie").is_empty(), "{what}");
}

#[tokio::test]
async fn every_lie_of_an_id_token_is_refused() {
    let (fake, bff) = system().await;
    let (now, mut told) = (unix_seconds(), 0);
    for (claims, reason) in [
        (json!({ "nonce": "AAAAAAAAAAAAAAAAAAAAAA" }), "`nonce`"),
        (json!({ "nonce": null }), "`nonce`"),
        (json!({ "iss": "https://evil.example" }), "`iss`"),
        (json!({ "aud": "another client" }), "`aud`"),
        (json!({ "aud": ["bff client", "another client"] }), "`aud`"),
        (json!({ "azp": "another client" }), "`aud`"),
        (json!({ "exp": now - 60 }), "expired"),
        (json!({ "iat": now + 120 }), "future"),
        (json!({ "sub": null }), "`sub`"),
    ] {
        fake.says(|says| says.claims.clone_from(&claims));
        refused(&fake, &bff, &claims.to_string()).await;
        let why = tests::eventually("the log to say why", || async {
            let output = bff.output();
            let lines = output.lines().filter(|line| line.contains("sign-in is refused"));
            let lines: Vec<_> = lines.map(str::to_owned).collect();
            (lines.len() > told).then_some(lines)
        })
        .await;
        told += 1;
        assert!(why[told - 1].contains(reason), "{claims}: {}", why[told - 1]);
    }
}

#[tokio::test]
async fn an_algorithm_is_pinned_and_a_foreign_key_opens_nothing() {
    let (fake, bff) = system().await;
    let public = fake.says(|says| says.key.public.clone());
    let stranger = Key::new("first");
    type Lie = Box<dyn Fn(&str) -> String>;
    let claims = {
        let issuer = fake.issuer().to_owned();
        move |nonce: &str| {
            let now = unix_seconds();
            json!({ "iss": issuer, "aud": "bff client", "iat": now, "exp": now + 300, "nonce": nonce, "sub": "eve" })
        }
    };
    let (a, b, c, d) = (claims.clone(), claims.clone(), claims.clone(), claims);
    let (key, other) = (public.clone(), stranger.clone());
    let lies: [(&str, Lie); 4] = [
        ("unsigned", Box::new(move |nonce| confused("none", &a(nonce), &public))),
        ("signed with the public key", Box::new(move |nonce| confused("HS256", &b(nonce), &key))),
        ("signed with a stranger's key", Box::new(move |nonce| other.sign(&other.header("JWT"), &c(nonce)))),
        ("of another type", {
            let own = fake.says(|says| says.key.clone());
            Box::new(move |nonce| own.sign(&own.header("at+jwt"), &d(nonce)))
        }),
    ];
    for (what, lie) in lies {
        let actor = bff.anonymous();
        let begun = begin(&actor, "fake", "/").await;
        fake.says(|says| says.id_token = Some(lie(&begun.asked("nonce"))));
        finish(&fake, &begun).await.expect_problem(400, "oidc_token_invalid");
        assert!(actor.cookie().is_none(), "{what}");
    }
    fake.says(|says| says.id_token = None);
    // Keys that nobody published, and the calls that looking for them costs.
    fake.says(|says| says.header = json!({ "kid": "unknown" }));
    for _ in 0..3 {
        refused(&fake, &bff, "an unknown key").await;
    }
    // At first, and for the stranger's signature: as for unknown keys, they are looked for once in a while.
    assert_eq!(fake.asked("/keys"), 2);
    // A key in the token's own header is nobody's.
    fake.says(|says| {
        says.header = json!({ "jwk": stranger.public, "kid": null });
        says.key = stranger.clone();
    });
    refused(&fake, &bff, "its own key").await;
}

#[tokio::test]
async fn a_token_of_another_sign_in_is_refused() {
    let (fake, bff) = system().await;
    let begun = begin(&bff.anonymous(), "fake", "/").await;
    let stolen = fake.id_token(&begun.asked("nonce"));
    fake.says(|says| says.id_token = Some(stolen));
    refused(&fake, &bff, "another sign-in's token").await;
    // In its own it is sound.
    let _ = finish(&fake, &begun).await.expect(303);
}

#[tokio::test]
async fn metadata_of_another_issuer_is_not_used() {
    for lie in [
        json!({ "issuer": "https://evil.example" }),
        json!({ "authorization_endpoint": "javascript:alert(1)" }),
        json!({ "token_endpoint": "ftp://evil.example/token" }),
        json!({ "jwks_uri": null }),
    ] {
        let fake = Fake::start().await;
        fake.says(|says| says.metadata.clone_from(&lie));
        let bff = fake.of(TestBff::builder(), "fake").spawn().await;
        let answer = bff.anonymous().get("/auth/oidc/fake/login").await;
        answer.expect_problem(503, "oidc_provider_unavailable");
        assert!(answer.header("location").is_none(), "{lie}");
    }
}
