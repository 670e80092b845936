//! Strings (RFC 8259 section 7).

use std::borrow::Cow;

/// The position behind the closing quote of the string whose text begins at `at`, and whether it holds escapes. The error is
/// the position of what is no string.
pub(in crate::compose) fn end_of_string(bytes: &[u8], at: usize) -> Result<(usize, bool), usize> {
    let (mut from, mut escaped) = (at, false);
    loop {
        let stop = from + plain_prefix(&bytes[from..]);
        match bytes.get(stop) {
            Some(b'"') => return Ok((stop + 1, escaped)),
            Some(b'\\') => {
                escaped = true;
                from = end_of_escape(bytes, stop).ok_or(stop)?;
            }
            // A control character, or the end.
            _ => return Err(stop),
        }
    }
}

/// Whether a text is written as it is.
pub(super) fn is_plain(text: &[u8]) -> bool {
    plain_prefix(text) == text.len()
}

/// How many bytes there are before the first quote, backslash or control character.
fn plain_prefix(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    // The high bit of each byte that is 0, and perhaps of bytes above one.
    let zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    let mut at = 0;
    // Most strings are too short for a call of memchr to pay, so eight bytes are looked at as one number.
    while let Some(eight) = bytes.get(at..at + 8).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*eight);
        let quote = zero(word ^ (ONES * u64::from(b'"')));
        let backslash = zero(word ^ (ONES * u64::from(b'\\')));
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
        let special = quote | backslash | control;
        if special != 0 {
            // The lowest one is exact: only bytes above a found one may be marked for nothing.
            return at + special.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..0x20)).unwrap_or(rest.len())
}

/// The position behind the escape sequence that begins at `at`. Half of a surrogate pair is none: no string could hold it.
fn end_of_escape(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at + 1)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(at + 2),
        b'u' => match unit(bytes, at)? {
            0xd800..0xdc00 => {
                unit(bytes, at + 6).filter(|low| (0xdc00..0xe000).contains(low)).map(|_| at + 12)
            }
            0xdc00..0xe000 => None,
            _ => Some(at + 6),
        },
        _ => None,
    }
}

/// The code unit that is written `\uXXXX` at `at`.
fn unit(bytes: &[u8], at: usize) -> Option<u32> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0, |unit, digit| Some(unit * 16 + char::from(*digit).to_digit(16)?))
}

/// The text of a string that [`end_of_string`] has passed.
pub(super) fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let (mut plain, mut from) = (String::with_capacity(text.len()), 0);
    while let Some(at) = text[from..].find('\\').map(|at| from + at) {
        plain.push_str(&text[from..at]);
        let escape = bytes.get(at + 1).copied().unwrap_or_default();
        let one = match escape {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => code_point(bytes, at),
            other => char::from(other),
        };
        plain.push(one);
        from = at
            + if escape != b'u' {
                2
            } else if one.len_utf16() == 2 {
                12
            } else {
                6
            };
    }
    plain.push_str(&text[from..]);
    Cow::Owned(plain)
}

fn code_point(bytes: &[u8], at: usize) -> char {
    let first = unit(bytes, at).unwrap_or_default();
    let point = match first {
        0xd800..0xdc00 => {
            0x1_0000 + ((first - 0xd800) << 10) + (unit(bytes, at + 6).unwrap_or(0xdc00) - 0xdc00)
        }
        _ => first,
    };
    // Checked when the string was passed.
    char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER)
}
