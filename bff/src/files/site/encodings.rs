//! Compressed copies of files: those that the build has made, once it is sure that they are copies, and those that
//! are made here when there are none.

use std::io::{self, BufReader, Read};

use crate::edge::codings;

/// Content codings (RFC 9110 section 8.4.1), the one that packs best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Brotli,
    Zstd,
    Gzip,
}

impl Coding {
    pub(super) const ALL: [Self; 3] = [Self::Brotli, Self::Zstd, Self::Gzip];
    /// Those that are made here. Whoever takes zstd takes Brotli as well.
    pub(super) const MADE: [Self; 2] = [Self::Brotli, Self::Gzip];

    /// As `Accept-Encoding` and `Content-Encoding` call it.
    pub(super) const fn token(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }

    /// What the copy's name ends with.
    pub(super) const fn ending(self) -> &'static str {
        match self {
            Self::Brotli => ".br",
            Self::Zstd => ".zst",
            Self::Gzip => ".gz",
        }
    }

    /// Compresses; nothing where that does not make it smaller. Takes some 20 ms for each MiB.
    pub(super) fn compress(self, body: &[u8]) -> Option<Vec<u8>> {
        let packed = match self {
            Self::Brotli => codings::brotli(body, 6),
            Self::Zstd => zstd::bulk::compress(body, 9),
            Self::Gzip => codings::gzip(body, 6),
        };
        let packed = packed.ok()?;
        (packed.len() < body.len()).then_some(packed)
    }

    /// Whether `packed` unpacks to exactly what `plain` holds.
    ///
    /// # Errors
    /// When either cannot be read, or `packed` is no such encoding.
    pub(super) fn is_copy(self, packed: impl Read, plain: impl Read) -> io::Result<bool> {
        match self {
            Self::Brotli => same(brotli::Decompressor::new(packed, BLOCK), plain),
            Self::Zstd => same(zstd::stream::read::Decoder::new(packed)?, plain),
            Self::Gzip => same(flate2::read::MultiGzDecoder::new(packed), plain),
        }
    }
}

const BLOCK: usize = 16 * 1024;

fn same(one: impl Read, other: impl Read) -> io::Result<bool> {
    let (mut one, mut other) = (BufReader::with_capacity(BLOCK, one), BufReader::with_capacity(BLOCK, other));
    let (mut first, mut second) = (Vec::with_capacity(BLOCK), Vec::with_capacity(BLOCK));
    loop {
        let block = BLOCK as u64;
        first.clear();
        second.clear();
        one.by_ref().take(block).read_to_end(&mut first)?;
        other.by_ref().take(block).read_to_end(&mut second)?;
        if first != second {
            return Ok(false);
        }
        if first.is_empty() {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_known_from_what_is_none() {
        let text = "body { color: rebeccapurple }\n".repeat(2000).into_bytes();
        for coding in Coding::ALL {
            let packed = coding.compress(&text).expect("smaller");
            assert!(packed.len() < text.len() / 10);
            assert!(coding.is_copy(&packed[..], &text[..]).expect("readable"), "{coding:?}");
            let (shorter, longer) = (&text[..text.len() - 1], [&text[..], b" "].concat());
            assert!(!coding.is_copy(&packed[..], shorter).expect("readable"), "{coding:?}");
            assert!(!coding.is_copy(&packed[..], &longer[..]).expect("readable"), "{coding:?}");
            let cut = &packed[..packed.len() / 2];
            assert!(!coding.is_copy(cut, &text[..]).unwrap_or(false), "{coding:?}: cut off");
            assert!(!coding.is_copy(&text[..], &text[..]).unwrap_or(false), "{coding:?}: not packed");
        }
    }

    #[test]
    fn what_does_not_get_smaller_is_left_alone() {
        for coding in Coding::ALL {
            assert_eq!(coding.compress(b"x"), None, "{coding:?}");
        }
    }
}
