//! What operators see: logs, one access line for each request, metrics. Called from everywhere, imports
//! nothing of the crate, and never makes a request wait: lines go through a bounded queue to one writer
//! thread and are dropped and counted when the disk cannot keep up; metrics are atomics.
//!
//! Nothing written here carries a cookie, token, password or e-mail; user ids pass through
//! [`UserHasher`] first.

mod access;
mod clock;
mod files;
mod histogram;
mod jobs;
mod json;
mod logs;
mod metrics;
mod process;
mod registration;
mod requests;
mod rotation;
mod series;
mod sink;
mod user_hash;

#[cfg(test)]
mod tests;

pub use access::{AccessLine, AccessLog, AccessSettings};
pub use clock::unix_ms;
pub use json::hex_digits;
pub use logs::{Guard, LineFormat, LogSettings, init};
pub use metrics::{CONTENT_TYPE, Metrics};
pub use requests::RouteMetrics;
pub use rotation::RotationMetrics;
pub use sink::Sink;
pub use user_hash::UserHasher;
