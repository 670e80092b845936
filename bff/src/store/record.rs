//! What a store keeps: records by space and key, and how large and how many they may be.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::StoreError;

/// Longest key in bytes. Keys are hashes and short names; the limit keeps index pages small.
pub const MAX_KEY_BYTES: usize = 512;

/// Longest owner in bytes.
pub const MAX_OWNER_BYTES: usize = 256;

/// Records that one call about several of them should name at most: a step that delays nobody else.
pub const STEP: usize = 100;

/// How many expired records one [`Store::sweep`](super::Store::sweep) removes at most.
pub const SWEEP_BATCH: usize = 1000;

/// What a key names; the same key in two spaces is two records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Space {
    Sessions,
    RefreshFamilies,
    Revocations,
    Counters,
    Idempotency,
    /// Which sessions an OpenID provider's session or subject has here.
    OidcLinks,
    /// Work that outlives a request.
    Jobs,
}

impl Space {
    /// Every space, for suites and metrics.
    pub const ALL: [Self; 7] = [
        Self::Sessions,
        Self::RefreshFamilies,
        Self::Revocations,
        Self::Counters,
        Self::Idempotency,
        Self::OidcLinks,
        Self::Jobs,
    ];

    /// Whether listeners are told when a record of the space changes: those that are held in memory
    /// beside the store.
    #[must_use]
    pub const fn is_tracked(self) -> bool {
        matches!(self, Self::Sessions | Self::RefreshFamilies)
    }

    /// The stable name, for metrics and for key prefixes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::RefreshFamilies => "refresh_families",
            Self::Revocations => "revocations",
            Self::Counters => "counters",
            Self::Idempotency => "idempotency",
            Self::OidcLinks => "oidc_links",
            Self::Jobs => "jobs",
        }
    }

    /// The stable number in the embedded store's keys: never reuse one.
    pub(super) const fn byte(self) -> u8 {
        match self {
            Self::Sessions => 1,
            Self::RefreshFamilies => 2,
            Self::Revocations => 3,
            Self::Counters => 4,
            Self::Idempotency => 5,
            Self::OidcLinks => 6,
            Self::Jobs => 9,
        }
    }
}

/// A record as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub value: Bytes,
    /// Grows with every write of the key and never comes again, also after a delete or a restart:
    /// what was read as `version` is unchanged for as long as it has that version.
    pub version: u64,
}

/// A record to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub value: Bytes,
    /// Whose it is, for [`Store::list_owned`](super::Store::list_owned) and [`Store::delete_owned`](super::Store::delete_owned).
    pub owner: Option<Arc<str>>,
    /// Unix time in milliseconds from which on the record is gone.
    pub expires_at_ms: u64,
}

/// A new value for a record that is there: its owner and its end stay as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    pub key: Bytes,
    /// The version that the record must still have.
    pub version: u64,
    pub value: Bytes,
}

/// The next count after `count`, by `delta`.
pub(super) fn counted(count: u64, delta: i64) -> u64 {
    count.saturating_add_signed(delta)
}

/// Adds a window to a time without overflowing.
#[must_use]
pub fn after(now_ms: u64, window: Duration) -> u64 {
    now_ms.saturating_add(u64::try_from(window.as_millis()).unwrap_or(u64::MAX))
}

pub(super) fn check_key(key: &[u8]) -> Result<(), StoreError> {
    check_length("key", key.len(), MAX_KEY_BYTES)
}

pub(super) fn check_owner(owner: &str) -> Result<(), StoreError> {
    check_length("owner", owner.len(), MAX_OWNER_BYTES)
}

pub(super) fn check_length(what: &'static str, bytes: usize, limit: usize) -> Result<(), StoreError> {
    if bytes > limit { Err(StoreError::TooLong { what, bytes, limit }) } else { Ok(()) }
}

pub(super) fn check_entry(key: &[u8], entry: &Entry) -> Result<(), StoreError> {
    check_key(key)?;
    entry.owner.as_deref().map_or(Ok(()), check_owner)
}
