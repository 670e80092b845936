//! What the store holds of a key.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    edge::ApiError,
    store::{Entry, after},
    telemetry::unix_ms,
};

use super::Created;

/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Of the stored records.
const FORMAT: u8 = 1;

/// One try to carry a request out, by the process that makes it. No two tries have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Of the process: a random number.
    pub(super) life: u64,
    pub(super) number: u64,
}

/// Where a key stands.
#[derive(Debug, Serialize, Deserialize)]
pub enum State {
    /// An upstream may have been asked. Until this unix time, in milliseconds, the attempt counts as going on; after it,
    /// as one that nobody knows the end of.
    Begun {
        attempt: Attempt,
        until_ms: u64,
    },
    Made(Created),
    Unknown,
}

/// A stored record. The request's print, not the request: a sign-up bears a password.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Record {
    v: u8,
    pub(super) print: String,
    pub(super) state: State,
}

/// What is stored for [`KEPT`], in whatever state: a key whose outcome nobody knows is no free key.
///
/// # Errors
/// None: a record can be written as JSON.
pub(super) fn entry(print: &str, owner: Option<&Arc<str>>, state: State) -> Result<Entry, ApiError> {
    let record = Record { v: FORMAT, print: print.to_owned(), state };
    let value = serde_json::to_vec(&record).map_err(|_| ApiError::Internal("a record cannot be written"))?;
    let expires_at_ms = after(unix_ms(), KEPT);
    Ok(Entry { value: value.into(), owner: owner.cloned(), expires_at_ms })
}

/// Nothing where it was written by another version.
pub(super) fn read(stored: &[u8]) -> Option<Record> {
    serde_json::from_slice(stored).ok().filter(|record: &Record| record.v == FORMAT)
}
