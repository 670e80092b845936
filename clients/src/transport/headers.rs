//! Which headers cross the gateway in a call: everything else stays on its side.

use http::header::{
    ACCEPT, ACCEPT_LANGUAGE, ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LANGUAGE, CONTENT_LENGTH,
    CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, IF_MATCH, IF_NONE_MATCH, IF_RANGE,
    LAST_MODIFIED, LOCATION, RANGE, RETRY_AFTER,
};

/// What a call may send on.
const SENT: [HeaderName; 16] = [
    // What declarations may send besides `accept-language`.
    HeaderName::from_static("prefer"),
    HeaderName::from_static("x-api-version"),
    HeaderName::from_static("api-version"),
    HeaderName::from_static("x-tenant"),
    HeaderName::from_static("x-locale"),
    HeaderName::from_static("x-currency"),
    HeaderName::from_static("x-client-version"),
    ACCEPT,
    ACCEPT_LANGUAGE,
    CONTENT_TYPE,
    IF_MATCH,
    IF_NONE_MATCH,
    IF_RANGE,
    RANGE,
    HeaderName::from_static("last-event-id"),
    // Of a streamed body alone: see `Call::raw`.
    CONTENT_LENGTH,
];
/// What of an answer may be looked at.
const RECEIVED: [HeaderName; 10] = [
    CONTENT_TYPE,
    ETAG,
    LOCATION,
    RETRY_AFTER,
    LAST_MODIFIED,
    CONTENT_LANGUAGE,
    CONTENT_DISPOSITION,
    CONTENT_RANGE,
    CONTENT_LENGTH,
    ACCEPT_RANGES,
];
/// A longer value is left out.
const MAX_VALUE: usize = 4096;

/// The headers of `given` that a call may send, each once; every other one is left out.
pub(super) fn of_call(given: &HeaderMap, streamed: bool) -> HeaderMap {
    let mut sent = HeaderMap::new();
    for (name, value) in given {
        let allowed = SENT.contains(name) && (streamed || *name != CONTENT_LENGTH);
        if allowed && value.len() <= MAX_VALUE && !sent.contains_key(name) {
            sent.insert(name.clone(), value.clone());
        }
    }
    sent
}

/// The headers of `received` that callers of this crate may see, each once.
pub(super) fn of_answer(received: &HeaderMap) -> HeaderMap {
    let mut seen = HeaderMap::with_capacity(4);
    for (name, value) in received {
        if RECEIVED.contains(name) && value.len() <= MAX_VALUE && !seen.contains_key(name) {
            seen.insert(name.clone(), value.clone());
        }
    }
    seen
}

/// Whether a call asks for a part of an answer, or for none where nothing has changed: its answer is for it alone.
pub(super) fn is_conditional(sent: &HeaderMap) -> bool {
    !sent.is_empty() && [IF_MATCH, IF_NONE_MATCH, IF_RANGE, RANGE].iter().any(|name| sent.contains_key(name))
}
