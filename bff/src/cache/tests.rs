//! The life of a document, with the clock handed in: nothing here waits for time to pass.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use schemas::Id;
use tokio::{runtime::Handle, sync::Semaphore};

use crate::{
    cache::{
        CacheSettings, DocumentKey, Documents, Encoding, Encodings, FillError, Followed, Forward, Outcome,
        Policy, Served, Wanted,
    },
    compose::{Composed, PartCache, Uncomposed},
    invalidation::{InvalidationBus, Invalidations, Tag},
};

const SECOND: Duration = Duration::from_secs(1);
const POLICY: Policy = Policy {
    fresh: Duration::from_secs(5),
    stale: Duration::from_secs(30),
    stale_if_error: Duration::from_secs(600),
    degraded: SECOND,
};

/// A cache, and an upstream that counts its calls and answers when it is let.
struct Bench {
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
        let invalidations = Arc::new(Invalidations::default());
        let settings = CacheSettings { max_bytes: 1 << 20, jitter_percent: 0 };
        let ada = Id::new("ada").expect("an id");
        Self {
            documents: Arc::new(Documents::new(
                settings,
                InvalidationBus::alone(&invalidations),
                Handle::current(),
            )),
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

    fn compose(
        &self,
        answer: Answer,
    ) -> impl Fn(
        PartCache,
    ) -> futures_util::future::BoxFuture<'static, Result<Composed, Uncomposed<&'static str>>>
    + use<> {
        let (calls, gate) = (Arc::clone(&self.calls), Arc::clone(&self.gate));
        move |_| {
            let (calls, gate) = (Arc::clone(&calls), Arc::clone(&gate));
            Box::pin(async move {
                let made_at = Instant::now();
                let number = calls.fetch_add(1, Ordering::SeqCst) + 1;
                gate.acquire().await.expect("open").forget();
                match answer {
                    Answer::Failure => return Err(Uncomposed::Failed("dead")),
                    Answer::Refusal => {
                        return Err(Uncomposed::Refused { error: "gone", subjects: vec![tag()] });
                    }
                    Answer::Panic => panic!("as told"),
                    Answer::Whole | Answer::Degraded | Answer::Withheld => {}
                }
                Ok(Composed {
                    body: format!("document {number}").into(),
                    tags: vec![tag(), tag().as_subject()],
                    complete: matches!(answer, Answer::Whole),
                    withheld: matches!(answer, Answer::Withheld),
                    made_at,
                    timings: vec![("part", SECOND)],
                })
            })
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
        (String::from_utf8_lossy(&representation.body).into_owned(), served.outcome)
    }
}

fn tag() -> Tag {
    Tag::of("recipe", &Id::new("1").expect("an id"))
}

const COMPOSED: Outcome = Outcome::Composed { forward: Forward::Miss, collapsed: false, stored: true };
const NOW: Duration = Duration::ZERO;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_share_one_composition_also_when_the_first_hangs_up() {
    let mut bench = Bench::new();
    bench.hold();
    let bench = Arc::new(bench);
    let first = tokio::spawn({
        let bench = Arc::clone(&bench);
        async move { bench.get(NOW, Answer::Whole).await }
    });
    bench.begun(1).await;
    first.abort();
    let others: Vec<_> = (0..200)
        .map(|_| {
            let bench = Arc::clone(&bench);
            tokio::spawn(async move { bench.text(NOW, Answer::Whole).await.0 })
        })
        .collect();
    bench.let_through(1);
    for other in others {
        assert_eq!(other.await.expect("served"), "document 1");
    }
    assert_eq!(bench.calls(), 1);
}

#[tokio::test]
async fn fresh_then_stale_with_one_refresh_behind_then_gone() {
    let mut bench = Bench::new();
    assert_eq!(bench.text(NOW, Answer::Whole).await, ("document 1".into(), COMPOSED));
    assert_eq!(bench.text(4 * SECOND, Answer::Whole).await, ("document 1".into(), Outcome::Hit));
    bench.hold();
    for _ in 0..50 {
        assert_eq!(bench.text(6 * SECOND, Answer::Whole).await, ("document 1".into(), Outcome::Stale));
    }
    bench.begun(2).await;
    bench.let_through(1);
    let gone = Outcome::Composed { forward: Forward::Stale, collapsed: true, stored: true };
    let (text, outcome) = bench.text(40 * SECOND, Answer::Whole).await;
    assert_eq!(text, "document 2");
    assert!(outcome == gone || outcome == Outcome::Hit, "{outcome:?}");
    assert_eq!(bench.calls(), 2, "one refresh for fifty that asked");
}

#[tokio::test]
async fn who_was_told_of_a_change_waits_for_it_and_gets_the_old_one_only_where_there_is_no_new_one() {
    let bench = Bench::new();
    let current = |answer| {
        let wanted = Wanted { require_fresh: true, ..bench.wanted() };
        let compose = bench.compose(answer);
        let documents = &bench.documents;
        async move { documents.get(&wanted, Instant::now(), compose).await.expect("served") }
    };
    assert!(matches!(current(Answer::Whole).await.outcome, Outcome::Composed { .. }));
    assert_eq!(current(Answer::Whole).await.outcome, Outcome::Hit, "what is fresh is current");
    bench.invalidations.soft_purge([&tag()]);
    assert!(matches!(current(Answer::Whole).await.outcome, Outcome::Composed { .. }));
    bench.invalidations.soft_purge([&tag()]);
    assert_eq!(current(Answer::Failure).await.outcome, Outcome::StaleIfError);
}

#[tokio::test]
async fn an_old_document_is_served_when_composing_fails() {
    let bench = Bench::new();
    bench.text(NOW, Answer::Whole).await;
    assert_eq!(bench.text(40 * SECOND, Answer::Failure).await, ("document 1".into(), Outcome::StaleIfError));
    // From now on nobody waits for what keeps failing: one try a second runs behind.
    assert_eq!(bench.text(40 * SECOND, Answer::Panic).await, ("document 1".into(), Outcome::StaleIfError));
    bench.begun(3).await;
    bench.completed().await;
    assert_eq!(bench.text(40 * SECOND, Answer::Whole).await, ("document 1".into(), Outcome::StaleIfError));
    bench.completed().await;
    bench.invalidations.hard_purge(&bench.ada, &[tag()]);
    let failed = bench.get(NOW, Answer::Failure).await;
    assert!(matches!(failed, Err(FillError::Failed("dead"))), "what its user changed is never shown again");
    assert!(matches!(bench.get(NOW, Answer::Panic).await, Err(FillError::Lost)));
    assert_eq!(bench.text(NOW, Answer::Whole).await.0, "document 6", "a panic leaves nothing in flight");
}

#[tokio::test]
async fn a_degraded_document_lives_a_second_and_never_replaces_a_whole_one() {
    let bench = Bench::new();
    let (text, outcome) = bench.text(NOW, Answer::Degraded).await;
    assert_eq!((text.as_str(), outcome), ("document 1", COMPOSED));
    assert_eq!(bench.text(NOW, Answer::Whole).await, ("document 1".into(), Outcome::Hit));
    assert_eq!(bench.text(2 * SECOND, Answer::Whole).await.0, "document 2");
    // Past its fresh time a refresh brings a degraded one: the whole one stays.
    let now = Instant::now() + 6 * SECOND;
    let stale = bench.documents.look_up(&bench.wanted(), now, bench.compose(Answer::Degraded));
    assert_eq!(stale.expect("stale").outcome, Outcome::Stale);
    bench.begun(3).await;
    bench.completed().await;
    assert_eq!(bench.text(7 * SECOND, Answer::Degraded).await.0, "document 2");
}

#[tokio::test]
async fn a_drop_during_a_fill_wins() {
    let mut bench = Bench::new();
    bench.hold();
    let bench = Arc::new(bench);
    let get = || {
        let bench = Arc::clone(&bench);
        tokio::spawn(async move { bench.text(NOW, Answer::Whole).await })
    };
    let before = get();
    bench.begun(1).await;
    bench.invalidations.soft_purge(&[tag()]);
    let after = get();
    bench.let_through(2);
    let (text, outcome) = before.await.expect("served");
    assert_eq!(text, "document 1", "who asked before the event may see what was before it");
    assert_eq!(outcome, Outcome::Composed { forward: Forward::Miss, collapsed: false, stored: false });
    assert_eq!(after.await.expect("served").0, "document 2", "who asked after it may not");
    assert_eq!(bench.text(NOW, Answer::Whole).await, ("document 2".into(), Outcome::Hit));
}

#[tokio::test]
async fn after_their_own_write_a_user_does_not_wait_for_what_began_before_it() {
    let mut bench = Bench::new();
    bench.hold();
    let bench = Arc::new(bench);
    let get = || {
        let bench = Arc::clone(&bench);
        tokio::spawn(async move { bench.text(NOW, Answer::Whole).await.0 })
    };
    let before = get();
    bench.begun(1).await;
    bench.invalidations.hard_purge(&bench.ada, &[tag()]);
    let after = get();
    bench.begun(2).await;
    bench.let_through(2);
    before.await.expect("served");
    assert_eq!(after.await.expect("served"), "document 2");
    assert_eq!(bench.text(NOW, Answer::Whole).await.0, "document 2", "the older fill was not stored over it");
}

#[tokio::test]
async fn an_event_makes_a_document_stale_and_a_write_of_its_user_ends_it() {
    let bench = Bench::new();
    bench.text(NOW, Answer::Whole).await;
    bench.invalidations.soft_purge(&[Tag::of("recipe", &Id::new("2").expect("an id"))]);
    assert_eq!(bench.text(NOW, Answer::Whole).await, ("document 1".into(), Outcome::Hit));
    bench.invalidations.hard_purge(&Id::new("bora").expect("an id"), &[tag()]);
    assert_eq!(bench.text(NOW, Answer::Whole).await, ("document 1".into(), Outcome::Hit));
    bench.invalidations.hard_purge(&bench.ada, &[tag()]);
    assert_eq!(bench.text(NOW, Answer::Whole).await.0, "document 2");
    bench.invalidations.soft_purge(&[tag()]);
    assert_eq!(bench.text(NOW, Answer::Whole).await, ("document 2".into(), Outcome::Stale));
}

#[tokio::test]
async fn memory_is_bounded_by_bytes() {
    let bench = Bench::new();
    let body = bytes::Bytes::from(vec![b'x'; 64 * 1024]);
    for number in 0..100 {
        let key = DocumentKey::new("feed", Some(&bench.ada)).with_number(number);
        let wanted = Wanted { key: &key, ..bench.wanted() };
        let body = body.clone();
        let compose = move |_| {
            let body = body.clone();
            async move {
                let made_at = Instant::now();
                let (tags, timings) = (Vec::new(), Vec::new());
                Ok(Composed { body, tags, complete: true, withheld: false, made_at, timings })
            }
        };
        bench.documents.get(&wanted, Instant::now(), compose).await.expect("composed");
    }
    let (entries, bytes) = bench.documents.settled_size();
    assert!(bytes <= 1 << 20, "{bytes} bytes in {entries} entries");
    assert!(entries >= 5, "{entries}");
}

#[tokio::test]
async fn a_definite_answer_is_passed_on_and_takes_with_it_what_was_made_of_the_same_for_the_same_user() {
    let bench = Bench::new();
    let (bora, compact) = (Id::new("bora").expect("an id"), bench.key.clone().with(b"compact"));
    let boras = DocumentKey::new("feed", Some(&bora));
    let others = [
        Wanted { key: &compact, ..bench.wanted() },
        Wanted { key: &boras, user: Some(&bora), ..bench.wanted() },
    ];
    bench.text(NOW, Answer::Whole).await;
    for wanted in &others {
        bench.documents.get(wanted, Instant::now(), bench.compose(Answer::Whole)).await.expect("composed");
    }
    // Behind, and so that nobody waits for it: the next who asks has to know it.
    assert_eq!(bench.text(6 * SECOND, Answer::Refusal).await.1, Outcome::Stale);
    bench.completed().await;
    let refused = bench.get(NOW, Answer::Refusal).await;
    assert!(matches!(refused, Err(FillError::Refused("gone"))), "{refused:?}");
    assert_eq!(bench.documents.settled_size().0, 2, "nothing is kept of it");
    let look_up = |wanted| bench.documents.look_up(wanted, Instant::now(), bench.compose(Answer::Panic));
    assert!(look_up(&others[0]).is_none(), "another view of the same");
    assert_eq!(look_up(&others[1]).expect("somebody else's").outcome, Outcome::Hit);
    // Neither does an outage bring it back.
    let failed = bench.documents.get(&others[0], Instant::now(), bench.compose(Answer::Failure)).await;
    assert!(matches!(failed, Err(FillError::Failed("dead"))), "{failed:?}");
    assert!(matches!(bench.get(NOW, Answer::Failure).await, Err(FillError::Failed("dead"))));
    assert_eq!(bench.text(NOW, Answer::Whole).await.0, "document 8", "it is there again");
}

#[tokio::test]
async fn what_is_purged_for_everybody_is_not_served_again_not_even_when_composing_fails() {
    let bench = Bench::new();
    bench.text(NOW, Answer::Whole).await;
    bench.invalidations.purge_deleted(&[tag()]);
    assert!(matches!(bench.get(NOW, Answer::Failure).await, Err(FillError::Failed("dead"))));
    assert_eq!(bench.text(NOW, Answer::Whole).await.0, "document 3");
}

#[tokio::test]
async fn who_reads_along_after_a_purge_does_not_read_what_was_begun_before_it() {
    let mut bench = Bench::new();
    bench.hold();
    let follow = || {
        let wanted = Wanted { stream: true, ..bench.wanted() };
        let Followed::UnderWay(following) =
            bench.documents.follow(&wanted, Instant::now(), bench.compose(Answer::Whole))
        else {
            panic!("nothing is there")
        };
        following.cause().1
    };
    assert_eq!([follow(), follow()], [false, true], "two read the same");
    bench.invalidations.purge_deleted(&[Tag::of("recipe", &Id::new("2").expect("an id"))]);
    assert_eq!([follow(), follow()], [false, true]);
    bench.let_through(2);
    bench.completed().await;
    assert_eq!(bench.calls(), 2);
}

#[tokio::test]
async fn a_failure_of_long_ago_hides_nothing() {
    let bench = Bench::new();
    bench.text(NOW, Answer::Whole).await;
    assert_eq!(bench.text(40 * SECOND, Answer::Failure).await.1, Outcome::StaleIfError);
    // Nobody asked for minutes: the outage may have ended meanwhile, and what is kept been deleted.
    assert_eq!(bench.text(340 * SECOND, Answer::Whole).await.0, "document 3");
    assert_eq!(bench.text(400 * SECOND, Answer::Failure).await.1, Outcome::StaleIfError);
    let refused = bench.get(600 * SECOND, Answer::Refusal).await;
    assert!(matches!(refused, Err(FillError::Refused("gone"))), "{refused:?}");
}

#[tokio::test]
async fn a_document_without_what_was_refused_replaces_the_one_that_shows_it() {
    let bench = Bench::new();
    bench.text(NOW, Answer::Whole).await;
    assert_eq!(bench.text(6 * SECOND, Answer::Withheld).await.0, "document 1");
    bench.completed().await;
    assert_eq!(bench.text(NOW, Answer::Whole).await.0, "document 2");
}
