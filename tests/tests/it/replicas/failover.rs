//! Redis under sentinels, and as a cluster: a node dies, and people go on.

use std::time::Instant;

use reqwest::Method;
use serde_json::json;
use tests::{
    Actor, Answer, TestBff, eventually, figures,
    redis::{RedisCluster, SentinelGroup, StoreUrl},
};

use super::{FEED, Pair, bearer_of, expect_store_away, refused_since, sign_out};

/// How many wrong passwords an account takes.
const WRONG_PASSWORDS: usize = 5;

/// People who signed in before, of both kinds.
async fn residents<Store: StoreUrl>(pair: &Pair<Store>) -> Vec<Actor> {
    let mut people = Vec::new();
    // Many keys: in a cluster they are on all nodes.
    for number in 0..12 {
        let name = format!("resident{number}");
        people.push(pair.here.signed_in(&name).await);
        let app = pair.there.anonymous();
        let _ = app.sign_in_app(&name).await;
        people.push(app);
    }
    for person in &people {
        for replica in pair.both() {
            let _ = replica.called_by(person).get(FEED).await.expect(200);
        }
    }
    people
}

/// Waits until new people can sign in at both gateways, and all of `people` can be looked up, on whichever node
/// they are. Until then they are told to come back.
async fn store_is_back<Store: StoreUrl>(pair: &Pair<Store>, people: &[Actor]) {
    let waiting = |answer: Answer| {
        if answer.status != 200 {
            expect_store_away(&answer);
        }
        (answer.status == 200).then_some(())
    };
    for replica in pair.both() {
        eventually("sign-ins to be answered again", || async {
            waiting(replica.anonymous().try_sign_in("resident0").await)
        })
        .await;
        for person in people {
            let person = replica.called_by(person);
            eventually("every node to be there", || async { waiting(person.get("/auth/sessions").await) })
                .await;
        }
    }
}

/// Everything that the store is for, for several people.
async fn all_works<Store: StoreUrl>(pair: &Pair<Store>, people: &[Actor]) {
    for (number, person) in people.iter().enumerate() {
        let replica = pair.both()[number % 2];
        let person = replica.called_by(person);
        let _ = person.get(FEED).await.expect(200);
        let sessions = person.get("/auth/sessions").await.expect(200).json();
        assert!(sessions["items"].as_array().is_some_and(|items| items.len() >= 2), "{sessions}");
        if person.cookie().is_none() {
            let _ = person.refresh().await;
        }
    }
    for number in 0..6 {
        let name = format!("newcomer{number}");
        let here = pair.here.signed_in(&name).await;
        let elsewhere = bearer_of(&here.cookie(), &pair.there);
        let _ = elsewhere.get(FEED).await.expect(200);
        sign_out(&here).await;
        refused_since(Instant::now(), &elsewhere, FEED).await;

        let app = pair.there.anonymous();
        let _ = app.sign_in_app(&name).await;
        let _ = app.refresh().await;
        let there = pair.here.called_by(&app);
        let _ = there.get(FEED).await.expect(200);
        let revoke = pair.here.anonymous().request(Method::POST, "/auth/revoke");
        let _ = revoke.json(&json!({ "token": app.refresh_token() })).send().await.expect(204);
        refused_since(Instant::now(), &app, FEED).await;
    }
    let _ = pair.here.sign_up("guessed").await;
    for number in 0..WRONG_PASSWORDS {
        let guess = json!({ "login": "guessed", "password": "wrong-password" });
        let answer = pair.both()[number % 2].anonymous().post("/auth/login", &guess).await;
        answer.expect_problem(401, "bad_credentials");
    }
    for replica in pair.both() {
        let refused = replica.anonymous().try_sign_in("guessed").await;
        refused.expect_problem(429, "too_many_attempts");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sentinels_name_another_master_and_people_go_on() {
    let mut pair = Pair::over(SentinelGroup::start().await, TestBff::builder().alone()).await;
    let people = residents(&pair).await;
    pair.store.caught_up().await;
    pair.store.kill_master().await;
    let killed = Instant::now();
    for person in &people {
        for replica in pair.both() {
            let _ = replica.called_by(person).get(FEED).await.expect(200);
        }
    }
    store_is_back(&pair, &people).await;
    figures::note(
        "sentinel failover: master killed until both gateways served everything again",
        format!("{} ms", killed.elapsed().as_millis()),
    );
    pair.store.failed_over().await;
    all_works(&pair, &people).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_serves_two_gateways() {
    let pair = Pair::over(RedisCluster::start().await, TestBff::builder()).await;
    let people = residents(&pair).await;
    all_works(&pair, &people).await;
    for node in pair.store.nodes() {
        assert!(node.ask::<u64>(&["DBSIZE"]).await > 0, "every node has its share");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_replaces_a_node_and_people_go_on() {
    let mut pair = Pair::over(RedisCluster::with_replicas().await, TestBff::builder().alone()).await;
    let people = residents(&pair).await;
    pair.store.caught_up().await;
    let killed = Instant::now();
    pair.store.fail_over(1).await;
    store_is_back(&pair, &people).await;
    figures::note(
        "cluster failover: master killed until both gateways served everything again",
        format!("{} ms", killed.elapsed().as_millis()),
    );
    all_works(&pair, &people).await;
}
