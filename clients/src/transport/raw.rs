//! A call as declared parts, look-ups and routes make it: bytes out, bytes in.

use serde::de::DeserializeOwned;

use super::{
    Call, Upstream,
    exchange::Received,
    raw_call::{RawAnswer, RawCall},
};
use crate::{CallContext, UpstreamError, report::Reporter};

impl Upstream {
    /// Makes one call. It runs where its caller runs and is cancelled when the future is dropped. It ends at the
    /// context's deadline or the upstream's timeout, whichever comes first: no other timer is needed around it.
    ///
    /// Must be called on a tokio runtime, as all timers.
    ///
    /// A GET that a pooled connection lost before an answer is sent once more; nothing else is.
    ///
    /// # Errors
    /// [`UpstreamError`] where there is no success. Of a 4xx or 5xx it holds the status, and what programs may decide by:
    /// [`problem_code`](UpstreamError::problem_code), [`field_errors`](UpstreamError::field_errors) and
    /// [`retry_after`](UpstreamError::retry_after).
    pub async fn call(&self, cx: &CallContext, call: RawCall) -> Result<RawAnswer, UpstreamError> {
        let inner = &self.0;
        let report = Reporter::start(&inner.observer, inner.name, call.operation, &cx.request_id);
        let result = match Call::raw(inner.name, &inner.base, call, false) {
            // Boxed, so that the futures of those who join calls stay small.
            Ok(call) => Box::pin(self.answer_raw(cx, call, &report)).await,
            Err(error) => Err(error),
        };
        report.finish(&result, result.as_ref().is_ok_and(|answer| answer.not_modified));
        result
    }

    /// The same, read as JSON. Fields that `T` does not name are passed over.
    ///
    /// # Errors
    /// As [`Upstream::call`], and [`UpstreamError::Body`] for what is no `T`.
    pub async fn json<T: DeserializeOwned>(
        &self,
        cx: &CallContext,
        call: RawCall,
    ) -> Result<T, UpstreamError> {
        let answer = self.call(cx, call).await?;
        let upstream = self.0.name;
        serde_json::from_slice(&answer.body)
            .map_err(|error| UpstreamError::Body { upstream, source: error.into() })
    }

    async fn answer_raw(
        &self,
        cx: &CallContext,
        call: Call,
        report: &Reporter,
    ) -> Result<RawAnswer, UpstreamError> {
        let http = self.0.pools.here().ok_or(UpstreamError::Overloaded { upstream: self.0.name })?;
        let received = self.0.answer(cx, &call, &http, report).await?;
        Ok(received.into())
    }
}

impl From<Received> for RawAnswer {
    fn from(received: Received) -> Self {
        let Received { status, headers, body, not_modified } = received;
        Self { status, headers, body, not_modified }
    }
}
