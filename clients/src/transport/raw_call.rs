//! What a declared part, look-up or route asks of an upstream, and what it is answered.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

use super::Authority;

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
