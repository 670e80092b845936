//! Content negotiation: `Accept` and `Accept-Encoding` (RFC 9110 sections 12.5.1 and 12.5.3).

use std::iter;

use actix_web::{
    HttpRequest,
    http::header::{ACCEPT, ACCEPT_ENCODING, HeaderMap, HeaderName},
};

use super::ApiError;

/// A weight in thousandths (RFC 9110 section 12.4.2); 0: not wanted at all.
pub(super) type Weight = u16;
const FULL: Weight = 1000;

/// Checks that the caller takes `application/json`.
///
/// # Errors
/// 406 when they do not.
pub fn accepts_json(request: &HttpRequest) -> Result<(), ApiError> {
    if weight_of_json(request) > 0 { Ok(()) } else { Err(ApiError::NotAcceptable) }
}

/// Whether `Accept` names the media type itself, not by a range that covers it.
#[must_use]
pub fn names(request: &HttpRequest, media_type: &str) -> bool {
    weight_by_name(request, media_type) > 0
}

/// Whether `Accept` names the media type itself, and wants it no less than JSON.
#[must_use]
pub fn prefers(request: &HttpRequest, media_type: &str) -> bool {
    let named = weight_by_name(request, media_type);
    named > 0 && named >= weight_of_json(request)
}

fn weight_by_name(request: &HttpRequest, media_type: &str) -> Weight {
    let named =
        weighted(request.headers(), &ACCEPT).filter(|(range, _)| range.eq_ignore_ascii_case(media_type));
    named.map(|(_, weight)| weight).max().unwrap_or_default()
}

fn weight_of_json(request: &HttpRequest) -> Weight {
    let mut answers = weighted(request.headers(), &ACCEPT).peekable();
    if answers.peek().is_none() {
        return FULL;
    }
    // The most specific range decides.
    let specific = answers.filter_map(|(range, weight)| match range {
        _ if range.eq_ignore_ascii_case("application/json") => Some((3, weight)),
        _ if range.eq_ignore_ascii_case("application/*") => Some((2, weight)),
        "*/*" | "*" => Some((1, weight)),
        _ => None,
    });
    specific.max().map_or(0, |(_, weight)| weight)
}

/// The one of `offered` content codings that the caller wants most; `None`: no coding at all. Where their weights are
/// the same our order counts: browsers send none, and the smallest answer serves everybody.
#[must_use]
pub fn accepted_coding<'o>(request: &HttpRequest, offered: &[&'o str]) -> Option<&'o str> {
    let headers = request.headers();
    // Servers and scripts send none.
    if !headers.contains_key(ACCEPT_ENCODING) {
        return None;
    }
    let named = |coding: &str| {
        let mut named =
            weighted(headers, &ACCEPT_ENCODING).filter(|(token, _)| token.eq_ignore_ascii_case(coding));
        named.next().map(|(_, weight)| weight)
    };
    let any = named("*").unwrap_or_default();
    // Whoever does not speak of the plain bytes takes them, but prefers what they do speak of.
    let (mut best, mut chosen) = (named("identity").unwrap_or_default().max(1), None);
    for coding in offered {
        let weight = named(coding).unwrap_or(any);
        if weight > best || (weight == best && chosen.is_none()) {
            (best, chosen) = (weight, Some(*coding));
        }
    }
    chosen
}

/// The members of a list header, each without its parameters, and with its weight.
pub(super) fn weighted<'h>(
    headers: &'h HeaderMap,
    name: &'h HeaderName,
) -> impl Iterator<Item = (&'h str, Weight)> {
    let lines = headers.get_all(name).filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).filter_map(|member| {
        let mut fields = member.split(';');
        let value = fields.next().unwrap_or_default().trim();
        let named = fields.find_map(|field| {
            let (key, weight) = field.split_once('=').unwrap_or((field, ""));
            key.trim().eq_ignore_ascii_case("q").then(|| weight.trim())
        });
        (!value.is_empty()).then(|| (value, named.map_or(FULL, weight_of)))
    })
}

