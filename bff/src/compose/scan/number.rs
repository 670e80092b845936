//! Numbers (RFC 8259 section 6). They pass as they were written.

/// The end of the number that begins at `at`, and whether it is a whole one. Nothing where there is none.
pub(in crate::compose) fn number(bytes: &[u8], at: usize) -> Option<(usize, bool)> {
    let digits = |from: usize| from + bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut end = at + usize::from(bytes.get(at) == Some(&b'-'));
    let first = end;
    end = digits(end);
    if end == first || (bytes[first] == b'0' && end > first + 1) {
        return None;
    }
    let mut whole = true;
    if bytes.get(end) == Some(&b'.') {
        let fraction = end + 1;
        end = digits(fraction);
        if end == fraction {
            return None;
        }
        whole = bytes[fraction..end].iter().all(|digit| *digit == b'0');
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let exponent = end + 1 + usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        end = digits(exponent.min(bytes.len()));
        if end <= exponent.min(bytes.len()) {
            return None;
        }
        // It may be a whole one all the same, but no contract's integer is written like this.
        whole = false;
    }
    Some((end, whole))
}
