//! The store for several machines: Redis (6.2 or later), alone, with sentinels, or as a cluster.
//!
//! All that is asked goes over one multiplexed connection for each master, kept by a task. While Redis is
//! away, every call fails at once with an error that [is_away](StoreError::is_away), so that no request
//! waits for it; the task finds out when it is back. Nothing is ever asked twice where the first may have
//! been done: an answer that does not come is [`StoreError::Unanswered`].
//!
//! The keys are told in `bff/docs/redis-keys.md`.

mod cluster;
mod dial;
mod inner;
mod keys;
mod link;
mod listening;
mod nodes;
mod records;
mod script;
mod sentinel;
mod shared;
mod store;
mod url;

#[cfg(test)]
mod tests;

pub use self::shared::SharedStore;
pub(super) use self::store::RedisStore;
#[cfg(test)]
pub(crate) use self::tests::Server as TestServer;
