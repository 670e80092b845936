//! The one way by which replicas tell each other what holds no more: what writes and events make old, and sessions that
//! have ended.
//!
//! A message takes effect here at once, and is then published through the store, for the other replicas to apply. It is
//! done when they have acknowledged it, so that the caller's next request may go to any of them. No write fails for a
//! replica that cannot be told: what was cached there is stale as soon as it is connected again, and counts as fresh no
//! longer than its fresh time until then.

use std::sync::{Arc, atomic::AtomicBool};

use futures_util::future::join_all;
use schemas::Id;

use super::{
    AckSender, Applied, Delivery, EndedSessions, Invalidations, Tag, Topic,
    line::Line,
    message::{EndedTold, Message, PurgesTold, names},
    presence::Presence,
    receiver::{Receiver, end_sessions},
};
use crate::{
    store::{STEP, Store, StoreError},
    telemetry::Metrics,
};

/// Invalidations on every replica. One for each process.
pub struct InvalidationBus {
    invalidations: Arc<Invalidations>,
    ended: Arc<Topic<EndedSessions>>,
    changes: Topic<Tag>,
    /// `None` where no other replica shares the store.
    line: Option<Line>,
}

impl std::fmt::Debug for InvalidationBus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InvalidationBus").field("invalidations", &self.invalidations).finish_non_exhaustive()
    }
}

impl InvalidationBus {
    /// Applies what other replicas tell from now on. Where no replica shares `store`, nothing is published.
    ///
    /// # Errors
    /// [`getrandom::Error`]: the process has no name among the replicas.
    pub fn new(
        invalidations: Arc<Invalidations>,
        store: &Arc<dyn Store>,
        metrics: Arc<Metrics>,
    ) -> Result<Arc<Self>, getrandom::Error> {
        if store.shared().is_some() {
            Self::over(invalidations, store, metrics, true)
        } else {
            Ok(Self::alone(&invalidations))
        }
    }

    /// In a process of its own.
    pub(crate) fn alone(invalidations: &Arc<Invalidations>) -> Arc<Self> {
        Arc::new(Self {
            invalidations: Arc::clone(invalidations),
            ended: Arc::default(),
            changes: Topic::default(),
            line: None,
        })
    }

    /// Over any store, as if it were shared; `confirms`: messages are waited for.
    pub(super) fn over(
        invalidations: Arc<Invalidations>,
        store: &Arc<dyn Store>,
        metrics: Arc<Metrics>,
        confirms: bool,
    ) -> Result<Arc<Self>, getrandom::Error> {
        let presence = Arc::new(Presence::new()?);
        let sender = Arc::clone(&presence);
        let acks = AckSender::new(store, move |applied| sender.message(applied.clone()).encode());
        let line = Line {
            store: Arc::clone(store),
            presence,
            peers: Arc::default(),
            applied: Arc::default(),
            broken: AtomicBool::new(false),
            confirms,
            metrics: Arc::clone(&metrics),
        };
        let ended = Arc::<Topic<EndedSessions>>::default();
        let receiver = Receiver {
            presence: Arc::clone(&line.presence),
            peers: Arc::clone(&line.peers),
            acks: Arc::clone(&acks),
            applied: Arc::clone(&line.applied),
            invalidations: Arc::clone(&invalidations),
            ended: Arc::clone(&ended),
            metrics,
        };
        store.listen(Box::new(move |notice| receiver.on_notice(notice)));
        if confirms {
            acks.here();
        }
        Ok(Arc::new(Self { invalidations, ended, changes: Topic::default(), line: Some(line) }))
    }

    /// Replicas in one process, over a store of which they need not know that others use it.
    #[cfg(test)]
    pub(crate) fn between_tests(store: &Arc<dyn Store>) -> Arc<Self> {
        Self::over(Arc::default(), store, Arc::default(), false).expect("random bits")
    }

    /// What it purges from.
    #[must_use]
    pub fn invalidations(&self) -> &Arc<Invalidations> {
        &self.invalidations
    }

    /// Sessions that have ended, on whichever replica, once their records are gone. Afterwards what was cached for their
    /// users is purged.
    #[must_use]
    pub fn ended_sessions(&self) -> &Topic<EndedSessions> {
        &self.ended
    }

    /// Tags that were invalidated through this process, once that has taken effect on every replica: for copies outside
    /// the gateway, whose keepers are to be told once.
    #[must_use]
    pub fn changes(&self) -> &Topic<Tag> {
        &self.changes
    }

