//! Events of upstreams, and live connections.

mod delivery;
mod endings;
mod events;
mod grace;
mod handshake;
mod idle;
mod limits;
pub(crate) mod listeners;
mod replicas;

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Builder, Replica, TestBff};

/// The tokens of the upstreams under test. Planted: they must turn up nowhere.
const RECIPE_TOKEN: &str = "planted-token-of-the-recipe-service-0123";
const TIMELINE_TOKEN: &str = "planted-token-of-the-timeline-service-01";

/// A system whose recipe and timeline services may send events.
fn builder() -> Builder {
    TestBff::builder().set("events.recipe.token", RECIPE_TOKEN).set("events.timeline.token", TIMELINE_TOKEN)
}

/// Sends an event with a token, or without one.
async fn send_event(bff: &Replica, token: Option<&str>, event: &Value) -> Answer {
    let sender = bff.anonymous().elsewhere(&bff.internal_url());
    let request = sender.request(Method::POST, "/events").json(event);
    match token {
        Some(token) => request.header("authorization", &format!("Bearer {token}")).send().await,
        None => request.send().await,
    }
}

/// Sends an event that is taken; its message's id.
async fn tell(bff: &Replica, topic: &str, kind: &str, data: Value) -> String {
    let event = json!({ "topic": topic, "type": kind, "data": data });
    let answer = send_event(bff, Some(RECIPE_TOKEN), &event).await.expect(202);
    answer.json()["id"].as_str().expect("an id").to_owned()
}

/// The value of a metric without labels.
async fn metric(bff: &Replica, name: &str) -> u64 {
    let text = bff.internal("/metrics").await.expect(200).text();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} is missing")).parse().expect("a whole number")
}
