//! Two gateways on one Redis: any of them may be the one that a browser, or a provider, comes to.

use std::time::Instant;

use serde_json::json;
use tests::{Replica, TestBff, figures, redis::RedisServer};

use super::{Fake, begin, finish, logout::order};

async fn system() -> (RedisServer, Fake, TestBff, Replica) {
    let redis = RedisServer::start().await;
    let fake = Fake::start().await;
    // Both stand behind one name.
    let builder = TestBff::builder().redis(&redis).set("http.public_url", "https://app.example");
    let first = fake.of(builder, "fake").spawn().await;
    let second = first.replica().await;
    (redis, fake, first, second)
}

#[tokio::test]
async fn a_sign_in_that_begins_at_one_is_finished_at_the_other_and_counts_once() {
    let (_redis, fake, first, second) = system().await;
    let mut begun = begin(&first.anonymous(), "fake", "/").await;
    let code = fake.code(&begun);
    begun.actor = second.called_by(&begun.actor);
    let _ = begun.back_with(&fake, &code).await.expect(303);
    let _ = first.called_by(&begun.actor).get("/auth/session").await.expect(200);
    begun.actor = first.called_by(&begun.actor);
    begun.back_with(&fake, &code).await.expect_problem(400, "oidc_state_invalid");
}

#[tokio::test]
async fn an_order_to_one_ends_the_sessions_at_the_other() {
    let (_redis, fake, first, second) = system().await;
    let actor = second.anonymous();
    let begun = begin(&actor, "fake", "/").await;
    let _ = finish(&fake, &begun).await.expect(303);
    let at_both = [actor.clone(), first.called_by(&actor)];
    for actor in &at_both {
        let _ = actor.get("/bff/home-feed").await.expect(200);
    }
    let token = fake.logout_token(&json!({}));
    let _ = order(&first.anonymous(), &token).await.expect(200);
    let ordered = Instant::now();
    for actor in &at_both {
        tests::eventually("both to have heard of it", || async {
            (actor.get("/bff/home-feed").await.status == 401).then_some(())
        })
        .await;
    }
    figures::note(
        "back-channel logout at one of two gateways on Redis, 401 at both after",
        format!("{} ms", ordered.elapsed().as_millis()),
    );
    order(&second.anonymous(), &token).await.expect_problem(400, "oidc_logout_token_invalid");
}

#[tokio::test]
async fn without_the_store_nobody_is_signed_in_and_no_order_is_lost() {
    let (mut redis, fake, first, second) = system().await;
    let actor = first.anonymous();
    let begun = begin(&actor, "fake", "/").await;
    let _ = finish(&fake, &begun).await.expect(303);
    let waiting = begin(&second.anonymous(), "fake", "/").await;
    redis.kill().await;
    // Nothing is stored for a sign-in that begins.
    let _ = begin(&second.anonymous(), "fake", "/").await;
    let refused = finish(&fake, &waiting).await;
    refused.expect_problem(503, "session_store_unavailable");
    assert!(refused.header("retry-after").is_some() && waiting.actor.cookie().is_none());
    let token = fake.logout_token(&json!({}));
    order(&first.anonymous(), &token).await.expect_problem(400, "oidc_logout_failed");
    redis.restart().await;
    // What was answered like that can be sent again.
    tests::eventually("the order to be carried out", || async {
        (order(&first.anonymous(), &token).await.status == 200).then_some(())
    })
    .await;
}
