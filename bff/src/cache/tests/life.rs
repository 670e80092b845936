//! Fresh, stale, gone; one composition for all who ask; what stands in for what.

use super::*;

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
async fn who_waits_for_another_threads_composition_composes_anew_where_that_thread_ends() {
    let mut bench = Bench::new();
    bench.hold();
    let bench = Arc::new(bench);
    let other = Arc::clone(&bench);
    let (wanted, end) = (Arc::clone(&bench.gate), Arc::new(Semaphore::new(0)));
    let ends = Arc::clone(&end);
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let first = tokio::spawn(async move { other.get(NOW, Answer::Whole).await.map(drop) });
            let _ = ends.acquire().await.expect("never closed");
            first.abort();
        });
    });
    bench.begun(1).await;
    let second = tokio::spawn({
        let bench = Arc::clone(&bench);
        async move { bench.text(NOW, Answer::Whole).await.0 }
    });
    // It has joined before its turn ends.
    tokio::task::yield_now().await;
    end.add_permits(1);
    tokio::task::spawn_blocking(|| thread.join()).await.expect("joined").expect("no panic");
    bench.begun(2).await;
    wanted.add_permits(1);
    assert_eq!(second.await.expect("served"), "document 2");
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
async fn memory_is_bounded_by_bytes() {
    let bench = Bench::new();
    let body = Packed::copy_of(&[b'x'; 64 * 1024]);
    for number in 0..100 {
        let key = DocumentKey::new("feed", Some(&bench.ada)).with_number(number);
        let wanted = Wanted { key: &key, ..bench.wanted() };
        let body = body.clone();
        let compose = move || {
            let body = body.clone();
            move |_| async move {
                let made_at = Instant::now();
                let (tags, timings) = (Vec::new(), Vec::new());
                let tags = MadeOf::Tags(tags);
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
