//! Storage in S3, or what speaks its protocol. Callers send parts to signed URLs of the bucket and read files from signed
//! URLs of it; the gateway itself begins, completes, and looks into what came.
//!
//! Every upload is a multipart upload, also of one part: when it is completed its URLs are of no use any more, so that what
//! was checked cannot be replaced afterwards. The bucket must not be public.

mod call;
mod xml;

use std::{ops::Range, path::PathBuf, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use clients::{StorageHttp, TransportError};
use futures_util::StreamExt as _;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use jiff::Timestamp;
use rusty_s3::{
    Bucket, Credentials, S3Action, UrlStyle,
    actions::{CompleteMultipartUpload, CreateMultipartUpload, ListObjectsV2, ListParts, UploadPart},
};
use tokio::runtime::Handle;
use url::Url;

use call::{call, call_if_there, exactly, text};

use super::{
    key::FileKey,
    storage::{BlobHeaders, BlobStorage, Delivery, MOST_NAMES, MOST_SMALL, Part, Pieces, StorageError},
};

/// How long a signed URL that the gateway uses itself is good for.
const OWN: Duration = Duration::from_secs(60);
/// How often a bucket that fails is asked once more to make one object of parts, and how long is waited before.
const RETRIES: u32 = 2;
const BETWEEN_TRIES: Duration = Duration::from_millis(200);

/// Where the bucket is, and who asks.
#[derive(Clone)]
pub struct S3Settings {
    pub bucket: String,
    pub region: String,
    /// Where the gateway reaches it.
    pub endpoint: Url,
    /// Where callers do.
    pub public_endpoint: Url,
    /// `ENDPOINT/BUCKET/…` instead of `BUCKET.ENDPOINT/…`.
    pub path_style: bool,
    pub access_key_id: String,
    pub secret_access_key: String,
    /// PEM of the authorities of its certificate; nothing: the system's.
    pub ca: Option<PathBuf>,
    /// Bounds each call.
    pub timeout: Duration,
    /// How long callers may use a URL to read from.
    pub read_for: Duration,
}

/// Why S3 cannot be used as configured.
#[derive(Debug, thiserror::Error)]
pub enum S3Error {
    #[error("the endpoint and the bucket make no URL")]
    Bucket,
    #[error(transparent)]
    Transport(#[from] TransportError),
}

/// Files in a bucket.
#[derive(Clone)]
pub struct S3 {
    own: Bucket,
    public: Bucket,
    credentials: Credentials,
    http: StorageHttp,
    read_for: Duration,
}

impl std::fmt::Debug for S3 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("S3").field("bucket", &self.own.name()).finish_non_exhaustive()
    }
}

impl S3 {
    /// No network is touched here.
    ///
    /// # Errors
    /// [`S3Error`].
    pub fn new(settings: S3Settings, runtime: Handle) -> Result<Self, S3Error> {
        let S3Settings { bucket, region, endpoint, public_endpoint, path_style, ca, timeout, .. } = settings;
        let style = if path_style { UrlStyle::Path } else { UrlStyle::VirtualHost };
        let at = |endpoint: Url| {
            Bucket::new(endpoint, style, bucket.clone(), region.clone()).map_err(|_| S3Error::Bucket)
        };
        let own = at(endpoint)?;
        let http = StorageHttp::new(runtime, own.base_url(), timeout, ca)?;
        Ok(Self {
            public: at(public_endpoint)?,
            own,
            credentials: Credentials::new(settings.access_key_id, settings.secret_access_key),
            http,
            read_for: settings.read_for,
        })
    }

    fn who(&self) -> Option<&Credentials> {
        Some(&self.credentials)
    }

