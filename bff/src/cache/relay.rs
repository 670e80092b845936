//! Carries drops to all replicas: after a write, before it is answered.
//!
//! A drop takes effect here at once, and is then published through the store, for the other replicas to apply; it is
//! done when they have said that they did, so that the writer's next request may go to any of them.
//! A message that is not heard costs at most the time for which a document counts as fresh: no write fails for it.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use schemas::Id;
use serde::{Deserialize, Serialize};

use crate::{
    invalidation::{ACK_TIMEOUT, AckSender, Invalidations, Peers, Tag},
    store::{Notice, Store},
    telemetry::Metrics,
};

/// What a published payload begins with that is about drops.
const KIND: u8 = b'd';

/// Told of the tags that are dropped.
type Witness = Box<dyn Fn(&Tag) + Send + Sync>;

/// Drops on every replica. One for each process.
pub struct Relay {
    invalidations: Arc<Invalidations>,
    /// Nothing where no other replica shares the store.
    line: Option<Line>,
    witness: OnceLock<Witness>,
}

/// The way to the other replicas.
struct Line {
    store: Arc<dyn Store>,
    /// By which a process knows its own messages.
    origin: Box<str>,
    peers: Arc<Peers>,
    /// Whether the last message was not passed on: an outage is logged when it begins and when it ends.
    broken: AtomicBool,
    /// Whether what others tell goes unheard at the moment.
    deaf: Arc<AtomicBool>,
    metrics: Arc<Metrics>,
}

/// What one replica tells the others.
#[derive(Debug, Serialize, Deserialize)]
struct Told<T: Ord> {
    origin: T,
    /// By which others say that they have heard it; 0 where nobody waits for that.
    #[serde(default, skip_serializing_if = "is_zero")]
    number: u64,
    /// The numbers of what was heard of others.
    #[serde(default = "BTreeMap::new", skip_serializing_if = "BTreeMap::is_empty")]
    heard: BTreeMap<T, Vec<u64>>,
    /// Stale for everybody.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    soft: Vec<T>,
    /// Gone for `user`.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    hard: Vec<T>,
    /// Exists no more; among `soft` as well, for replicas that do not know this yet.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    gone: Vec<T>,
    /// What `user` is refused for good; where there is none, all who are not signed in are.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    refused: Vec<T>,
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    user: Option<T>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl<T: Ord> Told<T> {
    /// Nothing, but that `origin` is there.
    const fn by(origin: T) -> Self {
        Self {
            origin,
            number: 0,
            heard: BTreeMap::new(),
            soft: Vec::new(),
            hard: Vec::new(),
            gone: Vec::new(),
            refused: Vec::new(),
            user: None,
        }
    }

    /// Whether it says nothing of documents.
    fn is_empty(&self) -> bool {
        [&self.soft, &self.hard, &self.gone, &self.refused].into_iter().all(Vec::is_empty)
    }
}

impl<T: Ord + Serialize> Told<T> {
    fn payload(&self) -> Bytes {
        let mut payload = vec![KIND];
        // Writing strings and numbers to memory does not fail.
        let _ = serde_json::to_writer(&mut payload, self);
        Bytes::from(payload)
    }
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relay").field("invalidations", &self.invalidations).finish_non_exhaustive()
    }
}

