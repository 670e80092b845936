//! Conditional requests (RFC 9110 section 13): whether the caller has what would be sent.

use actix_web::{HttpRequest, http::header::IF_NONE_MATCH};

/// Whether `If-None-Match` names the representation (weak comparison, RFC 9110 section 13.1.2).
#[must_use]
pub fn not_modified(request: &HttpRequest, etag: &[u8]) -> bool {
    request.headers().get_all(IF_NONE_MATCH).any(|line| {
        line.as_bytes().split(|b| *b == b',').any(|tag| {
            let tag = tag.trim_ascii();
            tag == b"*" || tag.strip_prefix(b"W/").unwrap_or(tag) == etag
        })
    })
}
