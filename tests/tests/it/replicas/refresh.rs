//! Refresh tokens: a lost or a parallel answer signs nobody out, a stolen token signs everybody out.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Actor, Answer, Replica, TestBff, eventually, figures, redis::Durability};

use super::{FEED, Pair, refused_since, spread};

const PARALLEL: usize = 50;

/// Presents one token many times at once, to all of `replicas` in turn; the one pair that came of it.
async fn refresh_at_once(replicas: &[&Replica], token: &str) -> Value {
    let callers = replicas.iter().cycle().take(PARALLEL).map(|replica| replica.anonymous());
    let answers = join_all(callers.map(|caller| async move { caller.present(token).await })).await;
    let mut pairs = answers.into_iter().map(|answer| answer.expect(200).json());
    let first = pairs.next().expect("fifty");
    pairs.for_each(|pair| assert_eq!(pair, first));
    first
}

fn text(pair: &Value, name: &str) -> String {
    pair[name].as_str().expect("a token").to_owned()
}

/// Somebody with this access token, at `replica`.
async fn reads_with(replica: &Replica, access_token: &str) -> Answer {
    let request = replica.anonymous().request(Method::GET, FEED);
    request.header("authorization", &format!("Bearer {access_token}")).send().await
}

async fn parallel_refreshes_get_the_same_pair(bff: &TestBff, replicas: &[&Replica]) {
    let app = bff.sign_up("ada").await;
    let _ = app.sign_in_app("ada").await;
    let (first_access, first) = (app.access_token(), app.refresh_token());
    let second = refresh_at_once(replicas, &first).await;
    assert_ne!(text(&second, "refresh_token"), first);
    let third = refresh_at_once(replicas, &text(&second, "refresh_token")).await;
    // Whoever lost all those answers, and the one before as well, is still signed in.
    let again = app.present(&text(&second, "refresh_token")).await.expect(200).json();
    assert_eq!(again, third);
    for replica in replicas {
        for token in [&first_access, &text(&second, "access_token"), &text(&third, "access_token")] {
            let _ = reads_with(replica, token).await.expect(200);
        }
    }
    let sessions = bff.anonymous();
    let _ = sessions.sign_in("ada").await;
    let listed = sessions.get("/auth/sessions").await.expect(200).json();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(2), "one browser, one app: {listed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_refreshes_at_once_on_two_gateways_get_one_pair() {
    let pair = Pair::start(Durability::Nothing, TestBff::builder()).await;
    parallel_refreshes_get_the_same_pair(&pair.here, &pair.both()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_refreshes_at_once_on_one_gateway_with_its_own_store_get_one_pair() {
    let bff = TestBff::spawn().await;
    parallel_refreshes_get_the_same_pair(&bff, &[&bff]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_given_again_by_both_gateways_after_the_window_until_it_is_used_at_one() {
    let builder = TestBff::builder().set("tokens.retry_ms", 0);
    let pair = Pair::start(Durability::Nothing, builder).await;
    let app = pair.here.sign_up("ada").await;
    for by_refresh in [false, true] {
        let _ = app.sign_in_app("ada").await;
        let spent = app.refresh_token();
        let lost = text(&app.present(&spent).await.expect(200).json(), "refresh_token");
        let callers = pair.both().into_iter().cycle().take(PARALLEL).map(Replica::anonymous);
        let answers = join_all(callers.map(|caller| {
            let spent = &spent;
            async move { caller.present(spent).await }
        }))
        .await;
        let pairs: Vec<Value> = answers.into_iter().map(|answer| answer.expect(200).json()).collect();
        assert!(pairs.iter().all(|pair| text(pair, "refresh_token") == lost), "one successor");
        if by_refresh {
            let _ = pair.there.anonymous().present(&lost).await.expect(200);
        } else {
            let _ = reads_with(&pair.there, &text(&pairs[0], "access_token")).await.expect(200);
        }
        pair.here.anonymous().present(&spent).await.expect_problem(401, "invalid_grant");
        pair.there.anonymous().present(&lost).await.expect_problem(401, "invalid_grant");
    }
}

/// Presents a spent token until it is taken for stolen. Until then it gets the same successor.
async fn replay(thief: &Actor, spent: &str, successor: &Value) -> Instant {
    let began = Instant::now();
    eventually("the end of the time for retries", || async {
        let answer = thief.present(spent).await;
        if answer.status == 200 {
            assert_eq!(answer.json(), *successor);
            return None;
        }
        answer.expect_problem(401, "invalid_grant");
        assert!(began.elapsed() > RETRY / 2, "not before its time: {:?}", began.elapsed());
        Some(Instant::now())
    })
    .await
}

const RETRY: Duration = Duration::from_millis(400);

/// How long after the replay each of `replicas` refused what the family had.
async fn a_replay_ends_the_family(bff: &TestBff, replicas: &[&Replica]) -> Vec<Duration> {
    let app = bff.sign_up("ada").await;
    let bystander = bff.sign_up("ada").await;
    let _ = bystander.sign_in_app("ada").await;
    let mut took = Vec::new();
    for _ in 0..10 {
        let _ = app.sign_in_app("ada").await;
        let spent = app.refresh_token();
        let successor = app.refresh().await.json();
        for replica in replicas {
            let _ = replica.called_by(&app).get(FEED).await.expect(200);
        }
        let refused = replay(&bff.anonymous(), &spent, &successor).await;
        for replica in replicas.iter().rev() {
            took.push(refused_since(refused, &replica.called_by(&app), FEED).await);
            replica.anonymous().present(&app.refresh_token()).await.expect_problem(401, "invalid_grant");
            replica.anonymous().present(&spent).await.expect_problem(401, "invalid_grant");
            let _ = replica.called_by(&bystander).get(FEED).await.expect(200);
        }
    }
    let _ = bystander.refresh().await;
    took
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_ends_the_family_on_both_gateways() {
    let builder = TestBff::builder().set("tokens.retry_ms", RETRY.as_millis()).alone();
    let pair = Pair::start(Durability::Nothing, builder).await;
    let took = a_replay_ends_the_family(&pair.here, &pair.both()).await;
    figures::note("replay of a refresh token to 401 for its access token on both gateways", spread(took));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_ends_the_family_with_the_gateway_s_own_store() {
    let bff = TestBff::builder().set("tokens.retry_ms", RETRY.as_millis()).spawn().await;
    a_replay_ends_the_family(&bff, &[&bff]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invented_token_ends_nothing() {
    let pair = Pair::start(Durability::Nothing, TestBff::builder()).await;
    let app = pair.here.sign_up("ada").await;
    let _ = app.sign_in_app("ada").await;
    let genuine = app.refresh_token();
    let mut invented = vec!["A".repeat(genuine.len()), genuine[..genuine.len() - 4].to_owned()];
    // Each part of it, changed in one place.
    invented.extend((0..genuine.len()).step_by(9).map(|at| {
        let other = if &genuine[at..=at] == "A" { "B" } else { "A" };
        format!("{}{other}{}", &genuine[..at], &genuine[at + 1..])
    }));
    for token in &invented {
        pair.there.anonymous().present(token).await.expect_problem(401, "invalid_grant");
    }
    for replica in pair.both() {
        let _ = replica.called_by(&app).get(FEED).await.expect(200);
    }
    let _ = app.refresh().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_revokes_a_token_or_signs_out_everywhere_ends_it_on_both_gateways() {
    let pair = Pair::start(Durability::Nothing, TestBff::builder()).await;
    let browser = pair.here.signed_in("ada").await;
    let app = pair.here.anonymous();
    for end in ["revoke", "everywhere"] {
        let _ = app.sign_in_app("ada").await;
        for replica in pair.both() {
            let _ = replica.called_by(&app).get(FEED).await.expect(200);
        }
        let _ = if end == "revoke" {
            let revoke = pair.here.anonymous().request(Method::POST, "/auth/revoke");
            revoke.json(&json!({ "token": app.refresh_token() })).send().await.expect(204)
        } else {
            browser.post("/auth/logout-everywhere", &json!({})).await.expect(204)
        };
        let ended = Instant::now();
        for replica in pair.both() {
            refused_since(ended, &replica.called_by(&app), FEED).await;
            replica.anonymous().present(&app.refresh_token()).await.expect_problem(401, "invalid_grant");
        }
    }
}
