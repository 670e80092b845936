//! The life of a document, with the clock handed in: nothing here waits for time to pass.

mod life;
mod purges;
mod refreshes;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::future::BoxFuture;
use schemas::Id;
use tokio::{runtime::Handle, sync::Semaphore};

use crate::{
    cache::{
        CacheSettings, DocumentKey, Documents, Encoding, Encodings, FillError, Followed, Forward, Outcome,
        Policy, Served, Wanted,
    },
    compose::{Composed, MadeOf, Packed, PartCache, Uncomposed},
    invalidation::{InvalidationBus, Invalidations, Tag},
    telemetry::Metrics,
};

const SECOND: Duration = Duration::from_secs(1);
const POLICY: Policy = Policy {
    fresh: Duration::from_secs(5),
    stale: Duration::from_secs(30),
    stale_if_error: Duration::from_secs(600),
    degraded: SECOND,
};

type Compose =
    Box<dyn FnOnce(PartCache) -> BoxFuture<'static, Result<Composed, Uncomposed<&'static str>>> + Send>;

/// With so many workers refreshes are not spread.
const SETTINGS: CacheSettings =
    CacheSettings { max_bytes: 1 << 20, jitter_percent: 0, max_refreshes: 100, workers: usize::MAX };

/// A cache, and an upstream that counts its calls and answers when it is let.
struct Bench {
    metrics: Arc<Metrics>,
    documents: Arc<Documents<&'static str>>,
    invalidations: Arc<Invalidations>,
    calls: Arc<AtomicUsize>,
    gate: Arc<Semaphore>,
    ada: Id,
    key: DocumentKey,
}

#[derive(Clone, Copy)]
enum Answer {
    Whole,
    Degraded,
    /// A part is missing because it was refused for good.
    Withheld,
    Failure,
    Refusal,
    Panic,
}

impl Bench {
    fn new() -> Self {
        Self::with(SETTINGS)
    }

    fn with(settings: CacheSettings) -> Self {
        let metrics = Arc::new(Metrics::new());
        let invalidations = Arc::new(Invalidations::default());
        let ada = Id::new("ada").expect("an id");
        Self {
            documents: Arc::new(Documents::new(
                settings,
                InvalidationBus::alone(&invalidations),
                Handle::current(),
                Arc::clone(&metrics),
            )),
            metrics,
            invalidations,
            calls: Arc::default(),
            gate: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
            key: DocumentKey::new("feed", Some(&ada)),
            ada,
        }
    }

    /// From now on compositions wait for [`Bench::let_through`].
    fn hold(&mut self) {
        self.gate = Arc::new(Semaphore::new(0));
    }

    fn let_through(&self, compositions: usize) {
        self.gate.add_permits(compositions);
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// Waits until that many compositions have begun.
    async fn begun(&self, calls: usize) {
        while self.calls() < calls {
            tokio::task::yield_now().await;
        }
    }

    /// Waits until no composition is under way.
    async fn completed(&self) {
        while self.documents.in_flight_count() > 0 {
            tokio::task::yield_now().await;
        }
    }

    /// What makes compositions that end with `answer`.
    fn compose(&self, answer: Answer) -> impl Fn() -> Compose + use<> {
        let (calls, gate) = (Arc::clone(&self.calls), Arc::clone(&self.gate));
        move || {
            let (calls, gate) = (Arc::clone(&calls), Arc::clone(&gate));
            Box::new(move |_| Box::pin(compose(answer, calls, gate)))
        }
    }

    fn wanted(&self) -> Wanted<'_> {
        Wanted {
            require_fresh: false,
            key: &self.key,
            user: Some(&self.ada),
            policy: POLICY,
            encodings: Encodings::default(),
            stream: false,
        }
    }

    async fn get(&self, in_time: Duration, answer: Answer) -> Result<Served, FillError<&'static str>> {
        self.documents.get(&self.wanted(), Instant::now() + in_time, self.compose(answer)).await
    }

    async fn text(&self, in_time: Duration, answer: Answer) -> (String, Outcome) {
        let served = self.get(in_time, answer).await.expect("a document");
        let (representation, _) = served.document.representation(Encoding::Identity);
        (String::from_utf8_lossy(&representation.body.in_a_row()).into_owned(), served.outcome)
    }
}

async fn compose(
    answer: Answer,
    calls: Arc<AtomicUsize>,
    gate: Arc<Semaphore>,
) -> Result<Composed, Uncomposed<&'static str>> {
    let made_at = Instant::now();
    let number = calls.fetch_add(1, Ordering::SeqCst) + 1;
    gate.acquire().await.expect("open").forget();
    match answer {
        Answer::Failure => return Err(Uncomposed::Failed("dead")),
        Answer::Refusal => return Err(Uncomposed::Refused { error: "gone", subjects: vec![tag()] }),
        Answer::Panic => panic!("as told"),
        Answer::Whole | Answer::Degraded | Answer::Withheld => {}
    }
    Ok(Composed {
        body: Packed::copy_of(format!("document {number}").as_bytes()),
        tags: MadeOf::Tags(vec![tag(), tag().as_subject()]),
        complete: matches!(answer, Answer::Whole),
        withheld: matches!(answer, Answer::Withheld),
        made_at,
        timings: vec![("part", SECOND)],
    })
}

fn tag() -> Tag {
    Tag::of("order", &Id::new("1").expect("an id"))
}

const COMPOSED: Outcome = Outcome::Composed { forward: Forward::Miss, collapsed: false, stored: true };
const NOW: Duration = Duration::ZERO;
