//! The document cache, between `screens` and `compose`: one final document for each user, screen and set
//! of parameters.
//!
//! A hit is bytes out and nothing else: no JSON, no lock, no network. A document is *fresh*, then *stale*
//! (served at once while one refresh runs behind), then *gone* (the first request composes and the others
//! wait for it). What a screen's document was made of is written down as [`Tag`]s; [`Drops`] remembers when
//! a tag was last dropped, and a document older than a drop of one of its tags is never served as current.
//!
//! Where composing fails, an older document stands in for a while; where there is a definite answer instead (the thing is
//! gone, or not the caller's to see), every document of that caller that is about it is purged, on all replicas.
//!
//! A drop reaches all replicas by [`Relay`].
//!
//! The cache knows nothing of upstreams: it is handed a closure that composes.

mod cards;
mod document;
mod documents;
mod drops;
mod entry;
mod key;
mod progress;
mod purges;
mod relay;
mod shelf;
mod tag;
#[cfg(test)]
mod tests;

pub use cards::SharedCards;
pub use document::{Document, Encoding, Encodings, Filled, Representation};
pub use documents::{
    CacheSettings, Documents, FillError, Followed, Following, Forward, Next, Outcome, Served, Uncomposed,
    Wanted,
};
pub use drops::Drops;
pub use entry::Policy;
pub use key::DocumentKey;
pub use progress::{Field, Progress};
pub use relay::Relay;
pub use shelf::Shelf;
pub use tag::Tag;
