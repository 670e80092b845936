//! Work that outlives a request: enqueued by whoever answers one, carried out here, at least once, on whichever replica
//! comes first. Over the queue in `store`; knows nothing of what the work is.

mod handler;
mod queue_page;
mod runner;
mod runner_policy;

pub use handler::{JobFailure, JobHandler, Jobs};
pub use queue_page::QueuePage;
pub use runner::Runner;
pub use runner_policy::RunnerPolicy;

#[cfg(test)]
mod tests;
