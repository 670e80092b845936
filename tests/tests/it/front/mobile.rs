//! Some days of a mobile app.

use serde_json::json;
use tests::{PASSWORD, TestBff};

use super::run;
use crate::fixtures::publish;

#[tokio::test]
async fn an_app_lives_through_days_with_an_airplane_and_a_thief_in_them() {
    // The flight is shorter than that; the thief comes later.
    let retry_ms = 2000;
    let bff = TestBff::builder().set("tokens.retry_ms", retry_ms).spawn().await;
    let ada = bff.signed_in("ada").await;
    let _ = bff.sign_up("bora").await;
    let topic = format!("recipe:{}", publish(&ada, "Fried rice").await);
    let told = json!({
        "gateway": bff.url(), "login": "ada", "password": PASSWORD, "topic": topic, "retryMs": retry_ms,
        "friend": { "login": "bora", "password": PASSWORD },
    });
    let seen = run("app-day.mjs", &told).await;
    assert_eq!(
        seen,
        json!({
            "feed": 200,
            "compact": 200,
            "again": seen["again"],
            "inAirplaneMode": "the connection was lost",
            "stillSignedIn": true,
            "back": [200, 200, 200, 200, 200],
            "newTokens": true,
            "comments": [201, 201, 201, 201],
            "heard": ["before the flight", "during the flight", "after the flight"],
            "byWebSocket": "by websocket",
            "days": { "openings": 24, "tokens": 24, "statuses": [200] },
            "theft": 401,
            "afterTheft": { "statuses": [401, 401], "told": 1, "tokensLeft": false },
            "mended": 200,
            "afterSignOut": 401,
            "signedOut": 1,
        })
    );
    assert!(seen["again"].as_str().expect("a header").starts_with("bff; hit"), "{seen}");
}
