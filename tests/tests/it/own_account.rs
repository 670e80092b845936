//! The caller's own account is gone at the service that keeps accounts.

use reqwest::Method;
use serde_json::json;
use tests::{Actor, Fault, TestBff, redis::RedisServer};

const FEED: &str = "/bff/home-feed";

/// A browser and an app of ada.
async fn sign_ins(bff: &TestBff) -> [Actor; 2] {
    let (browser, app) = (bff.signed_in("ada").await, bff.anonymous());
    let _ = app.sign_in_app("ada").await;
    [browser, app]
}

/// All that says whether somebody is signed in, in the words of their kind of sign-in.
async fn are_signed_out([browser, app]: &[Actor; 2]) {
    for path in ["/auth/session", FEED, "/bff/me", "/api/me"] {
        browser.get(path).await.expect_problem(401, "unauthenticated");
        app.get(path).await.expect_problem(401, "invalid_token");
    }
    app.present(&app.refresh_token()).await.expect_problem(401, "invalid_grant");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_sign_ins_end_whichever_answer_meets_it_first() {
    let bff = TestBff::spawn().await;
    let bob = bff.signed_in("bob").await;
    let lines = |actor: &Actor| actor.request(Method::GET, FEED).header("accept", "application/x-ndjson");
    for status in [404, 410] {
        for path in [FEED, "/bff/me", "/api/me", "lines", "patch"] {
            let everywhere = sign_ins(&bff).await;
            let id = everywhere[0].id();
            bff.profile.fail_on(&format!("/members/{id}"), Fault::Status(status));
            bff.profile.fail_on("/members/me", Fault::Status(status));
            let first = &everywhere[1];
            let answer = match path {
                "lines" => lines(first).send().await,
                "patch" => {
                    let patch = json!({ "displayName": "Ada" });
                    first.from_page(Method::PATCH, "/api/me").json(&patch).send().await
                }
                path => first.get(path).await,
            };
            answer.expect_problem(401, "invalid_token");
            are_signed_out(&everywhere).await;
            bff.heal().await;
        }
    }
    let _ = bob.get("/auth/session").await.expect(200);
    let log = bff.output();
    assert!(log.contains("an account is gone"), "operators are told");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_was_made_before_is_served_no_more() {
    let bff = TestBff::builder().set("screens.home_feed.fresh_ms", 1).spawn().await;
    let everywhere = sign_ins(&bff).await;
    let _ = everywhere[0].get(FEED).await.expect(200);
    let id = everywhere[0].id();
    bff.profile.fail_on(&format!("/members/{id}"), Fault::Status(404));
    // It is served while it is made anew behind; that meets the refusal.
    tests::eventually("the sign-ins to end", || async {
        let mut ended = true;
        // The refresh ends them behind: browsers first, apps after them.
        for actor in &everywhere {
            let answer = actor.get(FEED).await;
            assert!([200, 401].contains(&answer.status.as_u16()), "{}", answer.text());
            ended &= answer.status == 401;
        }
        ended.then_some(())
    })
    .await;
    are_signed_out(&everywhere).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_says_nothing_of_the_account_ends_nothing() {
    let bff = TestBff::spawn().await;
    let everywhere = sign_ins(&bff).await;
    let id = everywhere[0].id();
    for fault in [Fault::Status500, Fault::Status(403), Fault::Status(503), Fault::Reset, Fault::GarbageJson]
    {
        bff.profile.fail(fault.clone());
        for actor in &everywhere {
            let answer = actor.get("/bff/me").await;
            assert!(answer.status.as_u16() >= 400 && answer.status != 401, "{fault:?}: {}", answer.text());
        }
        bff.heal().await;
    }
    // Somebody else's page, and what belongs to others.
    let bob = bff.signed_in("bob").await;
    bff.profile.fail_on(&format!("/members/{}", bob.id()), Fault::Status(404));
    let _ = everywhere[0].get(&format!("/bff/members/{}", bob.id())).await;
    bff.heal().await;
    for proxy in [&bff.timeline, &bff.recipe] {
        proxy.fail(Fault::Status(404));
    }
    let _ = everywhere[0].get(FEED).await;
    bff.heal().await;
    for actor in everywhere.iter().chain([&bob]) {
        let _ = actor.get("/auth/session").await.expect(200);
        let _ = actor.get("/bff/me").await.expect(200);
    }
    assert_eq!(everywhere[0].id(), id);
}

#[tokio::test(flavor = "multi_thread")]
async fn they_end_on_every_gateway() {
    let redis = RedisServer::start().await;
    let bff = TestBff::builder().redis(&redis).spawn().await;
    let there = bff.replica().await;
    let everywhere = sign_ins(&bff).await;
    for actor in &everywhere {
        let _ = there.called_by(actor).get(FEED).await.expect(200);
    }
    bff.profile.fail_on(&format!("/members/{}", everywhere[0].id()), Fault::Status(404));
    everywhere[0].get(FEED).await.expect_problem(401, "unauthenticated");
    are_signed_out(&everywhere.each_ref().map(|actor| there.called_by(actor))).await;
}
