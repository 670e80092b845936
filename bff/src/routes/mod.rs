//! Declared routes: reads and writes that pass through. Between `edge` and the upstream clients.
//!
//! [`Routes::all`] are those of a plan; [`answer`] answers a request to one of them, and [`register`] adds them to an application
//! that has no table of its own. A request goes through these steps:
//!
//! 1. `serve`: who asks, and parameters, before anything else;
//! 2. `body`: what the caller sends, checked by the contract;
//! 3. `read`, `write` or `stream`: the call to the upstream;
//! 4. `shape`: its answer, scanned, joined and written by the [`RouteEngine`](crate::compose::engine::RouteEngine);
//! 5. `refusal`: what callers see of a failure.
//!
//! A write runs to its end whatever its caller does ([`Routes::run_detached`]), and what it makes old is invalidated before it is
//! answered (`invalidates`). A DELETE whose path ends in a placeholder takes away for everybody what that placeholder names.

mod asker;
mod body;
mod call;
mod invalidates;
mod profile;
mod read;
mod refusal;
mod register;
mod route;
mod serve;
mod shape;
mod state;
mod stream;
#[cfg(test)]
mod tests;
mod write;

pub use profile::AskAccount;
pub use register::register;
pub use route::Route;
pub use serve::answer;
pub use state::{Routes, RoutesError, RoutesParts};
