//! Calls: `UPSTREAM:PATH?QUERY`.

use std::str::FromStr;

use super::{SyntaxError, TemplateText, TextPiece};
use crate::declare::mistake::quoted;

/// A call as it is declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::declare) struct CallText {
    pub(in crate::declare) upstream: String,
    pub(in crate::declare) segments: Vec<Segment>,
    /// Names and values, as they were written.
    pub(in crate::declare) query: Vec<(String, TemplateText)>,
}

/// A segment of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::declare) struct Segment(pub(in crate::declare) TemplateText);

/// What a segment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::declare) enum SegmentPiece<'s> {
    Literal(&'s str),
    /// With a placeholder in it.
    Value,
    /// `{rest..}`.
    Rest,
}

impl Segment {
    /// What it is.
    pub(in crate::declare) fn kind(&self) -> SegmentPiece<'_> {
        match &self.0.0[..] {
            [TextPiece::Text(text)] => SegmentPiece::Literal(text),
            // A path that ends with a slash.
            [] => SegmentPiece::Literal(""),
            [TextPiece::Value(one)] if one.rest => SegmentPiece::Rest,
            _ => SegmentPiece::Value,
        }
    }
}

/// Reads the segments of a path that begins with `/`.
///
/// # Errors
/// Where it does not, and for segments that no client would leave as they are.
pub(in crate::declare) fn segments(path: &str) -> Result<Vec<Segment>, SyntaxError> {
    let inner = path.strip_prefix('/').ok_or_else(|| SyntaxError::NoPath(quoted(path)))?;
    if path.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\') {
        return Err(SyntaxError::Space(quoted(path)));
    }
    let parts: Vec<&str> = inner.split('/').collect();
    let mut segments = Vec::with_capacity(parts.len());
    for (place, part) in parts.iter().enumerate() {
        let last = place + 1 == parts.len();
        let dots = matches!(part.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
        if dots || (part.is_empty() && !last) {
            return Err(SyntaxError::Segment(quoted(path)));
        }
        let segment = Segment(part.parse()?);
        let rest = segment.0.placeholders().find(|one| one.rest);
        if let Some(rest) = rest.filter(|_| !last || segment.0.only().is_none()) {
            return Err(SyntaxError::Rest(rest.head.clone()));
        }
        segments.push(segment);
    }
    Ok(segments)
}

impl FromStr for CallText {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let wrong = || SyntaxError::Call(quoted(text));
        let (upstream, rest) = text.split_once(':').ok_or_else(wrong)?;
        let name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if upstream.is_empty() || !upstream.bytes().all(name) || !rest.starts_with('/') {
            return Err(wrong());
        }
        if rest.contains('#') {
            return Err(SyntaxError::Fragment(quoted(text)));
        }
        let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
        let query = query.into_iter().flat_map(|query| query.split('&')).map(pair);
        Ok(Self {
            upstream: upstream.to_owned(),
            segments: segments(path)?,
            query: query.collect::<Result<_, _>>()?,
        })
    }
}

fn pair(text: &str) -> Result<(String, TemplateText), SyntaxError> {
    let wrong = || SyntaxError::Pair(quoted(text));
    let (name, value) = text.split_once('=').ok_or_else(wrong)?;
    if name.is_empty() || name.contains(['{', '}']) {
        return Err(wrong());
    }
    if text.contains(char::is_control) {
        return Err(SyntaxError::Space(quoted(text)));
    }
    let value: TemplateText = value.parse()?;
    if let Some(rest) = value.placeholders().find(|one| one.rest) {
        return Err(SyntaxError::Rest(rest.head.clone()));
    }
    Ok((name.to_owned(), value))
}

/// A literal of a call, percent-encoded where it needs to be. What is encoded already stays.
pub(in crate::declare) fn encoded(text: &str, in_path: bool) -> String {
    let plain = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => true,
        b'!' | b'$' | b'\'' | b'(' | b')' | b'*' | b',' | b';' | b':' | b'@' | b'/' => true,
        b'&' | b'=' | b'+' => in_path,
        b'?' => !in_path,
        _ => false,
    };
    let (bytes, mut out) = (text.as_bytes(), String::with_capacity(text.len()));
    for (at, byte) in bytes.iter().enumerate() {
        let escape = *byte == b'%'
            && bytes.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        if plain(*byte) || escape {
            out.push(char::from(*byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{CallText, SegmentPiece, encoded};

    #[test]
    fn a_call_is_upstream_path_and_query() {
        let call: CallText = "orders:/orders/{id}/history?limit={limit}&kind=a b&x=".parse().expect("a call");
        assert_eq!((call.upstream.as_str(), call.segments.len(), call.query.len()), ("orders", 3, 3));
        assert_eq!(call.segments[0].kind(), SegmentPiece::Literal("orders"));
        assert_eq!(call.segments[1].kind(), SegmentPiece::Value);
        let call: CallText = "reports:/{rest..}".parse().expect("a call");
        assert_eq!(call.segments[0].kind(), SegmentPiece::Rest);
        assert_eq!(
            "a:/".parse::<CallText>().expect("the root").segments[0].kind(),
            SegmentPiece::Literal("")
        );
    }

    #[test]
    fn other_text_is_no_call() {
        for wrong in [
            "",
            "orders",
            "orders:",
            ":/a",
            "orders:a",
            "http://x/a",
            "a b:/c",
            "a:/b#c",
            "a://b",
            "a:/b//c",
            "a:/./b",
            "a:/%2E%2e/b",
            "a:/{rest..}/b",
            "a:/x{rest..}",
            "a:/b?c",
            "a:/b?=d",
            "a:/b?{x}=d",
            "a:/b?c={rest..}",
            "a:/b?",
            "a:/b c",
            "a:/{",
            "a:/}",
            "a:/{}",
            "a:/b\\c",
            "a:/..",
        ] {
            assert!(wrong.parse::<CallText>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn literals_are_encoded_once() {
        assert_eq!(encoded("a b%20ü&c", true), "a%20b%20%C3%BC&c");
        assert_eq!(encoded("a&b=c%", false), "a%26b%3Dc%25");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,40}|a:/[{}a./?&=%]{0,20}") {
            let _ = text.parse::<CallText>();
            for in_path in [true, false] {
                prop_assert!(encoded(&text, in_path).is_ascii());
            }
        }
    }
}
