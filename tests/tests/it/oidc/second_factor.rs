//! Members whose own second factor is on sign in through a provider.

use reqwest::Method;
use serde_json::json;
use tests::{
    Actor, Answer, Fault, TestBff,
    leak_canaries::{Secret, plant},
    redis::RedisServer,
};

use super::{Begun, Fake, begin, finish, logout::order, signed_in, system};
use crate::second_factor::{code, switch_on};

const PAGE: &str = "/auth/oidc/fake/second-factor";
const FORM: &str = "application/x-www-form-urlencoded";

/// Somebody at the second step.
struct Waiting {
    actor: Actor,
    /// `name=value` of its cookie.
    cookie: String,
}

/// Makes a member with a second factor; its secret, and the next step whose code counts.
async fn with_second_factor(fake: &Fake, bff: &TestBff) -> (String, u64) {
    let actor = signed_in(fake, bff).await;
    actor.learn_csrf_token().await;
    let (secret, used, _) = switch_on(&actor).await;
    (secret, used + 1)
}

/// What is set by an answer that leads to the second step.
fn cookie_of(answer: &Answer) -> String {
    let lines = answer.all("set-cookie");
    let set = lines.iter().find(|line| line.starts_with("oidc-code=") && !line.contains("Max-Age=0"));
    let set = set.unwrap_or_else(|| panic!("a cookie: {lines:?}"));
    assert!(set.ends_with("; Max-Age=300; Path=/; HttpOnly; SameSite=Lax"), "{set}");
    let pair = set.split(';').next().expect("a pair").to_owned();
    plant(Secret::SessionCookie, pair.split_once('=').expect("a pair").1);
    pair
}

/// Goes through the provider, up to the code.
async fn until_the_code(fake: &Fake, actor: &Actor, return_to: &str) -> Waiting {
    let begun = begin(actor, "fake", return_to).await;
    let answer = finish(fake, &begun).await.expect(303);
    assert_eq!(answer.header("location"), Some(PAGE));
    assert!(actor.cookie().is_none(), "no session before the code");
    Waiting { actor: actor.clone(), cookie: cookie_of(&answer) }
}

impl Waiting {
    async fn by_json(&self, otp: &str) -> Answer {
        let request = self.actor.request(Method::POST, PAGE).header("sec-fetch-site", "same-origin");
        request.header("cookie", &self.cookie).json(&json!({ "otp": otp })).send().await
    }

    async fn by_form(&self, otp: &str) -> Answer {
        let form = url::form_urlencoded::Serializer::new(String::new()).append_pair("otp", otp).finish();
        let request = self.actor.request(Method::POST, PAGE).header("sec-fetch-site", "same-origin");
        let request =
            request.header("sec-fetch-mode", "navigate").header("accept-language", "ko-KR,ko;q=0.9");
        request.header("cookie", &self.cookie).header("content-type", FORM).body(form).send().await
    }
}

