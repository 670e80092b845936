//! Carries drops to all replicas: after a write, before it is answered.
//!
//! A drop takes effect here at once, and is then published through the store, for the other replicas to apply.
//! A message that is not heard costs at most the time for which a document counts as fresh: no write fails for it.

use std::{
    fmt::{self, Write as _},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use schemas::Id;
use serde::{Deserialize, Serialize};

use super::{Drops, Tag};
use crate::{
    store::{Notice, Store},
    telemetry::Metrics,
};

/// What a published payload begins with that is about drops.
const KIND: u8 = b'd';

/// Told of the tags that are dropped.
type Witness = Box<dyn Fn(&Tag) + Send + Sync>;

/// Drops on every replica. One for each process.
pub struct Relay {
    drops: Arc<Drops>,
    /// Nothing where no other replica shares the store.
    line: Option<Line>,
    witness: OnceLock<Witness>,
}

/// The way to the other replicas.
struct Line {
    store: Arc<dyn Store>,
    /// By which a process knows its own messages.
    origin: Box<str>,
    /// Whether the last message was not passed on: an outage is logged when it begins and when it ends.
    broken: AtomicBool,
    /// Whether what others tell goes unheard at the moment.
    deaf: Arc<AtomicBool>,
    metrics: Arc<Metrics>,
}

/// What one replica tells the others.
#[derive(Debug, Serialize, Deserialize)]
struct Told<T> {
    origin: T,
    /// Stale for everybody.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    soft: Vec<T>,
    /// Gone for `user`.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    hard: Vec<T>,
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    user: Option<T>,
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relay").field("drops", &self.drops).finish_non_exhaustive()
    }
}

impl Relay {
    /// Applies what other replicas drop from now on. Costs nothing more than `drops` where no replica shares `store`.
    ///
    /// # Errors
    /// [`getrandom::Error`]: the process has no name among the replicas.
    pub fn new(
        drops: Arc<Drops>,
        store: Arc<dyn Store>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, getrandom::Error> {
        if store.shared().is_some() {
            Self::over(drops, store, metrics)
        } else {
            Ok(Self { drops, line: None, witness: OnceLock::new() })
        }
    }

    fn over(
        drops: Arc<Drops>,
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
        let deaf = Arc::<AtomicBool>::default();
        let ear = Ear {
            own: origin.clone(),
            deaf: Arc::clone(&deaf),
            drops: Arc::clone(&drops),
            metrics: Arc::clone(&metrics),
        };
        store.listen(Box::new(move |notice| ear.hear(notice)));
        let line = Line { store, origin, broken: AtomicBool::new(false), deaf, metrics };
        Ok(Self { drops, line: Some(line), witness: OnceLock::new() })
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
        // In this order: what the writer's next request begins to compose after the hard drop must not be older than
        // the soft one.
        if !everybodys.is_empty() {
            self.drops.soft(everybodys);
        }
        if !mine.is_empty() {
            self.drops.hard(user, mine);
        }
        self.pass_on(user, mine, everybodys).await;
        self.tell(mine.iter().chain(everybodys.iter().filter(|tag| !mine.contains(tag))));
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
        self.drops.soft(tags);
    }

    /// The same for what another replica wrote, which was relayed before: only where it went unheard.
    pub fn soft_unheard(&self, tags: &[Tag]) {
        if self.line.as_ref().is_some_and(|line| line.deaf.load(Ordering::Acquire)) {
            self.drops.soft(tags);
        }
    }

    /// Tells the witness.
    pub fn tell<'t>(&self, tags: impl IntoIterator<Item = &'t Tag>) {
        if let Some(witness) = self.witness.get() {
            tags.into_iter().for_each(witness);
        }
    }

    async fn pass_on(&self, user: &Id, hard: &[Tag], soft: &[Tag]) {
        let Some(line) = self.line.as_ref().filter(|_| !(hard.is_empty() && soft.is_empty())) else { return };
        let told = Told {
            origin: &*line.origin,
            soft: soft.iter().map(Tag::as_str).collect(),
            hard: hard.iter().map(Tag::as_str).collect(),
            user: (!hard.is_empty()).then_some(user.as_str()),
        };
        line.publish(&told).await;
    }
}

impl Line {
    /// Where the store does not take it, the write goes on all the same.
    async fn publish(&self, told: &Told<&str>) {
        let mut payload = vec![KIND];
        // Writing strings to memory does not fail.
        let _ = serde_json::to_writer(&mut payload, told);
        let published = self.store.publish(Bytes::from(payload)).await;
        self.metrics.relayed_drop(if published.is_ok() { "sent" } else { "failed" });
        let was_broken = self.broken.swap(published.is_err(), Ordering::Relaxed);
        match published {
            Err(error) if !was_broken => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "drops do not reach the other replicas: their documents stay until they are old"
            ),
            Ok(()) if was_broken => tracing::info!("drops reach the other replicas again"),
            _ => {}
        }
    }
}

/// Hears the other replicas.
struct Ear {
    own: Box<str>,
    deaf: Arc<AtomicBool>,
    drops: Arc<Drops>,
    metrics: Arc<Metrics>,
}

impl Ear {
    fn hear(&self, notice: &Notice<'_>) {
        match notice {
            Notice::Message([KIND, told @ ..]) => self.apply(told),
            Notice::Deaf => self.deaf.store(true, Ordering::Release),
            Notice::Hearing => self.deaf.store(false, Ordering::Release),
            Notice::Message(_) | Notice::Changed { .. } => {}
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
        self.metrics.relayed_drop("heard");
        let soft: Vec<_> = told.soft.iter().filter_map(|tag| Tag::parse(tag)).collect();
        if !soft.is_empty() {
            self.drops.soft(&soft);
        }
        let Some(Ok(user)) = told.user.as_deref().map(Id::new) else { return };
        let hard: Vec<_> = told.hard.iter().filter_map(|tag| Tag::of_a_user(tag)).collect();
        if !hard.is_empty() {
            self.drops.hard(&user, &hard);
        }
    }
}

#[cfg(test)]
#[path = "relay_tests.rs"]
mod tests;
