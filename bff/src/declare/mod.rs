//! Reads what the gateway is told to serve, checks it against the contracts of the services behind it, and compiles it
//! into plans for `compose`. Runs at the start and on reload; no request passes through here.

pub mod contract;
mod mistake;
mod read;
mod text;

pub use mistake::{At, Mistake, Mistakes, Spot};