#[tokio::test]
async fn the_code_is_asked_for_before_there_is_a_session() {
    let (fake, bff) = system().await;
    let (secret, step) = with_second_factor(&fake, &bff).await;
    let waiting = until_the_code(&fake, &bff.anonymous(), "/feed?tab=1#top").await;
    waiting.actor.get("/auth/session").await.expect_problem(401, "unauthenticated");

    for (language, words) in [("ko,en;q=0.5", "인증 코드"), ("de,en;q=0.5", "One more step")] {
        let request = waiting.actor.request(Method::GET, PAGE).header("cookie", &waiting.cookie);
        let page = request.header("accept-language", language).send().await.expect(200);
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
        assert_eq!(page.header("cache-control"), Some("no-store"));
        let policy = page.header("content-security-policy").expect("a policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(page.text().contains(words) && page.text().contains("name=\"otp\""), "{}", page.text());
    }

    let wrong = waiting.by_form("000000").await;
    assert_eq!(wrong.status, 401);
    assert!(wrong.text().contains("코드가 틀렸거나") && wrong.text().contains("<form"), "{}", wrong.text());
    assert!(waiting.actor.cookie().is_none());
    let done = waiting.by_form(&code(&secret, step)).await.expect(303);
    assert_eq!(done.header("location"), Some("/feed?tab=1#top"));
    assert!(done.all("set-cookie").iter().any(|line| line.starts_with("oidc-code=; Max-Age=0")));
    let user = &waiting.actor.get("/auth/session").await.expect(200).json()["user"];
    assert_eq!((&user["displayName"], &user["totpEnabled"]), (&json!("Ada Lovelace"), &json!(true)));
    // The provider can sign out what the code let in.
    let _ = order(&bff.anonymous(), &fake.logout_token(&json!({}))).await.expect(200);
    waiting.actor.get("/auth/session").await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_front_end_asks_on_a_page_of_its_own() {
    let fake = Fake::start().await;
    let page = format!("{}/code", TestBff::ORIGIN);
    let builder = fake.of(TestBff::builder(), "fake").set("oidc.fake.second_factor_page", &page);
    let bff = builder.spawn().await;
    let (secret, step) = with_second_factor(&fake, &bff).await;
    let actor = bff.anonymous();
    let begun = begin(&actor, "fake", "/feed").await;
    let answer = finish(&fake, &begun).await.expect(303);
    assert_eq!(answer.header("location"), Some(page.as_str()));
    let waiting = Waiting { actor, cookie: cookie_of(&answer) };
    waiting.by_json("000000").await.expect_problem(401, "otp_invalid");
    assert_eq!(waiting.by_json("").await.field_errors(), [("otp".into(), "too_short".into())]);
    let done = waiting.by_json(&code(&secret, step)).await.expect(200);
    assert_eq!(done.header("cache-control"), Some("no-store"));
    let done = done.json();
    assert_eq!((&done["returnTo"], &done["user"]["totpEnabled"]), (&json!("/feed"), &json!(true)));
    let session = waiting.actor.get("/auth/session").await.expect(200).json();
    assert_eq!(session["csrfToken"], done["csrfToken"]);
}

#[tokio::test]
async fn the_step_belongs_to_one_browser_and_counts_once() {
    let (fake, bff) = system().await;
    let (secret, step) = with_second_factor(&fake, &bff).await;
    let waiting = until_the_code(&fake, &bff.anonymous(), "/").await;
    let request = |cookie: &str, site: &str| {
        let request = bff.anonymous().request(Method::POST, PAGE).header("sec-fetch-site", site);
        request.header("cookie", cookie).json(&json!({ "otp": code(&secret, step) })).send()
    };
    request("a=b", "same-origin").await.expect_problem(400, "oidc_state_invalid");
    let (name, value) = waiting.cookie.split_once('=').expect("a pair");
    let other = if value.starts_with('A') { 'B' } else { 'A' };
    let forged = format!("{name}={other}{}", &value[1..]);
    request(&forged, "same-origin").await.expect_problem(400, "oidc_state_invalid");
    request(&waiting.cookie, "cross-site").await.expect_problem(403, "csrf_failed");
    bff.anonymous().get(PAGE).await.expect_problem(400, "oidc_state_invalid");
    let _ = waiting.by_json(&code(&secret, step)).await.expect(200);
    // A code of the same step is used up, and with another one the step itself is.
    let again = Waiting { actor: bff.anonymous(), cookie: waiting.cookie.clone() };
    again.by_json(&code(&secret, step)).await.expect_problem(401, "otp_invalid");
    assert!(again.actor.cookie().is_none());
}

#[tokio::test]
async fn of_two_right_codes_for_one_step_one_counts_on_two_gateways() {
    let redis = RedisServer::start().await;
    let fake = Fake::start().await;
    let builder = TestBff::builder().redis(&redis).set("http.public_url", "https://app.example");
    let first = fake.of(builder, "fake").spawn().await;
    let second = first.replica().await;
    let actor = signed_in(&fake, &first).await;
    actor.learn_csrf_token().await;
    let (_, _, confirmed) = switch_on(&actor).await;
    let recovery: Vec<String> =
        serde_json::from_value(confirmed.json()["recoveryCodes"].clone()).expect("a list of codes");
    let begun = begin(&first.anonymous(), "fake", "/").await;
    let answer = finish(&fake, &begun).await.expect(303);
    let cookie = cookie_of(&answer);
    let here = Waiting { actor: first.anonymous(), cookie: cookie.clone() };
    let there = Waiting { actor: second.anonymous(), cookie };
    let (one, other) = tokio::join!(here.by_json(&recovery[0]), there.by_json(&recovery[1]));
    let mut answers = [one, other];
    answers.sort_by_key(|answer| answer.status);
    assert_eq!(answers[0].status, 200, "{}", answers[0].text());
    answers[1].expect_problem(400, "oidc_state_invalid");
    assert_eq!([&here, &there].iter().filter(|waiting| waiting.actor.cookie().is_some()).count(), 1);
}

