//! Look-ups and fills.

use std::{
    collections::HashMap,
    future::Future,
    hash::{BuildHasher, RandomState},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::{FutureExt, future::Shared};
use moka::policy::EvictionPolicy;
use parking_lot::Mutex;
use schemas::Id;
use tokio::{
    runtime::Handle,
    sync::{oneshot, watch},
};

use super::{
    document::{Document, Encodings},
    entry::{Entry, Policy, Usable},
    key::DocumentKey,
};
use crate::{
    compose::{Composed, Field, PartCache, Progress, Uncomposed},
    invalidation::{Generation, HashedUser, InvalidationBus, Invalidations, Tag, Validity},
};

/// Why there is no document.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FillError<E> {
    /// The composition answered that it cannot.
    #[error("the document could not be composed")]
    Failed(#[source] E),
    /// There is a definite answer instead: nothing older may be served.
    #[error("there is an answer instead of the document")]
    Refused(#[source] E),
    /// The composition ended without an answer: it panicked, or the process is stopping.
    #[error("the composition was lost")]
    Lost,
}

/// How a document came to be served: what `Cache-Status` says (RFC 9211) and what metrics count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// In its fresh time.
    Hit,
    /// In its stale time; a refresh runs behind or is about to.
    Stale,
    /// Composed for this request, or for one that it waited with.
    Composed { forward: Forward, collapsed: bool, stored: bool },
    /// Old, because composing failed.
    StaleIfError,
}

/// Why the cache could not answer by itself (RFC 9211 section 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forward {
    /// There was nothing under the key.
    Miss,
    /// There was something too old, or purged.
    Stale,
}

/// A document and how it came.
#[derive(Debug, Clone)]
pub struct Served {
    pub document: Arc<Document>,
    pub outcome: Outcome,
}

/// Bounds of the cache.
#[derive(Debug, Clone, Copy)]
pub struct CacheSettings {
    /// All documents, their encodings and the copies of their parts together.
    pub max_bytes: u64,
    /// Fresh times are spread by so much to both sides, so that what was composed together does not end
    /// together.
    pub jitter_percent: u8,
}

/// How a request came to wait for a composition.
enum JoinOrStart<E> {
    /// Not at all: it has ended, and its document is there to be looked up.
    AlreadyDone,
    /// One that was under way.
    Joined(InFlight<E>, Forward),
    /// Its own.
    Started(InFlight<E>, Forward),
}

/// What a composition that has ended hands to all that wait for it.
#[derive(Debug, Clone)]
struct Completed {
    document: Arc<Document>,
    stored: bool,
}

type Completion<E> = Result<Completed, FillError<E>>;

/// A composition under way.
#[derive(Clone)]
struct InFlight<E> {
    /// Which composition: one that completes must not take another's place for its own.
    number: u64,
    /// [`Invalidations::generation`] when it began.
    begun: Generation,
    pending: Pending<E>,
    progress: Progress,
}

type Pending<E> = Shared<Pin<Box<dyn Future<Output = Completion<E>> + Send>>>;

/// A document that is there, or one to read along with.
pub enum Followed<E> {
    There(Served),
    UnderWay(Following<E>),
}

/// A composition under way, field by field.
pub struct Following<E> {
    fields: watch::Receiver<Vec<Field>>,
    seen: usize,
    pending: Option<Pending<E>>,
    forward: Forward,
    collapsed: bool,
}

impl<E> Following<E> {
    /// Why it is composed, and whether for somebody else in the first place.
    #[must_use]
    pub fn cause(&self) -> (Forward, bool) {
        (self.forward, self.collapsed)
    }
}

/// What comes next of a composition.
pub enum Next<E> {
    Field(Field),
    /// The complete document, or why there is none: the last that comes.
    End(Result<Served, FillError<E>>),
}

impl<E: Clone> Following<E> {
    /// The next field, or the end. `None` after that.
    pub async fn next(&mut self) -> Option<Next<E>> {
        let mut pending = self.pending.clone()?;
        loop {
            let field = self.fields.borrow_and_update().get(self.seen).cloned();
            if let Some(field) = field {
                self.seen += 1;
                return Some(Next::Field(field));
            }
            tokio::select! {
                // In this order: what was finished before the end comes before it.
                biased;
                Ok(()) = self.fields.changed() => {}
                completed = &mut pending => {
                    self.pending = None;
                    let (forward, collapsed) = (self.forward, self.collapsed);
                    return Some(Next::End(completed.map(|Completed { document, stored }| {
                        Served { document, outcome: Outcome::Composed { forward, collapsed, stored } }
                    })));
                }
            }
        }
    }
}

