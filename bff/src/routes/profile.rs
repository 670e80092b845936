//! Routes whose answer is the caller's own profile.

use clients::CallContext;

use super::Routes;
use crate::identity::Caller;

impl Routes {
    /// The sessions of the caller take their profile over, as the upstream answered it. The change itself is made: a session that shows the old name for a
    /// while is no reason to deny it.
    pub(super) async fn take_over(&self, caller: &Caller, answer: &[u8]) {
        let read = self.accounts.as_ref().map(|accounts| accounts.profile(answer, Some(&caller.user)));
        let Some(Ok(profile)) = read else {
            return tracing::warn!("an answer is not the caller's profile: sessions keep the old one");
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
