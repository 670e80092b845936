//! Providers that do not do all that the specification asks for, and whose people are to sign in all the same.

use serde_json::{Value, json};

use super::{Fake, begin, fake::Key, finish, signed_in, system};

/// Changes the key that signs and the keys that are published.
fn rotate(fake: &Fake, kid: Option<&str>, keeps_the_old: bool) {
    fake.says(|says| {
        let mut key = Key::new("second");
        key.public.common.key_id = kid.map(str::to_owned);
        if !keeps_the_old {
            says.keys.clear();
        }
        says.keys.push(key.public.clone());
        says.header = json!({ "kid": kid });
        says.key = key;
    });
}

#[tokio::test]
async fn a_key_that_is_replaced_under_its_old_name_or_without_any_is_taken_at_once() {
    for kid in [Some("first"), None] {
        for keeps_the_old in [false, true] {
            let (fake, bff) = system().await;
            fake.says(|says| {
                says.key.public.common.key_id = kid.map(str::to_owned);
                says.keys = vec![says.key.public.clone()];
                says.header = json!({ "kid": kid });
            });
            let _ = signed_in(&fake, &bff).await;
            rotate(&fake, kid, keeps_the_old);
            let _ = signed_in(&fake, &bff).await;
            assert_eq!(fake.asked("/keys"), 2, "{kid:?} {keeps_the_old}");
            let _ = signed_in(&fake, &bff).await;
            assert_eq!(fake.asked("/keys"), 2, "{kid:?} {keeps_the_old}: held");
        }
    }
}

#[tokio::test]
async fn wrong_signatures_are_no_flood_of_calls() {
    let (fake, bff) = system().await;
    let _ = signed_in(&fake, &bff).await;
    let stranger = Key::new("first");
    fake.says(|says| says.key = stranger);
    let tries = (0..10).map(|_| async {
        let begun = begin(&bff.anonymous(), "fake", "/").await;
        finish(&fake, &begun).await.expect_problem(400, "oidc_token_invalid");
    });
    futures_util::future::join_all(tries).await;
    assert_eq!(fake.asked("/keys"), 2, "read again once");
}

#[tokio::test]
async fn without_usable_user_information_the_id_token_stands() {
    let (fake, bff) = system().await;
    fake.says(|says| says.claims = json!({ "email": null }));
    let jwt = fake.id_token("any");
    for (status, media_type, body) in [
        (500, "text/plain", "oops".to_owned()),
        (403, "application/json", json!({ "error": "insufficient_scope" }).to_string()),
        (200, "application/jwt", jwt),
        (200, "application/json", "[]".to_owned()),
        (200, "text/html", "<html>".to_owned()),
        (200, "application/json", json!({ "sub": "ada", "more": "x".repeat(300_000) }).to_string()),
    ] {
        fake.says(|says| says.user_info_is = Some((status, media_type, body)));
        let asked = fake.asked("/me");
        let actor = signed_in(&fake, &bff).await;
        let user = &actor.get("/auth/session").await.expect(200).json()["user"];
        assert_eq!(user["displayName"], "Ada Lovelace", "{status} {media_type}");
        assert_eq!(fake.asked("/me"), asked + 1);
    }
    tests::eventually("the log to say so", || async {
        bff.output().contains("user information is left out").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_large_token_signs_in_and_a_larger_one_is_told_from_a_broken_one() {
    let (fake, bff) = system().await;
    let groups = |bytes: usize| -> Value { vec!["a".repeat(100); bytes / 103].into() };
    // In base64url a third longer.
    fake.says(|says| says.claims = json!({ "groups": groups(46_000) }));
    assert!(fake.id_token("any").len() > 60_000);
    let _ = signed_in(&fake, &bff).await;
    for (claims, code) in [
        (json!({ "groups": groups(60_000) }), "oidc_token_too_large"),
        (json!({ "groups": groups(300_000) }), "oidc_token_too_large"),
    ] {
        fake.says(|says| says.claims = claims);
        let begun = begin(&bff.anonymous(), "fake", "/").await;
        finish(&fake, &begun).await.expect_problem(400, code);
    }
    fake.says(|says| says.id_token = Some("no.token".to_owned()));
    let begun = begin(&bff.anonymous(), "fake", "/").await;
    finish(&fake, &begun).await.expect_problem(400, "oidc_token_invalid");
    tests::eventually("the log to tell them apart", || async {
        let output = bff.output();
        let told = ["longer than 64 KiB", "token response is longer than is read", "it is not a JWT"];
        told.iter().all(|why| output.contains(why)).then_some(())
    })
    .await;
}
