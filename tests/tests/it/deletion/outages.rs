//! Services that are away while a member leaves.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tests::{
    Fault, eventually,
    redis::{Durability, RedisServer},
};

use super::{builder, gone, kept, leave, queue_is_empty, settle};
use crate::fixtures::{post, publish};

/// How long each service is away.
const AWAY: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn each_service_may_take_no_connection_for_ten_seconds() {
    let bff = builder().set("jobs.max_attempts", 100).spawn().await;
    let bora = bff.signed_in("bora").await;
    let (recipe, written) = (publish(&bora, "Bora's").await, post(&bora, "Bora's own").await);
    let before = kept(&bff, &bora.id()).await;
    for (place, service) in ["profile", "timeline", "recipe"].into_iter().enumerate() {
        let member = settle(&bff, &format!("closed-{service}"), &bora, &recipe, &written).await;
        let proxy = bff.proxies()[place];
        // The profile service proves the password first.
        proxy.fail_on(&format!("/members/{}", member.id()), Fault::Status500);
        let _ = leave(&member).await.expect(202);
        proxy.refuse().await;
        tokio::time::sleep(AWAY).await;
        let page = bff.internal("/jobs").await.expect(200).json();
        assert_eq!((&page["waitingCount"], &page["deadCount"]), (&json!(1), &json!(0)), "{service}");
        assert_ne!(kept(&bff, &member.id()).await[place]["items"], json!([]), "{service} was away");
        proxy.heal().await;
        gone(&bff, &member.id()).await;
        queue_is_empty(&bff).await;
    }
    assert_eq!(kept(&bff, &bora.id()).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_service_may_be_away_and_comes_back() {
    let bff = builder().spawn().await;
    let bora = bff.signed_in("bora").await;
    let (recipe, written) = (publish(&bora, "Bora's").await, post(&bora, "Bora's own").await);
    let before = kept(&bff, &bora.id()).await;
    for (place, service) in ["profile", "timeline", "recipe"].into_iter().enumerate() {
        let member = settle(&bff, &format!("away-{service}"), &bora, &recipe, &written).await;
        let proxy = bff.proxies()[place];
        // The profile service proves the password first.
        proxy.fail_on(&format!("/members/{}", member.id()), Fault::Status500);
        let _ = leave(&member).await.expect(202);
        eventually("attempts that fail", || async {
            let page = bff.internal("/jobs").await.expect(200).json();
            (page["waiting"][0]["attempts"].as_u64() > Some(3)).then_some(())
        })
        .await;
        let page = bff.internal("/jobs").await.expect(200).json();
        let error = page["waiting"][0]["error"].as_str().expect("why").to_owned();
        assert!(error.starts_with(&format!("{service}: ")), "{error}");
        assert!(!error.contains(&member.id()));
        proxy.heal().await;
        gone(&bff, &member.id()).await;
        queue_is_empty(&bff).await;
    }
    assert_eq!(kept(&bff, &bora.id()).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_never_succeeds_is_a_dead_letter_that_an_operator_revives() {
    let bff = builder().set("jobs.max_attempts", 3).spawn().await;
    let ada = bff.signed_in("ada").await;
    bff.recipe.refuse().await;
    let _ = leave(&ada).await.expect(202);
    let page = eventually("a dead letter", || async {
        let page = bff.internal("/jobs").await.expect(200).json();
        (page["deadCount"] == 1 && page["waitingCount"] == 0).then_some(page)
    })
    .await;
    assert_eq!(page["dead"][0]["attempts"], json!(3));
    eventually("metrics that say so", || async {
        let metrics = bff.internal("/metrics").await.expect(200).text();
        let told = |line: &str| metrics.lines().any(|known| known == line);
        (told("bff_jobs_dead{kind=\"delete_member\"} 1")
            && told("bff_jobs_waiting{kind=\"delete_member\"} 0")
            && told("bff_job_attempts_total{kind=\"delete_member\",outcome=\"retried\"} 2")
            && told("bff_job_attempts_total{kind=\"delete_member\",outcome=\"dead\"} 1"))
        .then_some(())
    })
    .await;
    bff.anonymous().try_sign_in("ada").await.expect_problem(401, "bad_credentials");
    bff.recipe.heal().await;
    let revive = bff.anonymous().elsewhere(&bff.internal_url());
    let revived = revive.request(Method::POST, "/jobs/revive").send().await.expect(200).json();
    assert_eq!(revived, json!({ "revived": 1 }));
    gone(&bff, &ada.id()).await;
    queue_is_empty(&bff).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_takes_nobody_and_signs_nobody_out() {
    let bff = builder().set("jobs.max_jobs", 1).spawn().await;
    let (ada, bora) = (bff.signed_in("ada").await, bff.signed_in("bora").await);
    bff.timeline.refuse().await;
    let _ = leave(&ada).await.expect(202);
    leave(&bora).await.expect_problem(503, "queue_full");
    let _ = bora.get("/auth/session").await.expect(200);
    bff.timeline.heal().await;
    gone(&bff, &ada.id()).await;
    queue_is_empty(&bff).await;
    let _ = leave(&bora).await.expect(202);
    gone(&bff, &bora.id()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_holds_on_the_other_gateway_at_once() {
    let store = RedisServer::durable(Durability::Nothing).await;
    let here = builder().redis(&store).spawn().await;
    let there = here.replica().await;
    let (ada, bora) = (here.signed_in("ada").await, here.signed_in("bora").await);
    let app = here.anonymous();
    let _ = app.sign_in_app("ada").await.expect(200);
    let (ada_there, app_there) = (there.called_by(&ada), there.called_by(&app));
    let bora_there = there.called_by(&bora);
    let _ = ada_there.get("/bff/home-feed").await.expect(200);
    let _ = app_there.get("/bff/home-feed").await.expect(200);
    let page = format!("/bff/members/{}", ada.id());
    for reader in [&bora, &bora_there, &there.anonymous()] {
        let _ = reader.get(&page).await.expect(200);
    }
    let _ = leave(&ada).await.expect(202);
    ada_there.get("/bff/home-feed").await.expect_problem(401, "unauthenticated");
    app_there.get("/bff/home-feed").await.expect_problem(401, "invalid_token");
    assert_eq!(app_there.present(&app.refresh_token()).await.status, 401);
    there.anonymous().try_sign_in("ada").await.expect_problem(401, "bad_credentials");
    gone(&here, &ada.id()).await;
    queue_is_empty(&there).await;
    for reader in [&bora, &bora_there, &there.anonymous()] {
        reader.get(&page).await.expect_problem(404, "not_found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_gateway_takes_over_what_a_dead_one_has_begun() {
    let store = RedisServer::durable(Durability::Nothing).await;
    let here = builder().redis(&store).spawn().await;
    let mut there = here.replica().await;
    let ada = here.signed_in("ada").await;
    here.timeline.delay(Duration::from_secs(60));
    let _ = leave(&there.called_by(&ada)).await.expect(202);
    eventually("a call under way", || async {
        here.call_lines().iter().any(|line| line.contains("timeline DELETE")).then_some(())
    })
    .await;
    there.kill9().await;
    here.heal().await;
    gone(&here, &ada.id()).await;
    queue_is_empty(&here).await;
}
