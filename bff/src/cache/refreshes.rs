//! Refreshes behind stale documents: which of them runs when. A stale document is good for its whole stale time, so that
//! its refresh may wait: readers must not wait for the processors because many documents became stale together.
//!
//! At most so many refreshes run at once, and their starts are spread: so far apart that all that wait begin within the
//! time that the most urgent of them has left, and no further apart than [`MAX_GAP`] by the number of workers. The document
//! whose stale time ends first goes first. One that could not begin in time is forgotten: the next reader composes it.
//! What a reader waits for (a miss, `max-age=0`) never comes here.

use std::{
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio::{runtime::Handle, time::sleep_until};

use super::{
    key::DocumentKey,
    refresh_queue::{Next, RefreshQueue},
};
use crate::telemetry::Metrics;

/// Between two starts on one worker, at most: a composition takes about a millisecond of a processor, so that a few
/// documents are refreshed at a twentieth of it, and without a wait that anybody notices.
const MAX_GAP: Duration = Duration::from_millis(20);

/// Begins a refresh, for as long as it holds the permit. It must not wait.
pub(super) type Start = Box<dyn FnOnce(Permit) + Send>;

/// All refreshes of one cache.
pub(super) struct Refreshes {
    state: Mutex<State>,
    limit: usize,
    max_gap: Duration,
    runtime: Handle,
    metrics: Arc<Metrics>,
}

struct State {
    queue: RefreshQueue<Start>,
    running: usize,
    /// Somebody is starting refreshes, and looks again before they go.
    is_starting: bool,
    /// When a task looks again.
    wakes_at: Option<Instant>,
}

/// The right to run one refresh. When it is dropped, the next one may begin.
pub(super) struct Permit(Arc<Refreshes>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.state.lock().running -= 1;
        self.0.start_due();
    }
}

/// Lets others start refreshes again, also after a panic.
struct Starting<'r>(&'r Refreshes);

impl Drop for Starting<'_> {
    fn drop(&mut self) {
        self.0.state.lock().is_starting = false;
    }
}

impl Refreshes {
    /// At most `limit` at once, for a gateway of so many `workers`. Tasks run on `runtime`.
    pub(super) fn new(limit: usize, workers: usize, runtime: Handle, metrics: Arc<Metrics>) -> Arc<Self> {
        let workers = u32::try_from(workers.max(1)).unwrap_or(u32::MAX);
        let state = State { queue: RefreshQueue::default(), running: 0, is_starting: false, wakes_at: None };
        let (limit, max_gap) = (limit.max(1), MAX_GAP / workers);
        Arc::new(Self { state: Mutex::new(state), limit, max_gap, runtime, metrics })
    }

    /// Has what `start` makes called when it is the document's turn, unless that does not come within `time_left`. Makes
    /// nothing where the document waits already.
    pub(super) fn add(
        self: &Arc<Self>,
        key: &DocumentKey,
        time_left: Duration,
        start: impl FnOnce() -> Start,
    ) {
        self.state.lock().queue.add(key, Instant::now() + time_left, start);
        self.start_due();
    }

    /// The document is being composed, or gone: its refresh is not needed any more.
    pub(super) fn withdraw(&self, key: &DocumentKey) {
        let withdrawn = {
            let mut state = self.state.lock();
            let withdrawn = state.queue.remove(key);
            self.report(&state);
            withdrawn
        };
        // What it held is let go of outside of the lock.
        drop(withdrawn);
    }

    /// Starts what may start now, and sees to it that somebody looks again when the next one may.
    fn start_due(self: &Arc<Self>) {
        while let Some(start) = self.next() {
            let _starting = Starting(self);
            start(Permit(Arc::clone(self)));
        }
    }

    fn next(self: &Arc<Self>) -> Option<Start> {
        let mut state = self.state.lock();
        if state.is_starting {
            return None;
        }
        let next = if state.running < self.limit {
            let (next, expired) = state.queue.next(Instant::now(), self.max_gap);
            self.metrics.refreshes_expired.inc_by(expired);
            next
        } else {
            // Whoever ends looks again.
            Next::Nothing
        };
        let start = match next {
            Next::Nothing => None,
            Next::At(at) => {
                self.wake(&mut state, at);
                None
            }
            Next::Start(start) => {
                state.is_starting = true;
                state.running += 1;
                Some(start)
            }
        };
        self.report(&state);
        start
    }