    /// Has the bucket make one object of the parts, once.
    async fn complete(&self, key: &FileKey, upload: &str, parts: &[Part]) -> Result<(), StorageError> {
        let data = key.data();
        let etags = parts.iter().map(|part| part.etag.as_str());
        let complete = CompleteMultipartUpload::new(&self.own, self.who(), &data, upload, etags);
        let url = complete.sign(OWN);
        let completed = call(&self.http, Method::POST, url, HeaderMap::new(), complete.body().into()).await;
        // It may begin with 200 and end with an error.
        let completed = completed.and_then(|answer| match xml::code(&answer.body) {
            Some(code) => Err(StorageError::Refused { status: 200, code }),
            None => Ok(()),
        });
        match completed {
            // It was completed by another call.
            Err(StorageError::Refused { .. }) if self.length(key).await?.is_some() => Ok(()),
            completed => completed,
        }
    }
}

#[async_trait]
impl BlobStorage for S3 {
    async fn write(&self, name: &str, bytes: Bytes) -> Result<(), StorageError> {
        let url = self.own.put_object(self.who(), name).sign(OWN);
        call(&self.http, Method::PUT, url, HeaderMap::new(), bytes).await.map(drop)
    }

    async fn read(&self, name: &str) -> Result<Option<Bytes>, StorageError> {
        let url = self.own.get_object(self.who(), name).sign(OWN);
        let found = call_if_there(&self.http, Method::GET, url).await?;
        match found.map(|answer| answer.body) {
            Some(body) if body.len() > MOST_SMALL => {
                Err(StorageError::Garbled("a small object is too large"))
            }
            found => Ok(found),
        }
    }

    async fn remove(&self, name: &str) -> Result<(), StorageError> {
        let url = self.own.delete_object(self.who(), name).sign(OWN);
        call_if_there(&self.http, Method::DELETE, url).await.map(drop)
    }

    async fn names(&self, prefix: &str) -> Result<Vec<String>, StorageError> {
        let mut list = self.own.list_objects_v2(self.who());
        list.with_prefix(prefix);
        list.with_max_keys(MOST_NAMES);
        let answer = call(&self.http, Method::GET, list.sign(OWN), HeaderMap::new(), Bytes::new()).await?;
        let listed = ListObjectsV2::parse_response(text(&answer.body)?);
        let listed = listed.map_err(|_| StorageError::Garbled("a list of objects"))?;
        Ok(listed.contents.into_iter().map(|object| object.key).collect())
    }

