//! Declared routes: reads and writes that pass through. Between `edge` and the upstream clients.
//!
//! The stage in front of the built-in routes ([`Dispatch`](crate::edge::Dispatch)) finds them by their path. A request to one
//! of them goes through these steps:
//!
//! 1. `serve`: who asks, and parameters, before anything else;
//! 2. `body`: what the caller sends, checked by the contract;
//! 3. `read`, `write` or `stream`: the call to the upstream;
//! 4. `shape`: its answer, scanned, joined and written by the [`RouteEngine`](crate::compose::engine::RouteEngine);
//! 5. `refusal`: what callers see of a failure.
//!
//! A write runs to its end whatever its caller does ([`Routes::run_detached`]), and what it makes old is invalidated before it is
//! answered (`invalidates`). A DELETE whose path ends in a placeholder takes away for everybody what that placeholder names.

mod asked;
mod asker;
mod body;
mod call;
mod files;
mod invalidates;
mod profile;
mod read;
mod refusal;
mod route;
mod serve;
mod shape;
mod state;
mod stream;
#[cfg(test)]
mod tests;
mod write;

pub use route::Route;
pub use serve::answer;
pub use state::{AskAccount, CheckFile, Routes, RoutesError, RoutesParts};
