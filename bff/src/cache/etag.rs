//! The strong validator of a representation.

use super::encoding::Encoding;

/// Two quotes, 22 characters of a digest, a hyphen and the name of a content coding.
const ROOM: usize = 31;

/// `ETag`, quotes included (RFC 9110 section 8.8.3). Held by the document itself: it is short.
#[derive(Clone, Copy)]
pub struct Etag {
    length: u8,
    bytes: [u8; ROOM],
}

impl Etag {
    /// Of a digest in base64url.
    pub(super) fn new(digest: &str, encoding: Encoding) -> Self {
        let mut etag = Self { length: 0, bytes: [0; ROOM] };
        let (hyphen, token) = encoding.token().map_or(("", ""), |token| ("-", token));
        for piece in ["\"", digest, hyphen, token, "\""] {
            for byte in piece.bytes() {
                let Some(place) = etag.bytes.get_mut(usize::from(etag.length)) else { break };
                *place = byte;
                etag.length += 1;
            }
        }
        etag
    }

    /// The same document's in another coding: strong validators differ then (RFC 9110 section 8.8.3.3).
    pub(super) fn of_encoding(&self, encoding: Encoding) -> Self {
        Self::new(self.as_str().trim_matches('"'), encoding)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        // It was made of text.
        self.bytes.get(..usize::from(self.length)).and_then(|bytes| str::from_utf8(bytes).ok()).unwrap_or("")
    }
}

impl std::fmt::Debug for Etag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::{super::digest, Encoding, Etag};

    #[test]
    fn each_coding_has_its_own() {
        let digest = digest(b"{}");
        let etag = Etag::new(&digest, Encoding::Identity);
        assert_eq!(etag.as_str(), format!("\"{digest}\""));
        for encoding in [Encoding::Gzip, Encoding::Zstd, Encoding::Brotli] {
            let name = encoding.token().expect("a name");
            assert_eq!(etag.of_encoding(encoding).as_str(), format!("\"{digest}-{name}\""));
        }
    }
}
