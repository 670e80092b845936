//! The one word of an error document that is looked at.

/// `Code` of an S3 error document; nothing where `body` is none. It is a word of letters: anything else is no code.
pub(super) fn code(body: &[u8]) -> Option<String> {
    let text = str::from_utf8(body).ok()?;
    let error = &text[text.find("<Error>")?..];
    let code = error.split_once("<Code>")?.1.split_once("</Code>")?.0;
    let plain = (1..=64).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric());
    plain.then(|| code.to_owned())
}

#[cfg(test)]
mod tests {
    use super::code;

    #[test]
    fn the_code_of_an_error_is_found_and_nothing_else_is_taken_for_one() {
        let document = |code: &str| format!("<?xml version=\"1.0\"?>\n<Error><Code>{code}</Code></Error>");
        assert_eq!(code(document("NoSuchUpload").as_bytes()).as_deref(), Some("NoSuchUpload"));
        for odd in ["", "a b", "<b>", &"x".repeat(65)] {
            assert_eq!(code(document(odd).as_bytes()), None, "{odd}");
        }
        for other in [&b""[..], b"<Code>NoSuchKey</Code>", b"<Error>", b"\xff<Error><Code>A</Code></Error>"] {
            assert_eq!(code(other), None);
        }
    }
}
