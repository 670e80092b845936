//! The gateway is killed at random moments of a deletion.

use std::time::{Duration, SystemTime};

use tests::{
    figures,
    redis::{Durability, RedisServer},
};

use super::{builder, gone, kept, leave, queue_is_empty, settle};
use crate::fixtures::{post, publish};

const ROUNDS: u64 = 30;
/// A deletion takes about as long, from the request to the last service.
const LONGEST_MS: u64 = 120;

/// Of `TEST_SEED`, or of the clock.
#[expect(
    clippy::disallowed_methods,
    reason = "the harness is no part of the gateway and not configured by it"
)]
fn seed() -> u64 {
    let given = std::env::var("TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    given.unwrap_or_else(|| {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock after 1970");
        u64::from(since.subsec_nanos())
    })
}

/// SplitMix64 (Steele, Lea, Flood 2014).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_is_completed_whenever_the_gateway_is_killed() {
    let seed = seed();
    figures::note("TEST_SEED of deletions with the gateway killed in between", seed);
    let mut random = seed;
    let mut bff = builder().spawn().await;
    let bora = bff.signed_in("bora").await;
    let (recipe, written) = (publish(&bora, "Bora's").await, post(&bora, "Bora's own").await);
    let before = kept(&bff, &bora.id()).await;
    let (mut answered, mut recorded) = (0, 0);
    for round in 0..ROUNDS {
        let name = format!("member-{round}");
        let bora = bff.called_by(&bora);
        let member = settle(&bff, &name, &bora, &recipe, &written).await;
        let asked = tokio::spawn({
            let member = member.clone();
            let request = member.from_page(reqwest::Method::DELETE, "/api/me");
            let body = serde_json::json!({ "password": tests::PASSWORD });
            async move { request.json(&body).try_send().await }
        });
        tokio::time::sleep(Duration::from_millis(next(&mut random) % LONGEST_MS)).await;
        bff.kill9().await;
        let accepted = asked.await.expect("no panic").is_ok_and(|answer| answer.status == 202);
        answered += u32::from(accepted);
        bff.restart().await;
        let again = bff.anonymous();
        if again.try_sign_in(&name).await.status == 200 {
            assert!(!accepted, "{name}: what was answered is recorded");
            let _ = leave(&again).await.expect(202);
        } else {
            recorded += 1;
        }
        gone(&bff, &member.id()).await;
        queue_is_empty(&bff).await;
    }
    assert_eq!(kept(&bff, &bora.id()).await, before, "nothing of anybody else was touched");
    figures::note(
        "deletions with the gateway killed in between",
        format!(
            "{ROUNDS}, {answered} answered before, {recorded} recorded before, all completed (seed {seed})"
        ),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_gateways_completes_what_the_other_was_killed_at() {
    let seed = seed();
    figures::note("TEST_SEED of deletions with one of two gateways killed in between", seed);
    let mut random = seed;
    let store = RedisServer::durable(Durability::Nothing).await;
    let mut bff = builder().redis(&store).spawn().await;
    let mut second = bff.replica().await;
    let bora = bff.signed_in("bora").await;
    let (recipe, written) = (publish(&bora, "Bora's").await, post(&bora, "Bora's own").await);
    let before = kept(&bff, &bora.id()).await;
    let mut answered = 0;
    for round in 0..ROUNDS {
        let name = format!("member-{round}");
        let bora = bff.called_by(&bora);
        let member = settle(&bff, &name, &bora, &recipe, &written).await;
        let first_dies = next(&mut random).is_multiple_of(2);
        let caller = if first_dies { member.clone() } else { second.called_by(&member) };
        let request = caller.from_page(reqwest::Method::DELETE, "/api/me");
        let body = serde_json::json!({ "password": tests::PASSWORD });
        let asked = tokio::spawn(async move { request.json(&body).try_send().await });
        tokio::time::sleep(Duration::from_millis(next(&mut random) % LONGEST_MS)).await;
        if first_dies {
            bff.kill9().await;
        } else {
            second.kill9().await;
        }
        let accepted = asked.await.expect("no panic").is_ok_and(|answer| answer.status == 202);
        answered += u32::from(accepted);
        let left: &tests::Replica = if first_dies { &second } else { &bff };
        let again = left.anonymous();
        if again.try_sign_in(&name).await.status == 200 {
            assert!(!accepted, "{name}: what was answered is recorded");
            let _ = leave(&again).await.expect(202);
        }
        // The other one has taken it over before the dead one is back.
        queue_is_empty(left).await;
        if first_dies {
            bff.restart().await;
        } else {
            second.restart().await;
        }
        gone(&bff, &member.id()).await;
    }
    assert_eq!(kept(&bff, &bora.id()).await, before, "nothing of anybody else was touched");
    figures::note(
        "deletions with one of two gateways killed in between",
        format!("{ROUNDS}, {answered} answered before, all completed (seed {seed})"),
    );
}
