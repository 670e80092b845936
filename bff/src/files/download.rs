//! `GET HEAD /files/{key}`: a file that was committed, to whoever may read it.

use std::time::Instant;

use actix_web::{
    HttpRequest, HttpResponse,
    body::{BoxBody, SizedStream},
    http::{
        Method, StatusCode,
        header::{
            ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_RANGE, CONTENT_SECURITY_POLICY,
            CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_RANGE, LOCATION, RANGE, VARY,
        },
    },
    web,
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use schemas::FileVisibility;

use super::{
    error::FilesError,
    key::FileKey,
    multipart::Multipart,
    ranges::{self, Wanted},
    record::FileRecord,
    storage::{Delivery, StorageError},
    uploads::Files,
};
use crate::edge::{ApiError, MaybeSignedIn, not_modified};

const X_ACCEL_REDIRECT: HeaderName = HeaderName::from_static("x-accel-redirect");
/// Nothing in a file may run or load, also where a browser is made to show it as a page.
const POLICY: HeaderValue = HeaderValue::from_static("sandbox; default-src 'none'");
const BY_CALLER: HeaderValue = HeaderValue::from_static("Cookie, Authorization, Origin");
/// A redirect is kept for shorter than its URL is good, by so many seconds.
const MARGIN: u64 = 30;

/// Answers with a file: by a redirect to the storage, by nginx, or with its bytes.
///
/// # Errors
/// 404 where there is no such file, or none that the caller may read; 416, 503.
pub(super) async fn download(
    request: HttpRequest,
    key: web::Path<String>,
    files: web::Data<Files>,
) -> Result<HttpResponse, ApiError> {
    let begun = Instant::now();
    let key = FileKey::parse(&key).ok_or(ApiError::NotFound)?;
    let found = readable(&request, &files, &key).await;
    files.observe("download", begun, found.as_ref().err());
    let file = found?;
    let mut response = match files.0.storage.delivery(&key, *request.method() == Method::HEAD) {
        Delivery::Redirect { url, seconds } => return redirect(&file, &url, seconds),
        Delivery::Accel(path) => accelerated(&path)?,
        Delivery::Stream => streamed(&request, &files, &key, &file).await?,
    };
    describe(response.headers_mut(), &key, &file)?;
    Ok(response)
}

/// The file, if the caller may read it. Whoever may not does not learn that it exists.
async fn readable(request: &HttpRequest, files: &Files, key: &FileKey) -> Result<FileRecord, FilesError> {
    let file = files.record(key).await?.ok_or(FilesError::NotFound)?;
    if file.is_readable_by(None) {
        return Ok(file);
    }
    let MaybeSignedIn(caller) = MaybeSignedIn::of(request).map_err(|_| FilesError::NotFound)?;
    let user = caller.as_ref().map(|caller| caller.caller().user.as_str());
    if file.is_readable_by(user) { Ok(file) } else { Err(FilesError::NotFound) }
}

/// The storage sends it. The redirect is kept for a while, what it leads to for as long as the storage says.
fn redirect(file: &FileRecord, url: &str, seconds: u64) -> Result<HttpResponse, ApiError> {
    let rule = match file.visibility {
        FileVisibility::Public => format!("public, max-age={}", seconds.saturating_sub(MARGIN)),
        FileVisibility::Private => "private, no-store".to_owned(),
    };
    let mut response = HttpResponse::with_body(StatusCode::FOUND, BoxBody::new(()));
    let headers = response.headers_mut();
    headers.insert(LOCATION, value(url)?);
    headers.insert(CACHE_CONTROL, value(&rule)?);
    if file.visibility == FileVisibility::Private {
        headers.insert(VARY, BY_CALLER);
    }
    Ok(response)
}

/// nginx sends it, with ranges and conditions; of ours it takes the headers that it has none of itself.
fn accelerated(path: &str) -> Result<HttpResponse, ApiError> {
    let mut response = HttpResponse::with_body(StatusCode::OK, BoxBody::new(()));
    response.headers_mut().insert(X_ACCEL_REDIRECT, value(path)?);
    Ok(response)
}

fn describe(headers: &mut HeaderMap, key: &FileKey, file: &FileRecord) -> Result<(), ApiError> {
    let told = file.headers();
    if !headers.contains_key(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, value(&told.content_type)?);
    }
    headers.insert(CONTENT_DISPOSITION, value(&told.content_disposition)?);
    headers.insert(CACHE_CONTROL, value(&told.cache_control)?);
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(ETAG, value(&etag(key))?);
    if file.visibility == FileVisibility::Private {
        headers.insert(VARY, BY_CALLER);
    }
    Ok(())
}