impl Relay {
    /// Applies what other replicas drop from now on. Costs nothing more than `drops` where no replica shares `store`.
    ///
    /// # Errors
    /// [`getrandom::Error`]: the process has no name among the replicas.
    pub fn new(
        invalidations: Arc<Invalidations>,
        store: Arc<dyn Store>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, getrandom::Error> {
        if store.shared().is_some() {
            Self::over(invalidations, store, metrics)
        } else {
            Ok(Self { invalidations, line: None, witness: OnceLock::new() })
        }
    }

    fn over(
        invalidations: Arc<Invalidations>,
        store: Arc<dyn Store>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, getrandom::Error> {
        let mut bits = [0_u8; 16];
        getrandom::fill(&mut bits)?;
        let origin = bits.iter().fold(String::with_capacity(32), |mut text, byte| {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        });
        let origin = origin.into_boxed_str();
        let (deaf, peers) = (Arc::<AtomicBool>::default(), Arc::<Peers>::default());
        let own = origin.clone();
        let answers = AckSender::new(&store, move |heard| {
            let heard = heard.iter().map(|(peer, numbers)| (&**peer, numbers.clone())).collect();
            Told { heard, ..Told::by(&*own) }.payload()
        });
        let ear = Ear {
            own: origin.clone(),
            deaf: Arc::clone(&deaf),
            invalidations: Arc::clone(&invalidations),
            peers: Arc::clone(&peers),
            answers: Arc::clone(&answers),
            metrics: Arc::clone(&metrics),
        };
        store.listen(Box::new(move |notice| ear.hear(notice)));
        answers.here();
        let line = Line { store, origin, peers, broken: AtomicBool::new(false), deaf, metrics };
        Ok(Self { invalidations, line: Some(line), witness: OnceLock::new() })
    }

    /// Has `witness` told of each tag that is dropped through this process, softly or hard, once that has taken effect
    /// on every replica: for copies that others keep, who are to be told once. It must not wait. Only the first
    /// witness counts.
    pub fn listen(&self, witness: impl Fn(&Tag) + Send + Sync + 'static) {
        // A second witness is the composition root's mistake; the first one goes on.
        let _ = self.witness.set(Box::new(witness));
    }

    /// `user` wrote something: everybody's documents with one of `everybodys` are stale, and theirs with one of
    /// `mine` are gone; here when this is first polled, on the other replicas when it is done.
    pub async fn written(&self, user: &Id, mine: &[Tag], everybodys: &[Tag]) {
        self.deleted(user, mine, everybodys, &[]).await;
    }

    /// The same for a write after which what `gone` names exists no more: see [`Drops::purge`].
    pub async fn deleted(&self, user: &Id, mine: &[Tag], everybodys: &[Tag], gone: &[Tag]) {
        if !gone.is_empty() {
            self.invalidations.purge_deleted(gone);
        }
        // In this order: what the writer's next request begins to compose after the hard drop must not be older than
        // the soft one.
        if !everybodys.is_empty() {
            self.invalidations.soft_purge(everybodys);
        }
        if !mine.is_empty() {
            self.invalidations.hard_purge(user, mine);
        }
        self.pass_on(|told| Told {
            soft: everybodys.iter().chain(gone).map(Tag::as_str).collect(),
            hard: mine.iter().map(Tag::as_str).collect(),
            gone: gone.iter().map(Tag::as_str).collect(),
            user: (!mine.is_empty()).then_some(user.as_str()),
            ..told
        })
        .await;
        let all = mine.iter().chain(everybodys).chain(gone).enumerate();
        let once =
            all.filter(|(at, tag)| !mine.iter().chain(everybodys).take(*at).any(|other| other == *tag));
        self.tell(once.map(|(_, tag)| tag));
    }

    /// `user` (`None`: whoever is not signed in) has a definite answer instead of what `subjects` name: their documents
    /// about it are gone, as in [`Relay::written`]. Nobody else is told, since nothing may have changed for others.
    pub(super) async fn refused(&self, user: Option<&Id>, subjects: &[Tag]) {
        if subjects.is_empty() {
            return;
        }
        self.invalidations.purge_subjects(user, subjects);
        self.pass_on(|told| Told {
            refused: subjects.iter().map(Tag::as_str).collect(),
            user: user.map(Id::as_str),
            ..told
        })
        .await;
    }

    /// In a process of its own, that nothing has to be told.
    #[cfg(test)]
    pub(crate) fn alone(invalidations: &Arc<Invalidations>) -> Arc<Self> {
        Arc::new(Self { invalidations: Arc::clone(invalidations), line: None, witness: OnceLock::new() })
    }

    /// What it drops from.
    pub(super) fn invalidations(&self) -> &Arc<Invalidations> {
        &self.invalidations
    }

    /// `user`'s documents with one of `tags` are gone, as in [`Relay::written`].
    pub async fn hard(&self, user: &Id, tags: &[Tag]) {
        self.written(user, tags, &[]).await;
    }

    /// By which a process knows what it told itself; empty where no other replica shares the store.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.line.as_ref().map_or("", |line| &line.origin)
    }

    /// A soft drop here alone, where the other replicas hear of the change in another way. To be followed by
    /// [`Relay::tell`] once they have.
    pub fn soft_here(&self, tags: &[Tag]) {
        self.invalidations.soft_purge(tags);
    }

    /// The same for what another replica wrote, which was relayed before: only where it went unheard.
    pub fn soft_unheard(&self, tags: &[Tag]) {
        if self.line.as_ref().is_some_and(|line| line.deaf.load(Ordering::Acquire)) {
            self.invalidations.soft_purge(tags);
        }
    }

    /// Tells the witness.
    pub fn tell<'t>(&self, tags: impl IntoIterator<Item = &'t Tag>) {
        if let Some(witness) = self.witness.get() {
            tags.into_iter().for_each(witness);
        }
    }

