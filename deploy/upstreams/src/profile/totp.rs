//! Time-based one-time passwords (RFC 6238): SHA-1, six digits, a new one every 30 seconds.

use aws_lc_rs::hmac;
use subtle::ConstantTimeEq;

/// Bytes of a secret (RFC 4226 section 4, R6).
pub(super) const SECRET_LEN: usize = 20;
/// Seconds that a code stands.
pub(super) const PERIOD: u64 = 30;
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The step that `unix_seconds` lies in.
pub(super) const fn step_at(unix_seconds: u64) -> u64 {
    unix_seconds / PERIOD
}

/// The code of one step (RFC 4226 section 5.3).
pub(super) fn code(secret: &[u8], step: u64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let digest = tag.as_ref();
    // A SHA-1 digest has 20 bytes and the offset is at most 15.
    let offset = usize::from(digest[19] & 0x0f);
    let bytes = [digest[offset] & 0x7f, digest[offset + 1], digest[offset + 2], digest[offset + 3]];
    format!("{:06}", u32::from_be_bytes(bytes) % 1_000_000)
}

/// The step whose code this is: the present one, the one before or the one after, but none up to
/// `last_used` (RFC 6238 section 5.2: a code is accepted once).
pub(super) fn matching_step(secret: &[u8], given: &str, unix_seconds: u64, last_used: u64) -> Option<u64> {
    let now = step_at(unix_seconds);
    let mut found = None;
    // All of them, so that the time does not tell which one it was.
    for step in now.saturating_sub(1)..=now + 1 {
        let same = bool::from(code(secret, step).as_bytes().ct_eq(given.as_bytes()));
        if same && step > last_used && found.is_none() {
            found = Some(step);
        }
    }
    found
}

/// Base32 without padding (RFC 4648 section 6): how authenticator apps read a secret.
pub(super) fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut held, mut bits) = (0_u32, 0_u32);
    for byte in bytes {
        held = held << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(ALPHABET[(held >> bits & 31) as usize]));
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        text.push(char::from(ALPHABET[(held << (5 - bits) & 31) as usize]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{base32, code, matching_step, step_at};

    const SECRET: &[u8] = b"12345678901234567890";

    #[test]
    fn the_codes_are_those_of_rfc_6238_appendix_b() {
        for (seconds, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code(SECRET, step_at(seconds)), expected);
        }
    }

    #[test]
    fn a_code_counts_one_step_around_its_own_and_never_twice() {
        let given = code(SECRET, 100);
        for (seconds, accepted) in [(2969, false), (2970, true), (3000, true), (3059, true), (3060, false)] {
            assert_eq!(matching_step(SECRET, &given, seconds, 0).is_some(), accepted, "{seconds}");
        }
        assert_eq!(matching_step(SECRET, &given, 3000, 99), Some(100));
        assert_eq!(matching_step(SECRET, &given, 3000, 100), None);
        assert_eq!(matching_step(SECRET, &code(SECRET, 99), 3000, 100), None, "an older one neither");
        assert_eq!(matching_step(SECRET, "", 3000, 0), None);
    }

    #[test]
    fn base32_is_that_of_rfc_4648_section_10() {
        for (bytes, text) in [
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
    }
}
