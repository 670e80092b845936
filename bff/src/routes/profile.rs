//! Routes whose answer is the caller's own profile, and what of a profile stands beside what its member writes.

use std::{future::Future, pin::Pin};

use clients::{CallContext, UpstreamError};
use schemas::Me;
use serde_json::value::RawValue;

use super::Routes;
use crate::identity::Caller;

/// Asks the upstream that serves accounts for the caller's own one.
pub type AskAccount =
    Box<dyn Fn(CallContext) -> Pin<Box<dyn Future<Output = Result<(), UpstreamError>> + Send>> + Send + Sync>;

/// `user.card`: the declared fields of the profile that the session carries, in their order, as a JSON object. Absent fields
/// are null.
pub(super) fn card(caller: &Caller, fields: &[Box<str>]) -> Vec<u8> {
    // A profile came as JSON, and can be written as such.
    let profile = serde_json::to_value(&*caller.session.profile).unwrap_or_default();
    let mut card = vec![b'{'];
    for (place, field) in fields.iter().enumerate() {
        if place > 0 {
            card.push(b',');
        }
        let value = profile.get(&**field).unwrap_or(&serde_json::Value::Null);
        // Writing to memory does not fail.
        let _ = serde_json::to_writer(&mut card, field);
        card.push(b':');
        let _ = serde_json::to_writer(&mut card, value);
    }
    card.push(b'}');
    card
}

impl Routes {
    /// The sessions of the caller take their profile over. The change itself is made: a session that shows the old name for a
    /// while is no reason to deny it.
    pub(super) async fn take_over(&self, profile: &RawValue) {
        let Ok(profile) = serde_json::from_str::<Me>(profile.get()) else {
            return tracing::warn!("an answer is no profile: sessions keep the old one");
        };
        if let Err(error) = self.sessions.refresh_profile(&profile).await {
            tracing::warn!(%error, "sessions show an old profile");
        }
    }

    /// A write to the caller's own account was answered with 404 or 410. Whether it is the account that was not found, the
    /// account is asked; where it is, the caller's sessions end.
    pub(super) async fn ask_for_account(&self, caller: &Caller, cx: &CallContext) {
        if let Some(ask) = &self.ask_account {
            let _ = self.sessions.own_account(&caller.user, || ask(cx.clone())).await;
        }
    }
}
