//! Where records live that must outlast a request or a process: sessions, refresh families, revocations,
//! counters, idempotency keys. Called by `identity`, `edge` and `auth`; knows nothing of what it keeps.
//!
//! One trait, several homes, chosen by `store.url`: `memory:` for tests, `embedded:PATH` for one machine,
//! `redis://HOST` and its kin for several. One conformance suite runs against each of them.

mod embedded;
mod errors;
mod interface;
mod lease;
mod memory;
mod notice;
mod open;
mod queue;
mod queued_job;
mod record;
mod redis;
mod shared;
mod sweeping;
mod tables;
mod writer;

#[cfg(test)]
mod conformance;

pub use embedded::EmbeddedStore;
pub use errors::StoreError;
pub use interface::{Store, StoreSettings};
pub use lease::{LEASE, Lease};
pub use memory::MemoryStore;
pub use notice::{Listener, Notice};
pub use open::{open, open_with};
pub use queue::{Claims, Enqueued, JobQueue, QueueError, QueuePolicy, Waiting};
pub use queued_job::{ClaimedJob, Job};
pub use record::{
    Entry, MAX_KEY_BYTES, MAX_OWNER_BYTES, Record, Replacement, STEP, SWEEP_BATCH, Space, after,
};
pub use redis::SharedStore;
#[cfg(test)]
pub(crate) use redis::TestServer;
pub use shared::{LogId, NotALogId, Take};
pub use sweeping::sweep;
