//! Signing in.

use serde_json::json;
use tests::TestBff;

use super::{Fake, begin, finish, signed_in, system};
use crate::oidc::fake::Key;

#[tokio::test]
async fn somebody_signs_in_and_comes_back_to_where_they_were() {
    let (fake, bff) = system().await;
    let list = bff.anonymous().get("/auth/oidc").await.expect(200).json();
    assert_eq!(
        list,
        json!({ "items": [
        { "id": "fake", "name": "fake", "loginPath": "/auth/oidc/fake/login" }
    ] })
    );
    assert_eq!(fake.front.requests().len(), 0, "a provider is asked when somebody signs in, and not before");

    let actor = bff.anonymous();
    let begun = begin(&actor, "fake", "/feed?tab=1#top").await;
    assert_eq!(begun.answer.header("cache-control"), Some("no-store"));
    assert_eq!(begun.answer.header("referrer-policy"), Some("no-referrer"));
    assert!(
        begun.there.as_str().starts_with(&format!("{}/auth?tenant=7&", fake.issuer())),
        "{}",
        begun.there
    );
    for (name, value) in [
        ("response_type", "code".to_owned()),
        ("client_id", "bff client".to_owned()),
        ("redirect_uri", format!("{}/auth/oidc/fake/callback", bff.url())),
        ("scope", "openid email profile".to_owned()),
        ("code_challenge_method", "S256".to_owned()),
    ] {
        assert_eq!(begun.asked(name), value);
    }
    assert_eq!((begun.asked("state").len(), begun.asked("nonce").len()), (22, 22));
    let set = begun.answer.all("set-cookie").join("\n");
    assert!(set.starts_with("oidc-"), "{set}");
    assert!(set.ends_with("; Max-Age=600; Path=/; HttpOnly; SameSite=Lax"), "{set}");

    let back = finish(&fake, &begun).await.expect(303);
    assert_eq!(back.header("location"), Some("/feed?tab=1#top"));
    assert_eq!(back.header("cache-control"), Some("no-store"));
    assert_eq!(back.header("referrer-policy"), Some("no-referrer"));
    let (name, _) = begun.cookie.split_once('=').expect("a pair");
    let cleared = format!("{name}=; Max-Age=0;");
    assert!(
        back.all("set-cookie").iter().any(|line| line.starts_with(&cleared)),
        "{:?}",
        back.all("set-cookie")
    );

    let user = &actor.get("/auth/session").await.expect(200).json()["user"];
    assert_eq!(user["displayName"], "Ada Lovelace");
    assert_eq!(user["email"], "planted-ada-oidc@mail.example");
    let _ = actor.get("/bff/home-feed").await.expect(200);
    assert_eq!(fake.asked("/me"), 0, "what the token says needs not be asked for");

    // The same person the next time, under whatever name.
    fake.says(|says| says.claims = json!({ "name": "Ada King", "email": null }));
    let again = signed_in(&fake, &bff).await;
    assert_eq!(again.get("/auth/session").await.expect(200).json()["user"]["id"], user["id"]);
    assert_eq!(fake.asked("/.well-known/openid-configuration"), 1, "held");
}

#[tokio::test]
async fn what_the_token_does_not_say_is_asked_for() {
    let (fake, bff) = system().await;
    fake.says(|says| {
        says.claims = json!({ "name": null, "email": null });
        let email = "planted-asked@mail.example";
        says.user_info = json!({ "sub": "ada", "name": "Asked For", "email": email, "email_verified": true });
    });
    let actor = signed_in(&fake, &bff).await;
    let user = &actor.get("/auth/session").await.expect(200).json()["user"];
    assert_eq!(
        (&user["displayName"], &user["email"]),
        (&json!("Asked For"), &json!("planted-asked@mail.example"))
    );
    assert_eq!(fake.asked("/me"), 1);

    fake.says(|says| says.user_info["sub"] = json!("somebody-else"));
    let actor = bff.anonymous();
    let begun = begin(&actor, "fake", "/").await;
    finish(&fake, &begun).await.expect_problem(400, "oidc_token_invalid");
    assert!(actor.cookie().is_none());
}

#[tokio::test]
async fn an_address_that_the_provider_has_not_verified_goes_no_further() {
    let (fake, bff) = system().await;
    for verified in [json!(false), json!(null), json!("no")] {
        let subject = format!("unverified-{verified}");
        fake.says(|says| {
            says.claims = json!({ "sub": subject, "email_verified": verified });
            says.user_info = json!({ "sub": subject, "email": "planted-other@mail.example" });
        });
        let actor = signed_in(&fake, &bff).await;
        assert_eq!(actor.get("/auth/session").await.expect(200).json()["user"]["email"], "", "{verified}");
    }
}

