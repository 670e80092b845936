//! What a client wants from its upstream: method, URL and body, before anything is sent.

use bytes::Bytes;
use http::Method;
use schemas::Id;
use serde::Serialize;
use url::{Url, form_urlencoded};

use crate::UpstreamError;

/// For whom a call is made: decides `sub` and `scope` of its service token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Authority {
    /// For the context's acting user, or for nobody if there is none.
    Caller,
    /// For nobody, whoever asks.
    Nobody,
    /// For nobody, to make or verify an account.
    Accounts,
}

/// One call, to be sent any number of times.
pub(crate) struct Call {
    upstream: &'static str,
    pub(super) operation: &'static str,
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) body: Option<Bytes>,
    pub(super) authority: Authority,
    pub(super) wants_body: bool,
}

impl Call {
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
        Self { upstream, operation, method, url, body: None, authority, wants_body: true }
    }

    pub(crate) fn query(mut self, query: &Query) -> Self {
        self.url.set_query((!query.0.is_empty()).then_some(&query.0));
        self
    }

    /// # Errors
    /// [`UpstreamError::Body`] when `body` cannot be written as JSON.
    pub(crate) fn json(mut self, body: &impl Serialize) -> Result<Self, UpstreamError> {
        let json = serde_json::to_vec(body);
        let upstream = self.upstream;
        let json = json.map_err(|error| UpstreamError::Body { upstream, source: error.into() })?;
        self.body = Some(json.into());
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

/// A query string.
#[derive(Default)]
pub(crate) struct Query(String);

impl Query {
    /// Of a list that is walked by cursor.
    pub(crate) fn page(limit: u32, cursor: Option<&str>) -> Self {
        Self::default().pair("limit", &limit.to_string()).optional("cursor", cursor)
    }

    pub(crate) fn pair(mut self, name: &str, value: &str) -> Self {
        self.name(name);
        self.0.extend(form_urlencoded::byte_serialize(value.as_bytes()));
        self
    }

    pub(crate) fn optional(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.pair(name, value),
            None => self,
        }
    }

    /// `name=a,b,c`. Neither an id nor the comma needs an escape (RFC 3986 section 3.4).
    pub(crate) fn ids(mut self, name: &str, ids: &[Id]) -> Self {
        self.name(name);
        for (place, id) in ids.iter().enumerate() {
            if place > 0 {
                self.0.push(',');
            }
            self.0.push_str(id.as_str());
        }
        self
    }

    fn name(&mut self, name: &str) {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        self.0.push_str(name);
        self.0.push('=');
    }
}

#[cfg(test)]
mod tests {
    use http::Method;
    use schemas::Id;
    use url::Url;

    use super::{Call, Query};

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

    #[test]
    fn a_query_escapes_what_users_write_and_leaves_ids_readable() {
        let ids = ["a", "b"].map(|id| Id::new(id).expect("an id"));
        let query = Query::default().pair("q", "김치 & rice=1").optional("cursor", None).ids("ids", &ids);
        assert_eq!(query.0, "q=%EA%B9%80%EC%B9%98+%26+rice%3D1&ids=a,b");
    }
}