    /// By which a process knows what it told itself; empty where no other replica shares the store.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.line.as_ref().map_or("", |line| &line.presence.origin)
    }

    /// Whether there may be other replicas to wait for.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.line.as_ref().is_some_and(|line| line.confirms)
    }

    /// `user` wrote something: everybody's documents with one of `everybodys` are stale, and theirs with one of
    /// `mine` are gone; here when this is first polled, on the other replicas when it is done.
    pub async fn written(&self, user: &Id, mine: &[Tag], everybodys: &[Tag]) {
        self.deleted(user, mine, everybodys, &[]).await;
    }

    /// As [`Self::written`], for a write after which what `gone` names exists no more: see
    /// [`Invalidations::purge_deleted`].
    pub async fn deleted(&self, user: &Id, mine: &[Tag], everybodys: &[Tag], gone: &[Tag]) {
        if !gone.is_empty() {
            self.invalidations.purge_deleted(gone);
        }
        // In this order: what the writer's next request begins to compose after the hard purge must not be older than
        // the soft one.
        if !everybodys.is_empty() {
            self.invalidations.soft_purge(everybodys);
        }
        if !mine.is_empty() {
            self.invalidations.hard_purge(user, mine);
        }
        self.publish(|| PurgesTold {
            soft: names(everybodys),
            hard: names(mine),
            deleted: names(gone),
            user: (!mine.is_empty()).then(|| user.as_str().to_owned()),
            ..PurgesTold::default()
        })
        .await;
        let all = mine.iter().chain(everybodys).chain(gone).enumerate();
        let once =
            all.filter(|(at, tag)| !mine.iter().chain(everybodys).take(*at).any(|other| other == *tag));
        once.for_each(|(_, tag)| self.changes.notify(tag));
    }

    /// What `tags` name must appear nowhere any more: see [`Invalidations::purge_erased`]. Here when this is first polled,
    /// on the other replicas when it is done.
    pub async fn erased(&self, tags: &[Tag]) {
        if tags.is_empty() {
            return;
        }
        self.invalidations.purge_erased(tags);
        self.publish(|| PurgesTold { erased: names(tags), ..PurgesTold::default() }).await;
        tags.iter().for_each(|tag| self.changes.notify(tag));
    }

    /// `user`'s documents with one of `tags` are gone, as in [`Self::written`].
    pub async fn purge_user(&self, user: &Id, tags: &[Tag]) {
        self.written(user, tags, &[]).await;
    }

    /// `user` (`None`: whoever is not signed in) has a definite answer instead of what `subjects` name: their documents
    /// about it are gone, as in [`Self::written`]. [`Self::changes`] are not told, since nothing may have changed for
    /// others.
    pub async fn refused(&self, user: Option<&Id>, subjects: &[Tag]) {
        if subjects.is_empty() {
            return;
        }
        self.invalidations.purge_subjects(user, subjects);
        self.publish(|| PurgesTold {
            refused: names(subjects),
            user: user.map(|user| user.as_str().to_owned()),
            ..PurgesTold::default()
        })
        .await;
    }

    /// An upstream said that something changed: everybody's documents with one of `tags` are stale. Answers with the
    /// message's number, for [`Self::apply_once`] elsewhere; 0 where it was not published. To be followed by
    /// [`Self::tell`].
    pub async fn happened(&self, tags: &[Tag]) -> u64 {
        if tags.is_empty() {
            return 0;
        }
        self.invalidations.soft_purge(tags);
        self.publish(|| PurgesTold { soft: names(tags), ..PurgesTold::default() }).await
    }

    /// Tells the subscribers of [`Self::changes`].
    pub fn tell(&self, tags: &[Tag]) {
        tags.iter().for_each(|tag| self.changes.notify(tag));
    }

    /// For what reaches this replica by another way as well: `tags` are stale, unless message `number` of `origin` said so
    /// already.
    pub fn apply_once(&self, origin: &str, number: u64, tags: &[Tag]) {
        let is_applied = |line: &Line| *origin == *line.presence.origin || line.applied.has(origin, number);
        if !tags.is_empty() && !self.line.as_ref().is_some_and(is_applied) {
            self.invalidations.soft_purge(tags);
        }
    }

    /// The same for another replica's write, which was published before it was heard of: `tags` are stale if this replica
    /// is disconnected.
    pub fn apply_if_disconnected(&self, origin: &str, tags: &[Tag]) {
        let missed = |line: &Line| *origin != *line.presence.origin && !line.presence.is_connected();
        if !tags.is_empty() && self.line.as_ref().is_some_and(missed) {
            self.invalidations.soft_purge(tags);
        }
    }

    /// Sessions have ended, and the store has no record of them any more: what hangs on them goes here when this is first
    /// polled. Done when the other replicas have applied it or do not believe their memory any more.
    ///
    /// # Errors
    /// [`StoreError`]: not everything was published. Replicas do not believe what the store has told to be changed for
    /// longer than [`ENDING_ACK_TIMEOUT`](super::ENDING_ACK_TIMEOUT) all the same.
    pub async fn end_sessions(&self, ended: &EndedSessions) -> Result<Delivery, StoreError> {
        if ended.keys.is_empty() {
            return Ok(Delivery::Applied);
        }
        end_sessions(ended, &self.ended, &self.invalidations);
        let Some(line) = &self.line else { return Ok(Delivery::Applied) };
        let steps = ended.keys.chunks(STEP).map(|keys| line.end_sessions(EndedTold::new(&ended.user, keys)));
        let outcomes = join_all(steps).await.into_iter().collect::<Result<Vec<_>, _>>()?;
        let all_applied = outcomes.iter().all(|outcome| *outcome == Delivery::Applied);
        Ok(if all_applied { Delivery::Applied } else { Delivery::Unconfirmed })
    }

    /// Has every replica wait for this one from now on, and asks who else is there. To be done before this one believes
    /// what it holds.
    ///
    /// # Errors
    /// [`StoreError`]: others may not wait.
    pub async fn announce(&self) -> Result<(), StoreError> {
        let Some(line) = self.line.as_ref().filter(|line| line.confirms) else { return Ok(()) };
        let message = Message { asks: true, ..line.presence.message(Applied::new()) };
        line.store.publish(message.encode()).await
    }

    /// This replica serves nobody any more: nobody has to wait for it.
    ///
    /// # Errors
    /// [`StoreError`]: somebody may wait in vain, once.
    pub async fn leave(&self) -> Result<(), StoreError> {
        let Some(line) = self.line.as_ref().filter(|line| line.confirms) else { return Ok(()) };
        line.presence.leave();
        line.store.publish(line.presence.message(Applied::new()).encode()).await
    }

    async fn publish(&self, purges: impl FnOnce() -> PurgesTold) -> u64 {
        let Some(line) = &self.line else { return 0 };
        let purges = purges();
        if purges == PurgesTold::default() { 0 } else { line.purge(purges).await }
    }
}

#[cfg(test)]
#[path = "bus_tests.rs"]
mod tests;