/// The cache. `E` is the composition's error, which the cache only carries.
pub struct Documents<E> {
    entries: moka::sync::Cache<DocumentKey, Arc<Entry>>,
    in_flight: Mutex<HashMap<DocumentKey, InFlight<E>>>,
    next_number: AtomicU64,
    invalidations: Arc<Invalidations>,
    bus: Arc<InvalidationBus>,
    runtime: Handle,
    jitter: f64,
    random: RandomState,
}

impl<E> std::fmt::Debug for Documents<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Documents").field("entries", &self.entries.entry_count()).finish_non_exhaustive()
    }
}

/// What the cache itself takes for an entry, about, in bytes.
const NODE: usize = 256;

/// An entry leaves the cache when nothing in it can be of use any more.
struct EndOfUse;

impl moka::Expiry<DocumentKey, Arc<Entry>> for EndOfUse {
    fn expire_after_create(&self, _: &DocumentKey, entry: &Arc<Entry>, now: Instant) -> Option<Duration> {
        Some(entry.ends_at().saturating_duration_since(now))
    }

    fn expire_after_update(
        &self,
        _: &DocumentKey,
        entry: &Arc<Entry>,
        now: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.ends_at().saturating_duration_since(now))
    }
}

/// Which document, for whom, by which rules.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    pub key: &'a DocumentKey,
    /// `None`: the document that all who are not signed in share.
    pub user: Option<&'a Id>,
    pub policy: Policy,
    /// What the caller can read: made while the document is, off the worker threads.
    pub encodings: Encodings,
    /// The caller reads along while it is composed: [`Documents::follow`].
    pub stream: bool,
    /// The caller waits rather than take a document that is known to be old: they were told that it is.
    pub require_fresh: bool,
}

