//! Who may keep an answer, and by what it varies: one rule for all that callers may read without signing in.

use actix_web::http::header::{CACHE_CONTROL, HeaderMap, HeaderValue, VARY};

const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-cache");
const PUBLIC: HeaderValue = HeaderValue::from_static("public, max-age=5, stale-while-revalidate=30");
const NOT_KEPT: HeaderValue = HeaderValue::from_static("no-store");
const VARY_BY: HeaderValue =
    HeaderValue::from_static("Cookie, Authorization, Accept, Accept-Encoding, Origin");

/// Says it in `headers`. One user's answer is for their browser alone, which asks about it each time. What all
/// who are not signed in share, other caches may keep for a moment, but not what lacks a part: it must not outlive
/// the outage.
pub fn keep(headers: &mut HeaderMap, shared: bool, complete: bool) {
    let rule = match (shared, complete) {
        (false, _) => PRIVATE,
        (true, true) => PUBLIC,
        (true, false) => NOT_KEPT,
    };
    headers.insert(CACHE_CONTROL, rule);
    headers.insert(VARY, VARY_BY);
}
