//! Rate limits: how often each principal may ask. Before a request is worked on, `edge` asks here whether its principal
//! may still; the answer goes out with headers and, where it is no, with nothing else.
//!
//! Each principal has a bucket that holds `burst` requests and is refilled at `per_second` (generic cell rate
//! algorithm). Buckets are in the memory of each replica; with `limits.shared` there is one for all of them in Redis
//! besides, which is asked when the local one would let the request through: what even this replica alone has seen too
//! often need not be asked about, and while Redis is away the local buckets go on by themselves.

mod charge;
mod limiter;
mod local;
mod policy;
mod principal;
mod reservation;
mod reservations;
#[cfg(test)]
mod tests;

pub use charge::Charge;
pub use limiter::Limits;
pub use policy::{Limit, LimitPolicy, Tier};
pub use principal::Principal;
pub use reservation::Reservation;
