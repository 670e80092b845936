//! The registry of sign-ins: made at sign-in, looked up by every request, ended at sign-out. Browser sessions are made
//! here, those of apps by [`AppTokens`](super::AppTokens); looked up, listed and ended they are alike.
//!
//! The store is the truth, the near cache answers. [`Sessions::peek`] asks the cache alone and is what a warm
//! request pays; [`Sessions::load`] asks the store. [`Sessions::recall`] tells an id that names no session from an unknown one. What the store tells of changes reaches the near cache by way of
//! a [`SessionCacheSync`](cache_sync::SessionCacheSync), and so do endings on other replicas.

mod cache_sync;
mod create;
mod endings;
mod limit;
mod lookup;
mod peek;
mod refetch;
mod refetcher;
mod registry;
mod renewal;
mod secret_change;
mod start;
mod state;
#[cfg(test)]
pub(super) mod tests;
mod touch;
mod trust;

pub use create::NewSession;
pub use endings::Ended;
pub use peek::Recalled;
pub use state::Sessions;
