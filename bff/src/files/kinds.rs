//! What a file is, by its first bytes. Nothing that a browser would run is a kind of file here: HTML and SVG cannot be
//! allowed, and what looks like a picture but holds markup where programs look for it is none.

/// The kinds that can be allowed, by their media type, and whether they are pictures.
const KINDS: [(&str, bool); 10] = [
    ("image/jpeg", true),
    ("image/png", true),
    ("image/webp", true),
    ("image/avif", true),
    ("image/gif", true),
    ("application/pdf", false),
    ("video/mp4", false),
    ("video/webm", false),
    ("audio/mpeg", false),
    ("application/zip", false),
];

/// So much of a file is looked at.
pub(super) const HEAD_BYTES: u64 = 4096;

/// Beginnings of markup and scripts that old browsers and other programs look for in the first bytes.
const MARKUP: [&[u8]; 7] = [b"<!doctype", b"<html", b"<head", b"<body", b"<script", b"<svg", b"<?php"];

/// Whether `media_type` can be told from others by first bytes.
#[must_use]
pub fn is_known(media_type: &str) -> bool {
    KINDS.iter().any(|(known, _)| *known == media_type)
}

/// All kinds that can be allowed.
pub(super) fn all() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|(known, _)| *known)
}

/// Whether it is a picture.
pub(super) fn is_picture(media_type: &str) -> bool {
    KINDS.iter().any(|(known, picture)| *known == media_type && *picture)
}

/// The media type that the first bytes of a file tell; nothing where it is none that is known.
pub(super) fn of_head(head: &[u8]) -> Option<&'static str> {
    let told = infer::get(head)?.mime_type();
    let (known, picture) = KINDS.iter().find(|(known, _)| *known == told)?;
    (!*picture || !holds_markup(head)).then_some(known)
}

fn holds_markup(head: &[u8]) -> bool {
    MARKUP.iter().any(|markup| head.windows(markup.len()).any(|part| part.eq_ignore_ascii_case(markup)))
}

#[cfg(test)]
mod tests {
    use super::{is_known, is_picture, of_head};

    #[test]
    fn a_file_is_what_its_first_bytes_say() {
        let avif = b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf";
        for (head, told) in [
            (&b"\xff\xd8\xff\xe0\0\x10JFIF\0"[..], Some("image/jpeg")),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", Some("image/png")),
            (b"GIF89a\x01\0\x01\0", Some("image/gif")),
            (b"RIFF\x24\0\0\0WEBPVP8 ", Some("image/webp")),
            (avif, Some("image/avif")),
            (b"%PDF-1.7\n", Some("application/pdf")),
            (b"<!DOCTYPE html><html>", None),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", None),
            (b"<?xml version='1.0'?><svg/>", None),
            (b"GIF89a/*<script>alert(1)</script>*/", None),
            (b"\xff\xd8\xff\xe0\0\x10JFIF\0<HTML><body>", None),
            (b"MZ\x90\0\x03\0\0\0", None),
            (b"hello", None),
            (b"", None),
        ] {
            assert_eq!(of_head(head), told, "{}", String::from_utf8_lossy(head));
        }
        assert!(!is_known("image/svg+xml") && !is_known("text/html"));
        assert!(is_picture("image/avif") && !is_picture("application/pdf"));
    }
}
