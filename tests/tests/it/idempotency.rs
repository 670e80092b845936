//! `Idempotency-Key`: one key, one write, whatever happens on the way.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    Actor, Answer, Fault, PASSWORD, TestBff, email, eventually,
    redis::{Durability, RedisServer},
    soon,
};
use upstreams::Service;

use crate::fixtures::{follow, publish, recipe_input, texts};

async fn post(actor: &Actor, path: &str, key: &str, body: &Value) -> Answer {
    actor.from_page(Method::POST, path).header("idempotency-key", key).json(body).send().await
}

/// How many POSTs an upstream got.
fn posts(proxy: &tests::Proxy) -> usize {
    proxy.requests().iter().filter(|request| request.method == "POST").count()
}

/// An answer without what belongs to its own request.
fn essence(answer: &Answer) -> (u16, String, Vec<Option<String>>) {
    let header = |name| answer.header(name).map(str::to_owned);
    let headers = ["location", "content-type", "cache-control"].map(header);
    (answer.status.as_u16(), answer.text(), headers.into())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_posts_at_once_with_one_key_make_one_recipe() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    bff.clear_journals();
    let input = recipe_input("Once");
    let tries = (0..100).map(|_| post(&ada, "/api/recipes", "key-1", &input));
    let answers = join_all(tries).await;
    assert_eq!(posts(&bff.recipe), 1);
    let mut made = Vec::new();
    for answer in &answers {
        if answer.status == 201 {
            made.push(answer);
        } else {
            answer.expect_problem(409, "idempotency_in_flight");
            assert_eq!(answer.header("retry-after"), Some("1"));
        }
    }
    assert!(!made.is_empty());
    assert!(made.iter().all(|answer| essence(answer) == essence(made[0])));
    let firsts = made.iter().filter(|answer| answer.header("idempotency-replayed").is_none()).count();
    assert_eq!(firsts, 1);
    assert_eq!(bff.anonymous().get("/api/recipes").await.expect(200).json()["total"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_is_answered_again_byte_for_byte_also_after_a_restart() {
    let mut bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    let input = recipe_input("밥 한 그릇");
    let first = post(&ada, "/api/recipes", "key-1", &input).await.expect(201);
    assert_eq!(first.header("idempotency-replayed"), None);
    bff.kill9().await;
    bff.restart().await;
    let ada = ada.at(&bff.url());
    bff.clear_journals();
    // The same content in another order and with other white space.
    let object: BTreeMap<String, Value> = serde_json::from_value(input).expect("an object");
    let rewritten = serde_json::to_string_pretty(&object).expect("json");
    let again = ada
        .from_page(Method::POST, "/api/recipes")
        .header("idempotency-key", "key-1")
        .header("content-type", "application/json")
        .body(rewritten);
    let again = again.send().await.expect(201);
    assert_eq!(essence(&again), essence(&first));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_ne!(again.header("x-request-id"), first.header("x-request-id"));
    assert_eq!(bff.calls(), 0, "{:#?}", bff.call_lines());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_for_one_request_of_one_member() {
    let bff = TestBff::spawn().await;
    let (ada, bob) = (bff.signed_in("ada").await, bff.signed_in("bob").await);
    let recipes = [publish(&ada, "one").await, publish(&ada, "two").await];
    let comments = recipes.map(|id| format!("/api/recipes/{id}/comments"));
    let body = json!({ "body": "Nice" });
    let _ = post(&ada, &comments[0], "k", &body).await.expect(201);
    bff.clear_journals();
    let reused = "idempotency_key_reused";
    post(&ada, &comments[0], "k", &json!({ "body": "Other" })).await.expect_problem(422, reused);
    post(&ada, &comments[1], "k", &body).await.expect_problem(422, reused);
    assert_eq!(posts(&bff.recipe), 0);
    // Somebody else's key by the same name, and one for another kind of thing.
    let theirs = post(&bob, &comments[0], "k", &body).await.expect(201);
    assert_eq!(theirs.json()["author"]["username"], "bob");
    let _ = post(&ada, "/api/posts", "k", &json!({ "text": "Nice" })).await.expect(201);

    for bad in ["", "two words", &"x".repeat(129)] {
        let refused = post(&ada, "/api/posts", bad, &json!({ "text": "x" })).await;
        refused.expect_problem(400, "idempotency_key_invalid");
    }
    let twice = ada.from_page(Method::POST, "/api/posts");
    let twice = twice.header("idempotency-key", "a").header("idempotency-key", "b");
    let twice = twice.json(&json!({ "text": "x" })).send().await;
    twice.expect_problem(400, "idempotency_key_invalid");
    assert_eq!(posts(&bff.timeline), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_up_that_is_sent_again_does_not_find_its_own_name_taken() {
    let bff = TestBff::spawn().await;
    let nobody = bff.anonymous();
    let ada = json!({ "email": email("ada"), "username": "ada", "password": PASSWORD });
    let first = post(&nobody, "/auth/signup", "key-1", &ada).await.expect(201);
    let again = post(&bff.anonymous(), "/auth/signup", "key-1", &ada).await.expect(201);
    assert_eq!(essence(&again), essence(&first));
    nobody.post("/auth/signup", &ada).await.expect_problem(409, "email_taken");
    let bob = json!({ "email": email("bob"), "username": "bob", "password": PASSWORD });
    post(&nobody, "/auth/signup", "key-1", &bob).await.expect_problem(422, "idempotency_key_reused");
    // A refusal changed nothing and is not kept: the key is free for what is refused no more.
    for _ in 0..2 {
        let refused = post(&nobody, "/auth/signup", "key-2", &ada).await;
        refused.expect_problem(409, "email_taken");
        assert_eq!(refused.header("idempotency-replayed"), None);
    }
    let mended = post(&nobody, "/auth/signup", "key-2", &bob).await.expect(201);
    assert_eq!(mended.header("idempotency-replayed"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_ups_leave_a_bounded_number_of_keys_by_address() {
    let redis = RedisServer::durable(Durability::Nothing).await;
    let bff = TestBff::builder().set("idempotency.anonymous_keys", 3).redis(&redis).spawn().await;
    let nobody = bff.anonymous();
    let keys = async || redis.ask::<Vec<String>>(&["KEYS", "bff:idempotency:*"]).await.len();
    let named = |name: &str| json!({ "email": email(name), "username": name, "password": PASSWORD });
    let _ = post(&nobody, "/auth/signup", "first", &named("ada")).await.expect(201);
    assert_eq!(keys().await, 1);
    // Refused by the service, however often: nothing is kept, and nothing counted.
    for number in 0..20 {
        let refused = post(&nobody, "/auth/signup", &format!("refused-{number}"), &named("ada")).await;
        refused.expect_problem(409, "email_taken");
    }
    bff.profile.fail(Fault::Status(422));
    for number in 0..20 {
        let refused = post(&nobody, "/auth/signup", &format!("invalid-{number}"), &named("eve")).await;
        refused.expect_problem(422, "validation_failed");
    }
    bff.heal().await;
    assert_eq!(keys().await, 1);
    for name in ["bob", "cid"] {
        let _ = post(&nobody, "/auth/signup", name, &named(name)).await.expect(201);
    }
    bff.clear_journals();
    let refused = post(&nobody, "/auth/signup", "dan", &named("dan")).await;
    refused.expect_problem(429, "too_many_idempotency_keys");
    let retry_after = refused.header("retry-after").and_then(|seconds| seconds.parse::<u64>().ok());
    assert!(retry_after.is_some_and(|seconds| (1..=3600).contains(&seconds)), "{retry_after:?}");
    assert_eq!((keys().await, bff.calls()), (3, 0));
    // What is kept is answered, no key is needed, and those who are signed in have their own.
    let again = post(&nobody, "/auth/signup", "bob", &named("bob")).await.expect(201);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    let _ = nobody.post("/auth/signup", &named("dan")).await.expect(201);
    let dan = bff.anonymous();
    let _ = dan.sign_in("dan").await.expect(200);
    for number in 0..5 {
        let _ = post(&dan, "/api/posts", &format!("key-{number}"), &json!({ "text": "x" })).await.expect(201);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_caller_hung_up_is_answered_to_the_one_who_asks_again() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    bff.clear_journals();
    let input = json!({ "text": "posted once" });
    bff.timeline.fail_on("/posts", Fault::Hold);
    let write = tokio::spawn({
        let (ada, input) = (ada.clone(), input.clone());
        async move { post(&ada, "/api/posts", "key-1", &input).await }
    });
    soon("the write", bff.timeline.wait_for(1)).await;
    write.abort();
    assert!(write.await.is_err());
    post(&ada, "/api/posts", "key-1", &input).await.expect_problem(409, "idempotency_in_flight");
    let other = json!({ "text": "something else" });
    post(&ada, "/api/posts", "key-1", &other).await.expect_problem(422, "idempotency_key_reused");
    bff.timeline.heal().await;
    let answer = eventually("the first answer", || async {
        let answer = post(&ada, "/api/posts", "key-1", &input).await;
        (answer.status == 201).then_some(answer)
    })
    .await;
    assert_eq!(answer.header("idempotency-replayed"), Some("true"));
    assert_eq!(posts(&bff.timeline), 1);
    assert_eq!(texts(&ada.get("/bff/home-feed").await.expect(200).json()), ["posted once"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_was_not_carried_out_can_be_sent_again_and_one_that_may_have_been_cannot() {
    let bff = TestBff::builder().set("upstreams.timeline.timeout_ms", 500).spawn().await;
    let ada = bff.signed_in("ada").await;
    let input = json!({ "text": "in the end" });
    for fault in [Fault::Status(429), Fault::Status(401), Fault::Status(403), Fault::Status(410)] {
        bff.timeline.fail(fault.clone());
        let failed = post(&ada, "/api/posts", "key-1", &input).await;
        assert!(!failed.status.is_success(), "{fault:?}");
        bff.heal().await;
    }
    bff.timeline.refuse().await;
    post(&ada, "/api/posts", "key-1", &input).await.expect_problem(502, "upstream_unavailable");
    bff.heal().await;
    let made = post(&ada, "/api/posts", "key-1", &input).await.expect(201);
    assert_eq!(made.header("idempotency-replayed"), None);

    for (number, (fault, status, code)) in [
        (Fault::LoseAnswer, 502, "upstream_unavailable"),
        (Fault::BlackHole, 504, "upstream_timeout"),
        (Fault::GarbageJson, 502, "upstream_unavailable"),
        (Fault::Status(504), 502, "upstream_unavailable"),
        (Fault::Status500, 502, "upstream_unavailable"),
        (Fault::Status(503), 502, "upstream_unavailable"),
        (Fault::Redirect("/posts/1".into()), 502, "upstream_unavailable"),
        (Fault::DoneThen(500), 502, "upstream_unavailable"),
    ]
    .into_iter()
    .enumerate()
    {
        let key = format!("lost-{number}");
        bff.timeline.fail(fault);
        post(&ada, "/api/posts", &key, &input).await.expect_problem(status, code);
        bff.heal().await;
        bff.clear_journals();
        let again = post(&ada, "/api/posts", &key, &input).await;
        again.expect_problem(409, "idempotency_outcome_unknown");
        assert_eq!(bff.calls(), 0);
    }
    // Once for the key that was answered, and once each where the service did its work before it failed.
    assert_eq!(texts(&ada.get("/bff/home-feed").await.expect(200).json()).len(), 3);
}

/// Kills the gateway while it waits for the answer to a write that its service has carried out, and asks again.
async fn killed_after_the_service_committed(mut bff: TestBff) {
    let ada = bff.signed_in("ada").await;
    let input = json!({ "text": "posted once" });
    bff.timeline.fail_on("/posts", Fault::HoldAnswer);
    let write = tokio::spawn({
        let (ada, input) = (ada.clone(), input.clone());
        async move {
            ada.from_page(Method::POST, "/api/posts")
                .header("idempotency-key", "k")
                .json(&input)
                .try_send()
                .await
                .is_err()
        }
    });
    let direct = bff.direct(Service::Timeline, Some(&ada.id())).await;
    let posts = async || {
        let page = direct.get("/timeline?limit=20").await.expect(200).json();
        page["items"].as_array().expect("a list").len()
    };
    eventually("the service to commit", || async { (posts().await == 1).then_some(()) }).await;
    bff.kill9().await;
    assert!(write.await.expect("it ends"), "nobody has answered it");
    bff.heal().await;
    bff.restart().await;
    let ada = ada.at(&bff.url());
    bff.clear_journals();
    let other = json!({ "text": "something else" });
    post(&ada, "/api/posts", "k", &other).await.expect_problem(422, "idempotency_key_reused");
    let again = eventually("the attempt to count as ended", || async {
        let answer = post(&ada, "/api/posts", "k", &input).await;
        if answer.text().contains("idempotency_in_flight") { None } else { Some(answer) }
    })
    .await;
    again.expect_problem(409, "idempotency_outcome_unknown");
    for _ in 0..3 {
        post(&ada, "/api/posts", "k", &input).await.expect_problem(409, "idempotency_outcome_unknown");
    }
    assert_eq!(self::posts(&bff.timeline), 0, "it is not sent again");
    let direct = bff.direct(Service::Timeline, Some(&ada.id())).await;
    let page = direct.get("/timeline?limit=20").await.expect(200).json();
    assert_eq!(page["items"].as_array().expect("a list").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_killed_after_its_service_committed_carries_nothing_out_again() {
    killed_after_the_service_committed(TestBff::spawn().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn also_where_another_gateway_could_have_been_at_it() {
    let redis = RedisServer::durable(Durability::Nothing).await;
    let bff = TestBff::builder().redis(&redis).set("idempotency.in_flight_ms", 2000).spawn().await;
    killed_after_the_service_committed(bff).await;
    let day = 24 * 60 * 60;
    let keys: Vec<String> = redis.ask(&["KEYS", "bff:idempotency:*"]).await;
    let [key] = &keys[..] else { panic!("one key: {keys:?}") };
    let left: u64 = redis.ask(&["TTL", key]).await;
    assert!((day - 600..=day).contains(&left), "{left} s");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_on_what_is_no_post_changes_nothing() {
    let bff = TestBff::spawn().await;
    let (ada, bob) = (bff.signed_in("ada").await, bff.signed_in("bob").await);
    for _ in 0..2 {
        let path = format!("/api/follows/{}", bob.id());
        let answer =
            ada.from_page(Method::PUT, &path).header("idempotency-key", "k").send().await.expect(204);
        assert_eq!(answer.header("idempotency-replayed"), None);
    }
    follow(&bob, &ada).await;
}
