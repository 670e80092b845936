//! Declared routes: reads and writes that pass through. Between `edge` and the upstream clients.
//!
//! [`register`] adds them to the application by their plan. A request to one of them goes through these steps:
//!
//! 1. `serve`: who asks, and parameters, before anything else;
//! 2. `body`: what the caller sends, checked by the contract;
//! 3. `read`, `write` or `stream`: the call to the upstream;
//! 4. `shape`: its answer, scanned once, and what leaves the gateway of it;
//! 5. `refusal`: what callers see of a failure.
//!
//! A write runs to its end whatever its caller does ([`Routes::run_detached`]), and what it makes old is invalidated before it is
//! answered (`invalidates`).

mod body;
mod call;
mod invalidates;
mod join;
mod profile;
mod read;
mod refusal;
mod register;
mod serve;
mod shape;
mod state;
mod stream;
#[cfg(test)]
mod tests;
mod values;
mod write;

pub use join::{FoundId, Joined, Joiner, NoJoins};
pub use profile::AskAccount;
pub use register::register;
pub use serve::answer;
pub use state::{Routes, RoutesError, RoutesParts};
