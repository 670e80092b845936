//! One account that is signed in very often: the oldest sign-ins end, and nobody else hears of it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use reqwest::Method;
use serde_json::json;
use tests::{
    Actor, Builder, Replica, TestBff, eventually, figures,
    redis::{Durability, RedisServer},
};
use tokio::task::JoinSet;

use super::Pair;

const LIMIT: usize = 100;
const SIGN_INS: usize = 3000;
/// Sign-ins under way at once.
const AT_ONCE: usize = 8;

/// The password is always right; nobody is kept waiting for a turn.
fn builder() -> Builder {
    TestBff::builder().set("throttle.account_failures", 1000).set("throttle.address_failures", 1000)
}

/// `count` sign-ins of ada, browsers and apps in turn, at both gateways in turn.
async fn sign_in_often(replicas: [&Replica; 2], count: usize) -> Vec<Actor> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut workers = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (next, strangers) = (Arc::clone(&next), replicas.map(Replica::anonymous));
        workers.spawn(async move {
            let mut made = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return made;
                }
                let actor = strangers[number / 2 % 2].signed_out();
                let _ =
                    if number % 2 == 0 { actor.sign_in("ada").await } else { actor.sign_in_app("ada").await };
                made.push(actor);
            }
        });
    }
    workers.join_all().await.concat()
}

/// Those of `people` who are signed in at `replica`.
async fn live(people: &[Actor], replica: &Replica) -> Vec<Actor> {
    let mut live = Vec::new();
    for person in people {
        let answer = replica.called_by(person).get("/auth/session").await;
        assert!([200, 401].contains(&answer.status.as_u16()), "{}", answer.text());
        if answer.status == 200 {
            live.push(person.clone());
        }
    }
    live
}

/// What Redis has counted once nothing goes on there any more.
async fn at_rest(store: &RedisServer) -> tests::redis::Counters {
    eventually("Redis to be left alone", || async {
        let before = store.counters().await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        let after = store.counters().await;
        after.since(&before).is_empty().then_some(after)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_three_thousand_sign_ins_of_one_account_a_hundred_live_and_they_cost_nobody_else() {
    let pair = Pair::start(Durability::Nothing, builder()).await;
    let _ = pair.here.sign_up("ada").await;
    let bob = pair.here.signed_in("bob").await;
    let people = sign_in_often(pair.both(), SIGN_INS).await;
    assert_eq!(people.len(), SIGN_INS);
    let left = live(&people, &pair.here).await;
    assert!((1..=LIMIT).contains(&left.len()), "{} are signed in", left.len());
    assert_eq!(live(&people, &pair.there).await.len(), left.len());
    let listed = left[0].get("/auth/sessions").await.expect(200).json();
    let listed = listed["items"].as_array().expect("a list").len();
    assert_eq!(listed, left.len());
    figures::note("sign-ins of one account at once: live of 3,000", left.len());

    // What they are shown as changes everywhere, and costs Redis a read and a write for each of them at most.
    let browser = left.iter().find(|actor| actor.cookie().is_some()).expect("a browser");
    let _ = browser.get("/auth/csrf-token").await.expect(200);
    let before = at_rest(&pair.store).await;
    let patch = json!({ "displayName": "Ada the Countess" });
    let _ = browser.from_page(Method::PATCH, "/api/me").json(&patch).send().await.expect(200);
    let called = at_rest(&pair.store).await.since(&before);
    let commands: u64 = called.values().sum();
    figures::note(
        "PATCH /api/me: Redis commands, those within scripts as well",
        format!("{commands} {called:?}"),
    );
    assert!(commands <= 2 * left.len() as u64, "{commands} for {} sessions: {called:?}", left.len());
    for replica in pair.both() {
        for person in &left {
            eventually("the new name", || async {
                let session = replica.called_by(person).get("/auth/session").await.expect(200).json();
                (session["user"]["displayName"] == "Ada the Countess").then_some(())
            })
            .await;
        }
    }
    let before = at_rest(&pair.store).await;
    let _ = browser.from_page(Method::PATCH, "/api/me").json(&patch).send().await.expect(200);
    let called = at_rest(&pair.store).await.since(&before);
    assert_eq!(called.get("set"), None, "nothing has changed: {called:?}");

    everybody_else_goes_on(&pair, browser, &bob).await;

    // All of them at once.
    let _ = browser.post("/auth/logout-everywhere", &json!({})).await.expect(204);
    for replica in pair.both() {
        assert!(live(&left, replica).await.is_empty());
        let _ = replica.called_by(&bob).get("/auth/session").await.expect(200);
    }
}

/// Six hundred lists of one caller, while others sign in and read.
async fn everybody_else_goes_on(pair: &Pair<RedisServer>, busy: &Actor, bob: &Actor) {
    let mut lists = JoinSet::new();
    for worker in 0..6 {
        let busy = pair.both()[worker % 2].called_by(busy);
        lists.spawn(async move {
            for _ in 0..100 {
                let _ = busy.get("/auth/sessions").await.expect(200);
            }
        });
    }
    let mut others = 0;
    while !lists.is_empty() {
        for replica in pair.both() {
            let _ = replica.called_by(bob).get("/auth/sessions").await.expect(200);
            let _ = replica.anonymous().sign_in("bob").await;
            others += 2;
        }
        while let Some(done) = lists.try_join_next() {
            done.expect("a list is answered");
        }
    }
    figures::note("during 600 lists of 100 sessions: requests of others, all answered", others);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_version_left_is_brought_to_the_limit_by_the_next_sign_in() {
    let pair = Pair::start(Durability::Nothing, builder().set("session.max_per_user", 100_000)).await;
    let _ = pair.here.sign_up("ada").await;
    let people = sign_in_often(pair.both(), 350).await;
    assert_eq!(live(&people, &pair.here).await.len(), 350);
    let newer = pair.here.replica_with(&[("session.max_per_user", "100")]).await;
    let last = newer.anonymous();
    let _ = last.sign_in("ada").await;
    assert_eq!(live(&people, &newer).await.len(), 99);
    for replica in pair.both() {
        // The answer waits for the others for a bounded time, which a starved one may need more of.
        eventually("the others to have heard", || async {
            (live(&people, replica).await.len() == 99).then_some(())
        })
        .await;
        let _ = replica.called_by(&last).get("/auth/session").await.expect(200);
    }
    let kept: BTreeMap<String, usize> = counted(&pair.store).await;
    assert_eq!(kept.values().sum::<usize>(), 100, "no name is left of the others: {kept:?}");
}

/// The names in ada's indexes.
async fn counted(store: &RedisServer) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for index in store.ask::<Vec<String>>(&["KEYS", "bff:owned:*"]).await {
        let names = store.ask::<usize>(&["ZCARD", &index]).await;
        counted.insert(index, names);
    }
    counted
}
