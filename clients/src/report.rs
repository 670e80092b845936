//! Tells the gateway's metrics how each call went, without knowing of metrics.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::UpstreamError;

/// How one call went.
#[derive(Debug, Clone, Copy)]
pub struct CallReport<'a> {
    pub upstream: &'static str,
    /// The client's method: `sign_up`, `items`, `create_order`, …
    pub operation: &'static str,
    /// `ok`, `timeout`, `connect`, `status_4xx`, `status_5xx`, `invalid`, `redirect`, `too_large`,
    /// `overloaded`, `token`, `upload` where the body to be sent was at fault, or `canceled` where the caller went away
    /// first.
    pub outcome: &'static str,
    /// Whether the upstream has said that what was kept of its last answer still holds.
    pub not_modified: bool,
    /// Whether it was sent a second time, because a connection from the pool closed before an answer began.
    pub retried: bool,
    /// From the moment the client was asked, waiting for room included.
    pub duration: Duration,
    pub request_id: &'a str,
}

/// Is called once for each call, from any thread; must not block.
pub type Observer = Arc<dyn Fn(&CallReport<'_>) + Send + Sync>;

/// Reports when it is dropped, so that an aborted call is reported as well.
pub(crate) struct Reporter {
    observer: Observer,
    upstream: &'static str,
    operation: &'static str,
    request_id: Arc<str>,
    started: Instant,
    outcome: &'static str,
    not_modified: bool,
    retried: AtomicBool,
}

impl Reporter {
    pub(crate) fn start(
        observer: &Observer,
        upstream: &'static str,
        operation: &'static str,
        request_id: &Arc<str>,
    ) -> Self {
        Self {
            observer: Arc::clone(observer),
            upstream,
            operation,
            request_id: Arc::clone(request_id),
            started: Instant::now(),
            outcome: "canceled",
            not_modified: false,
            retried: AtomicBool::new(false),
        }
    }

    /// The call is sent again. May be said while somebody else holds the reporter.
    pub(crate) fn retries(&self) {
        self.retried.store(true, Ordering::Relaxed);
    }

    pub(crate) fn finish<T>(self, result: &Result<T, UpstreamError>, not_modified: bool) {
        self.end(result.as_ref().err().map_or("ok", UpstreamError::outcome), not_modified);
    }

    /// The call is over; `outcome` as in [`CallReport`].
    pub(crate) fn end(mut self, outcome: &'static str, not_modified: bool) {
        self.not_modified = not_modified;
        self.outcome = outcome;
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        (self.observer)(&CallReport {
            upstream: self.upstream,
            operation: self.operation,
            outcome: self.outcome,
            not_modified: self.not_modified,
            retried: *self.retried.get_mut(),
            duration: self.started.elapsed(),
            request_id: &self.request_id,
        });
    }
}
