//! Who may keep an answer, and by what it varies: one rule for all that callers may read without signing in.

use actix_web::http::header::{CACHE_CONTROL, HeaderMap, HeaderValue, VARY};

const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-cache");
const PUBLIC: HeaderValue = HeaderValue::from_static("public, max-age=5, stale-while-revalidate=30");
const NOT_KEPT: HeaderValue = HeaderValue::from_static("no-store");
const VARY_BY: HeaderValue =
    HeaderValue::from_static("Cookie, Authorization, Accept, Accept-Encoding, Origin");

/// `Vary` of answers that depend on other headers as well, by their lower-case names; nothing where there are none.
#[must_use]
pub fn vary_by<'n>(headers: impl Iterator<Item = &'n str>) -> Option<HeaderValue> {
    let mut text = String::from("Cookie, Authorization, Accept, Accept-Encoding, Origin");
    let usual = text.len();
    for name in headers {
        text.push_str(", ");
        // As they are written: `Accept-Language`.
        for (place, word) in name.split('-').enumerate() {
            text.push_str(if place > 0 { "-" } else { "" });
            let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
            text.push_str(&first.to_ascii_uppercase());
            text.push_str(rest);
        }
    }
    if text.len() == usual { None } else { HeaderValue::from_str(&text).ok() }
}

/// Says it in `headers`. One user's answer is for their browser alone, which asks about it each time. What all
/// who are not signed in share, other caches may keep for a moment, but not what lacks a part: it must not outlive
/// the outage.
pub fn set_cache_control(headers: &mut HeaderMap, shared: bool, complete: bool) {
    let rule = match (shared, complete) {
        (false, _) => PRIVATE,
        (true, true) => PUBLIC,
        (true, false) => NOT_KEPT,
    };
    headers.insert(CACHE_CONTROL, rule);
    headers.insert(VARY, VARY_BY);
}
