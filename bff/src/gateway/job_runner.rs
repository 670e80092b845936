//! What carries jobs out, and the handler of each kind of them.

use std::sync::Arc;

use super::{deletion_steps::deletion_steps, foundation::Foundation};
use crate::{
    auth::{Api, EndSignIns, MemberDeletion, MemberDeletionParts},
    config::Config,
    jobs::{JobHandler, Runner, RunnerPolicy},
};

/// Carries jobs out from now on.
pub(super) fn job_runner(config: &Config, foundation: &Foundation, api: &Api) -> Runner {
    let jobs = &config.jobs;
    let policy = RunnerPolicy {
        poll: jobs.poll_ms.into(),
        concurrency: usize::try_from(jobs.concurrency).unwrap_or(1),
        max_attempts: jobs.max_attempts,
        backoff: jobs.backoff_ms.into(),
        max_backoff: jobs.max_backoff_ms.into(),
    };
    let deletion = MemberDeletion::new(MemberDeletionParts {
        api: api.clone(),
        sessions: foundation.sessions.clone(),
        bus: Arc::clone(&foundation.bus),
        steps: deletion_steps(foundation),
    });
    let handlers: Vec<Arc<dyn JobHandler>> =
        vec![Arc::new(deletion), Arc::new(EndSignIns::new(foundation.sessions.clone()))];
    let metrics = Arc::clone(&foundation.metrics);
    Runner::start(&foundation.jobs, handlers, policy, metrics, &foundation.runtime)
}
