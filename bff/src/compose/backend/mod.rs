//! What the calls of one plan go through: upstreams by their place, look-ups joined over concurrent callers, what all users
//! share, and remembered pairs. Between the engine, which knows no client, and the upstream clients.
//!
//! There is one [`Backend`] for each plan. [`Backend::host`] makes the engine's [`Host`](super::engine::Host) of it, for one
//! composition or one route's answer.

mod account;
mod calls;
mod look_ups;
mod raw_call;
mod state;

pub use account::{Answering, OwnAccount};
pub use calls::{Backing, Calls};
pub use raw_call::raw_call;
pub use state::{Backend, BackendParts, UnknownUpstream};
