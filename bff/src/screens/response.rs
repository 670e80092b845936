//! A cached document on the wire: validators, freshness, `Cache-Status` (RFC 9211), `Server-Timing`.

use std::{fmt::Write, sync::LazyLock, time::Instant};

use actix_web::{
    HttpRequest, HttpResponse,
    body::BoxBody,
    http::{
        StatusCode,
        header::{AGE, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue},
    },
};
use bytes::Bytes;

use super::body::body_of;
use crate::{
    cache::{Beside, Document, Encoding, Etag, Forward, Outcome, Served},
    edge::{
        ApiError, RequestContext, accepted_coding, accepts_json, not_modified, prefers, set_cache_control,
    },
};

pub(super) const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// Newline-delimited JSON.
pub(super) const NDJSON: &str = "application/x-ndjson";
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Seconds for which header values are kept ready: most documents are younger than this.
const READY: usize = 64;
static SECONDS: LazyLock<Vec<HeaderValue>> = LazyLock::new(|| (0..READY).map(HeaderValue::from).collect());
static HITS: LazyLock<Vec<HeaderValue>> =
    LazyLock::new(|| (0..READY).map(|ttl| text(format!("bff; hit; ttl={ttl}"))).collect());

/// How a document is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// As one JSON document.
    Whole(Encoding),
    /// Field by field, each on a line.
    Lines,
}

impl Format {
    pub(super) fn encoding(self) -> Encoding {
        match self {
            Self::Whole(encoding) => encoding,
            // Compressing holds lines back until there are enough of them.
            Self::Lines => Encoding::Identity,
        }
    }
}

/// What the caller takes. Lines are for those who name them and want them no less than JSON: `*/*` means JSON.
///
/// # Errors
/// 406 when the caller takes neither.
pub(super) fn accepted(request: &HttpRequest) -> Result<Format, ApiError> {
    if prefers(request, NDJSON) {
        return Ok(Format::Lines);
    }
    accepts_json(request)?;
    Ok(Format::Whole(match accepted_coding(request, &["br", "zstd", "gzip"]) {
        Some("br") => Encoding::Brotli,
        Some("zstd") => Encoding::Zstd,
        Some("gzip") => Encoding::Gzip,
        _ => Encoding::Identity,
    }))
}

/// The answer to a request for a screen: 200 with the document, or 304 when the caller has it.
pub(super) fn document_response(
    request: &HttpRequest,
    served: &Served,
    shared: bool,
    encoding: Encoding,
    now: Instant,
) -> HttpResponse {
    let document = &served.document;
    let (representation, encoding) = document.representation(encoding);
    RequestContext::note_cache(request, outcome_word(served));
    let known = not_modified(request, representation.etag.as_str().as_bytes());
    let mut response = if known {
        HttpResponse::with_body(StatusCode::NOT_MODIFIED, BoxBody::new(()))
    } else {
        HttpResponse::with_body(StatusCode::OK, body_of(&representation.body))
    };
    let headers = response.headers_mut();
    headers.insert(ETAG, etag_of(&representation.etag));
    describe(headers, served, shared, now);
    if !known {
        headers.insert(CONTENT_TYPE, JSON);
        if let Some(token) = encoding.token() {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(token));
        }
    }
    response
}

fn etag_of(etag: &Etag) -> HeaderValue {
    HeaderValue::from_str(etag.as_str()).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// A header value that is the same each time: checked once, like all values, byte by byte.
fn ready(beside: &Beside, make: impl Fn() -> HeaderValue) -> HeaderValue {
    // Nothing else is kept there.
    beside.get(&make).map_or_else(&make, HeaderValue::clone)
}

/// What is said of a document whatever form it is sent in. `shared`: it is for all who are not signed in.
pub(super) fn describe(headers: &mut HeaderMap, served: &Served, shared: bool, now: Instant) {
    let document = &served.document;
    let composed = matches!(served.outcome, Outcome::Composed { .. });
    let timings = if composed {
        text(document.timings().composed())
    } else {
        let parts = document.timings().parts();
        ready(parts.beside(), || text(parts.cached().to_owned()))
    };
    let age = if composed { 0 } else { document.age(now) };
    headers.insert(AGE, seconds(age));
    headers.insert(CACHE_STATUS, cache_status(served, now));
    headers.insert(SERVER_TIMING, timings);
    set_cache_control(headers, shared, document.is_complete());
}

/// The word for an outcome in metrics and in the access line.
pub(super) fn outcome_word(served: &Served) -> &'static str {
    match served.outcome {
        Outcome::Hit if served.document.is_complete() => "hit",
        Outcome::Stale => "stale",
        Outcome::StaleIfError => "stale_if_error",
        Outcome::Composed { collapsed: true, .. } => "collapsed",
        Outcome::Composed { .. } if served.document.is_complete() => "miss",
        Outcome::Hit | Outcome::Composed { .. } => "degraded",
    }
}

fn cache_status(served: &Served, now: Instant) -> HeaderValue {
    let document: &Document = &served.document;
    // What an event made stale has no time left, however young it is.
    let left = document.ttl(now);
    let ttl = if served.outcome == Outcome::Stale { left.min(0) } else { left };
    let ready =
        usize::try_from(ttl).ok().filter(|_| served.outcome == Outcome::Hit && document.is_complete());
    if let Some(ready) = ready.and_then(|ttl| HITS.get(ttl)) {
        return ready.clone();
    }
    let mut status = String::with_capacity(80);
    // Writing to a string does not fail.
    let _ = match served.outcome {
        Outcome::Hit | Outcome::Stale => write!(status, "bff; hit; ttl={ttl}"),
        Outcome::StaleIfError => write!(status, "bff; fwd=stale; ttl={ttl}; detail=stale-if-error"),
        Outcome::Composed { forward, collapsed, stored } => {
            let forward = word(forward);
            let stored = if stored { "; stored" } else { "" };
            let collapsed = if collapsed { "; collapsed" } else { "" };
            write!(status, "bff; fwd={forward}; fwd-status=200; ttl={ttl}{stored}{collapsed}")
        }
    };
    if !document.is_complete() {
        status.push_str("; detail=degraded");
    }
    text(status)
}

/// `Cache-Status` of a document that is sent while it is made: how that ends is not known yet.
pub(super) fn status_under_way((forward, collapsed): (Forward, bool)) -> HeaderValue {
    let collapsed = if collapsed { "; collapsed" } else { "" };
    text(format!("bff; fwd={}{collapsed}", word(forward)))
}

fn word(forward: Forward) -> &'static str {
    match forward {
        Forward::Miss => "uri-miss",
        Forward::Stale => "stale",
    }
}

fn seconds(seconds: u64) -> HeaderValue {
    let ready = usize::try_from(seconds).ok().and_then(|seconds| SECONDS.get(seconds));
    ready.map_or_else(|| HeaderValue::from(seconds), HeaderValue::clone)
}

/// A header value out of text that was made here, of visible ASCII alone.
fn text(text: String) -> HeaderValue {
    HeaderValue::from_maybe_shared(Bytes::from(text)).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// The same, without a copy.
pub(super) fn header_of(text: &Bytes) -> HeaderValue {
    HeaderValue::from_maybe_shared(text.clone()).unwrap_or_else(|_| HeaderValue::from_static(""))
}
