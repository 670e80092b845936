//! Who guesses passwords does not learn which accounts there are, not even from how long an answer takes.

use std::{cmp::Ordering, time::Duration};

use serde_json::json;
use tests::{Actor, Answer, TestBff, figures};

/// How many blocks of four answers are measured.
const BLOCKS: usize = 300;

/// A limit that no test reaches.
const UNLIMITED: u32 = 1_000_000;

/// Names that are tried in turn.
const NAMES: usize = 8;

/// Two answers about known accounts and two about unknown ones, asked for one right after the other in the order known,
/// unknown, unknown, known, or the other way round. So what the machine does beside it, what it warms up to and what the
/// place in the order costs meets both kinds alike.
#[derive(Debug, Default, Clone, Copy)]
struct Block {
    known: [Duration; 2],
    unknown: [Duration; 2],
}

impl Block {
    /// Whether the known accounts took longer.
    fn order(&self) -> Ordering {
        let sum = |times: &[Duration; 2]| times.iter().sum::<Duration>();
        sum(&self.known).cmp(&sum(&self.unknown))
    }
}

/// Asks `time` for as long as it takes to answer about a known account, or an unknown one, with that number.
async fn measure(blocks: usize, mut time: impl AsyncFnMut(bool, usize) -> Duration) -> Vec<Block> {
    let mut measured = Vec::with_capacity(blocks);
    for number in 0..blocks {
        let begins = number % 2 == 0;
        let mut block = Block::default();
        for (known, place) in [(begins, 0), (!begins, 0), (!begins, 1), (begins, 1)] {
            let times = if known { &mut block.known } else { &mut block.unknown };
            times[place] = time(known, number % NAMES).await;
        }
        measured.push(block);
    }
    measured
}

#[expect(clippy::cast_precision_loss, reason = "some hundred")]
fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}

/// In which share of the blocks the known accounts took longer: one half, when they are the same. Only which of the two
/// is longer counts, not by how much: a block in which the machine stood still is one of many.
fn share(blocks: &[Block]) -> f64 {
    let halves = blocks.iter().map(|block| match block.order() {
        Ordering::Greater => 2,
        Ordering::Equal => 1,
        Ordering::Less => 0,
    });
    ratio(halves.sum(), 2 * blocks.len())
}

/// How far from one half chance alone may take the share: four times the standard deviation of the share of heads among
/// so many throws of a coin, sqrt(1/4 / n). It is further from it once in 16,000 times. How loaded the machine is does not
/// come into it: noise makes each block more of a coin, and never an unfair one.
fn tolerance(blocks: usize) -> f64 {
    4.0 * (0.25 * ratio(1, blocks)).sqrt()
}

fn is_alike(blocks: &[Block]) -> bool {
    (share(blocks) - 0.5).abs() <= tolerance(blocks.len())
}

fn median_ms(times: impl Iterator<Item = Duration>) -> f64 {
    let mut sorted: Vec<_> = times.collect();
    sorted.sort();
    sorted[sorted.len() / 2].as_secs_f64() * 1e3
}

/// Checks that nobody can tell the two apart, and notes how long they took.
fn are_alike(what: &str, blocks: &[Block]) {
    let (share, tolerance) = (share(blocks), tolerance(blocks.len()));
    figures::note(
        &format!("{what}: median for known and unknown accounts, share in which known ones take longer"),
        format!(
            "{:.3} ms, {:.3} ms, {share:.3} (0.5 ± {tolerance:.3})",
            median_ms(blocks.iter().flat_map(|block| block.known)),
            median_ms(blocks.iter().flat_map(|block| block.unknown)),
        ),
    );
    assert!(is_alike(blocks), "{what}: {share} is not 0.5 ± {tolerance}");
}

async fn guess(guesser: &Actor, login: &str) -> Answer {
    guesser.post("/auth/login", &json!({ "login": login, "password": "wrong-password" })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_takes_as_long_for_known_and_for_unknown_accounts() {
    let builder = TestBff::builder().set("throttle.account_failures", UNLIMITED).alone();
    let bff = builder.set("throttle.address_failures", UNLIMITED).spawn().await;
    for number in 0..NAMES {
        let _ = bff.sign_up(&format!("known{number}")).await;
    }
    let guesser = bff.anonymous();
    let blocks = measure(BLOCKS, async |known, number| {
        let kind = if known { "known" } else { "ghost" };
        let answer = guess(&guesser, &format!("{kind}{number}")).await;
        answer.expect_problem(401, "bad_credentials");
        answer.took
    });
    are_alike("wrong password", &blocks.await);
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
    let refused = told(&guess(&guesser, "known").await);
    bff.clear_journals();
    let blocks = measure(BLOCKS, async |known, _| {
        let answer = guess(&guesser, if known { "known" } else { "ghost" }).await;
        answer.expect_problem(429, "too_many_attempts");
        assert_eq!(told(&answer), refused);
        answer.took
    });
    let blocks = blocks.await;
    assert_eq!(bff.calls(), 0, "nobody's password is looked at any more");
    are_alike("refused guess", &blocks);
}

/// Answers of a busy machine: 6 ms, up to one more by chance, one in ten 15 ms more, and slower with the time. The
/// second one in a row takes 0.5 ms less. Known accounts take `longer` per mille longer.
async fn made_up(seed: u64, longer: u32) -> Vec<Block> {
    let (mut state, mut asked, mut before) = (seed, 0_u32, None);
    measure(BLOCKS, async |known, _| {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut chance = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        chance = (chance ^ (chance >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        chance ^= chance >> 31;
        asked += 1;
        let own = 6000 + if known { 6 * longer } else { 0 } + asked;
        let stands_still = if chance >> 32 & 0xff < 26 { 15_000 } else { 0 };
        let again = if before.replace(known) == Some(known) { 500 } else { 0 };
        Duration::from_micros((u64::from(own - again) + stands_still) + chance % 1000)
    })
    .await
}

#[tokio::test]
async fn different_times_are_told_apart() {
    for seed in 0..20 {
        assert!(is_alike(&made_up(seed, 0).await), "the same: {seed}");
        for longer in [50, 100] {
            assert!(!is_alike(&made_up(seed, longer).await), "{longer} per mille longer: {seed}");
        }
    }
    // The other way round as well.
    let swapped = made_up(0, 50).await.into_iter();
    let swapped: Vec<_> = swapped.map(|block| Block { known: block.unknown, unknown: block.known }).collect();
    assert!(share(&swapped) < 0.5 && !is_alike(&swapped));
}
