//! Real Redis: one server, a group under sentinels, a cluster, all children of the test, on loopback.
//!
//! Each test starts its own; they are there in some 50 ms. All of them ask for a password.

mod cluster;
mod counters;
mod ports;
mod relay;
mod sentinel;
mod server;

pub use cluster::RedisCluster;
pub use counters::Counters;
pub use relay::Relay;
pub use sentinel::SentinelGroup;
pub use server::{Durability, REDIS_PASSWORD, RedisServer};

/// Where a store is that the gateway can be pointed to.
pub trait StoreUrl {
    /// What to write into `store.url`, password included.
    fn store_url(&self) -> String;
}