/// Strong: what a key names never changes.
fn etag(key: &FileKey) -> String {
    format!("\"{}\"", key.id())
}

fn value(text: &str) -> Result<HeaderValue, ApiError> {
    HeaderValue::from_str(text).map_err(|_| ApiError::Internal("a header of a file cannot be written"))
}

async fn streamed(
    request: &HttpRequest,
    files: &Files,
    key: &FileKey,
    file: &FileRecord,
) -> Result<HttpResponse, ApiError> {
    if not_modified(request, etag(key).as_bytes()) {
        return Ok(HttpResponse::with_body(StatusCode::NOT_MODIFIED, BoxBody::new(())));
    }
    let length = file.size;
    match wanted(request, key, length) {
        Wanted::Nothing => Err(ApiError::RangeNotSatisfiable { length }),
        Wanted::Whole => {
            let body = content(request, files, key, 0..length).await?;
            Ok(HttpResponse::with_body(StatusCode::OK, body))
        }
        Wanted::One(piece) => {
            let range = format!("bytes {}-{}/{length}", piece.start, piece.end - 1);
            let body = content(request, files, key, piece).await?;
            let mut response = HttpResponse::with_body(StatusCode::PARTIAL_CONTENT, body);
            response.headers_mut().insert(CONTENT_RANGE, value(&range)?);
            Ok(response)
        }
        Wanted::Several(pieces) => {
            let several = Multipart::new(pieces, &file.content_type, length);
            let several = several.map_err(|error| ApiError::from(FilesError::Randomness(error)))?;
            let (kind, size) = (several.content_type(), several.body_length());
            let body = several.body((*files).clone(), key.clone());
            let body = BoxBody::new(SizedStream::new(size, Box::pin(counted(files, body))));
            let mut response = HttpResponse::with_body(StatusCode::PARTIAL_CONTENT, body);
            response.headers_mut().insert(CONTENT_TYPE, value(&kind)?);
            Ok(response)
        }
    }
}

/// `Range` counts for GET alone (RFC 9110 section 14.2), and only for the version that `If-Range` names (section 13.1.5).
fn wanted(request: &HttpRequest, key: &FileKey, length: u64) -> Wanted {
    let headers = request.headers();
    let Some(range) = headers.get(RANGE).filter(|_| *request.method() == Method::GET) else {
        return Wanted::Whole;
    };
    if headers.get(IF_RANGE).is_some_and(|known| known.as_bytes() != etag(key).as_bytes()) {
        return Wanted::Whole;
    }
    range.to_str().map_or(Wanted::Whole, |range| ranges::wanted(range, length))
}

/// A piece of the content. To HEAD nothing is read, but the length is told.
async fn content(
    request: &HttpRequest,
    files: &Files,
    key: &FileKey,
    piece: std::ops::Range<u64>,
) -> Result<BoxBody, ApiError> {
    let length = piece.end - piece.start;
    if *request.method() == Method::HEAD {
        let nothing = stream::empty::<Result<Bytes, StorageError>>();
        return Ok(BoxBody::new(SizedStream::new(length, nothing)));
    }
    let opened = files.0.storage.open(key, piece).await.map_err(FilesError::from)?;
    let pieces = opened.ok_or(ApiError::NotFound)?;
    Ok(BoxBody::new(SizedStream::new(length, Box::pin(counted(files, pieces)))))
}

/// Counts what goes out, and says in the log why it ended early: the caller sees no more than that it did.
fn counted<S: Stream<Item = Result<Bytes, StorageError>>>(
    files: &Files,
    pieces: S,
) -> impl Stream<Item = Result<Bytes, StorageError>> + use<S> {
    let metrics = std::sync::Arc::clone(&files.0.metrics);
    pieces.inspect(move |piece| match piece {
        Ok(bytes) => metrics.file_bytes("out", bytes.len() as u64),
        Err(error) => tracing::error!(%error, "a file could not be read to its end"),
    })
}
