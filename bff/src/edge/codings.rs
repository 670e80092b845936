//! Content codings (RFC 9110 section 8.4.1) for what is compressed once and sent often. Both take long enough to be kept
//! off the workers.

use std::io::{self, Write as _};

/// `br`, with a quality of 0 to 11.
///
/// # Errors
/// None that the content can bring about: the encoder writes to memory.
pub fn brotli(body: &[u8], quality: i32) -> io::Result<Vec<u8>> {
    let mut packed = Vec::with_capacity(body.len() / 3);
    let settings = brotli::enc::BrotliEncoderParams { quality, size_hint: body.len(), ..Default::default() };
    brotli::BrotliCompress(&mut &body[..], &mut packed, &settings)?;
    packed.shrink_to_fit();
    Ok(packed)
}

/// `gzip`, with a level of 0 to 9.
///
/// # Errors
/// As [`brotli()`].
pub fn gzip(body: &[u8], level: u32) -> io::Result<Vec<u8>> {
    let packed = Vec::with_capacity(body.len() / 3);
    let mut encoder = flate2::write::GzEncoder::new(packed, flate2::Compression::new(level));
    encoder.write_all(body)?;
    let mut packed = encoder.finish()?;
    packed.shrink_to_fit();
    Ok(packed)
}
