//! Joins look-ups that happen at about the same time into one call. Stands between a typed client's `*_cards` method or
//! a [`LookupBatcher`](crate::LookupBatcher) and the upstream.
//!
//! Ids that are asked for within a short window go out together. An id that is on its way is awaited, not asked for
//! again. The call belongs to no caller in particular: it runs on the shared runtime, so that whoever asked first may
//! hang up, and each caller waits under their own deadline. The call ends with the last deadline of those who asked
//! together, or with the upstream's timeout: whoever came later, and has time left, asks anew instead of waiting for a
//! call that others have given up.

mod batcher;
mod group;
mod in_flight;
mod shared;

pub(crate) use batcher::Batcher;
pub(crate) use group::Values;
