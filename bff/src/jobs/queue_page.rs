//! What an operator sees of the queue.

use serde::Serialize;

use super::Jobs;
use crate::store::{Job, StoreError};

/// Jobs listed at most, of each of both.
const MOST: usize = 100;

/// What waits or runs, and what was given up: the first of them, without payloads.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QueuePage {
    waiting_count: usize,
    dead_count: usize,
    waiting: Vec<Line>,
    dead: Vec<Line>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    kind: Box<str>,
    id: Box<str>,
    attempts: u32,
    enqueued_ms: u64,
    due_ms: u64,
    error: Option<Box<str>>,
}

impl From<Job> for Line {
    fn from(job: Job) -> Self {
        let Job { kind, id, attempts, enqueued_ms, due_ms, error, .. } = job;
        Self { kind, id, attempts, enqueued_ms, due_ms, error }
    }
}

impl Jobs {
    /// The queue as it is now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn page(&self) -> Result<QueuePage, StoreError> {
        let (waiting, dead) = (self.queue.waiting().await?, self.queue.dead().await?);
        let lines = |jobs: Vec<Job>| jobs.into_iter().take(MOST).map(Line::from).collect();
        Ok(QueuePage {
            waiting_count: waiting.len(),
            dead_count: dead.len(),
            waiting: lines(waiting),
            dead: lines(dead),
        })
    }
}
