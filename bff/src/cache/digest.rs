//! What tells one body from another, for `ETag`.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use crate::compose::Packed;

/// 128 bits of `body` in base64url: equal for equal bytes, on every replica and after every restart. Not cryptographic
/// (XXH3): nothing but a caller's own copy depends on it.
#[must_use]
pub fn digest(body: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(xxh3_128(body).to_be_bytes())
}

/// The same of a document.
pub(super) fn digest_of(body: &Packed) -> String {
    let (first, second) = body.pieces();
    if second.is_empty() {
        return digest(first);
    }
    let mut hasher = Xxh3::new();
    hasher.update(first);
    hasher.update(second);
    URL_SAFE_NO_PAD.encode(hasher.digest128().to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::{Packed, digest, digest_of};

    #[test]
    fn it_does_not_depend_on_pieces() {
        for length in [0, 1, 1023, 1024, 1100, 1280, 14_415, 100_000] {
            let text: Vec<u8> = (0..length).map(|byte: u32| byte as u8).collect();
            assert_eq!(digest_of(&Packed::copy_of(&text)), digest(&text), "{length}");
        }
    }

    #[test]
    fn it_is_the_same_for_the_same_bytes_wherever_they_are_hashed() {
        // The vector of nothing (seed 0) in the specification of XXH3, 128 bits: 99aa06d3 014798d8 6001c324 468d497f.
        assert_eq!(digest(b""), "maoG0wFHmNhgAcMkRo1Jfw");
        assert_eq!(digest(b"{}"), digest(b"{}"));
        assert_ne!(digest(b"{}"), digest(b"{ }"));
        assert_eq!(digest(b"x").len(), 22);
    }
}
