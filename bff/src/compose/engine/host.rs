//! The seams of the engine: how it makes calls, what it knows of whoever asks, and what it tells the gateway around it.

use std::{future::Future, time::Duration};

use bytes::Bytes;
use bytestring::ByteString;
use clients::UpstreamError;
use schemas::Id;

use super::{call::PreparedCall, foresight::Foresight};
use crate::compose::plan::{CallPlan, LookupId, MemoryId};

/// What may still be done with a kept part or join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    /// Nothing that it depends on was invalidated.
    Valid,
    /// Something changed: it may stand in for what cannot be fetched.
    Stale,
    /// The user themself changed something, or something is gone: it must not be shown again.
    Gone,
}

/// What the engine needs of the gateway. One for each composition: it knows the acting user, their token and the deadline.
pub trait Host: Sync {
    /// Makes a call and gives the whole body of a 2xx. Dropped: cancelled.
    fn call(
        &self,
        plan: &CallPlan,
        call: PreparedCall,
    ) -> impl Future<Output = Result<Bytes, UpstreamError>> + Send;

    /// Looks up many ids, each once, by a look-up that takes many: their entities in the order of `ids`, nothing for the
    /// unknown. Batches them over concurrent callers, splits them by `max_ids`, and scans answers with
    /// [`super::entities_of`]. What is shared goes into the shared cache.
    fn look_up(
        &self,
        lookup: LookupId,
        ids: Vec<Id>,
    ) -> impl Future<Output = Result<Vec<Option<ByteString>>, UpstreamError>> + Send;

    /// Looks up one id by a look-up that takes one. A 404 is nothing.
    fn look_up_one(
        &self,
        lookup: LookupId,
        id: Id,
    ) -> impl Future<Output = Result<Option<ByteString>, UpstreamError>> + Send;

    /// What the cache that all users share knows of an id; `Some(None)`: that there is no such thing.
    fn shared(&self, lookup: LookupId, id: &str) -> Option<Option<ByteString>>;

    /// Which ids entities led to before.
    fn foresight(&self) -> Option<&Foresight> {
        None
    }

    /// Remembers that `key` belongs to `value`.
    fn remember(&self, table: MemoryId, key: &str, value: &str);

    /// A tag's hash, as [`Host::validity`] takes it.
    fn hash_tag(&self, tag: &str) -> u32;

    /// The number of the latest invalidation. Read before anything is called.
    fn generation(&self) -> u64;

    /// What became since the generation `since` of something made of `tags` for this user. What all documents of a user depend
    /// on is not among the tags: the host adds it.
    fn validity(&self, tags: &[u32], since: u64) -> Validity;

    /// Whether a caller reads along: then fields are handed out one by one, for which it is worth another call.
    fn is_streamed(&self) -> bool;

    /// Hands out a field of the document that is final.
    fn hand_out(&self, field: &'static str, json: Bytes);

    /// Counts what became of a part.
    fn observe(&self, part: &'static str, outcome: &'static str, took: Duration);
}
