//! Content codings of documents.

use std::io::Write;

/// A content coding (RFC 9110 section 8.4.1) that a document is offered in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Identity,
    Gzip,
    Zstd,
    Brotli,
}

impl Encoding {
    /// The token for `Content-Encoding`; `None` for identity.
    #[must_use]
    pub const fn token(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
            Self::Brotli => Some("br"),
        }
    }

    /// `body` in this encoding; `None` for identity.
    pub(super) fn compress(self, body: &[u8]) -> Option<std::io::Result<Vec<u8>>> {
        // The level of each is about where another step costs more time than it saves bytes.
        match self {
            Self::Identity => None,
            Self::Gzip => Some(gzip(body)),
            Self::Zstd => Some(zstd::bulk::compress(body, 3)),
            Self::Brotli => Some(brotli(body)),
        }
    }
}

/// A set of encodings, to make ahead of the first request for them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Encodings {
    pub(super) gzip: bool,
    pub(super) zstd: bool,
    pub(super) brotli: bool,
}

impl Encodings {
    /// Adds one.
    #[must_use]
    pub fn with(mut self, encoding: Encoding) -> Self {
        match encoding {
            Encoding::Identity => {}
            Encoding::Gzip => self.gzip = true,
            Encoding::Zstd => self.zstd = true,
            Encoding::Brotli => self.brotli = true,
        }
        self
    }

    /// All that are in either.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            gzip: self.gzip || other.gzip,
            zstd: self.zstd || other.zstd,
            brotli: self.brotli || other.brotli,
        }
    }
}

fn gzip(body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder =
        flate2::write::GzEncoder::new(Vec::with_capacity(body.len() / 3), flate2::Compression::new(6));
    encoder.write_all(body)?;
    encoder.finish()
}

fn brotli(body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoded = Vec::with_capacity(body.len() / 4);
    let settings =
        brotli::enc::BrotliEncoderParams { quality: 5, size_hint: body.len(), ..Default::default() };
    brotli::BrotliCompress(&mut &body[..], &mut encoded, &settings)?;
    Ok(encoded)
}
