//! What is refused before a provider's token is looked at: answers that nobody asked for, and ways back to strangers.

use reqwest::Method;
use tests::TestBff;

use super::{Fake, begin, finish, system};

#[tokio::test]
async fn an_answer_that_this_browser_did_not_ask_for_is_refused() {
    let fake = Fake::start().await;
    let bff = fake.of(fake.of(TestBff::builder(), "fake"), "twin").spawn().await;
    let (victim, attacker) = (bff.anonymous(), bff.anonymous());
    let begun = begin(&attacker, "fake", "/").await;
    let others = begin(&victim, "fake", "/").await;
    let (code, state) = (fake.code(&begun), begun.asked("state"));
    let with = |state: &'static str| [("code", "any"), ("state", state), ("iss", "any")];
    let pairs = [("code", code.as_str()), ("state", state.as_str()), ("iss", fake.issuer())];
    // Login forgery: the attacker's own answer in the victim's browser, which has begun one or none.
    for cookie in [None, Some(others.cookie.as_str())] {
        let answer = begun.back_to("fake", &victim, cookie, &pairs).await;
        answer.expect_problem(400, "oidc_state_invalid");
        assert!(answer.all("set-cookie").is_empty());
    }
    // Under the name of another provider, though the answer would be sound there.
    begun
        .back_to("twin", &attacker, Some(&begun.cookie), &pairs)
        .await
        .expect_problem(400, "oidc_state_invalid");
    for forged in [with(""), with("AAAAAAAAAAAAAAAAAAAAAA"), with("%00")] {
        begun.back(&forged).await.expect_problem(400, "oidc_state_invalid");
    }
    begun.back(&[("code", &code)]).await.expect_problem(400, "oidc_state_invalid");
    let twice = [("code", code.as_str()), ("state", &state), ("state", &state)];
    begun.back(&twice).await.expect_problem(400, "oidc_state_invalid");
    // The cookie of one attempt under the name of the other.
    let (name, _) = begun.cookie.split_once('=').expect("a pair");
    let (_, value) = others.cookie.split_once('=').expect("a pair");
    let swapped = format!("{name}={value}");
    begun.back_to("fake", &attacker, Some(&swapped), &pairs).await.expect_problem(400, "oidc_state_invalid");
    assert_eq!(fake.asked("/token"), 0, "no code went anywhere");
    // None of it has used the attempt up.
    let _ = begun.back(&pairs).await.expect(303);
    let _ = attacker.get("/auth/session").await.expect(200);
    victim.get("/auth/session").await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn an_answer_counts_once() {
    let (fake, bff) = system().await;
    let actor = bff.anonymous();
    let begun = begin(&actor, "fake", "/").await;
    let code = fake.code(&begun);
    let _ = begun.back_with(&fake, &code).await.expect(303);
    // The browser goes back, or somebody read the address.
    begun.back_with(&fake, &code).await.expect_problem(400, "oidc_state_invalid");
    assert_eq!(fake.asked("/token"), 1, "a code is sent once");
    let _ = actor.get("/auth/session").await.expect(200);
    // With a sign-in of one's own the stolen code is of no use either: it was used, and it was made for another one.
    let thief = bff.anonymous();
    let own = begin(&thief, "fake", "/").await;
    own.back_with(&fake, &code).await.expect_problem(400, "oidc_code_refused");
    let unused = fake.code(&begun);
    let own = begin(&thief, "fake", "/").await;
    own.back_with(&fake, &unused).await.expect_problem(400, "oidc_code_refused");
    assert!(thief.cookie().is_none());
    // Nor does an answer that was refused count again.
    own.back_with(&fake, &fake.code(&own)).await.expect_problem(400, "oidc_state_invalid");
}

#[tokio::test]
async fn the_answer_must_come_from_the_provider_that_was_asked() {
    let (fake, bff) = system().await;
    let actor = bff.anonymous();
    let begun = begin(&actor, "fake", "/").await;
    let (code, state) = (fake.code(&begun), begun.asked("state"));
    let slash = format!("{}/", fake.issuer());
    for issuer in ["https://evil.example", "", &slash] {
        let pairs = [("code", code.as_str()), ("state", &state), ("iss", issuer)];
        begun.back(&pairs).await.expect_problem(400, "oidc_issuer_mismatch");
    }
    let twice = [("code", code.as_str()), ("state", &state), ("iss", fake.issuer()), ("iss", fake.issuer())];
    begun.back(&twice).await.expect_problem(400, "oidc_issuer_mismatch");
    // It says that it always names itself.
    begun.back(&[("code", &code), ("state", &state)]).await.expect_problem(400, "oidc_issuer_mismatch");
    let error = [("error", "access_denied"), ("state", state.as_str()), ("iss", "https://evil.example")];
    begun.back(&error).await.expect_problem(400, "oidc_issuer_mismatch");
    assert_eq!(fake.asked("/token"), 0, "no code went anywhere");

    // One that does not say so need not.
    let fake = Fake::start().await;
    fake.says(|says| {
        says.metadata = serde_json::json!({ "authorization_response_iss_parameter_supported": null })
    });
    let bff = fake.of(TestBff::builder(), "fake").spawn().await;
    let begun = begin(&bff.anonymous(), "fake", "/").await;
    let (code, state) = (fake.code(&begun), begun.asked("state"));
    let pairs = [("code", code.as_str()), ("state", state.as_str())];
    let named = [&pairs[..], &[("iss", "https://evil.example")]].concat();
    begun.back(&named).await.expect_problem(400, "oidc_issuer_mismatch");
    let _ = begun.back(&pairs).await.expect(303);
}

#[tokio::test]
async fn the_way_back_leads_to_our_own_pages_alone() {
    let (fake, bff) = system().await;
    let actor = bff.anonymous();
    let login = |return_to: &str| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        format!("/auth/oidc/fake/login?{}", query.append_pair("returnTo", return_to).finish())
    };
    for open in [
        "https://evil.example",
        "https://app.example.evil.example/",
        "https://app.example@evil.example/",
        "http://app.example/",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\/evil.example",
        "/\t/evil.example",
        "/\r\nlocation: https://evil.example",
        "javascript:alert(1)",
        "evil.example",
        "",
        " /",
    ] {
        let answer = actor.get(&login(open)).await;
        answer.expect_problem(400, "return_to_not_allowed");
        assert!(answer.header("location").is_none() && answer.all("set-cookie").is_empty(), "{open:?}");
    }
    let twice = format!("{}&returnTo=/", login("/"));
    actor.get(&twice).await.expect_problem(400, "return_to_not_allowed");
    let page = format!("{}/feed?tab=1", TestBff::ORIGIN);
    for own in ["/", "/feed?next=https://evil.example#x", "http://localhost:3000/", &page] {
        let begun = begin(&actor, "fake", own).await;
        assert_eq!(finish(&fake, &begun).await.expect(303).header("location"), Some(own));
    }
    let answer = actor.get("/auth/oidc/fake/login").await.expect(303);
    assert!(answer.header("location").is_some(), "returnTo may be left out");
}

