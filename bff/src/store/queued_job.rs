//! A job as it lies in the store: JSON, so that an operator can read it.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::StoreError;

/// Longest word on how an attempt ended, in bytes.
const MAX_ERROR: usize = 200;

/// Work that outlives the request which asked for it. It holds no secrets: neither the payload nor the error.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    /// Which handler carries it out.
    pub kind: Box<str>,
    /// Which work it is: one job of a kind and id is in the queue at a time.
    pub id: Box<str>,
    /// What the handler needs to know.
    pub payload: Box<RawValue>,
    /// Unix time in milliseconds.
    pub enqueued_ms: u64,
    /// Attempts that were begun.
    pub attempts: u32,
    /// Why the last attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Box<str>>,
    /// Unix time in milliseconds before which it is not tried.
    pub due_ms: u64,
    /// Whose it is at the moment, and until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) lease: Option<Lease>,
}

/// A claim of one process.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Lease {
    pub(super) holder: Box<str>,
    pub(super) until_ms: u64,
}

/// A job that this process carries out for as long as its lease lasts.
#[derive(Debug)]
pub struct ClaimedJob {
    pub job: Job,
    pub(super) version: u64,
}

impl Job {
    /// The key of the job of that kind and id.
    pub(super) fn key(kind: &str, id: &str) -> Bytes {
        [kind, ":", id].concat().into()
    }

    pub(super) fn encode(&self) -> Result<Bytes, StoreError> {
        serde_json::to_vec(self).map(Bytes::from).map_err(|_| StoreError::Format)
    }

    /// `None`: of a later release.
    pub(super) fn decode(value: &[u8]) -> Option<Self> {
        serde_json::from_slice(value).ok()
    }

    /// Whether `holder` may begin an attempt now. `alone`: no other process can be at the store, so that the lease of
    /// another one is that of a process which is gone.
    pub(super) fn is_free(&self, now_ms: u64, holder: &str, alone: bool) -> bool {
        let leased = self.lease.as_ref().is_some_and(|lease| {
            let gone = alone && &*lease.holder != holder;
            lease.until_ms > now_ms && !gone
        });
        !leased && (self.due_ms <= now_ms || self.lease.is_some())
    }

    /// Notes why an attempt failed.
    pub(super) fn failed(&mut self, error: &str) {
        let end = (0..=MAX_ERROR.min(error.len())).rev().find(|end| error.is_char_boundary(*end));
        self.error = Some(error[..end.unwrap_or(0)].into());
        self.lease = None;
    }
}
