//! Calls to S3, and what can be wrong with an answer.

use bytes::Bytes;
use clients::{StorageAnswer, StorageHttp, StorageHttpError};
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, Method, StatusCode};
use url::Url;

use super::xml;
use crate::files::storage::{Pieces, StorageError};

/// Makes a call that must succeed.
pub(super) async fn call(
    http: &StorageHttp,
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StorageAnswer, StorageError> {
    let answer = http.send(method, url, headers, body).await?;
    if answer.status.is_success() { Ok(answer) } else { Err(refused(&answer)) }
}

/// The same for what need not be there. A bucket must be.
pub(super) async fn call_if_there(
    http: &StorageHttp,
    method: Method,
    url: Url,
) -> Result<Option<StorageAnswer>, StorageError> {
    let answer = http.send(method, url, HeaderMap::new(), Bytes::new()).await?;
    match answer.status {
        status if status.is_success() => Ok(Some(answer)),
        StatusCode::NOT_FOUND if xml::code(&answer.body).as_deref() != Some("NoSuchBucket") => Ok(None),
        _ => Err(refused(&answer)),
    }
}

fn refused(answer: &StorageAnswer) -> StorageError {
    let code = xml::code(&answer.body).unwrap_or_default();
    StorageError::Refused { status: answer.status.as_u16(), code }
}

pub(super) fn text(body: &[u8]) -> Result<&str, StorageError> {
    str::from_utf8(body).map_err(|_| StorageError::Garbled("text that is not UTF-8"))
}

/// `pieces`, which must be `length` bytes together: an answer that was cut off is an error.
pub(super) fn exactly(length: u64, pieces: clients::StoragePieces) -> Pieces {
    let counted = stream::unfold(Some((pieces, length)), |state| async move {
        let (mut pieces, left) = state?;
        match pieces.next().await {
            Some(Ok(piece)) => match left.checked_sub(piece.len() as u64) {
                Some(left) => Some((Ok(piece), Some((pieces, left)))),
                None => Some((Err(StorageError::Garbled("more bytes than were asked for")), None)),
            },
            Some(Err(error)) => Some((Err(of_http(error)), None)),
            None if left > 0 => Some((Err(StorageError::Garbled("an answer that was cut off")), None)),
            None => None,
        }
    });
    Box::pin(counted)
}

fn of_http(error: StorageHttpError) -> StorageError {
    error.into()
}
