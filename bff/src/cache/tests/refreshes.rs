//! Many documents that become stale together.

use super::*;

const LIMIT: usize = 3;

impl Bench {
    fn key_of(&self, number: u32) -> DocumentKey {
        DocumentKey::new("feed", Some(&self.ada)).with_number(number)
    }

    async fn get_nth(&self, number: u32, in_time: Duration, require_fresh: bool) -> (String, Outcome) {
        let key = self.key_of(number);
        let wanted = Wanted { key: &key, require_fresh, ..self.wanted() };
        let now = Instant::now() + in_time;
        let served = self.documents.get(&wanted, now, self.compose(Answer::Whole)).await.expect("a document");
        let (representation, _) = served.document.representation(Encoding::Identity);
        (String::from_utf8_lossy(&representation.body.in_a_row()).into_owned(), served.outcome)
    }

    /// Refreshes that run, and that wait.
    fn refreshes(&self) -> (i64, i64) {
        (self.metrics.refreshes_running.get(), self.metrics.refreshes_waiting.get())
    }

    async fn refreshed(&self) {
        while self.refreshes() != (0, 0) {
            tokio::task::yield_now().await;
        }
    }
}

/// A bench with `count` documents in the cache, and compositions that wait from now on.
async fn stale(count: u32) -> Bench {
    let mut bench = Bench::with(CacheSettings { max_refreshes: LIMIT, ..SETTINGS });
    for number in 0..count {
        bench.get_nth(number, NOW, false).await;
    }
    bench.hold();
    bench
}

#[tokio::test]
async fn all_are_served_stale_at_once_and_no_more_than_the_limit_are_composed_at_a_time() {
    let bench = stale(20).await;
    for _ in 0..3 {
        for number in 0..20 {
            assert_eq!(bench.get_nth(number, 6 * SECOND, false).await.1, Outcome::Stale);
        }
    }
    bench.begun(20 + LIMIT).await;
    for refreshed in 0..17 {
        assert_eq!(bench.calls(), 20 + LIMIT + refreshed);
        assert_eq!(bench.refreshes(), (3, 17 - i64::try_from(refreshed).expect("few")));
        bench.let_through(1);
        bench.begun(20 + LIMIT + refreshed + 1).await;
    }
    bench.let_through(LIMIT);
    bench.refreshed().await;
    assert_eq!(bench.calls(), 40, "one refresh for each, however many asked");
    for number in 0..20 {
        assert_eq!(bench.get_nth(number, NOW, false).await.1, Outcome::Hit);
    }
    assert_eq!(bench.metrics.refreshes_expired.get(), 0);
}

#[tokio::test]
async fn what_a_reader_waits_for_is_never_queued_and_takes_the_place_of_what_is() {
    let bench = Arc::new(stale(6).await);
    for number in 0..6 {
        bench.get_nth(number, 6 * SECOND, false).await;
    }
    bench.begun(6 + LIMIT).await;
    assert_eq!(bench.refreshes(), (3, 3));
    // Neither a miss nor `max-age=0` waits for the refreshes that run.
    let readers: Vec<_> = [(100, NOW, false), (5, 6 * SECOND, true)]
        .into_iter()
        .map(|(number, in_time, require_fresh)| {
            let bench = Arc::clone(&bench);
            tokio::spawn(async move { bench.get_nth(number, in_time, require_fresh).await.1 })
        })
        .collect();
    bench.begun(6 + LIMIT + 2).await;
    assert_eq!(bench.refreshes(), (3, 2), "never two for one document");
    bench.let_through(100);
    for reader in readers {
        assert!(matches!(reader.await.expect("served"), Outcome::Composed { .. }));
    }
    bench.refreshed().await;
    assert_eq!(bench.calls(), 6 + 7, "all six once more, and the miss");
}

#[tokio::test]
async fn a_refresh_whose_document_was_purged_meanwhile_is_not_run() {
    let bench = stale(6).await;
    for number in 0..6 {
        bench.get_nth(number, 6 * SECOND, false).await;
    }
    bench.begun(6 + LIMIT).await;
    bench.invalidations.hard_purge(&bench.ada, [&tag()]);
    bench.let_through(LIMIT);
    bench.refreshed().await;
    assert_eq!(bench.calls(), 6 + LIMIT, "the three that waited were withdrawn");
}

#[tokio::test]
async fn one_that_does_not_begin_within_the_stale_time_is_left_to_the_next_reader() {
    let bench = stale(LIMIT as u32 + 1).await;
    for number in 0..LIMIT as u32 {
        bench.get_nth(number, 6 * SECOND, false).await;
    }
    bench.begun(2 * LIMIT + 1).await;
    // A moment before its stale time ends, which is over when the others have ended.
    let last = LIMIT as u32;
    let document = bench.documents.look_up(
        &Wanted { key: &bench.key_of(last), ..bench.wanted() },
        Instant::now(),
        bench.compose(Answer::Panic),
    );
    let end = document.expect("it is fresh").document.stale_until;
    let ends_in = end.saturating_duration_since(Instant::now());
    bench.get_nth(last, ends_in.saturating_sub(Duration::from_millis(5)), false).await;
    assert_eq!(bench.refreshes(), (3, 1));
    tokio::time::sleep(Duration::from_millis(10)).await;
    bench.let_through(LIMIT);
    bench.refreshed().await;
    assert_eq!((bench.calls(), bench.metrics.refreshes_expired.get()), (2 * LIMIT + 1, 1));
    bench.let_through(1);
    let (_, outcome) = bench.get_nth(last, ends_in + SECOND, false).await;
    assert!(matches!(outcome, Outcome::Composed { .. }), "{outcome:?}");
}
