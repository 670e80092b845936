//! Look-ups: what is there is served, what is not is composed, once for all that ask.

use std::{future::Future, sync::Arc, time::Instant};

use super::{
    documents::Documents,
    entry::Usable,
    following::{Followed, Following},
    in_flight::{Completed, JoinOrStart},
    key::DocumentKey,
    served::{FillError, Outcome, Served, Wanted},
};
use crate::compose::{Composed, PartCache, Uncomposed};

impl<E: Clone + Send + Sync + 'static> Documents<E> {
    /// The document, if it can be served as it is. A fresh one takes no lock and allocates nothing. A stale one has itself
    /// refreshed behind, once for all that ask; so does an old one whose composition keeps failing. `prepare` makes the
    /// composition, which may begin after the request has ended: see `refreshes.rs`.
    pub fn look_up<P, C, Fut>(
        self: &Arc<Self>,
        wanted: &Wanted<'_>,
        now: Instant,
        prepare: P,
    ) -> Option<Served>
    where
        P: FnOnce() -> C,
        C: FnOnce(PartCache) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Composed, Uncomposed<E>>> + Send + 'static,
    {
        let entry = self.entries.get(wanted.key)?;
        let (document, outcome) = match entry.usable(now, &self.invalidations) {
            Usable::Fresh(document) => (document, Outcome::Hit),
            Usable::Stale(document) if !wanted.require_fresh || entry.is_failing(now) => {
                (document, Outcome::Stale)
            }
            Usable::IfComposingFails(document) if entry.is_failing(now) => (document, Outcome::StaleIfError),
            Usable::Stale(_) | Usable::IfComposingFails(_) | Usable::Nothing => return None,
        };
        let served = Served { document: Arc::clone(document), outcome };
        if outcome != Outcome::Hit && entry.claim_refresh(now, wanted.policy.degraded) {
            let end = if outcome == Outcome::Stale { document.stale_until } else { document.usable_until };
            self.refresh_behind(wanted, now, end.saturating_duration_since(now), prepare);
        }
        Some(served)
    }

    /// The document, composed if need be: the first that asks has it composed, the others wait for the same
    /// composition. It goes on when the first one hangs up.
    ///
    /// # Errors
    /// [`FillError`] when it could not be composed and there is no older one to serve instead.
    pub async fn get<P, C, Fut>(
        self: &Arc<Self>,
        wanted: &Wanted<'_>,
        now: Instant,
        prepare: P,
    ) -> Result<Served, FillError<E>>
    where
        P: Fn() -> C,
        C: FnOnce(PartCache) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Composed, Uncomposed<E>>> + Send + 'static,
    {
        // What was purged up to here must not be seen any more.
        let asked = self.invalidations.generation();
        let mut was_lost = false;
        loop {
            if let Some(served) = self.look_up(wanted, now, &prepare) {
                return Ok(served);
            }
            let (composition, forward, collapsed) = match self.join_or_start(wanted, now, prepare(), None) {
                JoinOrStart::AlreadyDone => continue,
                JoinOrStart::Joined(composition, forward) => (composition, forward, true),
                JoinOrStart::Started(composition, forward) => (composition, forward, false),
            };
            match composition.pending.await {
                // An event came while it was composed, but before we asked: what it read may be older than
                // what we must show. Its successor, begun after we asked, cannot be.
                Ok(completed)
                    if completed.document.is_older_than_a_purge_before(asked, &self.invalidations) => {}
                Ok(Completed { document, stored }) => {
                    return Ok(Served {
                        document,
                        outcome: Outcome::Composed { forward, collapsed, stored },
                    });
                }
                // The thread of whoever asked first has ended. What panicked would do so again, and again.
                Err(FillError::Lost) if collapsed && !was_lost => was_lost = true,
                Err(error) => return self.older(wanted.key, now, error),
            }
        }
    }

    /// The document, if it can be served as it is; else the composition, to be read while it is made.
    pub fn follow<P, C, Fut>(self: &Arc<Self>, wanted: &Wanted<'_>, now: Instant, prepare: P) -> Followed<E>
    where
        P: Fn() -> C,
        C: FnOnce(PartCache) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Composed, Uncomposed<E>>> + Send + 'static,
    {
        loop {
            if let Some(served) = self.look_up(wanted, now, &prepare) {
                return Followed::There(served);
            }
            let (composition, forward, collapsed) = match self.join_or_start(wanted, now, prepare(), None) {
                JoinOrStart::AlreadyDone => continue,
                JoinOrStart::Joined(composition, forward) => (composition, forward, true),
                JoinOrStart::Started(composition, forward) => (composition, forward, false),
            };
            let fields = composition.progress.follow();
            return Followed::UnderWay(Following {
                fields,
                seen: 0,
                pending: Some(composition.pending),
                forward,
                collapsed,
            });
        }
    }

    /// What may be served where composing ended with `error`: nothing older where that is a definite answer.
    ///
    /// # Errors
    /// `error`.
    pub fn older(
        &self,
        key: &DocumentKey,
        now: Instant,
        error: FillError<E>,
    ) -> Result<Served, FillError<E>> {
        if matches!(error, FillError::Refused(_)) {
            return Err(error);
        }
        let Some(entry) = self.entries.get(key) else { return Err(error) };
        match entry.usable(now, &self.invalidations) {
            Usable::Fresh(document) | Usable::Stale(document) | Usable::IfComposingFails(document) => {
                Ok(Served { document: Arc::clone(document), outcome: Outcome::StaleIfError })
            }
            Usable::Nothing => Err(error),
        }
    }
}
