//! Checksums that a caller gives of a whole file: SHA-256, or CRC64NVME as S3 computes it.

use aws_lc_rs::digest::{Context, SHA256};
use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use crc_fast::{CrcAlgorithm, Digest};

const PADDED_OR_NOT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, PADDED_OR_NOT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, PADDED_OR_NOT);

/// What a file's checksum must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Checksum {
    Sha256(Vec<u8>),
    Crc64Nvme(Vec<u8>),
}

impl Checksum {
    /// `sha256:` or `crc64nvme:` and the value, in hexadecimal or base64; nothing where it is neither.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (kind, value) = text.split_once(':')?;
        match kind {
            "sha256" => bytes(value, 32).map(Self::Sha256),
            "crc64nvme" => bytes(value, 8).map(Self::Crc64Nvme),
            _ => None,
        }
    }

    /// One that has yet to see the bytes.
    pub(super) fn begin(&self) -> Running {
        match self {
            Self::Sha256(wanted) => {
                Running { wanted: wanted.clone(), state: State::Sha256(Context::new(&SHA256)) }
            }
            Self::Crc64Nvme(wanted) => Running {
                wanted: wanted.clone(),
                state: State::Crc64(Box::new(Digest::new(CrcAlgorithm::Crc64Nvme))),
            },
        }
    }
}

/// Exactly `length` bytes.
fn bytes(value: &str, length: usize) -> Option<Vec<u8>> {
    if value.len() == 2 * length {
        let digits = |index| u8::from_str_radix(value.get(index..index + 2)?, 16).ok();
        let plain = value.bytes().all(|b| b.is_ascii_hexdigit());
        return (0..value.len()).step_by(2).map(digits).collect::<Option<_>>().filter(|_| plain);
    }
    let decoded = STANDARD.decode(value).or_else(|_| URL_SAFE.decode(value)).ok()?;
    (decoded.len() == length).then_some(decoded)
}

/// A checksum while the bytes go by.
pub(super) struct Running {
    wanted: Vec<u8>,
    state: State,
}

enum State {
    Sha256(Context),
    Crc64(Box<Digest>),
}

impl Running {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Sha256(context) => context.update(bytes),
            State::Crc64(digest) => digest.update(bytes),
        }
    }

    /// Whether the bytes were those that were meant.
    pub(super) fn matches(self) -> bool {
        match self.state {
            State::Sha256(context) => context.finish().as_ref() == self.wanted,
            State::Crc64(digest) => digest.finalize().to_be_bytes().as_slice() == self.wanted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Checksum;

    #[test]
    fn a_checksum_is_that_of_the_bytes_however_it_is_written() {
        let right = |text: &str, bytes: &[u8]| {
            let mut running = Checksum::parse(text).expect(text).begin();
            bytes.chunks(2).for_each(|piece| running.update(piece));
            running.matches()
        };
        // FIPS 180-2, appendix B.1; CRC-64/NVME's check value.
        let hex = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let base64 = "sha256:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";
        for text in [hex, base64, base64.trim_end_matches('='), &base64.replace('+', "-").replace('/', "_")] {
            assert!(right(text, b"abc"), "{text}");
            assert!(!right(text, b"abd"), "{text}");
        }
        for text in ["crc64nvme:ae8b14860a799888", "crc64nvme:rosUhgp5mIg="] {
            assert!(right(text, b"123456789"), "{text}");
            assert!(!right(text, b"12345678"), "{text}");
        }
        for odd in ["", "sha256:", "md5:AAAA", "sha256:zz", "crc64nvme:AAAA", &hex[..70], "sha256:ü"] {
            assert_eq!(Checksum::parse(odd), None, "{odd}");
        }
    }
}
