//! Path parameters: how they are percent-decoded (RFC 3986 section 2.1), and how their values are encoded again.
//!
//! A segment is decoded once. It is none where an escape is malformed, or where what it says is no UTF-8, has a control
//! character, or is a slash or backslash: the upstream might take either for the end of the segment.

use std::borrow::Cow;

/// One segment.
pub(super) fn decoded(segment: &str) -> Option<Cow<'_, str>> {
    let text: Cow<'_, str> = if segment.contains('%') {
        let mut bytes = Vec::with_capacity(segment.len());
        let mut rest = segment.as_bytes();
        while let [first, tail @ ..] = rest {
            if *first == b'%' {
                let (high, low) = (hex_digit(*tail.first()?)?, hex_digit(*tail.get(1)?)?);
                bytes.push(high << 4 | low);
                rest = &tail[2..];
            } else {
                bytes.push(*first);
                rest = tail;
            }
        }
        String::from_utf8(bytes).ok()?.into()
    } else {
        segment.into()
    };
    let bad = |c: char| c.is_control() || matches!(c, '/' | '\\' | '\u{fffd}');
    (!text.contains(bad)).then_some(text)
}

/// Several segments, joined by slashes. None of them may be empty or a dot segment (RFC 3986 section 3.3).
pub(super) fn decoded_rest(segments: &str) -> Option<Box<str>> {
    let mut rest = String::with_capacity(segments.len());
    for (place, segment) in segments.split('/').enumerate() {
        let segment = decoded(segment)?;
        if matches!(&*segment, "" | "." | "..") {
            return None;
        }
        if place > 0 {
            rest.push('/');
        }
        rest.push_str(&segment);
    }
    Some(rest.into())
}

/// Writes a segment so that it is read as exactly this text: all but unreserved characters are escaped (RFC 3986 section
/// 2.3).
pub fn encode_segment(segment: &str, out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(DIGITS[usize::from(byte >> 4)]));
            out.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
