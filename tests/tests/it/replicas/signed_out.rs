//! Who signs out at one gateway is signed out at all, and who stays costs Redis nothing.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde_json::json;
use tests::{
    TestBff, eventually, figures,
    redis::{Durability, RedisServer},
};

use super::{FEED, Pair, bearer_of, refused_since, sign_out, spread};

const TRIES: usize = 200;

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_out_holds_on_the_other_gateway_at_once() {
    let pair = Pair::start(Durability::Nothing, TestBff::builder().alone()).await;
    let _ = pair.here.sign_up("ada").await;
    let mut took = Vec::new();
    for number in 0..TRIES {
        // Back and forth: neither of them is special.
        let [first, second] = if number % 2 == 0 { pair.both() } else { [pair.both()[1], pair.both()[0]] };
        let ada = first.anonymous();
        let _ = ada.sign_in("ada").await;
        let elsewhere = bearer_of(&ada.cookie(), second);
        let _ = elsewhere.get("/auth/session").await.expect(200);
        sign_out(&ada).await;
        took.push(refused_since(Instant::now(), &elsewhere, "/auth/session").await);
    }
    figures::note("sign-out on one gateway to 401 on the other", spread(took));
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_everywhere_holds_on_both_gateways() {
    let pair = Pair::start(Durability::Nothing, TestBff::builder()).await;
    let ada = pair.here.signed_in("ada").await;
    let bob = pair.there.called_by(&pair.here.signed_in("bob").await);
    let elsewhere = pair.there.anonymous();
    let _ = elsewhere.sign_in("ada").await;
    let cookies = [ada.cookie(), elsewhere.cookie()];
    for (cookie, replica) in cookies.iter().flat_map(|cookie| pair.both().map(|replica| (cookie, replica))) {
        let _ = bearer_of(cookie, replica).get(FEED).await.expect(200);
    }
    let _ = bob.get(FEED).await.expect(200);
    let _ = ada.post("/auth/logout-everywhere", &json!({})).await.expect(204);
    let began = Instant::now();
    for (cookie, replica) in cookies.iter().flat_map(|cookie| pair.both().map(|replica| (cookie, replica))) {
        refused_since(began, &bearer_of(cookie, replica), FEED).await;
    }
    let _ = bob.get(FEED).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_signed_in_costs_redis_no_call() {
    let pair = Pair::start(Durability::Nothing, TestBff::builder()).await;
    let ada = pair.here.signed_in("ada").await;
    let app = pair.here.anonymous();
    let _ = app.sign_in_app("ada").await;
    for replica in pair.both() {
        for actor in [&ada, &app] {
            let _ = replica.called_by(actor).get(FEED).await.expect(200);
        }
    }
    // What a sign-in changes is read again behind it, once.
    let before = eventually("the sign-ins to be read", || async {
        let before = pair.store.counters().await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        let after = pair.store.counters().await;
        after.since(&before).is_empty().then_some(after)
    })
    .await;
    for _ in 0..100 {
        for replica in pair.both() {
            for (actor, path) in [(&ada, FEED), (&ada, "/auth/session"), (&ada, "/bff/me"), (&app, FEED)] {
                let _ = replica.called_by(actor).get(path).await.expect(200);
            }
        }
    }
    let called = pair.store.counters().await.since(&before);
    assert_eq!(called, BTreeMap::new());
    figures::note("Redis calls during 800 signed-in requests on two gateways", called.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn while_redis_cannot_tell_what_changes_every_look_up_asks_it() {
    let pair = Pair::start(Durability::Nothing, TestBff::builder()).await;
    let (ada, bob) = (pair.here.signed_in("ada").await, pair.here.signed_in("bob").await);
    let there = pair.there.called_by(&bob);
    let mut took = Vec::new();
    for round in 0..5 {
        let _ = ada.sign_in("ada").await;
        let elsewhere = bearer_of(&ada.cookie(), &pair.there);
        let _ = elsewhere.get(FEED).await.expect(200);
        // Only the connection that changes are told on is cut, and it cannot be made anew.
        let () = pair.store.ask(&["ACL", "SETUSER", "default", "-client|tracking"]).await;
        assert!(pair.store.cut_clients(is_tracking).await >= 2, "both gateways listen");
        sign_out(&ada).await;
        took.push(refused_since(Instant::now(), &elsewhere, FEED).await);
        eventually("look-ups to ask Redis", || async {
            let before = pair.store.counters().await;
            let _ = there.get(FEED).await.expect(200);
            (!pair.store.counters().await.since(&before).is_empty()).then_some(())
        })
        .await;
        let () = pair.store.ask(&["ACL", "SETUSER", "default", "+client|tracking"]).await;
        eventually("the connection to be made anew", || is_trusted_again(&pair, round)).await;
    }
    figures::note("the same while the tracking connections are cut", spread(took));
}

fn is_tracking(line: &str) -> bool {
    let flags = line.split(' ').find_map(|field| field.strip_prefix("flags="));
    flags.is_some_and(|flags| flags.contains(['t', 'B']))
}

/// Whether look-ups on both gateways cost nothing again.
async fn is_trusted_again(pair: &Pair<RedisServer>, round: usize) -> Option<()> {
    let list: String = pair.store.ask(&["CLIENT", "LIST"]).await;
    if list.lines().filter(|line| is_tracking(line)).count() < 2 {
        return None;
    }
    let bob = pair.here.anonymous();
    let _ = bob.sign_in("bob").await;
    for replica in pair.both() {
        let bob = replica.called_by(&bob);
        let _ = bob.get(FEED).await.expect(200);
        let before = pair.store.counters().await;
        for _ in 0..5 {
            let _ = bob.get(FEED).await.expect(200);
        }
        let called = pair.store.counters().await.since(&before);
        if !called.is_empty() {
            eprintln!("round {round}: {called:?}");
            return None;
        }
    }
    Some(())
}
