//! The queue of work that outlives a request: how long it is, and how attempts end.

use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge},
    registry::{Registry, Unit},
};

use super::series::Series;

/// By kind of job: a word of the code each. The gauges are as of this replica's last look at the queue, which all
/// replicas share.
#[derive(Debug)]
pub struct JobMetrics {
    waiting: Series<1, Gauge>,
    oldest: Series<1, Gauge>,
    dead: Series<1, Gauge>,
    attempts: Series<2, Counter>,
}

impl Default for JobMetrics {
    fn default() -> Self {
        Self {
            waiting: Series::new(["kind"]),
            oldest: Series::new(["kind"]),
            dead: Series::new(["kind"]),
            attempts: Series::new(["kind", "outcome"]),
        }
    }
}

impl JobMetrics {
    /// What is in the queue: jobs that wait or run, the age in seconds of the oldest, and jobs that were given up.
    pub fn queued(&self, kind: &'static str, waiting: u64, oldest_s: u64, dead: u64) {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.waiting.with([kind], |gauge| gauge.set(number(waiting)));
        self.oldest.with([kind], |gauge| gauge.set(number(oldest_s)));
        self.dead.with([kind], |gauge| gauge.set(number(dead)));
    }

    /// Counts one attempt that ended: `done`, `retried`, `dead` (given up), `lost` (another replica has taken it over).
    pub fn attempted(&self, kind: &'static str, outcome: &'static str) {
        self.attempts.with([kind, outcome], Counter::inc);
    }

    pub(super) fn register(&self, bff: &mut Registry) {
        let help = "Jobs in the queue, waiting or running";
        bff.register("jobs_waiting", help, self.waiting.clone());
        let help = "Age of the oldest job in the queue";
        bff.register_with_unit("jobs_oldest_age", help, Unit::Seconds, self.oldest.clone());
        let help = "Jobs that were given up after too many attempts: an operator has to look";
        bff.register("jobs_dead", help, self.dead.clone());
        let help = "Attempts to carry a job out";
        bff.register("job_attempts", help, self.attempts.clone());
    }
}
