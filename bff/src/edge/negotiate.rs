//! Content negotiation: `Accept` and `Accept-Encoding` (RFC 9110 sections 12.5.1 and 12.5.3).

use actix_web::{
    HttpRequest,
    http::header::{ACCEPT, ACCEPT_ENCODING, HeaderMap, HeaderName},
};

use super::ApiError;

/// Checks that the caller takes `application/json`.
///
/// # Errors
/// 406 when they do not.
pub fn accepts_json(request: &HttpRequest) -> Result<(), ApiError> {
    let mut answers = values(request.headers(), &ACCEPT).peekable();
    if answers.peek().is_none() {
        return Ok(());
    }
    // The most specific range decides.
    let mut best = (0, false);
    for (range, wanted) in answers {
        let specific = match range {
            _ if range.eq_ignore_ascii_case("application/json") => 3,
            _ if range.eq_ignore_ascii_case("application/*") => 2,
            "*/*" | "*" => 1,
            _ => 0,
        };
        if specific > best.0 || (specific == best.0 && wanted) {
            best = (specific, wanted && specific > 0);
        }
    }
    if best.1 { Ok(()) } else { Err(ApiError::NotAcceptable) }
}

/// Whether `Accept` names the media type itself, not by a range that covers it.
#[must_use]
pub fn names(request: &HttpRequest, media_type: &str) -> bool {
    values(request.headers(), &ACCEPT).any(|(range, wanted)| wanted && range.eq_ignore_ascii_case(media_type))
}

/// The first of `offered` content codings that the caller takes; `None`: none of them. Our order counts, not
/// the caller's weights: browsers send none, and the smallest answer serves everybody.
#[must_use]
pub fn accepted_coding<'o>(request: &HttpRequest, offered: &[&'o str]) -> Option<&'o str> {
    let headers = request.headers();
    if !headers.contains_key(ACCEPT_ENCODING) {
        return None;
    }
    let wants = |coding: &str| {
        let mut named =
            values(headers, &ACCEPT_ENCODING).filter(|(token, _)| token.eq_ignore_ascii_case(coding));
        let mut any = values(headers, &ACCEPT_ENCODING).filter(|(token, _)| *token == "*");
        named.next().or_else(|| any.next()).is_some_and(|(_, wanted)| wanted)
    };
    offered.iter().copied().find(|coding| wants(coding))
}

/// The members of a list header, each without its parameters, and whether its weight is above zero.
fn values<'h>(headers: &'h HeaderMap, name: &'h HeaderName) -> impl Iterator<Item = (&'h str, bool)> {
    let lines = headers.get_all(name).filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).filter_map(|member| {
        let mut fields = member.split(';');
        let value = fields.next().unwrap_or_default().trim();
        let refused = fields.any(|field| {
            let (key, weight) = field.split_once('=').unwrap_or((field, ""));
            key.trim().eq_ignore_ascii_case("q") && weight.trim().parse::<f32>().is_ok_and(|q| q <= 0.0)
        });
        (!value.is_empty()).then_some((value, !refused))
    })
}

#[cfg(test)]
mod tests {
    use actix_web::{http::header, test::TestRequest};

    use super::{accepted_coding, accepts_json};

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
        for none in ["identity", "deflate", "", "*;q=0"] {
            assert_eq!(chosen(none), None, "{none}");
        }
        assert_eq!(accepted_coding(&TestRequest::default().to_http_request(), &["br"]), None);
    }
}
