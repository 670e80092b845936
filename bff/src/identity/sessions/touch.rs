//! What use does to a browser session: its idle end moves.

use std::sync::{Arc, atomic::Ordering};

use super::{
    Sessions,
    state::{Inner, TRIES},
};
use crate::{
    identity::{
        IdentityError, SessionKind,
        record::{entry_of, millis},
        session::Session,
    },
    store::Space,
};

/// After a touch that the store did not take, the next one waits for so long.
const TOUCH_RETRY_MS: u64 = 5_000;

impl Sessions {
    /// Moves the idle end of a session that is in use, at most once in `touch_every`. The store hears of it in
    /// the background; when it does not take it, the request goes on and a later one tries again. Never
    /// brings an ended session back. Costs one atomic read when nothing is due, and nothing ever is for an app's.
    pub fn touch(&self, session: &Arc<Session>, now_ms: u64) {
        if !session.claim_touch(now_ms, millis(self.inner.policy.touch_every)) {
            return;
        }
        let (inner, session) = (Arc::clone(&self.inner), Arc::clone(session));
        self.inner.runtime.spawn(async move {
            let outcome = inner.persist_touch(&session, now_ms).await;
            if outcome.is_err() {
                session.touch_due_ms.store(now_ms.saturating_add(TOUCH_RETRY_MS), Ordering::Release);
            }
            inner.report_touch(outcome);
        });
    }
}

impl Inner {
    /// Writes the idle end of `session`, which was used at `seen_ms`, by compare-and-swap.
    async fn persist_touch(&self, session: &Arc<Session>, seen_ms: u64) -> Result<(), IdentityError> {
        let mut current = Arc::clone(session);
        for _ in 0..TRIES {
            let expected = current.version.load(Ordering::Acquire);
            let entry = entry_of(&current)?;
            if let Some(version) =
                self.store.put_if(Space::Sessions, &current.key, Some(expected), entry).await?
            {
                current.version.fetch_max(version, Ordering::AcqRel);
                return Ok(());
            }
            // Ended, or changed by another replica: what is stored now wins, and only its idle end moves.
            self.cache_sync.near.forget(&session.key);
            let Some(stored) = self.read(SessionKind::Browser, &session.key).await? else { return Ok(()) };
            if stored.last_seen_ms() >= seen_ms || !stored.is_live(seen_ms) {
                return Ok(());
            }
            stored.last_seen_ms.fetch_max(seen_ms, Ordering::AcqRel);
            current = stored;
        }
        Ok(())
    }

    fn report_touch(&self, outcome: Result<(), IdentityError>) {
        let failed = outcome.is_err();
        if self.touches_fail.swap(failed, Ordering::Relaxed) == failed {
            return;
        }
        match outcome {
            Ok(()) => tracing::info!("sessions are extended again"),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "sessions are not extended");
            }
        }
    }
}
