//! What a client wants from its upstream: method, URL and body, before anything is sent.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header::CONTENT_TYPE};
use serde::Serialize;
use url::Url;

use super::{RawCall, authority::Authority, headers};
use crate::UpstreamError;

/// No common server takes more.
const MAX_TARGET_BYTES: usize = 32 * 1024;

/// One call, to be sent any number of times.
pub(crate) struct Call {
    upstream: &'static str,
    pub(super) operation: &'static str,
    pub(super) method: Method,
    pub(crate) url: Url,
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
        base: &str,
        raw: RawCall,
        streamed: bool,
    ) -> Result<Self, UpstreamError> {
        let RawCall { method, path_and_query, headers, body, authority, operation, wants_body } = raw;
        let mut text = String::with_capacity(base.len() + path_and_query.len());
        text.push_str(base);
        text.push_str(&path_and_query);
        let refused = |status| UpstreamError::Status { upstream, status, problem: None };
        if path_and_query.len() > MAX_TARGET_BYTES {
            return Err(refused(StatusCode::URI_TOO_LONG));
        }
        let url = Url::parse(&text).ok();
        // A parser that changes nothing cannot have been led elsewhere.
        let sound = path_and_query.starts_with('/') && !path_and_query.contains('#');
        let url = url.filter(|url| sound && url.as_str() == text);
        let url = url.ok_or_else(|| refused(StatusCode::NOT_FOUND))?;
        let mut headers = if headers.is_empty() { headers } else { headers::of_call(&headers, streamed) };
        if body.is_some() && !headers.contains_key(CONTENT_TYPE) {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        Ok(Self { upstream, operation, method, url, headers, body, authority, wants_body, streamed })
    }

    pub(super) fn new(
        upstream: &'static str,
        operation: &'static str,
        method: Method,
        base: &Url,
        segments: &[&str],
    ) -> Self {
        let mut url = base.clone();
        // An http URL has path segments; `UpstreamConfig` lets no other pass.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        let authority = Authority::Caller;
        let headers = HeaderMap::new();
        Self {
            upstream,
            operation,
            method,
            url,
            headers,
            body: None,
            authority,
            wants_body: true,
            streamed: false,
        }
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

    pub(crate) fn by(mut self, authority: Authority) -> Self {
        self.authority = authority;
        self
    }

    pub(super) fn ignoring_the_body(mut self) -> Self {
        self.wants_body = false;
        self
    }
}

#[cfg(test)]
mod tests {
    use http::Method;
    use url::Url;

    use super::Call;

    #[test]
    fn a_path_is_made_below_any_base() {
        for (base, expected) in [
            ("http://host", "http://host/members/a~b"),
            ("http://host/", "http://host/members/a~b"),
            ("https://host:8443/v1/profile", "https://host:8443/v1/profile/members/a~b"),
            ("http://host/v1/", "http://host/v1/members/a~b"),
        ] {
            let base = Url::parse(base).expect("a url");
            let call = Call::new("profile", "member", Method::GET, &base, &["members", "a~b"]);
            assert_eq!(call.url.as_str(), expected);
        }
    }
}
