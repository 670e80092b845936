//! Service tokens: whom a call may be believed to come from. The reference for other upstreams.

mod error;
mod keys;
mod verify;

pub(crate) use error::TokenError;
pub(crate) use keys::KeyCache;
pub(crate) use verify::{Trust, Verifier};
