//! Parts that fail, and parts that are kept, through a real document cache.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};

use clients::{Refusal, UpstreamError};
use futures_util::{
    TryFutureExt,
    future::{join, try_join},
};
use http::StatusCode;
use schemas::{DegradedPart, Id, PartStatus, Reason};
use serde::Serialize;
use tokio::runtime::Handle;

use crate::{
    cache::{CacheSettings, DocumentKey, Documents, Encoding, Encodings, FillError, Policy, Wanted},
    compose::{ComposeError, Composed, PartCache, Run, Uncomposed, View},
    invalidation::{InvalidationBus, Invalidations, Tag},
    telemetry::Metrics,
};

/// With so many workers refreshes are not spread.
const SETTINGS: CacheSettings =
    CacheSettings { max_bytes: 1 << 20, jitter_percent: 0, max_refreshes: 100, workers: usize::MAX };

const POLICY: Policy = Policy {
    fresh: Duration::from_secs(5),
    stale: Duration::from_secs(30),
    stale_if_error: Duration::from_secs(600),
    // No time passes in these tests: a degraded document is of no further use at once.
    degraded: Duration::ZERO,
};

#[derive(Serialize)]
struct Screen {
    me: String,
    list: Option<Vec<String>>,
    names: HashMap<Id, String>,
    degraded: Vec<DegradedPart>,
}

/// Three upstreams that can be switched off one by one, and a journal of their calls.
#[derive(Clone, Default)]
struct Upstreams {
    me: Arc<AtomicU8>,
    list: Arc<AtomicU8>,
    names: Arc<AtomicU8>,
    journal: Arc<Mutex<Vec<String>>>,
}

const WORKS: u8 = 0;
const REFUSES: u8 = 1;
const HANGS: u8 = 2;
const FORBIDS: u8 = 3;
const KNOWS_NOTHING: u8 = 4;

impl Upstreams {
    async fn call<T>(&self, name: String, switch: &AtomicU8, value: T) -> Result<T, UpstreamError> {
        self.journal.lock().expect("not poisoned").push(name);
        match switch.load(Ordering::SeqCst) {
            WORKS => Ok(value),
            REFUSES => Err(UpstreamError::Redirect { upstream: "test" }),
            FORBIDS => Err(answered(StatusCode::FORBIDDEN)),
            KNOWS_NOTHING => Err(answered(StatusCode::NOT_FOUND)),
            _ => std::future::pending().await,
        }
    }

    fn calls(&self) -> Vec<String> {
        let mut calls = std::mem::take(&mut *self.journal.lock().expect("not poisoned"));
        calls.sort();
        calls
    }
}

fn answered(status: StatusCode) -> UpstreamError {
    UpstreamError::Status { upstream: "test", status, problem: None }
}

async fn compose(run: Run, up: Upstreams) -> Result<Composed, ComposeError> {
    let me = run.part("me").required(up.call("me".into(), &up.me, "ada".to_owned()));
    let list = run.part("list").within(0.5).tag(list_tag());
    let list = list.optional(up.call("list".into(), &up.list, vec!["a".to_owned(), "b".to_owned()]));
    let rest = async {
        let list = list.await;
        let ids = list.iter().flat_map(|list| list.iter()).map(|id| Id::new(id).expect("an id")).collect();
        let (up, run) = (&up, &run);
        let fetch = |missing: Vec<Id>| async move {
            let found = missing.iter().map(|id| (id.clone(), format!("name of {id}"))).collect();
            up.call(format!("names {missing:?}"), &up.names, found).await
        };
        let names = run.lookup("names").tag_of(|id| Tag::of("member", id)).optional(ids, fetch).await;
        Ok((list, names))
    };
    let (me, (list, names)) = try_join(me, rest).await?;
    run.at_least_one(list.is_some())?;
    let screen = Screen {
        me: me.as_ref().clone(),
        list: list.as_ref().map(|list| list.as_ref().clone()),
        names,
        degraded: run.degraded(),
    };
    run.finish(&screen)
}

fn list_tag() -> Tag {
    Tag::bare("orders")
}

struct Bench {
    documents: Arc<Documents<ComposeError>>,
    invalidations: Arc<Invalidations>,
    up: Upstreams,
    ada: Id,
}

impl Bench {
    fn new() -> Self {
        let invalidations = Arc::new(Invalidations::default());
        let documents = Arc::new(Documents::new(
            SETTINGS,
            InvalidationBus::alone(&invalidations),
            Handle::current(),
            Arc::new(Metrics::new()),
        ));
        Self { documents, invalidations, up: Upstreams::default(), ada: Id::new("ada").expect("an id") }
    }