    async fn pass_on<'l>(&'l self, what: impl FnOnce(Told<&'l str>) -> Told<&'l str>) {
        let Some(line) = &self.line else { return };
        let told = what(Told::by(&*line.origin));
        if !told.is_empty() {
            line.publish(told).await;
        }
    }
}

impl Line {
    /// Done when the other replicas have heard it, or may not. Where the store does not take it, the write goes on all
    /// the same.
    async fn publish(&self, mut told: Told<&str>) {
        let message = self.peers.next();
        told.number = message.number();
        let published = self.store.publish(told.payload()).await;
        self.metrics.relayed_drop(if published.is_ok() { "sent" } else { "failed" });
        let was_broken = self.broken.swap(published.is_err(), Ordering::Relaxed);
        match &published {
            Err(error) if !was_broken => tracing::warn!(
                error = error as &dyn std::error::Error,
                "invalidations do not reach the other replicas: their documents stay until they are old"
            ),
            Ok(()) if was_broken => tracing::info!("invalidations reach the other replicas again"),
            _ => {}
        }
        // Who hears nothing does not hear who has heard it.
        let waits = published.is_ok() && !self.deaf.load(Ordering::Acquire);
        if waits && !message.is_applied(ACK_TIMEOUT).await {
            self.metrics.relayed_drop("unconfirmed");
        }
    }
}

/// Hears the other replicas.
struct Ear {
    own: Box<str>,
    deaf: Arc<AtomicBool>,
    invalidations: Arc<Invalidations>,
    peers: Arc<Peers>,
    answers: Arc<AckSender>,
    metrics: Arc<Metrics>,
}

impl Ear {
    fn hear(&self, notice: &Notice<'_>) {
        match notice {
            Notice::Message([KIND, told @ ..]) => self.apply(told),
            Notice::Deaf => self.deaf.store(true, Ordering::Release),
            Notice::Hearing => {
                self.deaf.store(false, Ordering::Release);
                self.answers.here();
            }
            Notice::Message(_) | Notice::Changed { .. } | Notice::Lapsed => {}
        }
    }

    /// Applies what another replica told.
    fn apply(&self, told: &[u8]) {
        let told: Told<String> = match serde_json::from_slice(told) {
            Ok(told) => told,
            // Another version's, or nobody's: whatever it says, old documents end by themselves.
            Err(_) => return self.metrics.relayed_drop("unreadable"),
        };
        if *told.origin == *self.own {
            return;
        }
        self.peers.heard_by(&told.origin, told.heard.get(&*self.own).map_or(&[], Vec::as_slice));
        if told.is_empty() {
            return;
        }
        self.metrics.relayed_drop("heard");
        self.drop(&told);
        if told.number > 0 {
            self.answers.applied(&told.origin, told.number);
        }
    }

    fn drop(&self, told: &Told<String>) {
        let tags = |texts: &[String], read: fn(&str) -> Option<Tag>| -> Vec<Tag> {
            texts.iter().filter_map(|text| read(text)).collect()
        };
        let gone = tags(&told.gone, Tag::parse);
        if !gone.is_empty() {
            self.invalidations.purge_deleted(&gone);
        }
        let soft: Vec<_> =
            tags(&told.soft, Tag::parse).into_iter().filter(|tag| !gone.contains(tag)).collect();
        if !soft.is_empty() {
            self.invalidations.soft_purge(&soft);
        }
        // A name that is none is nobody's, and not that of all who have none.
        let Ok(user) = told.user.as_deref().map(Id::new).transpose() else { return };
        let refused = tags(&told.refused, Tag::parse_for_user);
        if !refused.is_empty() {
            self.invalidations.purge_subjects(user.as_ref(), &refused);
        }
        let hard = tags(&told.hard, Tag::parse_for_user);
        if let Some(user) = user.filter(|_| !hard.is_empty()) {
            self.invalidations.hard_purge(&user, &hard);
        }
    }
}

#[cfg(test)]
#[path = "relay_tests.rs"]
mod tests;
