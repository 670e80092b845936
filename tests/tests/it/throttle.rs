//! Guessing passwords: it soon comes to an end, over all gateways, and tells nothing.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    Actor, Answer, Builder, Fault, PASSWORD, TestBff, eventually, figures,
    redis::{Durability, RedisServer},
    soon,
};

use crate::second_factor::{code, switch_on};

const VERIFY: &str = "POST /members/verify";
const WINDOW: u64 = 15 * 60;

/// Whose word on where a request comes from counts here: the tests'.
fn builder() -> Builder {
    TestBff::builder().set("http.trusted_proxies", "127.0.0.0/8")
}

/// Tries `password` from `address`.
async fn attempt(nobody: &Actor, login: &str, password: &str, address: &str) -> Answer {
    attempt_at(nobody, "/auth/login", &json!({ "login": login, "password": password }), address).await
}

async fn attempt_at(nobody: &Actor, path: &str, body: &Value, address: &str) -> Answer {
    let request = nobody.signed_out().request(Method::POST, path).header("x-forwarded-for", address);
    request.json(body).send().await
}

/// Guesses wrong so many times.
async fn guess(nobody: &Actor, login: &str, address: &str, times: usize) {
    for _ in 0..times {
        attempt(nobody, login, "not the password", address).await.expect_problem(401, "bad_credentials");
    }
}

/// Checks the refusal; the seconds after which it is worth trying again.
#[track_caller]
fn throttled(answer: &Answer) -> u64 {
    answer.expect_problem(429, "too_many_attempts");
    assert_eq!(answer.all("set-cookie"), Vec::<String>::new());
    answer.header("retry-after").and_then(|seconds| seconds.parse().ok()).expect("Retry-After in seconds")
}

