//! A day of a mobile app.

use serde_json::json;
use tests::{PASSWORD, TestBff};

use super::run;
use crate::kitchen::publish;

#[tokio::test]
async fn an_app_lives_through_a_day_with_an_airplane_in_it() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    let _ = bff.sign_up("bora").await;
    let topic = format!("recipe:{}", publish(&ada, "Fried rice").await);
    let told = json!({
        "gateway": bff.url(), "login": "ada", "password": PASSWORD, "topic": topic,
        "friend": { "login": "bora", "password": PASSWORD },
    });
    let seen = run("app-day.mjs", &told).await;
    assert_eq!(
        seen,
        json!({
            "feed": 200,
            "again": seen["again"],
            "inAirplaneMode": "the connection was lost",
            "stillSignedIn": true,
            "back": [200, 200, 200, 200, 200],
            "newTokens": true,
            "comment by sse": 201, "heard by sse": "by sse",
            "comment by websocket": 201, "heard by websocket": "by websocket",
            "afterSignOut": 401,
            "signedOut": 0,
        })
    );
    assert!(seen["again"].as_str().expect("a header").starts_with("bff; hit"), "{seen}");
}