    async fn begin(&self, key: &FileKey, blob: &BlobHeaders) -> Result<String, StorageError> {
        let data = key.data();
        let mut create = CreateMultipartUpload::new(&self.own, self.who(), &data);
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (header::CONTENT_TYPE, &blob.content_type),
            (header::CONTENT_DISPOSITION, &blob.content_disposition),
            (header::CACHE_CONTROL, &blob.cache_control),
        ] {
            create.headers_mut().insert(name.as_str().to_owned(), value.clone());
            let value = HeaderValue::from_str(value).map_err(|_| StorageError::Garbled("a header"))?;
            headers.insert(name, value);
        }
        let answer = call(&self.http, Method::POST, create.sign(OWN), headers, Bytes::new()).await?;
        let begun = CreateMultipartUpload::parse_response(text(&answer.body)?);
        let begun = begun.map_err(|_| StorageError::Garbled("an upload that was begun"))?;
        Ok(begun.upload_id().to_owned())
    }

    fn part_url(&self, key: &FileKey, upload: &str, number: u16, size: u64, seconds: u64) -> Option<String> {
        let data = key.data();
        let mut part = UploadPart::new(&self.public, self.who(), &data, number, upload);
        // What is longer or shorter than was said is refused by the storage.
        part.headers_mut().insert("content-length", size.to_string());
        Some(part.sign(Duration::from_secs(seconds)).into())
    }

    async fn parts(&self, key: &FileKey, upload: &str) -> Result<Option<Vec<Part>>, StorageError> {
        let data = key.data();
        let url = ListParts::new(&self.own, self.who(), &data, upload).sign(OWN);
        let answer = match call_if_there(&self.http, Method::GET, url).await {
            Ok(Some(answer)) => answer,
            Ok(None) => return Ok(None),
            // Some say 403 of an upload that has been completed.
            Err(error) => return if self.length(key).await?.is_some() { Ok(None) } else { Err(error) },
        };
        let listed = ListParts::parse_response(text(&answer.body)?);
        let listed = listed.map_err(|_| StorageError::Garbled("a list of parts"))?;
        let part = |part: rusty_s3::actions::PartsContent| Part {
            number: part.number,
            size: part.size,
            etag: part.etag,
        };
        let mut parts: Vec<_> = listed.parts.into_iter().map(part).collect();
        parts.sort_by_key(|part| part.number);
        Ok(Some(parts))
    }

    async fn assemble(&self, key: &FileKey, upload: &str, parts: &[Part]) -> Result<(), StorageError> {
        let mut tries = 0;
        loop {
            match self.complete(key, upload, parts).await {
                // As S3's own clients do: a bucket that is asked twice makes one object of it.
                Err(StorageError::Refused { status: 500.., .. }) if tries < RETRIES => {
                    tries += 1;
                    tokio::time::sleep(BETWEEN_TRIES * tries).await;
                }
                completed => return completed,
            }
        }
    }

    async fn abandon(&self, key: &FileKey, upload: &str) -> Result<(), StorageError> {
        let data = key.data();
        let url = self.own.abort_multipart_upload(self.who(), &data, upload).sign(OWN);
        match call_if_there(&self.http, Method::DELETE, url).await {
            // Some say 403 of an upload that is not there any more.
            Ok(_) | Err(StorageError::Refused { status: 403 | 404, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn length(&self, key: &FileKey) -> Result<Option<u64>, StorageError> {
        let data = key.data();
        let url = self.own.head_object(self.who(), &data).sign(OWN);
        let Some(answer) = call_if_there(&self.http, Method::HEAD, url).await? else { return Ok(None) };
        let length = answer.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        let length = length.and_then(|length| length.parse().ok());
        length.map(Some).ok_or(StorageError::Garbled("an object without a length"))
    }

    async fn open(&self, key: &FileKey, range: Range<u64>) -> Result<Option<Pieces>, StorageError> {
        if range.is_empty() {
            return Ok(self.length(key).await?.map(|_| futures_util::stream::empty().boxed() as Pieces));
        }
        let data = key.data();
        let url = self.own.get_object(self.who(), &data).sign(OWN);
        let mut headers = HeaderMap::new();
        let wanted = format!("bytes={}-{}", range.start, range.end - 1);
        let wanted = HeaderValue::try_from(wanted).map_err(|_| StorageError::Garbled("a range"))?;
        headers.insert(header::RANGE, wanted);
        let (status, pieces) = self.http.get(url, headers).await?;
        match status {
            StatusCode::PARTIAL_CONTENT => {}
            StatusCode::NOT_FOUND => return Ok(None),
            _ => return Err(StorageError::Refused { status: status.as_u16(), code: String::new() }),
        }
        Ok(Some(exactly(range.end - range.start, pieces)))
    }

    fn delivery(&self, key: &FileKey, head: bool) -> Delivery {
        let data = key.data();
        let seconds = self.read_for.as_secs().max(2);
        // The same URL for a while, so that what it leads to can be kept.
        let step = i64::try_from(seconds / 2).unwrap_or(i64::MAX).max(1);
        let now = Timestamp::now();
        let past = now.as_second().rem_euclid(step);
        let signed = Timestamp::from_second(now.as_second() - past).unwrap_or(now);
        let whole = Duration::from_secs(seconds);
        let url = if head {
            self.public.head_object(self.who(), &data).sign_with_time(whole, &signed)
        } else {
            self.public.get_object(self.who(), &data).sign_with_time(whole, &signed)
        };
        Delivery::Redirect { url: url.into(), seconds: seconds.saturating_sub(past.unsigned_abs()) }
    }

    fn name(&self) -> &'static str {
        "s3"
    }
}
