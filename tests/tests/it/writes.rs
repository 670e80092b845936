//! Writes that a feed needs: what they answer, what they refuse, and that the writer sees them at once.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::{Fault, TestBff};
use upstreams::Service;

use crate::fixtures::{COST_PER_SERVING, TOTAL_COST, follow, post, recipe_input, texts, titles};

const FEED: &str = "/bff/home-feed";

#[tokio::test(flavor = "multi_thread")]
async fn a_recipe_is_made_with_its_cost_and_is_in_the_next_feed() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    let before = ada.get(FEED).await.expect(200);
    let made = ada.post("/api/recipes", &recipe_input("Rice with eggs")).await.expect(201);
    let recipe = made.json();
    assert_eq!(
        made.header("location"),
        Some(&*format!("/api/recipes/{}", recipe["id"].as_str().expect("an id")))
    );
    assert_eq!(made.header("cache-control"), Some("no-store"));
    assert_eq!(
        (&recipe["totalCost"], &recipe["costPerServing"]),
        (&json!(TOTAL_COST), &json!(COST_PER_SERVING))
    );
    assert_eq!((&recipe["authorId"], &recipe["currency"]), (&json!(ada.id()), &json!("KRW")));
    assert_eq!(
        recipe["ingredients"][0],
        json!({ "ingredientId": "rice", "name": "쌀", "unit": "g", "amount": 400, "cost": 1240 })
    );
    let after = ada.get(FEED).await.expect(200);
    assert_eq!(titles(&after.json()), ["Rice with eggs"]);
    assert_ne!(after.etag(), before.etag());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_is_made_and_deleted_and_the_next_feed_shows_it() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    assert_eq!(texts(&ada.get(FEED).await.expect(200).json()), Vec::<String>::new());
    let made = ada.post("/api/posts", &json!({ "text": "Good morning" })).await.expect(201);
    let id = made.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(made.header("location"), Some(&*format!("/api/posts/{id}")));
    assert_eq!(texts(&ada.get(FEED).await.expect(200).json()), ["Good morning"]);
    let gone = ada.delete(&format!("/api/posts/{id}")).await.expect(204);
    assert_eq!(gone.body.len(), 0);
    assert_eq!(texts(&ada.get(FEED).await.expect(200).json()), Vec::<String>::new());
    ada.delete(&format!("/api/posts/{id}")).await.expect_problem(404, "not_found");
    ada.delete("/api/posts/no such id").await.expect_problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_i_follow_is_in_my_next_feed_and_whom_i_leave_is_not() {
    let bff = TestBff::spawn().await;
    let (ada, bob) = (bff.signed_in("ada").await, bff.signed_in("bob").await);
    post(&bob, "Hello from Bob").await;
    assert_eq!(texts(&ada.get(FEED).await.expect(200).json()), Vec::<String>::new());
    for _ in 0..2 {
        follow(&ada, &bob).await;
        assert_eq!(texts(&ada.get(FEED).await.expect(200).json()), ["Hello from Bob"]);
    }
    let path = format!("/api/follows/{}", bob.id());
    for _ in 0..2 {
        let _ = ada.delete(&path).await.expect(204);
        assert_eq!(texts(&ada.get(FEED).await.expect(200).json()), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_write_is_in_the_writers_next_feed_also_under_other_traffic() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let traffic: Vec<_> = (0..4)
        .map(|_| {
            let (ada, stopped) = (ada.clone(), stopped.clone());
            tokio::spawn(async move {
                while !*stopped.borrow() {
                    let _ = ada.get(FEED).await.expect(200);
                }
            })
        })
        .collect();
    for n in 0..100 {
        let text = format!("post {n}");
        post(&ada, &text).await;
        let feed = ada.get(&format!("{FEED}?limit=1")).await.expect(200).json();
        assert_eq!(texts(&feed), [&*text], "write {n}");
        let feed = ada.get(FEED).await.expect(200).json();
        assert_eq!(texts(&feed)[0], text, "write {n}");
    }
    stop.send_replace(true);
    for reader in join_all(traffic).await {
        reader.expect("no reader panicked");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_was_being_composed_when_a_write_came_is_not_shown_to_the_writer() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    // The timeline answers at once, the recipes are held: what the fill read of the timeline is old by then.
    bff.recipe.fail(Fault::Hold);
    let old = tokio::spawn({
        let ada = ada.clone();
        async move { ada.get(FEED).await }
    });
    tests::soon("the fill to be half-way", bff.recipe.wait_for(1)).await;
    tests::soon("its timeline", bff.timeline.wait_for(1)).await;
    post(&ada, "news").await;
    let new = tokio::spawn({
        let ada = ada.clone();
        async move { ada.get(FEED).await }
    });
    tests::soon("a composition of its own", bff.recipe.wait_for(2)).await;
    bff.recipe.heal().await;
    assert_eq!(texts(&new.await.expect("no panic").expect(200).json()), ["news"]);
    let _ = old.await.expect("no panic").expect(200);
    assert_eq!(texts(&ada.get(FEED).await.expect(200).json()), ["news"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_answer_was_lost_is_in_the_writers_next_feed() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    assert_eq!(texts(&ada.get(FEED).await.expect(200).json()), Vec::<String>::new());
    bff.timeline.fail_on("/posts", Fault::LoseAnswer);
    ada.post("/api/posts", &json!({ "text": "written all the same" }))
        .await
        .expect_problem(502, "upstream_unavailable");
    bff.heal().await;
    let writes = bff.timeline.requests().iter().filter(|request| request.method == "POST").count();
    assert_eq!(writes, 1, "a write that may have arrived is never sent twice");
    assert_eq!(texts(&ada.get(FEED).await.expect(200).json()), ["written all the same"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_caller_hung_up_is_carried_out_and_shown() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    let _ = ada.get(FEED).await.expect(200);
    bff.timeline.clear();
    bff.timeline.fail_on("/posts", Fault::Hold);
    let write = tokio::spawn({
        let ada = ada.clone();
        async move { ada.post("/api/posts", &json!({ "text": "posted and gone" })).await }
    });
    tests::soon("the write", bff.timeline.wait_for(1)).await;
    write.abort();
    assert!(write.await.is_err());
    bff.timeline.heal().await;
    let timeline = bff.direct(Service::Timeline, Some(&ada.id())).await;
    tests::eventually("the post", || async {
        let page = timeline.get("/timeline?limit=5").await.expect(200).json();
        (page["items"] != json!([])).then_some(())
    })
    .await;
    tests::eventually("the post in the feed, before its fresh time is over", || async {
        (texts(&ada.get(FEED).await.expect(200).json()) == ["posted and gone"]).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_body_is_said_field_by_field_and_no_upstream_is_asked() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    bff.clear_journals();
    let field = |field: &str, code: &str| vec![(field.to_owned(), code.to_owned())];
    let recipe = |change: &dyn Fn(&mut Value)| {
        let mut input = recipe_input("Rice");
        change(&mut input);
        input
    };
    let refused = [
        ("/api/posts", json!({}), field("text", "required")),
        ("/api/posts", json!({ "text": 1 }), field("text", "invalid")),
        ("/api/posts", json!({ "text": "  " }), field("text", "too_short")),
        ("/api/posts", json!({ "text": "x".repeat(10_001) }), field("text", "too_long")),
        ("/api/posts", json!({ "text": "x", "recipeId": "a/b" }), field("recipeId", "invalid")),
        ("/api/posts", json!({ "text": "x", "authorId": "me" }), field("authorId", "unknown_field")),
        ("/api/recipes", recipe(&|r| r["title"] = json!("")), field("title", "too_short")),
        ("/api/recipes", recipe(&|r| r["servings"] = json!(0)), field("servings", "out_of_range")),
        ("/api/recipes", recipe(&|r| r["servings"] = json!(101)), field("servings", "out_of_range")),
        ("/api/recipes", recipe(&|r| r["servings"] = json!(-1)), field("servings", "invalid")),
        ("/api/recipes", recipe(&|r| r["ingredients"] = json!([])), field("ingredients", "too_short")),
        (
            "/api/recipes",
            recipe(&|r| r["ingredients"][1]["amount"] = json!(0)),
            field("ingredients[1].amount", "out_of_range"),
        ),
        (
            "/api/recipes",
            recipe(&|r| r["ingredients"][0]["amount"] = json!(0.0001)),
            field("ingredients[0].amount", "invalid"),
        ),
        (
            "/api/recipes",
            recipe(&|r| {
                r["totalCost"] = json!(1);
            }),
            field("totalCost", "unknown_field"),
        ),
    ];
    for (path, body, errors) in refused {
        assert_eq!(ada.post(path, &body).await.field_errors(), errors, "{path} {body}");
    }
    let both = ada
        .post(
            "/api/recipes",
            &recipe(&|r| {
                r["title"] = json!("");
                r["servings"] = json!(0);
            }),
        )
        .await;
    assert_eq!(both.field_errors().len(), 2, "all mistakes are told at once");
    assert_eq!(bff.calls(), 0, "{:#?}", bff.call_lines());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_the_upstream_can_know_is_told_in_the_same_way() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    let mut input = recipe_input("Rice");
    input["ingredients"][1]["ingredientId"] = json!("unobtainium");
    let errors = ada.post("/api/recipes", &input).await.field_errors();
    assert!(errors[0].0.starts_with("ingredients[1]"), "{errors:?}");
    let bob = bff.signed_in("bob").await;
    let id = post(&ada, "Ada's own").await;
    bob.delete(&format!("/api/posts/{id}")).await.expect_problem(403, "not_author");
    assert_eq!(texts(&ada.get(FEED).await.expect(200).json()), ["Ada's own"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_writes_without_a_session() {
    let bff = TestBff::spawn().await;
    bff.clear_journals();
    let nobody = bff.anonymous();
    nobody.post("/api/posts", &json!({ "text": "x" })).await.expect_problem(401, "unauthenticated");
    nobody.post("/api/recipes", &recipe_input("Rice")).await.expect_problem(401, "unauthenticated");
    nobody.delete("/api/posts/x").await.expect_problem(401, "unauthenticated");
    nobody.put("/api/follows/x").await.expect_problem(401, "unauthenticated");
    nobody.delete("/api/follows/x").await.expect_problem(401, "unauthenticated");
    assert_eq!(bff.calls(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_fails_as_its_upstream_does_and_says_nothing_of_it() {
    let bff = TestBff::builder().set("upstreams.timeline.timeout_ms", 500).spawn().await;
    let ada = bff.signed_in("ada").await;
    let failures = [
        (Fault::Status500, 502, "upstream_unavailable"),
        (Fault::Garbage, 502, "upstream_unavailable"),
        (Fault::GarbageJson, 502, "upstream_unavailable"),
        (Fault::BlackHole, 504, "upstream_timeout"),
        (Fault::Status(401), 502, "upstream_unavailable"),
        (Fault::Status(422), 422, "validation_failed"),
        (Fault::Status(429), 503, "overloaded"),
    ];
    for (fault, status, code) in failures {
        bff.timeline.fail(fault.clone());
        let answer = ada.post("/api/posts", &json!({ "text": "x" })).await;
        answer.expect_problem(status, code);
        assert!(!answer.text().contains(tests::PLANTED), "{fault:?}");
        bff.heal().await;
    }
}
