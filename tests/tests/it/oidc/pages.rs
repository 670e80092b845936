//! People at a dead end of a sign-in: pages that say what to do, tabs, and browsers that look ahead.

use reqwest::Method;
use tests::{Actor, Answer, Fault, TestBff};

use super::{Fake, begin, finish, system};

/// A browser loads a page.
async fn load(actor: &Actor, path: &str, language: &str, cookie: Option<&str>) -> Answer {
    let request = actor.request(Method::GET, path).header("sec-fetch-mode", "navigate");
    let request = request.header("accept", "text/html,*/*;q=0.8").header("accept-language", language);
    let request = match cookie {
        Some(cookie) => request.header("cookie", cookie),
        None => request,
    };
    request.send().await
}

#[track_caller]
fn expect_page(answer: &Answer, status: u16, language: &str, words: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"), "{}", answer.text());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let policy = answer.header("content-security-policy").expect("a policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let text = answer.text();
    assert!(text.contains(&format!("<html lang=\"{language}\">")) && text.contains(words), "{text}");
    assert!(!text.contains("planted") && !text.contains("<script"), "{text}");
}

#[tokio::test]
async fn a_callback_that_is_loaded_again_leads_on_where_one_is_signed_in() {
    let (fake, bff) = system().await;
    let actor = bff.anonymous();
    let begun = begin(&actor, "fake", "/feed?tab=1").await;
    let (code, state) = (fake.code(&begun), begun.asked("state"));
    let path = format!("/auth/oidc/fake/callback?code={code}&state={state}&iss={}", fake.issuer());
    let _ = begun.back_with(&fake, &code).await.expect(303);
    // The browser has cleared the attempt's cookie.
    let again = load(&actor, &path, "en", None).await.expect(303);
    assert_eq!(again.header("location"), Some("/"));
    assert_eq!(again.header("cache-control"), Some("no-store"));
    let _ = actor.get("/auth/session").await.expect(200);
    // It is there still, as when two loads overlap: then where they wanted to go is known.
    let both = format!("{}; {}", actor.cookie().expect("a session"), begun.cookie);
    let request = bff.anonymous().request(Method::GET, &path).header("accept", "text/html");
    let again = request.header("cookie", &both).send().await.expect(303);
    assert_eq!(again.header("location"), Some("/feed?tab=1"));
    assert_eq!(fake.asked("/token"), 1);
    // A program is told as before.
    actor.get(&path).await.expect_problem(400, "oidc_state_invalid");
    // Somebody who is not signed in is told what to do.
    let page = load(&bff.anonymous(), &path, "ko-KR,ko;q=0.9,en;q=0.8", None).await;
    expect_page(&page, 400, "ko", "이 로그인은 끝낼 수 없습니다");
    assert!(page.text().contains("href=\"/auth/oidc/fake/login\""), "{}", page.text());
}

#[tokio::test]
async fn every_dead_end_has_a_page_and_repeats_nothing() {
    let (fake, bff) = system().await;
    let nobody = bff.anonymous();
    let evil = "%22%3E%3Cscript%3Eplanted%3C%2Fscript%3E";
    for (path, status, words) in [
        (
            format!("/auth/oidc/fake/callback?state={evil}&code={evil}"),
            400,
            "This sign-in cannot be finished",
        ),
        (format!("/auth/oidc/fake/login?returnTo={evil}"), 400, "This link leads nowhere"),
        (format!("/auth/oidc/{evil}/callback"), 404, "This link leads nowhere"),
        (format!("/auth/oidc/other/login?x={evil}"), 404, "This link leads nowhere"),
        ("/auth/oidc/fake/second-factor".to_owned(), 400, "This sign-in cannot be finished"),
    ] {
        expect_page(&load(&nobody, &path, "en-GB", None).await, status, "en", words);
        assert_eq!(
            nobody.get(&path).await.header("content-type"),
            Some("application/problem+json"),
            "{path}"
        );
    }
    let back = async |pairs: &[(&str, &str)]| {
        let begun = begin(&nobody, "fake", "/").await;
        let state = begun.asked("state");
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let query = query.append_pair("state", &state).append_pair("iss", fake.issuer()).extend_pairs(pairs);
        let path = format!("/auth/oidc/fake/callback?{}", query.finish());
        load(&nobody, &path, "en", Some(&begun.cookie)).await
    };
    let answer = back(&[("error", "server_error"), ("error_description", "planted")]).await;
    expect_page(&answer, 503, "en", "Signing in does not work at the moment");
    expect_page(&back(&[("code", "planted-unknown")]).await, 400, "en", "The sign-in did not work");
    fake.front.fail_on("/token", Fault::Status500);
    expect_page(&back(&[("code", "planted")]).await, 503, "en", "Signing in does not work");
    fake.front.refuse().await;
    expect_page(&back(&[("code", "planted")]).await, 503, "en", "Signing in does not work");
}

