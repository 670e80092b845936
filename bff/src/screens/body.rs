//! The body of an answer: a document's bytes, not copied.

use std::{
    convert::Infallible,
    mem::take,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use bytes::Bytes;

use crate::compose::Packed;

/// Sends `bytes` as they are kept.
pub(super) fn body_of(bytes: &Packed) -> BoxBody {
    let (first, second) = bytes.pieces();
    if second.is_empty() {
        return BoxBody::new(first.clone());
    }
    BoxBody::new(Pieces { first: first.clone(), second: second.clone() })
}

struct Pieces {
    first: Bytes,
    second: Bytes,
}

impl MessageBody for Pieces {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized((self.first.len() + self.second.len()) as u64)
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let first = take(&mut self.first);
        let next = if first.is_empty() { take(&mut self.second) } else { first };
        Poll::Ready((!next.is_empty()).then_some(Ok(next)))
    }
}