/// How many passwords the profile service was asked about.
fn asked(bff: &TestBff) -> usize {
    bff.profile.requests().iter().filter(|request| request.line() == VERIFY).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn after_five_wrong_passwords_the_right_one_is_refused_as_well() {
    let bff = builder().spawn().await;
    let ada = bff.signed_in("ada").await;
    let nobody = bff.anonymous();
    bff.clear_journals();
    guess(&nobody, "ada", "192.0.2.1", 5).await;
    let seconds = throttled(&attempt(&nobody, "ada", "not the password", "192.0.2.1").await);
    assert!((WINDOW - 60..=WINDOW).contains(&seconds), "{seconds}");
    for (login, address) in [("ada", "192.0.2.1"), (" ADA ", "192.0.2.1"), ("ada", "198.51.100.7")] {
        let seconds = throttled(&attempt(&nobody, login, PASSWORD, address).await);
        assert!((WINDOW - 60..=WINDOW).contains(&seconds), "{seconds}");
    }
    let input = json!({ "login": "ada", "password": PASSWORD });
    throttled(&attempt_at(&nobody, "/auth/token", &input, "192.0.2.1").await);
    assert_eq!(asked(&bff), 5, "what is refused is not tried");
    let _ = ada.get("/auth/session").await.expect(200);
    let _ = bff.sign_up("bob").await;
    let _ = attempt(&nobody, "bob", PASSWORD, "192.0.2.1").await.expect(200);
    let metrics = bff.internal("/metrics").await.text();
    assert!(metrics.contains("bff_sign_in_throttled_total{by=\"account\"} 5"), "{metrics}");
    assert!(metrics.contains("bff_sign_ins_total{outcome=\"too_many_attempts\"} 5"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_and_sessions_are_counted_together_and_a_success_begins_anew() {
    let bff = builder().spawn().await;
    let _ = bff.sign_up("ada").await;
    let nobody = bff.anonymous();
    let right = json!({ "login": "ada", "password": PASSWORD });
    let wrong = json!({ "login": "ada", "password": "not the password" });
    for path in ["/auth/login", "/auth/token"] {
        guess(&nobody, "ada", "192.0.2.1", 4).await;
        let _ = attempt_at(&nobody, path, &right, "192.0.2.1").await.expect(200);
    }
    guess(&nobody, "ada", "192.0.2.1", 3).await;
    for _ in 0..2 {
        attempt_at(&nobody, "/auth/token", &wrong, "192.0.2.1").await.expect_problem(401, "bad_credentials");
    }
    throttled(&attempt_at(&nobody, "/auth/login", &right, "192.0.2.1").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_wrong_passwords_shut_an_address_whatever_the_accounts() {
    let bff = builder().spawn().await;
    let _ = bff.sign_up("ada").await;
    let nobody = bff.anonymous();
    for number in 0..20 {
        // Any address of a network is the same one to us.
        guess(&nobody, &format!("user-{number}"), &format!("2001:db8:1:2::{number:x}"), 1).await;
    }
    throttled(&attempt(&nobody, "ada", PASSWORD, "2001:db8:1:2:ffff::1").await);
    let _ = attempt(&nobody, "ada", PASSWORD, "2001:db8:1:3::1").await.expect(200);
    let metrics = bff.internal("/metrics").await.text();
    assert!(metrics.contains("bff_sign_in_throttled_total{by=\"address\"} 1"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_guesses_at_once_five_reach_the_profile_service() {
    let bff = builder().spawn().await;
    let _ = bff.sign_up("ada").await;
    let nobody = bff.anonymous();
    bff.clear_journals();
    let addresses: Vec<_> = (0..100).map(|number| format!("192.0.2.{number}")).collect();
    let guesses = addresses.iter().map(|address| attempt(&nobody, "ada", "not the password", address));
    let answers = join_all(guesses).await;
    let refused = answers.iter().filter(|answer| answer.status == 401).count();
    assert_eq!(refused, 5);
    answers.iter().filter(|answer| answer.status != 401).for_each(|answer| {
        throttled(answer);
    });
    assert_eq!(asked(&bff), 5);
    throttled(&attempt(&nobody, "ada", PASSWORD, "198.51.100.7").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_ins_side_by_side_all_succeed() {
    let bff = builder().spawn().await;
    let _ = bff.sign_up("ada").await;
    let nobody = bff.anonymous();
    let sign_ins = (0..30).map(|_| attempt(&nobody, "ada", PASSWORD, "192.0.2.1"));
    for answer in join_all(sign_ins).await {
        let _ = answer.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_accounts_are_answered_like_known_ones() {
    let bff = builder().spawn().await;
    let _ = bff.sign_up("ada").await;
    let nobody = bff.anonymous();
    let mut told = Vec::new();
    for (login, address) in [("ada", "192.0.2.1"), ("somebody", "192.0.2.2")] {
        let mut answers = Vec::new();
        for _ in 0..7 {
            let answer = attempt(&nobody, login, "not the password", address).await;
            let mut body = answer.json();
            body["requestId"] = Value::Null;
            let mut names: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
            // A map of headers has an order of its own each time.
            names.sort_unstable();
            answers.push((answer.status.as_u16(), body, names));
        }
        told.push(answers);
    }
    assert_eq!(told[0], told[1]);
    let statuses: Vec<_> = told[0].iter().map(|(status, ..)| *status).collect();
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429, 429]);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_accounts_take_as_long_as_known_ones() {
    const TRIES: usize = 60;
    let bff = builder()
        .set("throttle.account_failures", 1000)
        .set("throttle.address_failures", 1000)
        .alone()
        .spawn()
        .await;
    let _ = bff.sign_up("ada").await;
    let nobody = bff.anonymous();
    guess(&nobody, "ada", "192.0.2.1", 5).await;
    guess(&nobody, "somebody", "192.0.2.1", 5).await;
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    // In turns, so that both meet the same machine.
    for _ in 0..TRIES {
        known.push(attempt(&nobody, "ada", "not the password", "192.0.2.1").await.took);
        unknown.push(attempt(&nobody, "somebody", "not the password", "192.0.2.1").await.took);
    }
    let spread = |mut times: Vec<Duration>| {
        times.sort_unstable();
        let ms = |at: usize| times[at].as_secs_f64() * 1000.0;
        format!("median {:.2} ms, quartiles {:.2} and {:.2}", ms(TRIES / 2), ms(TRIES / 4), ms(TRIES * 3 / 4))
    };
    figures::note("wrong password for a known account", spread(known));
    figures::note("wrong password for an unknown account", spread(unknown));
    assert_eq!(asked(&bff), 2 * (TRIES + 5), "both go all the way");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_hangs_up_has_guessed_all_the_same() {
    let bff = builder().set("upstreams.profile.timeout_ms", 60_000).spawn().await;
    let _ = bff.sign_up("ada").await;
    let nobody = bff.anonymous();
    bff.clear_journals();
    bff.profile.fail_on("/members/verify", Fault::Hold);
    for count in 1..=5 {
        let hasty = nobody.clone();
        let guess =
            tokio::spawn(async move { attempt(&hasty, "ada", "not the password", "192.0.2.1").await });
        eventually("the guess to be under way", || async { (asked(&bff) == count).then_some(()) }).await;
        guess.abort();
    }
    // Not one of them has failed yet; there is no room for a sixth all the same.
    assert_eq!(throttled(&attempt(&nobody, "ada", PASSWORD, "192.0.2.1").await), 1);
    assert_eq!(asked(&bff), 5);
    bff.heal().await;
    eventually("the guesses to have failed", || async {
        (throttled(&attempt(&nobody, "ada", PASSWORD, "192.0.2.1").await) > 1).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_service_in_trouble_is_nobodys_failure() {
    let bff = builder().spawn().await;
    let _ = bff.sign_up("ada").await;
    let nobody = bff.anonymous();
    for fault in [Fault::Status500, Fault::Reset, Fault::CutBody, Fault::Status(401)] {
        bff.profile.fail_on("/members/verify", fault);
        for _ in 0..3 {
            let answer = attempt(&nobody, "ada", "not the password", "192.0.2.1").await;
            assert!(answer.status.is_server_error(), "{}", answer.text());
        }
        bff.heal().await;
    }
    guess(&nobody, "ada", "192.0.2.1", 4).await;
    let _ = attempt(&nobody, "ada", PASSWORD, "192.0.2.1").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_ends() {
    let bff = builder().set("throttle.window_ms", 1500).spawn().await;
    let _ = bff.sign_up("ada").await;
    let nobody = bff.anonymous();
    // On a slow machine a window may end among the guesses.
    let refused = async {
        loop {
            let answer = attempt(&nobody, "ada", "not the password", "192.0.2.1").await;
            if answer.status == 429 {
                return throttled(&answer);
            }
        }
    };
    let seconds = soon("a refusal", refused).await;
    assert!((1..=2).contains(&seconds), "{seconds}");
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let _ = attempt(&nobody, "ada", PASSWORD, "192.0.2.1").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn gateways_over_one_redis_count_together() {
    let redis = RedisServer::durable(Durability::Nothing).await;
    let here = builder().redis(&redis).spawn().await;
    let there = here.replica().await;
    let _ = here.sign_up("ada").await;
    guess(&here.anonymous(), "ada", "192.0.2.1", 3).await;
    guess(&there.anonymous(), "ada", "192.0.2.2", 2).await;
    for nobody in [here.anonymous(), there.anonymous()] {
        let seconds = throttled(&attempt(&nobody, "ada", "not the password", "192.0.2.3").await);
        assert!((WINDOW - 60..=WINDOW).contains(&seconds), "{seconds}");
        throttled(&attempt(&nobody, "ada", PASSWORD, "192.0.2.3").await);
    }
    here.clear_journals();
    let guesses = (0..50).flat_map(|number| {
        let address = format!("192.0.2.{number}");
        [here.anonymous(), there.anonymous()].map(|nobody| {
            let address = address.clone();
            async move { attempt(&nobody, "bob", "not the password", &address).await.status.as_u16() }
        })
    });
    let statuses = join_all(guesses).await;
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 5, "{statuses:?}");
    assert_eq!(asked(&here), 5, "of a hundred at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_of_the_second_factor_cannot_be_found_by_trying() {
    let bff = builder().spawn().await;
    let ada = bff.signed_in("ada").await;
    let (secret, step, _) = switch_on(&ada).await;
    let next = code(&secret, step + 1);
    let remove = async |code: &str| {
        ada.from_page(Method::DELETE, "/auth/2fa/totp").json(&json!({ "code": code })).send().await
    };
    for _ in 0..5 {
        remove("not a code").await.expect_problem(422, "otp_invalid");
    }
    throttled(&remove(&next).await);
    // Who signs in guesses on the same account, by whatever name.
    let nobody = bff.anonymous();
    for login in ["ada", &tests::email("ada")] {
        let with = json!({ "login": login, "password": PASSWORD, "otp": next });
        throttled(&attempt_at(&nobody, "/auth/login", &with, "192.0.2.1").await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_at_sign_in_cannot_be_found_by_trying_either() {
    let bff = builder().spawn().await;
    let ada = bff.signed_in("ada").await;
    let (secret, step, _) = switch_on(&ada).await;
    let (nobody, mail) = (bff.anonymous(), tests::email("ada"));
    let with = |login: &str, otp: &str| json!({ "login": login, "password": PASSWORD, "otp": otp });
    for login in ["ada", &mail, "Ada", &mail, "ada"] {
        let wrong = attempt_at(&nobody, "/auth/login", &with(login, "not a code"), "192.0.2.1").await;
        wrong.expect_problem(401, "otp_invalid");
    }
    let next = code(&secret, step + 1);
    for login in ["ada", &mail] {
        throttled(&attempt_at(&nobody, "/auth/login", &with(login, &next), "192.0.2.1").await);
    }
    let remove = ada.from_page(Method::DELETE, "/auth/2fa/totp").json(&json!({ "code": next }));
    throttled(&remove.send().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_names_and_spellings_of_an_account_have_five_guesses_together() {
    let redis = RedisServer::durable(Durability::Nothing).await;
    let here = builder().redis(&redis).spawn().await;
    let there = here.replica().await;
    let _ = here.sign_up("ada").await;
    let mail = tests::email("ada");
    let guesses = [("ada", &here.anonymous()), (&mail, &there.anonymous()), ("ADA", &there.anonymous())];
    for (login, nobody) in guesses {
        guess(nobody, login, "192.0.2.1", 1).await;
    }
    guess(&here.anonymous(), &mail.to_uppercase(), "192.0.2.2", 2).await;
    here.clear_journals();
    for nobody in [here.anonymous(), there.anonymous()] {
        for login in ["ada", &mail, " Ada ", &mail.to_uppercase()] {
            let seconds = throttled(&attempt(&nobody, login, PASSWORD, "198.51.100.7").await);
            assert!((WINDOW - 60..=WINDOW).contains(&seconds), "{seconds}");
        }
    }
    assert_eq!(asked(&here), 0, "names that were tried are refused before the password is looked at");
    let _ = here.sign_up("bob").await;
    let _ = attempt(&there.anonymous(), "bob", PASSWORD, "192.0.2.1").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_was_never_tried_is_no_way_past_the_limit() {
    let bff = builder().spawn().await;
    let _ = bff.sign_up("ada").await;
    let (nobody, mail) = (bff.anonymous(), tests::email("ada"));
    guess(&nobody, "ada", "192.0.2.1", 5).await;
    // The right password and a wrong one are answered alike.
    throttled(&attempt(&nobody, &mail, PASSWORD, "192.0.2.2").await);
    throttled(&attempt(&nobody, &mail, "not the password", "192.0.2.2").await);
    // Signing in by one name begins anew for all.
    let _ = bff.sign_up("bob").await;
    for _ in 0..3 {
        guess(&nobody, &tests::email("bob"), "192.0.2.3", 4).await;
        let _ = attempt(&nobody, "bob", PASSWORD, "192.0.2.3").await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_guesses_at_once_by_two_names_five_are_told_that_they_are_wrong() {
    let bff = builder().spawn().await;
    let _ = bff.sign_up("ada").await;
    let (nobody, mail) = (bff.anonymous(), tests::email("ada"));
    let guesses = (0..100).map(|number| {
        let (nobody, login) = (&nobody, if number % 2 == 0 { "ada" } else { mail.as_str() });
        async move { attempt(nobody, login, "not the password", &format!("192.0.2.{number}")).await }
    });
    let answers = join_all(guesses).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 401).count(), 5);
    for answer in answers.iter().filter(|answer| answer.status != 401) {
        throttled(answer);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_for_the_second_factor_is_no_failure() {
    let bff = builder().spawn().await;
    let ada = bff.signed_in("ada").await;
    let (secret, step, _) = switch_on(&ada).await;
    let nobody = bff.anonymous();
    for _ in 0..8 {
        attempt(&nobody, "ada", PASSWORD, "192.0.2.1").await.expect_problem(401, "otp_required");
    }
    let otp = code(&secret, step + 1);
    let login = json!({ "login": "ada", "password": PASSWORD, "otp": otp });
    let _ = attempt_at(&nobody, "/auth/login", &login, "192.0.2.1").await.expect(200);
}
