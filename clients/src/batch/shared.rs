//! What a batcher's clones and its batches in flight share.

use std::{collections::HashMap, time::Duration};

use foldhash::quality::RandomState;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use schemas::Id;
use tokio::runtime::Handle;

use super::group::{Failure, Fault, Group, Values};
use crate::{CallContext, UpstreamError};

/// Asks the upstream for sorted, unique ids; unknown ones are left out of the answer.
type Fetch<K, V> =
    dyn Fn(CallContext, K, Vec<Id>) -> BoxFuture<'static, Result<Values<V>, UpstreamError>> + Send + Sync;

pub(super) struct Shared<K, V> {
    pub(super) runtime: Handle,
    pub(super) upstream: &'static str,
    pub(super) timeout: Duration,
    pub(super) max_ids: usize,
    pub(super) groups: Mutex<HashMap<K, Group<V>, RandomState>>,
    pub(super) fetch: Box<Fetch<K, V>>,
}

impl<K, V> Shared<K, V> {
    /// The runtime that made the call is shutting down, or the call panicked.
    pub(super) fn lost(&self) -> Failure {
        let error = UpstreamError::Overloaded { upstream: self.upstream };
        Failure { error, of: Fault::Lost }
    }
}
