//! `Idempotency-Key`: one key, one write, whatever happens on the way.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Actor, Answer, Fault, PASSWORD, TestBff, email, eventually, soon};

use crate::kitchen::{follow, publish, recipe_input, texts};

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
    // A refusal is an answer as well, with the id of the request that hears it.
    for replayed in [None, Some("true")] {
        let refused = post(&nobody, "/auth/signup", "key-2", &ada).await;
        refused.expect_problem(409, "email_taken");
        assert_eq!(refused.header("idempotency-replayed"), replayed);
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
    for fault in [Fault::Status500, Fault::Status(503), Fault::Status(429), Fault::Status(401)] {
        bff.timeline.fail(fault.clone());
        let failed = post(&ada, "/api/posts", "key-1", &input).await;
        assert!(failed.status.is_server_error(), "{fault:?}");
        bff.heal().await;
    }
    bff.timeline.refuse().await;
    post(&ada, "/api/posts", "key-1", &input).await.expect_problem(502, "upstream_unavailable");
    bff.heal().await;
    let made = post(&ada, "/api/posts", "key-1", &input).await.expect(201);
    assert_eq!(made.header("idempotency-replayed"), None);

    for (key, fault, status, code) in [
        ("key-2", Fault::LoseAnswer, 502, "upstream_unavailable"),
        ("key-3", Fault::BlackHole, 504, "upstream_timeout"),
        ("key-4", Fault::GarbageJson, 502, "upstream_unavailable"),
        ("key-5", Fault::Status(504), 502, "upstream_unavailable"),
    ] {
        bff.timeline.fail(fault);
        post(&ada, "/api/posts", key, &input).await.expect_problem(status, code);
        bff.heal().await;
        bff.clear_journals();
        let again = post(&ada, "/api/posts", key, &input).await;
        again.expect_problem(409, "idempotency_outcome_unknown");
        assert_eq!(bff.calls(), 0);
    }
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