#[tokio::test]
async fn guesses_come_to_an_end_whatever_they_are_tried_on() {
    let (fake, bff) = system().await;
    let (secret, step) = with_second_factor(&fake, &bff).await;
    let first = until_the_code(&fake, &bff.anonymous(), "/").await;
    for _ in 0..3 {
        first.by_json("000000").await.expect_problem(401, "otp_invalid");
    }
    let second = until_the_code(&fake, &bff.anonymous(), "/").await;
    for _ in 0..2 {
        second.by_json("000000").await.expect_problem(401, "otp_invalid");
    }
    let refused = second.by_json(&code(&secret, step)).await;
    refused.expect_problem(429, "too_many_attempts");
    assert!(refused.header("retry-after").is_some());
    let page = first.by_form(&code(&secret, step)).await;
    assert_eq!(page.status, 429);
    assert!(
        page.text().contains("시도가 너무 많습니다") && page.text().contains("분 뒤에"),
        "{}",
        page.text()
    );
    assert!(first.actor.cookie().is_none() && second.actor.cookie().is_none());
}

#[tokio::test]
async fn a_service_that_cannot_check_a_code_lets_nobody_in() {
    let (fake, bff) = system().await;
    let (secret, step) = with_second_factor(&fake, &bff).await;
    let waiting = until_the_code(&fake, &bff.anonymous(), "/").await;
    for status in [404, 405, 501] {
        bff.profile.fail_on("/members/me/totp/verify", Fault::Status(status));
        let refused = waiting.by_json(&code(&secret, step)).await;
        refused.expect_problem(403, "second_factor_unavailable");
        let page = waiting.by_form(&code(&secret, step)).await;
        assert!(page.status == 403 && page.text().contains("비밀번호와 인증 코드로"), "{}", page.text());
        bff.profile.heal().await;
    }
    bff.profile.fail_on("/members/me/totp/verify", Fault::Status500);
    assert_eq!(waiting.by_json(&code(&secret, step)).await.status, 502);
    bff.profile.heal().await;
    assert!(waiting.actor.cookie().is_none());
    tests::eventually("the operator to be told", || async {
        bff.output().contains("has no `POST /members/me/totp/verify`").then_some(())
    })
    .await;
    // None of it was a guess.
    let _ = waiting.by_json(&code(&secret, step)).await.expect(200);
}

#[tokio::test]
async fn what_happens_meanwhile_counts() {
    let (fake, bff) = system().await;
    let (secret, step) = with_second_factor(&fake, &bff).await;
    let waiting = until_the_code(&fake, &bff.anonymous(), "/").await;
    let _ = order(&bff.anonymous(), &fake.logout_token(&json!({}))).await.expect(200);
    waiting.by_json(&code(&secret, step)).await.expect_problem(400, "oidc_token_invalid");
    assert!(waiting.actor.cookie().is_none(), "the provider has signed them out");
}

#[tokio::test]
async fn a_provider_that_asks_itself_is_enough_where_the_operator_says_so() {
    let fake = Fake::start().await;
    let builder = fake.of(TestBff::builder(), "fake").set("oidc.fake.second_factor", "provider");
    let bff = builder.spawn().await;
    let _ = with_second_factor(&fake, &bff).await;
    let actor = signed_in(&fake, &bff).await;
    assert_eq!(actor.get("/auth/session").await.expect(200).json()["user"]["totpEnabled"], true);
}

#[tokio::test]
async fn a_page_that_is_loaded_again_leads_to_the_code_that_is_waited_for() {
    let (fake, bff) = system().await;
    let _ = with_second_factor(&fake, &bff).await;
    let begun: Begun = begin(&bff.anonymous(), "fake", "/").await;
    let code = fake.code(&begun);
    let answer = begun.back_with(&fake, &code).await.expect(303);
    let query = format!("/auth/oidc/fake/callback?code={code}&state={}", begun.asked("state"));
    let request = begun.actor.request(Method::GET, &query).header("sec-fetch-mode", "navigate");
    let again = request.header("cookie", &cookie_of(&answer)).send().await.expect(303);
    assert_eq!(again.header("location"), Some(PAGE));
}
