//! What came back.

use std::{
    io::{Read, Write},
    time::Duration,
};

use bytes::Bytes;
use reqwest::{StatusCode, header::HeaderMap};
use serde_json::Value;

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// From the first byte out to the last byte in.
    pub took: Duration,
}

impl Answer {
    /// The first header by that name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// All headers by that name.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<String> {
        let values = self.headers.get_all(name).iter();
        values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
    }

    /// Whether the members of a list header include `token`, in any case.
    #[must_use]
    pub fn lists(&self, name: &str, token: &str) -> bool {
        let lines = self.all(name);
        lines.iter().flat_map(|line| line.split(',')).any(|member| member.trim().eq_ignore_ascii_case(token))
    }

    /// The body.
    ///
    /// # Panics
    /// When it is not JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("not JSON: {} {}", self.status, self.text()))
    }

    /// The body.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body, without its content coding.
    ///
    /// # Panics
    /// When it cannot be decoded.
    #[must_use]
    pub fn plain(&self) -> Vec<u8> {
        let body = &self.body[..];
        let mut plain = Vec::new();
        let read = match self.header("content-encoding") {
            None => plain.write(body),
            Some("gzip") => flate2::read::GzDecoder::new(body).read_to_end(&mut plain),
            Some("br") => brotli::Decompressor::new(body, 4096).read_to_end(&mut plain),
            Some("zstd") => zstd::stream::read::Decoder::new(body).expect("zstd").read_to_end(&mut plain),
            Some(other) => panic!("encoded as {other}"),
        };
        read.expect("it decodes");
        plain
    }

    /// The entity tag, quotes included.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn etag(&self) -> &str {
        self.header("etag").expect("an ETag")
    }

    /// `Cache-Status` (RFC 9211); empty where there is none.
    #[must_use]
    pub fn cache_status(&self) -> &str {
        self.header("cache-status").unwrap_or_default()
    }

    /// Served from the cache in its fresh time.
    #[must_use]
    pub fn is_fresh_hit(&self) -> bool {
        self.cache_status().contains("; hit") && !self.cache_status().contains("ttl=-")
    }

    /// Checks the status.
    ///
    /// # Panics
    /// When it is another one.
    #[track_caller]
    #[must_use]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self
    }

    /// Checks that this is a problem document (RFC 9457) with that status and code, complete and consistent.
    ///
    /// # Panics
    /// When it is not.
    #[track_caller]
    pub fn expect_problem(&self, status: u16, code: &str) {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}", self.text());
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        assert!(problem["type"].as_str().is_some_and(|kind| kind.starts_with("/problems/")), "{problem}");
        assert!(problem["title"].as_str().is_some_and(|title| !title.is_empty()), "{problem}");
        assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{problem}");
        assert_eq!(problem["requestId"].as_str(), self.header("x-request-id"), "{problem}");
        assert_eq!(self.header("cache-control"), Some("no-store"), "{problem}");
        assert_eq!(status == 405, self.header("allow").is_some(), "405 bears Allow, and nothing else does");
        assert_eq!(status == 401, self.header("www-authenticate").is_some(), "401 bears a challenge");
    }

    /// Of a 422: fields and their codes.
    ///
    /// # Panics
    /// When it is something else.
    #[track_caller]
    #[must_use]
    pub fn field_errors(&self) -> Vec<(String, String)> {
        self.expect_problem(422, "validation_failed");
        let problem = self.json();
        let errors = problem["errors"].as_array().expect("a list of errors");
        let text = |error: &Value, key: &str| error[key].as_str().expect("a text").to_owned();
        errors
            .iter()
            .map(|error| {
                assert!(!text(error, "message").is_empty(), "{problem}");
                (text(error, "field"), text(error, "code"))
            })
            .collect()
    }
}
