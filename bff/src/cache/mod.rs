//! The document cache, between `screens` and `compose`: one final document for each user, screen and set
//! of parameters.
//!
//! A hit is bytes out and nothing else: no JSON, no lock, no network. A document is *fresh*, then *stale*
//! (served at once while one refresh runs behind, when it is its turn), then *gone* (the first request composes and the others
//! wait for it). A document that is older than a purge of one
//! of its tags ([`Invalidations`](crate::invalidation::Invalidations)) is never served as current.
//!
//! Where composing fails, an older document stands in for a while; where there is a definite answer instead (the thing is
//! gone, or not the caller's to see), every document of that caller that is about it is purged, on all replicas.
//!
//! An invalidation reaches all replicas by the [bus](crate::invalidation::InvalidationBus).
//!
//! The cache knows nothing of upstreams: it is handed a closure that composes.

mod beside;
mod digest;
mod document;
mod documents;
mod encoding;
mod entry;
mod etag;
mod fill;
mod following;
mod in_flight;
mod key;
mod look_up;
mod policy;
mod refresh_queue;
mod refreshes;
mod served;
mod start;
#[cfg(test)]
mod tests;
mod timings;

pub use beside::Beside;
pub use digest::digest;
pub use document::{Document, Representation};
pub use documents::{CacheSettings, Documents};
pub use encoding::{Encoding, Encodings};
pub use etag::Etag;
pub use following::{Followed, Following, Next};
pub use key::DocumentKey;
pub use policy::Policy;
pub use served::{FillError, Forward, Outcome, Served, Wanted};
pub use timings::{Parts, Timings};
