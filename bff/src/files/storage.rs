//! Where files lie: what the two kinds of storage have in common. `Files` decides what is written when; a storage only does
//! it, durably and atomically.

use std::{io, ops::Range, pin::Pin, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use clients::StorageHttpError;
use futures_util::Stream;

use super::key::FileKey;

/// How many names [`BlobStorage::names`] answers at most.
pub(super) const MOST_NAMES: usize = 1000;
/// The longest object that [`BlobStorage::read`] reads.
pub(super) const MOST_SMALL: usize = 64 * 1024;

/// A storage failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StorageError {
    /// A file system call failed.
    #[error("storage folder")]
    Folder(#[source] Arc<io::Error>),
    /// The disk or the quota of the folder is full.
    #[error("storage folder is full")]
    Full(#[source] Arc<io::Error>),
    #[error("storage")]
    Http(#[from] StorageHttpError),
    /// The storage answered, but refused. The code is the storage's own word, without its text.
    #[error("storage answered {status} ({code})")]
    Refused { status: u16, code: String },
    /// The answer is not what S3 answers.
    #[error("storage gave an answer that cannot be understood: {0}")]
    Garbled(&'static str),
}

impl From<io::Error> for StorageError {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        match error.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => Self::Full(Arc::new(error)),
            _ => Self::Folder(Arc::new(error)),
        }
    }
}

/// A part of an upload that has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// From 1 on.
    pub number: u16,
    /// In bytes.
    pub size: u64,
    /// The storage's own word for this version of it; empty where it has none.
    pub etag: String,
}

/// What a file is served with.
#[derive(Debug, Clone)]
pub struct BlobHeaders {
    pub content_type: String,
    pub content_disposition: String,
    pub cache_control: String,
}

/// Bytes of a file, as they come.
pub type Pieces = Pin<Box<dyn Stream<Item = Result<Bytes, StorageError>> + Send>>;

/// How the bytes of a file reach a caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// The gateway sends them.
    Stream,
    /// nginx does: a path for `X-Accel-Redirect`.
    Accel(String),
    /// The storage does, at a signed URL that is good for so many seconds from now on.
    Redirect { url: String, seconds: u64 },
}

/// A storage of files. Every write is atomic, and durable when it returns; what is missing is no error.
///
/// Small objects are named by paths (`pending/…`, `o/OWNER/ID/upload.json`); the content of a file is put together of parts
/// and lies at `FileKey::data`.
#[async_trait]
pub trait BlobStorage: Send + Sync + 'static {
    /// Writes a small object, whatever was there before.
    async fn write(&self, name: &str, bytes: Bytes) -> Result<(), StorageError>;

    /// A small object; nothing where there is none.
    async fn read(&self, name: &str) -> Result<Option<Bytes>, StorageError>;

    /// Removes one object.
    async fn remove(&self, name: &str) -> Result<(), StorageError>;

    /// The first `MOST_NAMES` names that begin with `prefix`, which ends with a slash, in order.
    async fn names(&self, prefix: &str) -> Result<Vec<String>, StorageError>;

    /// Begins an upload; answers the storage's own id for it.
    async fn begin(&self, key: &FileKey, headers: &BlobHeaders) -> Result<String, StorageError>;

    /// Where a caller sends a part of exactly `size` bytes: a signed URL, good for `seconds`. Nothing: the gateway takes it
    /// itself.
    fn part_url(&self, key: &FileKey, upload: &str, number: u16, size: u64, seconds: u64) -> Option<String>;

    /// The parts that have arrived, by number; nothing where there is no such upload (any more).
    async fn parts(&self, key: &FileKey, upload: &str) -> Result<Option<Vec<Part>>, StorageError>;

    /// Makes the content out of all `parts`. Once it is there it never changes: a second call changes nothing, and parts
    /// that arrive afterwards go nowhere.
    async fn assemble(&self, key: &FileKey, upload: &str, parts: &[Part]) -> Result<(), StorageError>;

    /// Throws away the parts of an upload that was not put together.
    async fn abandon(&self, key: &FileKey, upload: &str) -> Result<(), StorageError>;

    /// Length of the content in bytes; nothing where there is none.
    async fn length(&self, key: &FileKey) -> Result<Option<u64>, StorageError>;

    /// The bytes of `range` of the content, which must be within it; nothing where there is no content.
    async fn open(&self, key: &FileKey, range: Range<u64>) -> Result<Option<Pieces>, StorageError>;

    /// Removes everything of a file: first what tells of it, the content last.
    async fn remove_all(&self, key: &FileKey) -> Result<(), StorageError> {
        for name in [key.upload(), key.record(), key.data()] {
            self.remove(&name).await?;
        }
        Ok(())
    }

    /// How a caller gets the content.
    fn delivery(&self, key: &FileKey, head: bool) -> Delivery;

    /// The kind of storage, for logs.
    fn name(&self) -> &'static str;
}
