//! The name of a file: what a caller may call one, and how it is told to those who save it.

/// Longest name, in characters: with its ending it fits every file system.
pub(super) const LONGEST: usize = 200;

/// What is wrong with a name: code and words. Nothing is taken out of it: what is saved is what was meant, or nothing.
pub(super) fn fault(name: &str) -> Option<(&'static str, &'static str)> {
    if name.chars().count() > LONGEST {
        return Some(("too_long", "at most 200 characters"));
    }
    if name.trim().is_empty() {
        return Some(("too_short", "must not be blank"));
    }
    if name.contains(['/', '\\']) || matches!(name.trim(), "." | "..") {
        return Some(("invalid", "must be a name, not a path"));
    }
    if name.chars().any(char::is_control) {
        return Some(("invalid_characters", "must hold no control characters"));
    }
    if name.chars().any(turns_text) {
        return Some(("invalid_characters", "must hold no characters that turn the direction of text"));
    }
    None
}

/// Characters that show a name otherwise than it is (Unicode's bidirectional controls, and invisible separators):
/// `photo\u{202e}gnp.exe` looks like `photoexe.png`.
fn turns_text(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        | '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// `Content-Disposition` (RFC 6266) of a file of this name. Where the name is not plain ASCII, `filename*` (RFC 8187) holds
/// it, and `filename` what older programs understand.
pub(super) fn disposition(name: &str, inline: bool) -> String {
    let kind = if inline { "inline" } else { "attachment" };
    let plain: String = name
        .chars()
        .map(|c| if c == ' ' || (c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%')) { c } else { '_' })
        .collect();
    if plain == name {
        return format!("{kind}; filename=\"{name}\"");
    }
    format!("{kind}; filename=\"{plain}\"; filename*=UTF-8''{}", encoded(name))
}

/// `value-chars` of RFC 8187 section 3.2.1.
fn encoded(text: &str) -> String {
    let mut written = String::with_capacity(3 * text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => written.push(char::from(byte)),
            b'!' | b'#' | b'$' | b'&' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~' => {
                written.push(char::from(byte));
            }
            byte => written.push_str(&format!("%{byte:02X}")),
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{disposition, fault};

    #[test]
    fn a_name_is_taken_as_it_is_or_not_at_all() {
        for good in ["a.jpg", "김치찌개.jpg", "..a", "a b (1).png", "\"quoted\".gif", &"a".repeat(200)] {
            assert_eq!(fault(good), None, "{good}");
        }
        for (bad, code) in [
            ("", "too_short"),
            (" \t", "too_short"),
            ("..", "invalid"),
            ("../etc/passwd", "invalid"),
            ("C:\\boot.ini", "invalid"),
            ("a\0.jpg", "invalid_characters"),
            ("a\r\nSet-Cookie: x=1", "invalid_characters"),
            ("photo\u{202e}gnp.exe", "invalid_characters"),
            (&"a".repeat(10_000), "too_long"),
        ] {
            assert_eq!(fault(bad).map(|(code, _)| code), Some(code), "{bad:?}");
        }
    }

    #[test]
    fn a_name_is_told_in_both_ways_where_it_is_not_plain() {
        assert_eq!(disposition("a b.jpg", true), "inline; filename=\"a b.jpg\"");
        assert_eq!(
            disposition("찌개 \"1\".pdf", false),
            "attachment; filename=\"__ _1_.pdf\"; filename*=UTF-8''%EC%B0%8C%EA%B0%9C%20%221%22.pdf"
        );
    }

    proptest! {
        #[test]
        fn a_disposition_is_always_one_header_value(name in "\\PC{1,50}") {
            let text = disposition(&name, true);
            prop_assert!(text.bytes().all(|b| b == b' ' || b.is_ascii_graphic()));
            prop_assert_eq!(text.matches('"').count(), 2);
        }
    }
}
