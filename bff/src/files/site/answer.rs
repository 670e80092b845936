//! The answer to a request that no route has taken.

use std::{
    fs::Metadata,
    io::{self, SeekFrom},
    ops::Range,
    sync::Arc,
};

use actix_web::{
    HttpRequest, HttpResponse,
    body::{BoxBody, SizedStream},
    http::{
        Method, StatusCode,
        header::{
            ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap,
            HeaderValue,
        },
    },
    web,
};
use bytes::Bytes;
use futures_util::stream;
use tokio::{
    fs::File,
    io::{AsyncReadExt as _, AsyncSeekExt as _},
};

use super::{
    Site,
    entry::{self, Body, Entry, OnDisk, Variant},
    names, place,
    ranges::{self, Wanted},
};
use crate::edge::{ApiError, RequestContext, not_modified};

/// What access line and metrics call all of it.
const ROUTE: &str = "site";
const METHODS: &str = "GET, HEAD";
const BLOCK: usize = 64 * 1024;

/// Answers with a file of the app, or with its page where a page is asked for that only the app not_modified.
///
/// # Errors
/// 404, 405 and 416.
pub async fn serve(request: HttpRequest, site: web::Data<Site>) -> Result<HttpResponse, ApiError> {
    let path = place::decoded(request.path()).ok_or(ApiError::NotFound)?;
    let index = site.0.index.load();
    let found = index.find(&path).filter(|_| !place::is_closed(&path));
    let readable = *request.method() == Method::GET || *request.method() == Method::HEAD;
    if !readable {
        let page = !place::is_own(&path) && !names::has_known_ending(&path);
        return Err(if found.is_some() || page {
            ApiError::MethodNotAllowed(METHODS)
        } else {
            ApiError::NotFound
        });
    }
    let entry = match found {
        Some(entry) => Arc::clone(entry),
        None if !place::is_own(&path) && place::is_for_a_page(&request, &path) => Arc::clone(index.page()),
        None => return Err(ApiError::NotFound),
    };
    drop(index);
    let response = answer(&request, &entry, &site.0.policy).await?;
    RequestContext::note_route(&request, ROUTE);
    Ok(response)
}

async fn answer(
    request: &HttpRequest,
    entry: &Entry,
    policy: &HeaderValue,
) -> Result<HttpResponse, ApiError> {
    let variant = entry.choose(request);
    if not_modified(request, variant.etag.as_bytes()) {
        let mut response = HttpResponse::with_body(StatusCode::NOT_MODIFIED, BoxBody::new(()));
        entry::describe(response.headers_mut(), entry, policy);
        response.headers_mut().insert(ETAG, variant.etag.clone());
        return Ok(response);
    }
    let wanted = ranges::wanted(request, &variant.etag, variant.length);
    if wanted == Wanted::Nothing {
        return Err(ApiError::RangeNotSatisfiable { length: variant.length });
    }
    let (part, status) = match wanted {
        Wanted::Part(part) => (part, StatusCode::PARTIAL_CONTENT),
        Wanted::Whole | Wanted::Nothing => (0..variant.length, StatusCode::OK),
    };
    let mut response = match &variant.body {
        Body::Memory(bytes) => HttpResponse::with_body(status, BoxBody::new(slice(bytes, &part))),
        Body::Disk(disk) => match open(disk, variant.length).await? {
            OnDiskNow::Same(file) => HttpResponse::with_body(status, blocks(request, file, part.clone())),
            OnDiskNow::Other(file, length) => {
                return Ok(unread(request, entry, variant, policy, file, length));
            }
        },
    };
    let headers = response.headers_mut();
    entry::describe(headers, entry, policy);
    headers.insert(ETAG, variant.etag.clone());
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    describe_body(headers, entry, variant);
    if status == StatusCode::PARTIAL_CONTENT {
        headers.insert(CONTENT_RANGE, content_range(&part, variant.length));
    }
    Ok(response)
}

fn describe_body(headers: &mut HeaderMap, entry: &Entry, variant: &Variant) {
    headers.insert(CONTENT_TYPE, entry.media_type.clone());
    if let Some(coding) = variant.coding {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.token()));
    }
}

/// A file that was replaced since the folder was read: whole, and nobody may keep it, since nothing is known of it.
fn unread(
    request: &HttpRequest,
    entry: &Entry,
    variant: &Variant,
    policy: &HeaderValue,
    file: File,
    length: u64,
) -> HttpResponse {
    let mut response = HttpResponse::with_body(StatusCode::OK, blocks(request, file, 0..length));
    let headers = response.headers_mut();
    entry::describe(headers, entry, policy);
    describe_body(headers, entry, variant);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// No copy: the slice shares the memory of the whole.
fn slice(bytes: &Bytes, part: &Range<u64>) -> Bytes {
    // What is in memory has a length that fits, and the part is within it.
    let at =
        |position: u64| usize::try_from(position).map_or(bytes.len(), |position| position.min(bytes.len()));
    bytes.slice(at(part.start)..at(part.end))
}

fn content_range(part: &Range<u64>, length: u64) -> HeaderValue {
    let text = format!("bytes {}-{}/{length}", part.start, part.end.saturating_sub(1));
    // Letters, digits and `-/`: always a header value.
    HeaderValue::from_maybe_shared(Bytes::from(text)).unwrap_or_else(|_| HeaderValue::from_static(""))
}

enum OnDiskNow {
    /// As it was read.
    Same(File),
    /// Another one, so long.
    Other(File, u64),
}

async fn open(disk: &OnDisk, length: u64) -> Result<OnDiskNow, ApiError> {
    let opened = async {
        let file = File::open(&disk.file).await?;
        let about: Metadata = file.metadata().await?;
        io::Result::Ok((file, about))
    };
    match opened.await {
        Ok((file, about)) if about.len() == length && about.modified().ok() == disk.modified => {
            Ok(OnDiskNow::Same(file))
        }
        Ok((file, about)) => Ok(OnDiskNow::Other(file, about.len())),
        // A build that was cleared away before SIGHUP told that there is another.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(ApiError::NotFound),
        Err(error) => {
            tracing::error!(%error, "a file of the app cannot be read");
            Err(ApiError::Internal("a file of the app cannot be read"))
        }
    }
}

/// A part of a file, some of it at a time. To HEAD nothing is read, but the length is told.
fn blocks(request: &HttpRequest, file: File, part: Range<u64>) -> BoxBody {
    let length = part.end - part.start;
    if *request.method() == Method::HEAD {
        return BoxBody::new(SizedStream::new(length, stream::empty::<io::Result<Bytes>>()));
    }
    let blocks = stream::try_unfold(Reading { file, start: Some(part.start), left: length }, Reading::next);
    BoxBody::new(SizedStream::new(length, Box::pin(blocks)))
}

struct Reading {
    file: File,
    /// Where to begin, until it has begun.
    start: Option<u64>,
    left: u64,
}

impl Reading {
    async fn next(mut self) -> io::Result<Option<(Bytes, Self)>> {
        if self.left == 0 {
            return Ok(None);
        }
        if let Some(start) = self.start.take().filter(|start| *start > 0) {
            self.file.seek(SeekFrom::Start(start)).await?;
        }
        let mut block = vec![0; usize::try_from(self.left).map_or(BLOCK, |left| left.min(BLOCK))];
        let read = self.file.read(&mut block).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        block.truncate(read);
        self.left -= read as u64;
        Ok(Some((block.into(), self)))
    }
}