#[tokio::test]
async fn too_many_requests_are_told_people_as_well() {
    let fake = Fake::start().await;
    let builder = fake.of(TestBff::builder(), "fake");
    let bff = builder.set("limits.anonymous.per_second", 1).set("limits.anonymous.burst", 1).spawn().await;
    let page = tests::eventually("the limit", || async {
        let answer = load(&bff.anonymous(), "/auth/oidc/fake/callback", "ko", None).await;
        (answer.status == 429).then_some(answer)
    })
    .await;
    expect_page(&page, 429, "ko", "시도가 너무 많습니다");
    assert!(page.header("retry-after").is_some());
}

#[tokio::test]
async fn a_look_ahead_begins_no_sign_in() {
    let (_fake, bff) = system().await;
    for (name, value) in [
        ("sec-purpose", "prefetch"),
        ("sec-purpose", "prefetch;prerender"),
        ("sec-purpose", "prefetch;anonymous-client-ip"),
        ("purpose", "prefetch"),
        ("x-moz", "prefetch"),
    ] {
        let request = bff.anonymous().request(Method::GET, "/auth/oidc/fake/login").header(name, value);
        let answer = request.send().await;
        answer.expect_problem(503, "prefetch_refused");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{name}");
        let vary = answer.header("vary").expect("Vary").to_ascii_lowercase();
        assert!(vary.split(", ").any(|known| known == name), "{vary}");
        assert!(answer.all("set-cookie").is_empty() && answer.header("location").is_none(), "{name}");
    }
    let other = bff.anonymous().request(Method::GET, "/auth/oidc/fake/login").header("sec-purpose", "other");
    let _ = other.send().await.expect(303);
}

/// A browser's cookies after an answer.
fn keep(jar: &mut Vec<String>, answer: &Answer) {
    for line in answer.all("set-cookie") {
        let pair = line.split(';').next().expect("a pair").to_owned();
        let (name, value) = pair.split_once('=').expect("a pair");
        jar.retain(|held: &String| !held.starts_with(&format!("{name}=")));
        if !value.is_empty() {
            jar.push(pair);
        }
    }
}

#[tokio::test]
async fn seven_tabs_all_sign_in_and_the_cookies_stay_small() {
    let (fake, bff) = system().await;
    let actor = bff.anonymous();
    for return_to in [
        "/recipes/0198c0de-0000-7000-8000-000000000000?from=home".to_owned(),
        format!("/{}", "x".repeat(300)),
    ] {
        let (mut jar, mut tabs) = (Vec::new(), Vec::new());
        for _ in 0..7 {
            let path = format!("/auth/oidc/fake/login?returnTo={return_to}");
            let request = bff.anonymous().request(Method::GET, &path);
            let answer = request.header("cookie", &jar.join("; ")).send().await.expect(303);
            keep(&mut jar, &answer);
            let mut begun = begin(&actor, "fake", "/").await;
            begun.there = answer.header("location").expect("a way").parse().expect("a URL");
            tabs.push(begun);
        }
        assert_eq!(jar.len(), 7);
        for begun in tabs {
            let code = fake.code(&begun);
            let pairs = [("code", code.as_str()), ("state", &begun.asked("state")), ("iss", fake.issuer())];
            let back = begun.back_to("fake", &actor, Some(&jar.join("; ")), &pairs).await.expect(303);
            assert_eq!(back.header("location"), Some(return_to.as_str()));
        }
    }
    // However many are begun, and however long the way back is: a server in front takes the header.
    for length in [1, 400, 1000] {
        let mut jar = Vec::new();
        for _ in 0..30 {
            let path = format!("/auth/oidc/fake/login?returnTo=/{}", "x".repeat(length));
            let request = bff.anonymous().request(Method::GET, &path);
            let answer = request.header("cookie", &jar.join("; ")).send().await.expect(303);
            keep(&mut jar, &answer);
            assert!(jar.join("; ").len() <= 5 * 1024 + 32, "{length}: {}", jar.join("; ").len());
        }
        assert!((3..=16).contains(&jar.len()), "{length}: {}", jar.len());
    }
}

#[tokio::test]
async fn a_way_back_with_quotes_in_it_is_found() {
    let (fake, bff) = system().await;
    let there = "/search?q=\"fried\"";
    let begun = begin(&bff.anonymous(), "fake", there).await;
    assert_eq!(finish(&fake, &begun).await.expect(303).header("location"), Some(there));
}
