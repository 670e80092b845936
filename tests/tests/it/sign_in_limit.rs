//! How often one account may be signed in, and what ends with the oldest sign-in.

use reqwest::Method;
use serde_json::json;
use tests::{Actor, Builder, PASSWORD, TestBff, eventually, soon};

use crate::second_factor::switch_on;

const FEED: &str = "/bff/home-feed";

fn builder(limit: usize) -> Builder {
    TestBff::builder().set("session.max_per_user", limit)
}

async fn is_signed_in(actor: &Actor) -> bool {
    let answer = actor.get("/auth/session").await;
    assert!([200, 401].contains(&answer.status.as_u16()), "{}", answer.text());
    answer.status == 200
}

async fn browser(bff: &TestBff) -> Actor {
    let actor = bff.anonymous();
    let _ = actor.sign_in("ada").await;
    actor
}

async fn app(bff: &TestBff) -> Actor {
    let actor = bff.anonymous();
    let _ = actor.sign_in_app("ada").await;
    actor
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_sign_in_ends_whatever_it_was_made_with() {
    let bff = builder(3).spawn().await;
    let bob = bff.signed_in("bob").await;
    let _ = bff.sign_up("ada").await;
    let mut all = vec![app(&bff).await, browser(&bff).await, app(&bff).await];
    for number in 3..9 {
        for (index, actor) in all.iter().enumerate() {
            assert_eq!(is_signed_in(actor).await, index + 3 >= number, "{index} of {number}");
        }
        all.push(if number % 2 == 0 { app(&bff).await } else { browser(&bff).await });
    }
    let listed = all[8].get("/auth/sessions").await.expect(200).json();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(3));
    assert!(is_signed_in(&bob).await, "others have their own");
    // A sign-in of one that ended makes no room for more.
    let gone = all[0].present(&all[0].refresh_token()).await;
    gone.expect_problem(401, "invalid_grant");
    // And one that its owner ended does.
    let _ = all[7].post("/auth/logout", &json!({})).await.expect(204);
    let next = browser(&bff).await;
    for actor in [&all[6], &all[8], &next] {
        assert!(is_signed_in(actor).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn its_live_connection_and_its_documents_end_with_it() {
    let bff = builder(1).spawn().await;
    let _ = bff.sign_up("ada").await;
    for by_app in [false, true] {
        let first = if by_app { app(&bff).await } else { browser(&bff).await };
        let warm = first.get(FEED).await.expect(200);
        assert!(warm.header("cache-status").is_some_and(|status| status.contains("stored")), "{warm:?}");
        let request = first.request(Method::GET, "/bff/notify").header("accept", "text/event-stream");
        let stream = tokio::spawn(async move { request.try_send().await });
        eventually("the connection", || async {
            let metrics = bff.internal("/metrics").await.expect(200).text();
            metrics.lines().any(|line| line == "bff_live_connections 1").then_some(())
        })
        .await;
        let next = browser(&bff).await;
        assert!(!is_signed_in(&first).await);
        let ended = soon("the end of the connection", stream).await.expect("no panic");
        assert_eq!(ended.map(|answer| answer.status.as_u16()).expect("a whole answer"), 200);
        let cold = next.get(FEED).await.expect(200);
        assert!(cold.header("cache-status").is_some_and(|status| status.contains("fwd")), "{cold:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_who_renews_a_session_ends_no_other() {
    let bff = builder(2).spawn().await;
    let _ = bff.sign_up("ada").await;
    let (first, second) = (bff.anonymous(), browser(&bff).await);
    let (_, _, on) = switch_on(&second).await;
    let codes = on.json()["recoveryCodes"].clone();
    let login = json!({ "login": "ada", "password": PASSWORD, "otp": codes[0] });
    let _ = first.post("/auth/login", &login).await.expect(200);
    let before = second.cookie();
    let off = second.from_page(Method::DELETE, "/auth/2fa/totp").json(&json!({ "code": codes[1] }));
    let _ = off.send().await.expect(204);
    assert_ne!(second.cookie(), before, "it has a new id");
    assert!(is_signed_in(&first).await && is_signed_in(&second).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_ins_survive_a_restart_and_so_does_their_limit() {
    let mut bff = builder(5).spawn().await;
    let _ = bff.sign_up("ada").await;
    let mut all = Vec::new();
    for _ in 0..7 {
        all.push(browser(&bff).await);
    }
    bff.kill9().await;
    bff.restart().await;
    all.push(browser(&bff).await);
    let mut live = Vec::new();
    for actor in &all {
        live.push(is_signed_in(&bff.called_by(actor)).await);
    }
    assert_eq!(live, [false, false, false, true, true, true, true, true]);
}