    async fn ask(&self, in_time: Duration) -> Result<serde_json::Value, ComposeError> {
        let key = DocumentKey::new("screen", Some(&self.ada));
        let wanted = Wanted {
            require_fresh: false,
            key: &key,
            user: Some(&self.ada),
            policy: POLICY,
            encodings: Encodings::default(),
            stream: false,
        };
        let metrics = Arc::new(Metrics::new());
        let up = self.up.clone();
        let compose = move || {
            let (metrics, up) = (Arc::clone(&metrics), up.clone());
            move |parts: PartCache| {
                let run = Run::new("screen", View::Full, Duration::from_millis(60), parts, metrics);
                compose(run, up).map_err(Uncomposed::from)
            }
        };
        match self.documents.get(&wanted, Instant::now() + in_time, compose).await {
            Ok(served) => {
                let (body, _) = served.document.representation(Encoding::Identity);
                Ok(serde_json::from_slice(&body.body.in_a_row()).expect("JSON"))
            }
            Err(FillError::Failed(error) | FillError::Refused(error)) => Err(error),
            Err(FillError::Lost) => panic!("lost"),
        }
    }
}

const NOW: Duration = Duration::ZERO;
const GONE: Duration = Duration::from_secs(40);

fn degraded(part: &str, status: &str, reason: &str) -> serde_json::Value {
    serde_json::json!([{ "part": part, "status": status, "reason": reason }])
}

#[tokio::test]
async fn when_a_failed_part_recovers_only_that_part_is_fetched_again() {
    let bench = Bench::new();
    bench.up.names.store(REFUSES, Ordering::SeqCst);
    let screen = bench.ask(NOW).await.expect("composed");
    assert_eq!(screen["degraded"], degraded("names", "missing", "invalid"));
    assert_eq!(bench.up.calls(), ["list", "me", "names [a, b]"]);

    bench.up.names.store(WORKS, Ordering::SeqCst);
    let screen = bench.ask(NOW).await.expect("composed");
    assert_eq!(screen["degraded"], serde_json::json!([]));
    assert_eq!(screen["names"]["b"], "name of b");
    assert_eq!(bench.up.calls(), ["names [a, b]"]);
    bench.ask(NOW).await.expect("cached");
    assert_eq!(bench.up.calls(), Vec::<String>::new());
}

#[tokio::test]
async fn a_refresh_of_what_is_merely_old_fetches_every_part_again() {
    let bench = Bench::new();
    bench.ask(NOW).await.expect("composed");
    bench.up.calls();
    // By the cache's clock the document is stale; its parts, by their own, were fetched a moment ago.
    bench.ask(Duration::from_secs(6)).await.expect("stale");
    while bench.documents.in_flight_count() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.up.calls(), ["list", "me", "names [a, b]"]);
    // After an event, only what it names.
    bench.invalidations.soft_purge(&[list_tag()]);
    bench.ask(NOW).await.expect("stale");
    while bench.documents.in_flight_count() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.up.calls(), ["list"]);
}

#[tokio::test]
async fn after_a_required_part_failed_the_others_are_not_fetched_again() {
    let bench = Bench::new();
    bench.up.me.store(REFUSES, Ordering::SeqCst);
    // It fails last, or it would stop the others before they are done.
    let failed = bench.ask(NOW).await;
    assert!(matches!(failed, Err(ComposeError::Required { part: "me", .. })), "{failed:?}");
    bench.up.me.store(WORKS, Ordering::SeqCst);
    bench.ask(NOW).await.expect("composed");
    let calls = bench.up.calls();
    assert_eq!(calls.iter().filter(|call| *call == "me").count(), 2, "{calls:?}");
}

#[tokio::test]
async fn the_last_good_copy_stands_in_unless_its_user_changed_it() {
    let bench = Bench::new();
    bench.ask(NOW).await.expect("composed");
    bench.up.list.store(REFUSES, Ordering::SeqCst);
    bench.invalidations.soft_purge(&[list_tag()]);
    // Stale is served and refreshed behind; past that time the copy stands in.
    let screen = bench.ask(GONE).await.expect("composed");
    assert_eq!(screen["list"], serde_json::json!(["a", "b"]));
    assert_eq!(screen["degraded"], degraded("list", "stale", "invalid"));

    bench.invalidations.hard_purge(&bench.ada, &[list_tag()]);
    let failed = bench.ask(GONE).await;
    assert!(
        matches!(failed, Err(ComposeError::NothingLeft { reason: Reason::Unavailable, .. })),
        "{failed:?}"
    );
}