    fn wake(self: &Arc<Self>, state: &mut State, at: Instant) {
        if state.wakes_at.is_some_and(|planned| planned <= at) {
            return;
        }
        state.wakes_at = Some(at);
        let refreshes: Weak<Self> = Arc::downgrade(self);
        self.runtime.spawn(async move {
            sleep_until(at.into()).await;
            let Some(refreshes) = refreshes.upgrade() else { return };
            {
                let mut state = refreshes.state.lock();
                if state.wakes_at == Some(at) {
                    state.wakes_at = None;
                }
            }
            refreshes.start_due();
        });
    }

    fn report(&self, state: &State) {
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        self.metrics.refreshes_running.set(count(state.running));
        self.metrics.refreshes_waiting.set(count(state.queue.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u32) -> DocumentKey {
        DocumentKey::new("feed", None).with_number(number)
    }

    const LONG: Duration = Duration::from_secs(3600);

    struct Bench {
        refreshes: Arc<Refreshes>,
        /// Permits of refreshes that run, in the order in which they began.
        running: Arc<Mutex<Vec<(u32, Permit)>>>,
        metrics: Arc<Metrics>,
    }

    impl Bench {
        fn new(limit: usize) -> Self {
            let metrics = Arc::new(Metrics::new());
            // So many workers that nothing is spread.
            let refreshes = Refreshes::new(limit, usize::MAX, Handle::current(), Arc::clone(&metrics));
            Self { refreshes, running: Arc::default(), metrics }
        }

        fn add(&self, number: u32, time_left: Duration) {
            let running = Arc::clone(&self.running);
            let start = move |permit| running.lock().push((number, permit));
            self.refreshes.add(&key(number), time_left, || Box::new(start));
        }

        fn running(&self) -> Vec<u32> {
            self.running.lock().iter().map(|(number, _)| *number).collect()
        }

        fn end(&self, number: u32) {
            let mut running = self.running.lock();
            let at = running.iter().position(|(running, _)| *running == number).expect("it runs");
            let ended = running.remove(at);
            // Its end starts the next one, which is noted.
            drop(running);
            drop(ended);
        }

        fn gauges(&self) -> (i64, i64, u64) {
            let Metrics { refreshes_running, refreshes_waiting, refreshes_expired, .. } = &*self.metrics;
            (refreshes_running.get(), refreshes_waiting.get(), refreshes_expired.get())
        }
    }

    #[tokio::test]
    async fn no_more_than_the_limit_run_and_the_most_urgent_is_next() {
        let bench = Bench::new(2);
        for (number, time_left) in [(1, LONG), (2, LONG), (3, LONG), (4, LONG / 2), (5, LONG / 4)] {
            bench.add(number, time_left);
        }
        assert_eq!((bench.running(), bench.gauges()), (vec![1, 2], (2, 3, 0)));
        bench.add(4, LONG / 8);
        assert_eq!(bench.gauges(), (2, 3, 0), "never two for one document");
        bench.end(1);
        assert_eq!((bench.running(), bench.gauges()), (vec![2, 5], (2, 2, 0)));
        bench.refreshes.withdraw(&key(4));
        bench.end(2);
        assert_eq!((bench.running(), bench.gauges()), (vec![5, 3], (2, 0, 0)), "4 was withdrawn");
        bench.end(5);
        bench.end(3);
        assert_eq!(bench.gauges(), (0, 0, 0));
    }

    #[tokio::test]
    async fn one_that_cannot_begin_in_time_is_forgotten_and_counted() {
        let bench = Bench::new(1);
        bench.add(1, LONG);
        bench.add(2, Duration::ZERO);
        bench.add(3, LONG);
        bench.end(1);
        assert_eq!((bench.running(), bench.gauges()), (vec![3], (1, 0, 1)));
    }

    #[tokio::test]
    async fn thousands_that_end_at_once_do_not_pile_up_on_the_stack() {
        let bench = Bench::new(1);
        bench.add(0, LONG);
        for number in 1..20_000 {
            bench.refreshes.add(&key(number), LONG, || Box::new(drop));
        }
        bench.end(0);
        assert_eq!(bench.gauges(), (0, 0, 0));
    }

    #[tokio::test]
    async fn starts_are_spread_and_nobody_has_to_ask_for_the_next() {
        let metrics = Arc::new(Metrics::new());
        let refreshes = Refreshes::new(100, 1, Handle::current(), Arc::clone(&metrics));
        let (began, mut ended) = (Instant::now(), tokio::sync::mpsc::unbounded_channel());
        for number in 0..4 {
            let ends = ended.0.clone();
            let start = move |_: Permit| ends.send(number).expect("somebody waits");
            refreshes.add(&key(number), LONG, || Box::new(start));
        }
        for number in 0..4 {
            assert_eq!(ended.1.recv().await, Some(number));
        }
        assert!(began.elapsed() >= 3 * MAX_GAP, "one after another");
    }
}
