//! Names and kinds, which all of the languages know.

/// Whether a text names a parameter, part, join or field of the gateway's own: letters, digits, `_` and `-`, not in front.
pub(in crate::declare) fn is_name(text: &str) -> bool {
    let rest = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    text.len() <= 64
        && text.as_bytes().first().is_some_and(|first| first.is_ascii_alphabetic() || *first == b'_')
        && text.bytes().all(rest)
}

/// Whether a text is a kind of tags or topics, as `POST /events` writes it: 1 to 31 characters out of `[a-z_]`.
pub(in crate::declare) fn is_kind(text: &str) -> bool {
    (1..=31).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}
