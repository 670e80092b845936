//! Writes JSON strings and text fields into byte buffers without allocating.

/// Appends `text` as the inside of a JSON string (RFC 8259, section 7).
pub(super) fn escape_into(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let special = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\' || byte == 0x7f;
    // Nearly always nothing: a pass that does not branch looks at many bytes at once.
    if !bytes.iter().fold(false, |found, &byte| found | special(byte)) {
        out.extend_from_slice(bytes);
        return;
    }
    let mut done = 0;
    for (index, &byte) in bytes.iter().enumerate() {
        if !special(byte) {
            continue;
        }
        out.extend_from_slice(&bytes[done..index]);
        done = index + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => {
                out.extend_from_slice(b"\\u00");
                hex_into(out, byte);
            }
        }
    }
    out.extend_from_slice(&bytes[done..]);
}

/// Appends `text` for people: what could forge a line or steer a terminal becomes `%XX`.
pub(super) fn printable_into(out: &mut Vec<u8>, text: &str) {
    if text.bytes().fold(true, |plain, byte| plain & byte.is_ascii_graphic()) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    for c in text.chars() {
        // U+0080 to U+009F steer terminals as well.
        if c.is_control() || c == ' ' {
            let mut utf8 = [0; 4];
            for &byte in c.encode_utf8(&mut utf8).as_bytes() {
                out.push(b'%');
                hex_into(out, byte);
            }
        } else {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Appends two lower-case hexadecimal digits.
pub(super) fn hex_into(out: &mut Vec<u8>, byte: u8) {
    out.push(DIGITS[usize::from(byte >> 4)]);
    out.push(DIGITS[usize::from(byte & 15)]);
}

/// A number as sixteen lower-case hexadecimal digits.
#[must_use]
pub fn hex_digits(number: u64) -> [u8; 16] {
    let mut left = number;
    let mut digits = [b'0'; 16];
    for digit in digits.iter_mut().rev() {
        // Four bits are an index of DIGITS.
        *digit = DIGITS[(left & 15) as usize];
        left >>= 4;
    }
    digits
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_is_escaped_reads_back_as_it_was(text in any::<String>()) {
            let mut out = vec![b'"'];
            escape_into(&mut out, &text);
            out.push(b'"');
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }

        #[test]
        fn text_for_people_holds_no_control_character(text in any::<String>()) {
            let mut out = Vec::new();
            printable_into(&mut out, &text);
            prop_assert!(!String::from_utf8(out).unwrap().chars().any(|c| c.is_control() || c == ' '));
        }
    }
}
