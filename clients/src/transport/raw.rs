//! A call as declared parts, look-ups and routes make it: bytes out, bytes in.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use serde::de::DeserializeOwned;

use super::{Authority, Call, Upstream};
use crate::{CallContext, UpstreamError, report::Reporter};

/// One call.
#[derive(Debug, Clone)]
pub struct RawCall {
    pub method: Method,
    /// Percent-encoded (RFC 3986), with a slash at its beginning; added to the base URL as it is.
    pub path_and_query: String,
    /// What the call sends besides the gateway's own headers. Of these alone: accept, accept-language, content-type,
    /// if-match, if-none-match, if-range, range, last-event-id, and content-length of a streamed body. Others are left
    /// out. Without `accept` it is `application/json`, and without `content-type` so is a body.
    pub headers: HeaderMap,
    pub body: Option<Bytes>,
    pub authority: Authority,
    /// Label in metrics; see [`static_name`](crate::static_name).
    pub operation: &'static str,
    /// False: the status says all, and the body is discarded.
    pub wants_body: bool,
}

impl RawCall {
    /// Reads `path_and_query` for the context's acting user.
    #[must_use]
    pub fn get(operation: &'static str, path_and_query: String) -> Self {
        Self::new(operation, Method::GET, path_and_query)
    }

    /// As [`RawCall::get`], with another method.
    #[must_use]
    pub fn new(operation: &'static str, method: Method, path_and_query: String) -> Self {
        Self {
            method,
            path_and_query,
            headers: HeaderMap::new(),
            body: None,
            authority: Authority::Caller,
            operation,
            wants_body: true,
        }
    }
}

/// A success: 2xx, or 304 where the call itself bears `if-none-match`.
#[derive(Debug, Clone)]
pub struct RawAnswer {
    pub status: StatusCode,
    /// Of these alone, each once: content-type, etag, location, retry-after, last-modified, content-language,
    /// content-disposition, content-range, content-length, accept-ranges.
    pub headers: HeaderMap,
    /// At most [`max_response_bytes`](crate::UpstreamConfig::max_response_bytes). Usually a slice of what was read from
    /// the connection at once, up to twice its size: copy what is to be kept for long.
    pub body: Bytes,
    /// The upstream has said that its answer of before still holds: `body` is that one, and empty with status 304.
    pub not_modified: bool,
}

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
        let result = match Call::raw(inner.name, &inner.base_text, call, false) {
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

impl From<super::Received> for RawAnswer {
    fn from(received: super::Received) -> Self {
        let super::Received { status, headers, body, not_modified } = received;
        Self { status, headers, body, not_modified }
    }
}
