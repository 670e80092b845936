//! The queue of work that outlives a request.

use std::sync::Arc;

use crate::{
    config::Config,
    gateway::error::StartError,
    jobs::Jobs,
    store::{JobQueue, QueuePolicy, Store},
};

/// The queue, in the gateway's store.
pub(in super::super) fn jobs(config: &Config, store: &Arc<dyn Store>) -> Result<Jobs, StartError> {
    let policy = QueuePolicy {
        max_jobs: usize::try_from(config.jobs.max_jobs).unwrap_or(usize::MAX),
        lease: config.jobs.lease_ms.into(),
        keep: config.jobs.keep_ms.into(),
    };
    Ok(Jobs::new(JobQueue::new(Arc::clone(store), policy).map_err(StartError::Randomness)?))
}
