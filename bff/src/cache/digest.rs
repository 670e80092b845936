//! What tells one body from another, for `ETag`.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use xxhash_rust::xxh3::xxh3_128;

/// 128 bits of `body` in base64url: equal for equal bytes, on every replica and after every restart. Not cryptographic
/// (XXH3): nothing but a caller's own copy depends on it.
#[must_use]
pub fn digest(body: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(xxh3_128(body).to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::digest;

    #[test]
    fn it_is_the_same_for_the_same_bytes_wherever_they_are_hashed() {
        // The vector of nothing (seed 0) in the specification of XXH3, 128 bits: 99aa06d3 014798d8 6001c324 468d497f.
        assert_eq!(digest(b""), "maoG0wFHmNhgAcMkRo1Jfw");
        assert_eq!(digest(b"{}"), digest(b"{}"));
        assert_ne!(digest(b"{}"), digest(b"{ }"));
        assert_eq!(digest(b"x").len(), 22);
    }
}