/// What is no weight counts as none: it asks for nothing less.
fn weight_of(text: &str) -> Weight {
    let (whole, places) = text.split_once('.').unwrap_or((text, ""));
    if whole != "0" || places.len() > 3 || !places.bytes().all(|b| b.is_ascii_digit()) {
        return FULL;
    }
    let digits = places.bytes().chain(iter::repeat(b'0')).take(3);
    digits.fold(0, |weight, digit| weight * 10 + Weight::from(digit - b'0'))
}

#[cfg(test)]
mod tests {
    use actix_web::{http::header, test::TestRequest};

    use super::{accepted_coding, accepts_json, prefers};

    #[test]
    fn json_is_sent_to_those_who_take_it() {
        let accepts = |accept: &str| {
            let request = TestRequest::default().insert_header((header::ACCEPT, accept)).to_http_request();
            accepts_json(&request).is_ok()
        };
        for yes in [
            "*/*",
            "application/json",
            "text/html, application/json;q=0.1",
            "application/*",
            "text/html,*/*;q=0.8",
            "APPLICATION/JSON",
            "",
        ] {
            assert!(accepts(yes), "{yes}");
        }
        for no in [
            "text/html",
            "application/json;q=0, */*",
            "application/xml",
            "*/*;q=0",
            "application/json; q=0.0",
        ] {
            assert!(!accepts(no), "{no}");
        }
        assert!(accepts_json(&TestRequest::default().to_http_request()).is_ok());
    }

    #[test]
    fn a_type_that_is_named_is_preferred_by_its_weight() {
        let preferred = |accept: &str| {
            let request = TestRequest::default().insert_header((header::ACCEPT, accept)).to_http_request();
            prefers(&request, "application/x-ndjson")
        };
        for yes in [
            "application/x-ndjson",
            "application/x-ndjson, application/json",
            "application/X-NDJSON;q=0.5, text/html",
            "application/json;q=0.9, application/x-ndjson, */*;q=0.8",
            "application/x-ndjson;q=nonsense, */*",
        ] {
            assert!(preferred(yes), "{yes}");
        }
        for no in [
            "",
            "*/*",
            "application/x-ndjson;q=0",
            "application/json, application/x-ndjson;q=0.1",
            "application/x-ndjson;q=0.79, */*;q=0.8",
        ] {
            assert!(!preferred(no), "{no}");
        }
    }

    #[test]
    fn the_smallest_encoding_that_is_taken_is_chosen() {
        let chosen = |accept: &str| {
            let request = TestRequest::default().insert_header((header::ACCEPT_ENCODING, accept));
            accepted_coding(&request.to_http_request(), &["br", "zstd", "gzip"])
        };
        assert_eq!(chosen("gzip, deflate, br, zstd"), Some("br"));
        assert_eq!(chosen("GZIP;q=1.0, br;q=0"), Some("gzip"));
        assert_eq!(chosen("zstd, gzip"), Some("zstd"));
        assert_eq!(chosen("*"), Some("br"));
        assert_eq!(chosen("*, br;q=0"), Some("zstd"));
        assert_eq!(chosen("gzip, br;q=0.5"), Some("gzip"));
        assert_eq!(chosen("br;q=0.2, gzip;q=0.21, *;q=0.1"), Some("gzip"));
        assert_eq!(chosen("gzip;q=0.001, identity;q=0"), Some("gzip"));
        assert_eq!(chosen("identity, gzip, br;q=0.9"), Some("gzip"));
        for none in
            ["identity", "deflate", "", "*;q=0", "identity, br;q=0.5, gzip;q=0.9", "br;q=0.000, gzip;q=0"]
        {
            assert_eq!(chosen(none), None, "{none}");
        }
        assert_eq!(accepted_coding(&TestRequest::default().to_http_request(), &["br"]), None);
    }
}
