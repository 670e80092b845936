//! What a client wants from its upstream: method, URL and body, before anything is sent.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, StatusCode, Uri,
    header::{ACCEPT_LANGUAGE, CONTENT_TYPE},
};
use serde::Serialize;

use super::{RawCall, authority::Authority, base::Base, headers};
use crate::UpstreamError;

/// No common server takes more.
const MAX_TARGET_BYTES: usize = 32 * 1024;

/// Bytes of `Accept-Language`.
const MAX_LANGUAGES: usize = 256;

/// One call, to be sent any number of times.
pub(crate) struct Call {
    upstream: &'static str,
    pub(super) operation: &'static str,
    pub(super) method: Method,
    /// Absolute.
    pub(super) uri: Uri,
    /// Of this call alone; allowed ones.
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Bytes>,
    pub(super) authority: Authority,
    pub(super) wants_body: bool,
    /// Its body comes beside it.
    pub(super) streamed: bool,
}

impl Call {
    /// What `raw` asks for, below `base`. `streamed`: its body comes beside it.
    ///
    /// # Errors
    /// As if the upstream had been asked: 404 where the path would become another one on its way (it has dot segments,
    /// a character that is not percent-encoded, or no slash at its beginning), 414 where it has over 32 KiB.
    pub(super) fn raw(
        upstream: &'static str,
        base: &Base,
        raw: RawCall,
        streamed: bool,
    ) -> Result<Self, UpstreamError> {
        let RawCall { method, path_and_query, headers, body, authority, operation, wants_body } = raw;
        let refused = |status| UpstreamError::Status { upstream, status, problem: None };
        if path_and_query.len() > MAX_TARGET_BYTES {
            return Err(refused(StatusCode::URI_TOO_LONG));
        }
        let uri = base.below(&path_and_query).ok_or_else(|| refused(StatusCode::NOT_FOUND))?;
        let mut headers = if headers.is_empty() { headers } else { headers::of_call(&headers, streamed) };
        if body.is_some() && !headers.contains_key(CONTENT_TYPE) {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        Ok(Self { upstream, operation, method, uri, headers, body, authority, wants_body, streamed })
    }

    /// A call to the path made of `segments`, each of which is encoded.
    pub(super) fn new(
        upstream: &'static str,
        operation: &'static str,
        method: Method,
        base: &Base,
        segments: &[&str],
    ) -> Self {
        // What was encoded is sound.
        let uri = base.below(&base.path_of(segments)).unwrap_or_default();
        let (authority, headers) = (Authority::Caller, HeaderMap::new());
        let (body, wants_body, streamed) = (None, true, false);
        Self { upstream, operation, method, uri, headers, body, authority, wants_body, streamed }
    }

    /// # Errors
    /// [`UpstreamError::Body`] when `body` cannot be written as JSON.
    pub(crate) fn json(mut self, body: &impl Serialize) -> Result<Self, UpstreamError> {
        let json = serde_json::to_vec(body);
        let upstream = self.upstream;
        let json = json.map_err(|error| UpstreamError::Body { upstream, source: error.into() })?;
        self.body = Some(json.into());
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(self)
    }

    /// Tells which languages the person behind the call reads (RFC 9110 section 12.5.4). What is no header value, or longer
    /// than any browser's, is left out.
    pub(crate) fn in_language(mut self, languages: Option<&str>) -> Self {
        let languages = languages.filter(|languages| languages.len() <= MAX_LANGUAGES);
        if let Some(value) = languages.and_then(|languages| HeaderValue::from_str(languages).ok()) {
            self.headers.insert(ACCEPT_LANGUAGE, value);
        }
        self
    }

    pub(crate) fn by(mut self, authority: Authority) -> Self {
        self.authority = authority;
        self
    }

    pub(super) fn ignoring_the_body(mut self) -> Self {
        self.wants_body = false;
        self
    }
}