#[tokio::test]
async fn a_part_that_hangs_leaves_the_others_their_time() {
    let bench = Bench::new();
    bench.up.names.store(HANGS, Ordering::SeqCst);
    let screen = bench.ask(NOW).await.expect("composed");
    assert_eq!(screen["degraded"], degraded("names", "missing", "timeout"));
    bench.up.list.store(HANGS, Ordering::SeqCst);
    bench.invalidations.hard_purge(&bench.ada, &[list_tag()]);
    let failed = bench.ask(NOW).await;
    assert!(matches!(failed, Err(ComposeError::NothingLeft { reason: Reason::Timeout, .. })), "{failed:?}");
}

#[tokio::test]
async fn a_part_that_fails_twice_is_named_once_with_the_graver_word() {
    let bench = Bench::new();
    let invalidations = Arc::clone(&bench.invalidations);
    let documents: Arc<Documents<ComposeError>> = Arc::new(Documents::new(
        SETTINGS,
        InvalidationBus::alone(&invalidations),
        Handle::current(),
        Arc::new(Metrics::new()),
    ));
    let key = DocumentKey::new("screen", None);
    let wanted = Wanted {
        key: &key,
        user: None,
        policy: POLICY,
        encodings: Encodings::default(),
        stream: false,
        require_fresh: false,
    };
    let compose = || {
        |parts: PartCache| async move {
            let run = Run::new("screen", View::Full, Duration::from_secs(1), parts, Arc::new(Metrics::new()));
            let refused = || async { Err::<u8, _>(UpstreamError::Timeout { upstream: "test" }) };
            join(run.part("twice").optional(refused()), run.part("twice").optional(refused())).await;
            let expected =
                DegradedPart { part: "twice", status: PartStatus::Missing, reason: Reason::Timeout };
            assert_eq!(run.degraded(), [expected]);
            run.finish(&()).map_err(Uncomposed::from)
        }
    };
    documents.get(&wanted, Instant::now(), compose).await.expect("composed");
}

#[tokio::test]
async fn a_required_part_that_is_refused_ends_the_document_and_says_what_it_was_about() {
    let bench = Bench::new();
    bench.ask(NOW).await.expect("composed");
    for (answer, expected) in [(FORBIDS, Refusal::Forbidden), (KNOWS_NOTHING, Refusal::NotFound)] {
        bench.up.me.store(answer, Ordering::SeqCst);
        let refused = bench.ask(GONE).await;
        let Err(ComposeError::Refused { part: "me", refusal, .. }) = refused else { panic!("{refused:?}") };
        assert_eq!(refusal, expected);
    }
    bench.up.me.store(REFUSES, Ordering::SeqCst);
    let failed = bench.ask(GONE).await;
    assert!(matches!(failed, Err(ComposeError::Required { .. })), "nothing old stands in: {failed:?}");
}

#[tokio::test]
async fn no_copy_stands_in_for_an_optional_part_that_is_refused() {
    let bench = Bench::new();
    bench.ask(NOW).await.expect("composed");
    // A list names nothing that could be missing: its service is not where it should be.
    bench.up.list.store(KNOWS_NOTHING, Ordering::SeqCst);
    let screen = bench.ask(GONE).await.expect("composed");
    assert_eq!(screen["degraded"], degraded("list", "stale", "rejected"));
    bench.up.names.store(FORBIDS, Ordering::SeqCst);
    bench.invalidations.soft_purge(&[Tag::of("member", &Id::new("a").expect("an id"))]);
    let screen = bench.ask(GONE).await.expect("composed");
    assert_eq!(screen["degraded"], degraded("names", "missing", "rejected"));
    bench.up.list.store(FORBIDS, Ordering::SeqCst);
    bench.invalidations.soft_purge(&[list_tag()]);
    let failed = bench.ask(GONE).await;
    assert!(matches!(failed, Err(ComposeError::NothingLeft { withheld: true, .. })), "{failed:?}");
    bench.up.list.store(REFUSES, Ordering::SeqCst);
    let failed = bench.ask(GONE).await;
    assert!(matches!(failed, Err(ComposeError::NothingLeft { .. })), "it is not kept for later: {failed:?}");
}
