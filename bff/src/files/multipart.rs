//! `multipart/byteranges` (RFC 9110 section 14.6): several pieces of a file in one answer.

use std::ops::Range;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};

use super::{
    key::FileKey,
    storage::{Pieces, StorageError},
    uploads::Files,
};

/// A body of several pieces.
pub(super) struct Multipart {
    boundary: String,
    content_type: String,
    length: u64,
    pieces: Vec<Range<u64>>,
}

impl Multipart {
    /// Of `pieces` of a file of `length` bytes. The boundary is random, so that no file can hold it on purpose.
    pub(super) fn new(
        pieces: Vec<Range<u64>>,
        content_type: &str,
        length: u64,
    ) -> Result<Self, getrandom::Error> {
        let mut random = [0; 16];
        getrandom::fill(&mut random)?;
        let boundary = super::key::hex(&random);
        Ok(Self { boundary, content_type: content_type.to_owned(), length, pieces })
    }

    pub(super) fn content_type(&self) -> String {
        format!("multipart/byteranges; boundary={}", self.boundary)
    }

    fn head(&self, piece: &Range<u64>) -> String {
        format!(
            "\r\n--{}\r\nContent-Type: {}\r\nContent-Range: bytes {}-{}/{}\r\n\r\n",
            self.boundary,
            self.content_type,
            piece.start,
            piece.end - 1,
            self.length
        )
    }

    fn tail(&self) -> String {
        format!("\r\n--{}--\r\n", self.boundary)
    }

    /// Of the whole body, in bytes.
    pub(super) fn body_length(&self) -> u64 {
        let of = |piece: &Range<u64>| self.head(piece).len() as u64 + piece.end - piece.start;
        self.pieces.iter().map(of).sum::<u64>() + self.tail().len() as u64
    }

    /// The body as it is read.
    pub(super) fn body(self, files: Files, key: FileKey) -> impl Stream<Item = Result<Bytes, StorageError>> {
        let tail = self.tail();
        let parts: Vec<_> = self.pieces.iter().map(|piece| (self.head(piece), piece.clone())).collect();
        let parts = stream::iter(parts).flat_map(move |(head, piece)| {
            let (files, key) = (files.clone(), key.clone());
            let content = stream::once(async move {
                let opened = files.0.storage.open(&key, piece).await;
                // It was removed while it was being sent.
                opened.and_then(|pieces| pieces.ok_or(StorageError::Garbled("a file that is gone")))
            });
            let content = content.flat_map(|opened| match opened {
                Ok(pieces) => pieces,
                Err(error) => Box::pin(stream::once(async move { Err(error) })) as Pieces,
            });
            stream::once(async move { Ok(Bytes::from(head)) }).chain(content)
        });
        parts.chain(stream::once(async move { Ok(Bytes::from(tail)) }))
    }
}

#[cfg(test)]
mod tests {
    use super::Multipart;

    #[test]
    fn its_length_is_known_before_it_is_read() {
        let body = Multipart::new(vec![0..2, 5..10], "image/png", 10).expect("randomness");
        let written = body.head(&(0..2)).len() + 2 + body.head(&(5..10)).len() + 5 + body.tail().len();
        assert_eq!(body.body_length(), written as u64);
        assert!(body.head(&(0..2)).ends_with("Content-Range: bytes 0-1/10\r\n\r\n"));
    }
}
