//! The runner over a store in memory: outcomes, stops, and what metrics say.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use serde_json::value::RawValue;
use tokio::{runtime::Handle, sync::Notify};

use super::{JobFailure, JobHandler, Jobs, Runner, RunnerPolicy};
use crate::{
    store::{JobQueue, MemoryStore, QueuePolicy, Store},
    telemetry::Metrics,
};

/// What a job's handler does at each attempt; the last one stands for all further ones.
#[derive(Clone, Copy)]
enum Act {
    Succeed,
    Fail,
    GiveUp,
    Hang,
}

struct Scripted {
    acts: Vec<Act>,
    attempts: AtomicU32,
    begun: Notify,
}

#[async_trait]
impl JobHandler for Scripted {
    fn kind(&self) -> &'static str {
        "scripted"
    }

    async fn run(&self, payload: &RawValue) -> Result<(), JobFailure> {
        assert_eq!(payload.get(), "\"payload\"");
        let attempt = self.attempts.fetch_add(1, Ordering::SeqCst) as usize;
        self.begun.notify_one();
        let why = || "it rains".to_owned();
        match self.acts[attempt.min(self.acts.len() - 1)] {
            Act::Succeed => Ok(()),
            Act::Fail => Err(JobFailure::Retry { why: why(), after: None }),
            Act::GiveUp => Err(JobFailure::Never { why: why() }),
            Act::Hang => std::future::pending().await,
        }
    }
}

struct Rig {
    jobs: Jobs,
    handler: Arc<Scripted>,
    metrics: Arc<Metrics>,
    runner: Runner,
}

fn queue(store: &Arc<dyn Store>) -> JobQueue {
    let policy =
        QueuePolicy { max_jobs: 10, lease: Duration::from_secs(60), keep: Duration::from_secs(3600) };
    JobQueue::new(Arc::clone(store), policy).expect("random bits")
}

fn rig(store: &Arc<dyn Store>, acts: &[Act]) -> Rig {
    let jobs = Jobs::new(queue(store));
    let handler =
        Arc::new(Scripted { acts: acts.to_vec(), attempts: AtomicU32::new(0), begun: Notify::new() });
    let policy = RunnerPolicy {
        poll: Duration::from_millis(100),
        concurrency: 2,
        max_attempts: 4,
        backoff: Duration::from_millis(10),
        max_backoff: Duration::from_millis(40),
    };
    let metrics = Arc::new(Metrics::new());
    let handlers: Vec<Arc<dyn JobHandler>> = vec![Arc::clone(&handler) as _];
    let runner = Runner::start(&jobs, handlers, policy, Arc::clone(&metrics), &Handle::current());
    Rig { jobs, handler, metrics, runner }
}

async fn until_gone(jobs: &Jobs) {
    while !jobs.queue.waiting().await.expect("a queue").is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn told(metrics: &Metrics, outcome: &str) -> bool {
    let line = format!("bff_job_attempts_total{{kind=\"scripted\",outcome=\"{outcome}\"}}");
    metrics.encode().lines().any(|known| known.starts_with(&line))
}

#[tokio::test]
async fn a_job_is_tried_until_it_is_done() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let Rig { jobs, handler, metrics, runner } = rig(&store, &[Act::Fail, Act::Fail, Act::Succeed]);
    jobs.enqueue("scripted", "1", &"payload").await.expect("room");
    until_gone(&jobs).await;
    assert_eq!(handler.attempts.load(Ordering::SeqCst), 3);
    assert!(jobs.queue.dead().await.expect("a queue").is_empty());
    runner.stop(Duration::from_secs(5)).await;
    assert!(told(&metrics, "retried") && told(&metrics, "done") && !told(&metrics, "dead"));
}

#[tokio::test]
async fn a_job_is_given_up_after_its_last_attempt_or_at_its_handlers_word() {
    for (acts, attempts) in [(&[Act::Fail][..], 4), (&[Act::Fail, Act::GiveUp], 2)] {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let Rig { jobs, handler, metrics, runner } = rig(&store, acts);
        jobs.enqueue("scripted", "1", &"payload").await.expect("room");
        until_gone(&jobs).await;
        let dead = jobs.queue.dead().await.expect("a queue");
        assert_eq!((dead.len(), dead[0].attempts), (1, attempts));
        assert_eq!(dead[0].error.as_deref(), Some("it rains"));
        assert_eq!(handler.attempts.load(Ordering::SeqCst), attempts);
        runner.stop(Duration::from_secs(5)).await;
        assert!(told(&metrics, "dead"));
    }
}

#[tokio::test]
async fn a_stop_gives_back_what_runs_and_the_next_process_takes_it_up() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let Rig { jobs, handler, metrics, runner } = rig(&store, &[Act::Hang]);
    jobs.enqueue("scripted", "1", &"payload").await.expect("room");
    handler.begun.notified().await;
    runner.stop(Duration::from_millis(50)).await;
    assert!(told(&metrics, "stopped"));
    let left = jobs.queue.waiting().await.expect("a queue");
    assert_eq!((left.len(), left[0].attempts), (1, 0), "as if it had not been tried");
    let Rig { jobs, runner, .. } = rig(&store, &[Act::Succeed]);
    until_gone(&jobs).await;
    runner.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn what_a_dead_process_has_begun_is_taken_up_at_once_where_no_other_can_be() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let dead = queue(&store);
    let payload = serde_json::value::to_raw_value("payload").expect("JSON");
    dead.enqueue("scripted", "1", payload, Duration::ZERO).await.expect("room");
    assert_eq!(dead.claim(&["scripted"], 1).await.expect("a queue").jobs.len(), 1);
    let Rig { jobs, runner, .. } = rig(&store, &[Act::Succeed]);
    until_gone(&jobs).await;
    runner.stop(Duration::from_secs(5)).await;
}
