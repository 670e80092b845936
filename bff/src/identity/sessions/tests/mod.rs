//! What holds of [`Sessions`] whatever the store and other requests do meanwhile.

mod endings;
mod life;
mod outage;
mod races;
pub(in crate::identity) mod trial_store;

use std::{sync::Arc, time::Duration};

use secrecy::ExposeSecret as _;
use tokio::runtime::Handle;
pub(crate) use trial_store::TrialStore;

use super::{NewSession, Sessions};
use crate::{
    identity::{ProfileDocument, ProfileShape, SessionPolicy},
    store::Store,
};

const HOUR: u64 = 60 * 60 * 1000;
const MINUTE: u64 = 60 * 1000;
const DAY: u64 = 24 * HOUR;

pub(crate) fn member(id: &str) -> Arc<ProfileDocument> {
    let member = serde_json::json!({
        "id": id, "username": id, "displayName": "밥 Ada", "avatarUrl": null, "bio": "a \"b\"\n",
        "createdAt": "2026-01-02T03:04:05Z", "email": "ada@example.org", "totpEnabled": true
    });
    Arc::new(ProfileShape::open().read(member.to_string().as_bytes()).expect("a profile"))
}

fn sessions(store: &Arc<TrialStore>) -> Sessions {
    let store: Arc<dyn Store> = store.clone();
    Sessions::new(store, SessionPolicy::default(), Handle::current(), Arc::default())
}

/// Signs in and makes the first request, after which the session is in memory.
async fn signed_in(sessions: &Sessions, user: &str, now_ms: u64) -> NewSession {
    let member = member(user);
    let made = sessions.create(&member, "Firefox on Linux", "203.0.113.0/24", now_ms);
    let NewSession { id, session } = made.await.expect("a session");
    let found = sessions.lookup(id.expose_secret(), now_ms).await.expect("the store answers");
    NewSession { id, session: found.unwrap_or(session) }
}

/// Lets background tasks run until `done`.
pub(in crate::identity) async fn until(what: &str, done: impl Fn() -> bool) {
    for _ in 0..10_000 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("never came: {what}");
}
