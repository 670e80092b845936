//! Examples of what the gateway itself answers and takes, for its contract with callers.
//!
//! Examples are values of the very types, so that a field that gets another name gets it in its example as well.

mod shapes;

use serde::Serialize;
use serde_json::Value;

use crate::{Id, Me, RawText, Rfc3339};

/// An instance as it is on the wire, for the contract.
pub trait Example {
    /// A whole and consistent one.
    fn example() -> Value;
}

/// The request of which problem documents tell.
pub const REQUEST_ID: &str = "0192f5a09e217c408d113b5a7e9c2f04";

const ADA: &str = "01930000-0000-7000-8000-00000000ada0";
const MAILED: &str = "pX3vK0mVq1o9aG4sYxk2dQe7uTnLhW8rJfPiM5vXcKt";
const ORDER: &str = "01930000-0000-7001-8000-000000000002";
const FILE: &str = "3f2a9c1b7d5e4f60a1b2c3d4-0f1e2d3c4b5a69788796a5b4c3d2e1f0";
const SESSION: &str = "q1Zx0bTn3uKcW7sR";
const CSRF: &str = "zC3b0mVq1o9aG4sYxk2dQe7uTnLhW8rJfPiM5vXcKtE";
const REFRESH: &str = "rt_8f3vT0hXq8mZk1c5uJr7WgN2sLb6yDpQ";

/// Ids and times of the examples are sound: a test makes all of them.
fn read<T: serde::de::DeserializeOwned>(text: Value) -> T {
    serde_json::from_value(text).expect("a sound example")
}

fn id(text: &str) -> Id {
    read(text.into())
}

fn time(text: &str) -> Rfc3339 {
    read(text.into())
}

fn value(example: &impl Serialize) -> Value {
    serde_json::to_value(example).expect("plain data can be written")
}

fn ada() -> Me {
    Me {
        id: id(ADA),
        username: "ada".into(),
        display_name: "에이다 리".into(),
        avatar_url: None,
        bio: Some(RawText::new("안녕하세요, 에이다입니다.")),
        created_at: time("2026-08-22T09:30:00Z"),
        email: "ada@example.org".into(),
        totp_enabled: false,
        email_confirmed: Some(true),
    }
}
