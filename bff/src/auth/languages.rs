//! Which languages the person behind a request reads: for the mail that comes of it, which an upstream writes.

use actix_web::{HttpRequest, http::header::ACCEPT_LANGUAGE};

/// The longest language tag that anybody needs (RFC 5646 section 4.4.1).
const LONGEST_TAG: usize = 35;

/// The caller's `Accept-Language`, as it came.
pub(super) fn accepted(request: &HttpRequest) -> Option<String> {
    let header = request.headers().get(ACCEPT_LANGUAGE)?;
    header.to_str().ok().map(str::to_owned)
}

/// The language tag that `accepted` wants most (RFC 9110 section 12.5.4); nothing where it names none.
pub(super) fn preferred(accepted: &str) -> Option<String> {
    let mut best: Option<(f32, &str)> = None;
    for one in accepted.split(',').take(32) {
        let (tag, parameters) = one.split_once(';').unwrap_or((one, ""));
        let tag = tag.trim();
        let weight = parameters.trim().strip_prefix("q=").map_or(Some(1.0), |weight| weight.parse().ok());
        let weight: f32 = weight.unwrap_or(0.0);
        if is_tag(tag) && weight > best.map_or(0.0, |(weight, _)| weight) {
            best = Some((weight, tag));
        }
    }
    best.map(|(_, tag)| tag.to_owned())
}

fn is_tag(text: &str) -> bool {
    let part = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    text.len() <= LONGEST_TAG && text.split('-').all(part)
}

#[cfg(test)]
mod tests {
    use super::preferred;

    #[test]
    fn the_tag_is_the_one_that_is_wanted_most() {
        for (accepted, tag) in [
            ("ko", Some("ko")),
            ("en-GB;q=0.5, ko-KR", Some("ko-KR")),
            ("fr, ko;q=0.9", Some("fr")),
            ("*", None),
            ("", None),
            ("ko;q=0", None),
            ("ko;q=x, en;q=0.1", Some("en")),
            ("a\u{301}, en", Some("en")),
            ("toolongsubtag, en;q=0.2", Some("en")),
        ] {
            assert_eq!(preferred(accepted).as_deref(), tag, "{accepted}");
        }
    }
}
