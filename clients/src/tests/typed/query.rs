//! Queries of typed calls.

use schemas::Id;
use url::form_urlencoded;

use crate::transport::Call;

/// A query string.
#[derive(Default)]
pub(super) struct Query(String);

impl Query {
    /// Of a list that is walked by cursor.
    pub(super) fn page(limit: u32, cursor: Option<&str>) -> Self {
        Self::default().pair("limit", &limit.to_string()).optional("cursor", cursor)
    }

    pub(super) fn pair(mut self, name: &str, value: &str) -> Self {
        self.name(name);
        self.0.extend(form_urlencoded::byte_serialize(value.as_bytes()));
        self
    }

    pub(super) fn optional(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.pair(name, value),
            None => self,
        }
    }

    /// `name=a,b,c`. Neither an id nor the comma needs an escape (RFC 3986 section 3.4).
    pub(super) fn ids(mut self, name: &str, ids: &[Id]) -> Self {
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

    /// Adds it to a call.
    pub(super) fn of(&self, mut call: Call) -> Call {
        if !self.0.is_empty() {
            call.url.set_query(Some(&self.0));
        }
        call
    }
}

#[test]
fn a_query_escapes_what_users_write_and_leaves_ids_readable() {
    let ids = ["a", "b"].map(|id| Id::new(id).expect("an id"));
    let query = Query::default().pair("q", "김치 & rice=1").optional("cursor", None).ids("ids", &ids);
    assert_eq!(query.0, "q=%EA%B9%80%EC%B9%98+%26+rice%3D1&ids=a,b");
}
