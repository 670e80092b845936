//! `Range` (RFC 9110 section 14): which bytes of a file are wanted.

use std::ops::Range;

use actix_web::{
    HttpRequest,
    http::{
        Method,
        header::{HeaderValue, IF_RANGE, RANGE},
    },
};

/// What to send.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// 200. Also for what may be ignored: other units, malformed ranges, several of them at once.
    Whole,
    /// 206.
    Part(Range<u64>),
    /// 416: it begins behind the end.
    Nothing,
}

/// What `request` wants of `length` bytes whose entity tag is `etag`. A range is of the encoding that was chosen, and
/// it is one of another file where `If-Range` names another tag (section 13.1.5).
pub(super) fn wanted(request: &HttpRequest, etag: &HeaderValue, length: u64) -> Wanted {
    let headers = request.headers();
    let Some(range) = headers.get(RANGE).filter(|_| request.method() == Method::GET) else {
        return Wanted::Whole;
    };
    if headers.get(IF_RANGE).is_some_and(|known| known != etag) {
        return Wanted::Whole;
    }
    range.to_str().ok().and_then(|range| parse(range, length)).unwrap_or(Wanted::Whole)
}

fn parse(range: &str, length: u64) -> Option<Wanted> {
    let (unit, range) = range.split_once('=')?;
    let (first, last) = range.trim().split_once('-').filter(|_| unit.trim().eq_ignore_ascii_case("bytes"))?;
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    let part = match (first.trim(), last.trim()) {
        ("", last) => length.saturating_sub(number(last)?)..length,
        (first, "") => number(first)?..length,
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            first..length.min(last.saturating_add(1))
        }
    };
    Some(if part.is_empty() { Wanted::Nothing } else { Wanted::Part(part) })
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn of_ten(range: &str) -> Wanted {
        let request = TestRequest::get().insert_header((RANGE, range)).to_http_request();
        wanted(&request, &HeaderValue::from_static("\"a\""), 10)
    }

    #[test]
    fn one_range_is_a_part_of_the_file() {
        for (range, part) in [
            ("bytes=0-", 0..10),
            ("bytes=0-0", 0..1),
            ("bytes=2-5", 2..6),
            ("bytes=2-99", 2..10),
            ("bytes=2-99999999999999999999999", 2..10),
            ("bytes=-3", 7..10),
            ("bytes=-30", 0..10),
            ("BYTES = 9-", 9..10),
        ] {
            assert_eq!(of_ten(range), Wanted::Part(part), "{range}");
        }
    }

    #[test]
    fn what_begins_behind_the_end_cannot_be_had_and_what_makes_no_sense_is_ignored() {
        for range in ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert_eq!(of_ten(range), Wanted::Nothing, "{range}");
        }
        for range in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=5-2",
            "bytes=a-b",
            "lines=0-1",
            "bytes=0-1,3-4",
            "bytes=+1-2",
        ] {
            assert_eq!(of_ten(range), Wanted::Whole, "{range}");
        }
    }

    #[test]
    fn a_range_of_another_version_or_for_another_method_is_none() {
        let etag = HeaderValue::from_static("\"a\"");
        let ask = |method: Method, known: &str| {
            let request = TestRequest::with_uri("/").method(method);
            let request = request.insert_header((RANGE, "bytes=0-1")).insert_header((IF_RANGE, known));
            wanted(&request.to_http_request(), &etag, 10)
        };
        assert_eq!(ask(Method::GET, "\"a\""), Wanted::Part(0..2));
        for other in ["\"b\"", "W/\"a\"", "Wed, 21 Oct 2026 07:28:00 GMT"] {
            assert_eq!(ask(Method::GET, other), Wanted::Whole, "{other}");
        }
        assert_eq!(ask(Method::HEAD, "\"a\""), Wanted::Whole);
    }
}
