//! Carries jobs out, for as long as the process runs.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::value::RawValue;
use tokio::{
    runtime::Handle,
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::{interval_at, sleep, timeout},
};

use super::{JobFailure, JobHandler, Jobs, RunnerPolicy};
use crate::{
    store::{ClaimedJob, Claims, JobQueue, StoreError, Waiting},
    telemetry::{Metrics, unix_ms},
};

/// One attempt takes no longer: what is not done by then hangs.
const ATTEMPT: Duration = Duration::from_secs(600);

/// How far the process is on its way to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Running,
    /// Nothing new is begun.
    Draining,
    /// What runs is given back.
    Ending,
}

/// A runner that has been started.
#[derive(Debug)]
pub struct Runner {
    stage: watch::Sender<Stage>,
    task: JoinHandle<()>,
}

/// What the runner's tasks share.
struct Shared {
    queue: JobQueue,
    handlers: BTreeMap<&'static str, Arc<dyn JobHandler>>,
    policy: RunnerPolicy,
    metrics: Arc<Metrics>,
    stage: watch::Receiver<Stage>,
}

impl Runner {
    /// Carries out the jobs of `handlers` from now on. Jobs of other kinds stay where they are.
    #[must_use]
    pub fn start(
        jobs: &Jobs,
        handlers: Vec<Arc<dyn JobHandler>>,
        policy: RunnerPolicy,
        metrics: Arc<Metrics>,
        runtime: &Handle,
    ) -> Self {
        let (stage, watched) = watch::channel(Stage::Running);
        let handlers: BTreeMap<_, _> =
            handlers.into_iter().map(|handler| (handler.kind(), handler)).collect();
        for kind in handlers.keys() {
            metrics.jobs.queued(kind, 0, 0, 0);
        }
        let shared = Shared { queue: jobs.queue.clone(), handlers, policy, metrics, stage: watched };
        let task = runtime.spawn(run(Arc::new(shared), jobs.clone()));
        Self { stage, task }
    }

    /// Begins nothing new, waits at most `patience` for what runs, and gives the rest back to the queue, so that another
    /// replica takes it up at once.
    pub async fn stop(mut self, patience: Duration) {
        self.stage.send_replace(Stage::Draining);
        if timeout(patience, &mut self.task).await.is_err() {
            self.stage.send_replace(Stage::Ending);
            // Each gives back what it holds, which the store takes or does not within its own timeout.
            if timeout(patience.max(Duration::from_secs(1)), &mut self.task).await.is_err() {
                self.task.abort();
            }
        }
    }
}

async fn run(shared: Arc<Shared>, jobs: Jobs) {
    let kinds: Vec<&str> = shared.handlers.keys().copied().collect();
    let (mut running, mut stage, mut fails) = (JoinSet::new(), shared.stage.clone(), false);
    loop {
        let room = shared.policy.concurrency.saturating_sub(running.len());
        let mut pause = shared.policy.poll;
        if room > 0 {
            let claimed = shared.queue.claim(&kinds, room).await;
            report(claimed.as_ref().err(), &mut fails);
            if let Ok(claims) = claimed {
                shared.measure(&claims).await;
                let next = claims.next_ms.map(|at| Duration::from_millis(at.saturating_sub(unix_ms())));
                // Not in a tight loop, should a clock be wrong.
                pause = next.unwrap_or(pause).clamp(Duration::from_millis(20), pause);
                for claimed in claims.jobs {
                    running.spawn(Arc::clone(&shared).attempt(claimed));
                }
            }
        }
        tokio::select! {
            () = reached(&mut stage, Stage::Draining) => break,
            () = jobs.wake.notified() => {}
            _ = running.join_next(), if !running.is_empty() => {}
            () = sleep(pause) => {}
        }
    }
    while running.join_next().await.is_some() {}
}

/// Done when the process has come that far on its way to its end.
async fn reached(stage: &mut watch::Receiver<Stage>, wanted: Stage) {
    // A runner that was dropped counts as ended.
    let _ = stage.wait_for(|stage| *stage >= wanted).await;
}

/// An outage is logged when it begins and when it ends.
fn report(error: Option<&StoreError>, fails: &mut bool) {
    if *fails == error.is_some() {
        return;
    }
    *fails = error.is_some();
    match error {
        None => tracing::info!("the queue of jobs can be read again"),
        Some(error) => {
            tracing::warn!(error = error as &dyn std::error::Error, "the queue of jobs cannot be read");
        }
    }
}