#[tokio::test]
async fn what_the_browser_was_signed_in_with_before_ends() {
    let (fake, bff) = system().await;
    let actor = bff.signed_in("grace").await;
    let before = actor.clone().signed_out();
    before.set_cookie(actor.cookie());
    let begun = begin(&actor, "fake", "/").await;
    let _ = before.get("/auth/session").await.expect(200);
    let _ = finish(&fake, &begun).await.expect(303);
    assert_eq!(actor.get("/auth/session").await.expect(200).json()["user"]["displayName"], "Ada Lovelace");
    before.get("/auth/session").await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn several_tabs_finish_in_any_order() {
    let (fake, bff) = system().await;
    let actor = bff.anonymous();
    let first = begin(&actor, "fake", "/first").await;
    let second = begin(&actor, "fake", "/second").await;
    let both = format!("{}; {}", first.cookie, second.cookie);
    for (begun, there) in [(&second, "/second"), (&first, "/first")] {
        let (code, state) = (fake.code(begun), begun.asked("state"));
        let pairs = [("code", code.as_str()), ("state", &state), ("iss", fake.issuer())];
        let back = begun.back_to("fake", &actor, Some(&both), &pairs).await.expect(303);
        assert_eq!(back.header("location"), Some(there));
        let _ = actor.get("/auth/session").await.expect(200);
    }
}

#[tokio::test]
async fn a_provider_may_start_later_and_go_away_meanwhile() {
    let fake = Fake::start().await;
    fake.front.refuse().await;
    let bff = fake.of(TestBff::builder(), "fake").spawn().await;
    let actor = bff.anonymous();
    let refused = actor.get("/auth/oidc/fake/login").await;
    refused.expect_problem(503, "oidc_provider_unavailable");
    assert!(refused.header("retry-after").is_some());
    fake.front.heal().await;
    tests::eventually("the provider to be asked again", || async {
        (actor.get("/auth/oidc/fake/login").await.status == 303).then_some(())
    })
    .await;
    // Between the two visits.
    let begun = begin(&actor, "fake", "/").await;
    let code = fake.code(&begun);
    fake.front.refuse().await;
    begun.back_with(&fake, &code).await.expect_problem(503, "oidc_provider_unavailable");
    fake.front.heal().await;
    let begun = begin(&actor, "fake", "/").await;
    let _ = finish(&fake, &begun).await.expect(303);
}

#[tokio::test]
async fn a_providers_new_key_is_taken_at_once() {
    let (fake, bff) = system().await;
    let _ = signed_in(&fake, &bff).await;
    fake.says(|says| {
        says.key = Key::new("second");
        says.keys.push(says.key.public.clone());
    });
    let _ = signed_in(&fake, &bff).await;
    assert_eq!(fake.asked("/keys"), 2);
    let _ = signed_in(&fake, &bff).await;
    assert_eq!(fake.asked("/keys"), 2);
}

#[tokio::test]
async fn a_public_client_has_no_secret_and_names_itself() {
    let fake = Fake::start().await;
    let builder = TestBff::builder()
        .set("oidc.public.issuer", fake.issuer())
        .set("oidc.public.client_id", "public-client")
        .set("oidc.public.token_auth", "none")
        .set("oidc.public.scopes", "openid")
        .set("oidc.public.display_name", "Company account")
        .set("http.public_url", "https://app.example");
    let bff = builder.spawn().await;
    let list = bff.anonymous().get("/auth/oidc").await.expect(200).json();
    assert_eq!(list["items"][0]["name"], "Company account");
    let begun = begin(&bff.anonymous(), "public", "/").await;
    assert_eq!(begun.asked("redirect_uri"), "https://app.example/auth/oidc/public/callback");
    assert_eq!(begun.asked("scope"), "openid");
    let (code, state) = (fake.code(&begun), begun.asked("state"));
    let pairs = [("code", code.as_str()), ("state", &state), ("iss", fake.issuer())];
    // This provider wants a secret: what counts is what it was sent.
    let _ = begun.back_to("public", &begun.actor, Some(&begun.cookie), &pairs).await;
    let requests = fake.front.requests();
    let sent = requests.iter().find(|request| request.line().contains("/token")).expect("a request");
    assert!(sent.header("authorization").is_none());
    let body = String::from_utf8_lossy(&sent.body).into_owned();
    assert!(body.contains("client_id=public-client") && !body.contains("secret"), "{body}");
}
