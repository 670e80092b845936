//! Who guesses passwords does not learn which accounts there are, not even from how long an answer takes.

use std::time::Duration;

use serde_json::json;
use tests::{Actor, Answer, TestBff, figures};

/// Of each kind.
const TRIES: usize = 400;

/// A limit that no test reaches.
const UNLIMITED: u32 = 1_000_000;

async fn guess(guesser: &Actor, login: &str) -> Answer {
    guesser.post("/auth/login", &json!({ "login": login, "password": "wrong-password" })).await
}

/// How likely it is that one of `longer` took longer than one of `shorter`: one half, when they are the same.
fn likelihood(longer: &[Duration], shorter: &[Duration]) -> f64 {
    let pairs = longer.iter().flat_map(|one| shorter.iter().map(move |other| one.cmp(other)));
    let points = pairs.map(|order| match order {
        std::cmp::Ordering::Greater => 1.0,
        std::cmp::Ordering::Equal => 0.5,
        std::cmp::Ordering::Less => 0.0,
    });
    #[expect(clippy::cast_precision_loss, reason = "some ten thousand")]
    let count = (longer.len() * shorter.len()) as f64;
    points.sum::<f64>() / count
}

fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort();
    sorted[sorted.len() / 2]
}

/// Checks that nobody can tell the two apart, and notes how long they took.
fn are_alike(what: &str, known: &[Duration], unknown: &[Duration]) {
    let likelihood = likelihood(known, unknown);
    figures::note(
        &format!("{what}: median for known and unknown accounts, likelihood that a known one takes longer"),
        format!(
            "{:.3} ms, {:.3} ms, {likelihood:.3}",
            median(known).as_secs_f64() * 1e3,
            median(unknown).as_secs_f64() * 1e3
        ),
    );
    // Chance alone moves it by some 0.02 (Mann and Whitney).
    assert!((0.4..=0.6).contains(&likelihood), "{what}: {likelihood}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_takes_as_long_for_known_and_for_unknown_accounts() {
    let builder = TestBff::builder().set("throttle.account_failures", UNLIMITED).alone();
    let bff = builder.set("throttle.address_failures", UNLIMITED).spawn().await;
    for number in 0..8 {
        let _ = bff.sign_up(&format!("known{number}")).await;
    }
    let guesser = bff.anonymous();
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for number in 0..TRIES {
        // In turn, so that whatever else the machine does meets both.
        for (kind, times) in [("known", &mut known), ("ghost", &mut unknown)] {
            let answer = guess(&guesser, &format!("{kind}{}", number % 8)).await;
            answer.expect_problem(401, "bad_credentials");
            times.push(answer.took);
        }
    }
    are_alike("wrong password", &known, &unknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_takes_as_long_for_known_and_for_unknown_accounts() {
    let bff = TestBff::builder().set("throttle.address_failures", UNLIMITED).alone().spawn().await;
    let _ = bff.sign_up("known").await;
    let guesser = bff.anonymous();
    let told = |answer: &Answer| {
        let mut problem = answer.json();
        problem["requestId"] = json!(null);
        problem
    };
    for _ in 0..5 {
        for login in ["known", "ghost"] {
            guess(&guesser, login).await.expect_problem(401, "bad_credentials");
        }
    }
    bff.clear_journals();
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for _ in 0..TRIES {
        let (of_known, of_unknown) = (guess(&guesser, "known").await, guess(&guesser, "ghost").await);
        assert_eq!((of_known.status.as_u16(), of_unknown.status.as_u16()), (429, 429));
        assert_eq!(told(&of_known), told(&of_unknown));
        known.push(of_known.took);
        unknown.push(of_unknown.took);
    }
    assert_eq!(bff.calls(), 0, "nobody's password is looked at any more");
    are_alike("refused guess", &known, &unknown);
}

#[test]
fn different_times_are_told_apart() {
    let times =
        |offset: u64| (0..TRIES as u64).map(|n| Duration::from_micros(offset + n)).collect::<Vec<_>>();
    assert!((0.49..0.51).contains(&likelihood(&times(0), &times(0))));
    assert!(likelihood(&times(200), &times(0)) > 0.8);
    assert!(likelihood(&times(0), &times(200)) < 0.2);
}