impl Shared {
    /// Sets the gauges, where the whole queue was seen.
    async fn measure(&self, claims: &Claims) {
        let Some(waiting) = &claims.waiting else { return };
        let Ok(dead) = self.queue.dead().await else { return };
        for kind in self.handlers.keys() {
            let none = Waiting { count: 0, oldest_ms: u64::MAX };
            let of_kind = waiting.get(*kind).unwrap_or(&none);
            let oldest_s = unix_ms().saturating_sub(of_kind.oldest_ms) / 1000;
            let dead = dead.iter().filter(|job| &*job.kind == *kind).count() as u64;
            self.metrics.jobs.queued(kind, of_kind.count, oldest_s, dead);
        }
    }

    /// One attempt, to its end, or to that of its lease or of the process.
    async fn attempt(self: Arc<Self>, mut claimed: ClaimedJob) {
        let Some(handler) = self.handlers.get(&*claimed.job.kind).map(Arc::clone) else { return };
        let kind = handler.kind();
        let payload = claimed.job.payload.clone();
        let ended = if claimed.job.attempts > self.policy.max_attempts {
            // Each of them ended with its process: no handler had a say.
            Ended::Failed(JobFailure::Never { why: "no attempt came to its end".to_owned() })
        } else {
            self.held(&mut claimed, handler.as_ref(), &payload).await
        };
        let outcome = match ended {
            Ended::Done => self.queue.done(&claimed).await.map(|()| "done"),
            Ended::Failed(failure) => self.put_back(&mut claimed, &failure).await,
            Ended::Lost => Ok("lost"),
            Ended::Stopped => self.queue.give_back(&mut claimed).await.map(|_| "stopped"),
        };
        match outcome {
            Ok(outcome) => self.metrics.jobs.attempted(kind, outcome),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(
                    error,
                    job.kind = kind,
                    "how an attempt at a job ended is not kept: it is tried again"
                );
            }
        }
    }

    /// Runs the handler while the lease is renewed.
    async fn held(&self, claimed: &mut ClaimedJob, handler: &dyn JobHandler, payload: &RawValue) -> Ended {
        let every = (self.queue.lease() / 3).max(Duration::from_millis(10));
        let mut renewal = interval_at(tokio::time::Instant::now() + every, every);
        let mut stage = self.stage.clone();
        let running = timeout(ATTEMPT, handler.run(payload));
        tokio::pin!(running);
        loop {
            tokio::select! {
                ended = &mut running => {
                    return match ended {
                        Ok(Ok(())) => Ended::Done,
                        Ok(Err(failure)) => Ended::Failed(failure),
                        Err(_) => {
                            Ended::Failed(JobFailure::Retry { why: "the attempt hung".to_owned(), after: None })
                        }
                    };
                }
                () = reached(&mut stage, Stage::Ending) => return Ended::Stopped,
                _ = renewal.tick() => match self.queue.renew(claimed).await {
                    Ok(true) => {}
                    Ok(false) => return Ended::Lost,
                    // The store is away: the lease may end, and another replica begin.
                    Err(error) => {
                        let error = &error as &dyn std::error::Error;
                        tracing::debug!(error, job.kind = handler.kind(), "a lease is not renewed");
                    }
                },
            }
        }
    }

    /// What comes after an attempt that failed: another one later, or none.
    async fn put_back(
        &self,
        claimed: &mut ClaimedJob,
        failure: &JobFailure,
    ) -> Result<&'static str, StoreError> {
        let (kind, attempts) = (claimed.job.kind.clone(), claimed.job.attempts);
        let (why, after) = match failure {
            JobFailure::Retry { why, after } if attempts < self.policy.max_attempts => (why, *after),
            JobFailure::Retry { why, .. } | JobFailure::Never { why } => {
                tracing::error!(job.kind = %kind, job.attempts = attempts, why, "a job is given up");
                return Ok(if self.queue.bury(claimed, why).await? { "dead" } else { "lost" });
            }
        };
        let random = getrandom::u64().unwrap_or_default();
        let delay = self.policy.delay(attempts, random).max(after.unwrap_or_default());
        tracing::warn!(job.kind = %kind, job.attempts = attempts, delay_ms = delay.as_millis(), why, "a job is tried again");
        Ok(if self.queue.retry(claimed, why, delay).await? { "retried" } else { "lost" })
    }
}

/// How an attempt ended.
enum Ended {
    Done,
    Failed(JobFailure),
    /// Another replica has it now.
    Lost,
    /// The process ends.
    Stopped,
}