#[tokio::test]
async fn somebody_who_does_not_want_to_sign_in_is_sent_back() {
    let (fake, bff) = system().await;
    let actor = bff.anonymous();
    let begun = begin(&actor, "fake", "/feed?tab=1#top").await;
    let state = begun.asked("state");
    let denied =
        [("error", "access_denied"), ("error_description", "<b>"), ("state", &state), ("iss", fake.issuer())];
    let back = begun.back(&denied).await.expect(303);
    assert_eq!(back.header("location"), Some("/feed?tab=1&error=access_denied#top"));
    assert!(actor.cookie().is_none());
    begun.back(&denied).await.expect_problem(400, "oidc_state_invalid");
    for error in ["server_error", "temporarily_unavailable", "invalid_scope", "planted-unknown-error"] {
        let begun = begin(&actor, "fake", "/").await;
        let state = begun.asked("state");
        let answer = begun.back(&[("error", error), ("state", &state), ("iss", fake.issuer())]).await;
        answer.expect_problem(503, "oidc_provider_unavailable");
    }
    assert!(!bff.output().contains("planted-unknown-error"), "the caller's own words are not repeated");
}

#[tokio::test]
async fn what_is_not_there_is_not_found_and_a_look_ahead_uses_nothing_up() {
    let (fake, bff) = system().await;
    let actor = bff.anonymous();
    for path in ["/auth/oidc/other/login", "/auth/oidc/FAKE/login", "/auth/oidc/other/callback?state=x"] {
        actor.get(path).await.expect_problem(404, "not_found");
    }
    let begun = begin(&actor, "fake", "/").await;
    let (code, state) = (fake.code(&begun), begun.asked("state"));
    let query = format!("/auth/oidc/fake/callback?code={code}&state={state}");
    let head = actor.request(Method::HEAD, &query).header("cookie", &begun.cookie).send().await;
    assert_eq!((head.status.as_u16(), head.header("allow")), (405, Some("GET")));
    assert_eq!(actor.request(Method::POST, "/auth/oidc/fake/login").send().await.status, 405);
    let _ = begun.back_with(&fake, &code).await.expect(303);
}
