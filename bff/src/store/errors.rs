//! What can go wrong with a store. Cloneable: one broken commit is told to everyone who waited for it.

use std::borrow::Cow;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Why a store could not do what it was asked. No variant holds a key, a value or credentials.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// `store.url` names a kind of store that this version has not.
    #[error("stores of the kind `{scheme}:` are not supported: use embedded:PATH, redis://HOST or memory:")]
    Unsupported { scheme: String },
    /// Another process has the file open.
    #[error("{} is in use by another process: one embedded store serves one gateway", path.display())]
    Locked { path: PathBuf },
    /// The file is not a store of this gateway, or it is damaged.
    #[error("{} is damaged or not a store: {reason}", path.display())]
    Corrupt { path: PathBuf, reason: String },
    /// The file or its folder cannot be used.
    #[error("{} cannot be opened", path.display())]
    Open {
        path: PathBuf,
        #[source]
        source: Arc<io::Error>,
    },
    /// The database refused a read or a write. After a failed write the file is closed and opened again.
    #[error("the embedded database refused to work")]
    Database {
        #[source]
        source: Arc<redb::Error>,
    },
    /// A write has failed and the file is not open again yet; try later.
    #[error("the embedded database is being opened again after a failed write")]
    Reopening,
    /// A stored record cannot be read back.
    #[error("a stored record is not of a known format")]
    Format,
    /// `increment` met a record that is not a counter.
    #[error("the record is not a counter")]
    NotACounter,
    /// A key or owner is longer than allowed.
    #[error("a {what} of {bytes} bytes is over the limit of {limit}")]
    TooLong { what: &'static str, bytes: usize, limit: usize },
    /// The store cannot be reached, is starting, or has nobody who may write; nothing has happened.
    #[error("the store is away: {reason}")]
    Away { reason: Cow<'static, str> },
    /// The store was asked and has not answered: what was asked may have happened or may yet happen.
    #[error("the store has not answered: {reason}")]
    Unanswered { reason: Cow<'static, str> },
    /// The store is there and refuses, such as for a wrong password or for want of memory.
    #[error("the store refuses: {reason}")]
    Refused { reason: Cow<'static, str> },
    /// The URL of a shared store cannot be meant as it is.
    #[error("the store's URL {reason}")]
    Url { reason: &'static str },
    /// The store has been shut down.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// Whether the store is away for a time and will be back by itself, so that the same question may be
    /// answered later. Other errors are about the question.
    #[must_use]
    pub const fn is_away(&self) -> bool {
        matches!(self, Self::Away { .. } | Self::Unanswered { .. } | Self::Reopening)
    }

    pub(super) fn database(error: impl Into<redb::Error>) -> Self {
        Self::Database { source: Arc::new(error.into()) }
    }
}

/// Lets `?` turn the database's errors, one type for each step, into one.
macro_rules! from_database {
    ($($error:ty),+) => {
        $(impl From<$error> for StoreError {
            fn from(error: $error) -> Self {
                Self::database(error)
            }
        })+
    };
}

from_database!(
    redb::TransactionError,
    redb::TableError,
    redb::StorageError,
    redb::CommitError,
    redb::SetDurabilityError
);
