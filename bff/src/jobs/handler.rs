//! What jobs are made of: the handler of a kind, how an attempt fails, and the way into the queue.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::Notify;

use crate::store::{Enqueued, JobQueue, QueueError, StoreError};

/// Carries jobs of one kind out.
#[async_trait]
pub trait JobHandler: Send + Sync + 'static {
    /// A word of the code: jobs bear it in the store and in metrics.
    fn kind(&self) -> &'static str;

    /// Makes one attempt. It may have been made before, in part or whole, also at the same time on another replica: what
    /// it does must come to the same. The future is dropped when the process stops or the job's lease is lost.
    ///
    /// # Errors
    /// [`JobFailure`]: how it goes on.
    async fn run(&self, payload: &RawValue) -> Result<(), JobFailure>;
}

/// Why an attempt failed. `why` is for the operator: it holds neither ids nor secrets.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JobFailure {
    /// Worth another attempt, later.
    #[error("{why}")]
    Retry {
        why: String,
        /// Not sooner than that.
        after: Option<Duration>,
    },
    /// No attempt will ever succeed.
    #[error("{why}")]
    Never { why: String },
}

/// The way into the queue. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Jobs {
    pub(super) queue: JobQueue,
    pub(super) wake: Arc<Notify>,
}

impl Jobs {
    /// Into `queue`.
    #[must_use]
    pub fn new(queue: JobQueue) -> Self {
        Self { queue, wake: Arc::default() }
    }

    /// Has a job carried out: it is durable when this returns, and this process's runner is told. `id` says which work it
    /// is: the same again is no second job. `payload` holds no secrets.
    ///
    /// # Errors
    /// [`QueueError`].
    pub async fn enqueue(
        &self,
        kind: &'static str,
        id: &str,
        payload: &impl Serialize,
    ) -> Result<Enqueued, QueueError> {
        self.enqueue_after(kind, id, payload, Duration::ZERO).await
    }

    /// [`Self::enqueue`], but nobody begins with it before `delay` has passed.
    ///
    /// # Errors
    /// [`QueueError`].
    pub async fn enqueue_after(
        &self,
        kind: &'static str,
        id: &str,
        payload: &impl Serialize,
        delay: Duration,
    ) -> Result<Enqueued, QueueError> {
        let payload = to_raw_value(payload).map_err(|_| StoreError::Format)?;
        let enqueued = self.queue.enqueue(kind, id, payload, delay).await?;
        self.wake.notify_one();
        Ok(enqueued)
    }

    /// Removes a job that nobody needs any more. One whose attempt has begun may be carried out all the same.
    ///
    /// # Errors
    /// [`StoreError`]: it may be carried out.
    pub async fn take_back(&self, kind: &'static str, id: &str) -> Result<(), StoreError> {
        self.queue.take_back(kind, id).await
    }

    /// Whether such a job is in the queue: it waits, runs, or was given up.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn has(&self, kind: &'static str, id: &str) -> Result<bool, StoreError> {
        self.queue.has(kind, id).await
    }

    /// Has all jobs that were given up tried again; answers how many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revive(&self) -> Result<usize, StoreError> {
        let revived = self.queue.revive().await?;
        self.wake.notify_one();
        Ok(revived)
    }
}