impl<E: Clone + Send + Sync + 'static> Documents<E> {
    /// An empty cache of what `bus` purges from. Compositions run on `runtime`, so that they outlive the request that
    /// started them.
    #[must_use]
    pub fn new(settings: CacheSettings, bus: Arc<InvalidationBus>, runtime: Handle) -> Self {
        let weigh = |key: &DocumentKey, entry: &Arc<Entry>| {
            let overhead = size_of::<DocumentKey>() + NODE;
            u32::try_from(overhead + key.as_bytes().len() + entry.weight()).unwrap_or(u32::MAX)
        };
        Self {
            entries: moka::sync::Cache::builder()
                .max_capacity(settings.max_bytes)
                .weigher(weigh)
                // The default policy may refuse a newcomer after it was composed: its user would compose on every
                // request until the sketch warms.
                .eviction_policy(EvictionPolicy::lru())
                .expire_after(EndOfUse)
                .build(),
            in_flight: Mutex::default(),
            next_number: AtomicU64::new(0),
            invalidations: Arc::clone(bus.invalidations()),
            bus,
            runtime,
            jitter: f64::from(settings.jitter_percent) / 100.0,
            random: RandomState::new(),
        }
    }

    /// The document, if it can be served as it is. Takes no lock, allocates nothing. A stale one starts its
    /// refresh with `compose`, once for all that ask; so does an old one whose composition keeps failing.
    pub fn look_up<F, Fut>(self: &Arc<Self>, wanted: &Wanted<'_>, now: Instant, compose: F) -> Option<Served>
    where
        F: FnOnce(PartCache) -> Fut,
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
            self.join_or_start(wanted, now, compose);
        }
        Some(served)
    }

    /// The document, composed if need be: the first that asks has it composed, the others wait for the same
    /// composition. It goes on when the first one hangs up.
    ///
    /// # Errors
    /// [`FillError`] when it could not be composed and there is no older one to serve instead.
    pub async fn get<F, Fut>(
        self: &Arc<Self>,
        wanted: &Wanted<'_>,
        now: Instant,
        compose: F,
    ) -> Result<Served, FillError<E>>
    where
        F: Fn(PartCache) -> Fut,
        Fut: Future<Output = Result<Composed, Uncomposed<E>>> + Send + 'static,
    {
        // What was purged up to here must not be seen any more.
        let asked = self.invalidations.generation();
        loop {
            if let Some(served) = self.look_up(wanted, now, &compose) {
                return Ok(served);
            }
            let (composition, forward, collapsed) = match self.join_or_start(wanted, now, &compose) {
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
                Err(error) => return self.older(wanted.key, now, error),
            }
        }
    }

    /// The document, if it can be served as it is; else the composition, to be read while it is made.
    pub fn follow<F, Fut>(self: &Arc<Self>, wanted: &Wanted<'_>, now: Instant, compose: F) -> Followed<E>
    where
        F: Fn(PartCache) -> Fut,
        Fut: Future<Output = Result<Composed, Uncomposed<E>>> + Send + 'static,
    {
        loop {
            if let Some(served) = self.look_up(wanted, now, &compose) {
                return Followed::There(served);
            }
            let (composition, forward, collapsed) = match self.join_or_start(wanted, now, &compose) {
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

    /// Entries and bytes held, for metrics.
    #[must_use]
    pub fn size(&self) -> (u64, u64) {
        (self.entries.entry_count(), self.entries.weighted_size())
    }

    /// Compositions under way.
    #[cfg(test)]
    pub(crate) fn in_flight_count(&self) -> usize {
        self.in_flight.lock().len()
    }

    /// [`Documents::size`] after pending evictions.
    #[cfg(test)]
    pub(super) fn settled_size(&self) -> (u64, u64) {
        self.entries.run_pending_tasks();
        self.size()
    }

    /// Joins the composition under way for the key, or starts one.
    fn join_or_start<F, Fut>(
        self: &Arc<Self>,
        wanted: &Wanted<'_>,
        now: Instant,
        compose: F,
    ) -> JoinOrStart<E>
    where
        F: FnOnce(PartCache) -> Fut,
        Fut: Future<Output = Result<Composed, Uncomposed<E>>> + Send + 'static,
    {
        let user = self.invalidations.hash_user(wanted.user.map_or("", Id::as_str));
        let mut in_flight = self.in_flight.lock();
        // A composition ends and its entry appears under this lock: whoever saw neither before sees one of them now.
        let entry = self.entries.get(wanted.key);
        let forward = if entry.is_some() { Forward::Stale } else { Forward::Miss };
        if let Some(composition) = in_flight.get(wanted.key)
            // After their own write, a user's composition that began before it is of no use to them.
            && composition.begun >= self.invalidations.latest_of_user(user)
            // Whoever reads along sees its fields before anything can be asked of the document that they are of: none
            // of them may show what was deleted before they asked.
            && !(wanted.stream && composition.begun < self.invalidations.latest_deletion())
        {
            if wanted.stream {
                composition.progress.will_be_followed();
            }
            return JoinOrStart::Joined(composition.clone(), forward);
        }
        if entry
            .as_ref()
            .is_some_and(|entry| matches!(entry.usable(now, &self.invalidations), Usable::Fresh(_)))
        {
            return JoinOrStart::AlreadyDone;
        }
        let parts = match &entry {
            Some(entry) => entry.parts_for_next(&self.invalidations),
            None => PartCache::new(Arc::clone(&self.invalidations), user, wanted.policy.part_times()),
        };
        if wanted.stream {
            parts.progress().will_be_followed();
        }
        let (complete, pending) = oneshot::channel();
        let pending = pending.map(|completed| completed.unwrap_or(Err(FillError::Lost))).boxed().shared();
        let number = self.next_number.fetch_add(1, Ordering::Relaxed);
        let composition =
            InFlight { number, begun: parts.begun(), pending, progress: parts.progress().clone() };
        in_flight.insert(wanted.key.clone(), composition.clone());
        let fill = Fill {
            documents: Arc::clone(self),
            key: wanted.key.clone(),
            policy: wanted.policy,
            encodings: entry.map_or(wanted.encodings, |entry| entry.encodings().and(wanted.encodings)),
            begun: parts.begun(),
            parts: parts.clone(),
            owner: wanted.user.cloned(),
            user,
            asked_at: now,
            started_at: Instant::now(),
            number,
        };
        // A runtime that is shutting down drops the task at once, and with it the fill, which takes the lock.
        drop(in_flight);
        let composing = compose(parts);
        self.runtime.spawn(async move {
            // Nobody may be waiting any more.
            let _ = complete.send(fill.complete(composing.await).await);
        });
        JoinOrStart::Started(composition, forward)
    }

    /// A factor around 1, different for each fill.
    fn jitter(&self, number: u64, key: &DocumentKey) -> f64 {
        let bits = self.random.hash_one((number, key));
        // 52 bits fit a double exactly.
        #[expect(clippy::cast_precision_loss, reason = "52 bits fit a double exactly")]
        let unit = (bits >> 12) as f64 / (1_u64 << 52) as f64;
        1.0 + self.jitter * (2.0 * unit - 1.0)
    }
}

/// What is left to do once a document was composed: finish, store, make room for the next.
struct Fill<E> {
    documents: Arc<Documents<E>>,
    key: DocumentKey,
    policy: Policy,
    encodings: Encodings,
    parts: PartCache,
    owner: Option<Id>,
    user: HashedUser,
    /// By the clock of those who ask.
    asked_at: Instant,
    started_at: Instant,
    begun: Generation,
    number: u64,
}

impl<E: Clone + Send + Sync + 'static> Fill<E> {
    async fn complete(&self, composed: Result<Composed, Uncomposed<E>>) -> Completion<E> {
        let composed = match composed {
            Ok(composed) => composed,
            Err(Uncomposed::Failed(error)) => {
                self.store(None);
                return Err(FillError::Failed(error));
            }
            Err(Uncomposed::Refused { error, subjects }) => {
                self.withdraw(&subjects).await;
                return Err(FillError::Refused(error));
            }
        };
        let jitter = self.documents.jitter(self.number, &self.key);
        let invalidations = &self.documents.invalidations;
        let document = Document::finish(composed, self.user, invalidations, self.begun, &self.policy, jitter);
        document.prepare(self.encodings);
        let document = Arc::new(document);
        let stored = self.store(Some(&document));
        Ok(Completed { document, stored })
    }

    /// Takes away what was made of `subjects` before, here and on the other replicas, and ends the composition. Whoever asks
    /// meanwhile finds nothing that can be served, and joins it.
    async fn withdraw(&self, subjects: &[Tag]) {
        let Documents { in_flight, bus, entries, .. } = &*self.documents;
        let is_latest = |in_flight: &HashMap<DocumentKey, InFlight<E>>| {
            in_flight.get(&self.key).is_some_and(|composition| composition.number == self.number)
        };
        // A later one knows better.
        if !is_latest(&in_flight.lock()) {
            return;
        }
        bus.refused(self.owner.as_ref(), subjects).await;
        let mut in_flight = in_flight.lock();
        if is_latest(&in_flight) {
            entries.invalidate(&self.key);
            in_flight.remove(&self.key);
        }
    }

    /// Puts the new entry in place of the old and ends the composition. True: with the new document in it.
    fn store(&self, document: Option<&Arc<Document>>) -> bool {
        let invalidations = &self.documents.invalidations;
        // Held over the whole exchange: a later composition for the same key must not store first and be
        // overwritten by this older one, and nobody may join a composition that has completed.
        let mut in_flight = self.documents.in_flight.lock();
        if in_flight.get(&self.key).is_none_or(|composition| composition.number != self.number) {
            return false;
        }
        let old = self.documents.entries.get(&self.key).and_then(|old| old.complete.clone());
        let new = document.filter(|document| document.validity(invalidations) == Validity::Valid);
        let (complete, degraded) = match new {
            Some(new) if new.complete => (Some(Arc::clone(new)), None),
            _ => {
                let withheld = document.is_some_and(|document| document.withheld);
                let good =
                    |old: &Arc<Document>| !withheld && old.validity(invalidations) != Validity::HardPurged;
                (old.filter(good), new.map(Arc::clone))
            }
        };
        // A refresh that brought nothing better is not tried again at once.
        let mended = document.is_some_and(|document| document.complete);
        let pause = if mended { Duration::ZERO } else { self.policy.degraded };
        let failed_at = document.is_none().then(|| self.asked_at + self.started_at.elapsed());
        let entry = Entry::new(complete, degraded, self.parts.clone(), failed_at, pause);
        self.documents.entries.insert(self.key.clone(), Arc::new(entry));
        in_flight.remove(&self.key);
        new.is_some()
    }
}

impl<E> Drop for Fill<E> {
    /// For a composition that panicked: the next request starts anew.
    fn drop(&mut self) {
        let mut in_flight = self.documents.in_flight.lock();
        if in_flight.get(&self.key).is_some_and(|composition| composition.number == self.number) {
            in_flight.remove(&self.key);
        }
    }
}
