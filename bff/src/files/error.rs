//! What can be wrong with an upload, a file, or their storage.

use std::sync::Arc;

use actix_web::http::StatusCode;
use schemas::FieldError;

use super::storage::StorageError;
use crate::{edge::ApiError, store::StoreError};

/// Why something was not done with files.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// There is no such file or upload, or it is none of the caller's business.
    #[error("no such file")]
    NotFound,
    /// The file can be seen, but is another's.
    #[error("another's file")]
    Forbidden,
    #[error("fields of an upload")]
    Invalid(Vec<FieldError>),
    /// The user has begun to upload so much within a day that this does not fit any more.
    #[error("a user's uploads of a day")]
    Quota { retry_after_s: u64, detail: &'static str },
    /// Parts have not arrived.
    #[error("an incomplete upload")]
    Incomplete,
    /// What came is not as long as was said.
    #[error("the size of an upload")]
    SizeMismatch,
    #[error("the checksum of an upload")]
    ChecksumMismatch,
    /// Its first bytes say that it is something else.
    #[error("the type of an upload")]
    TypeMismatch,
    /// A part is longer than its URL is good for.
    #[error("a part that is too long")]
    PartTooLong,
    /// A part has ended too soon.
    #[error("a part that is too short")]
    PartTooShort,
    /// A URL was not signed here, or has been altered.
    #[error("a signature")]
    Signature,
    /// A URL's time is over.
    #[error("an expired signature")]
    Expired,
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is kept of a file cannot be read.
    #[error("a record of a file")]
    Record(#[source] Arc<serde_json::Error>),
    /// The machine has no randomness.
    #[error("randomness: {0}")]
    Randomness(getrandom::Error),
    /// The process is stopping.
    #[error("files were interrupted")]
    Interrupted,
}

impl FilesError {
    /// What metrics call it.
    pub(super) fn outcome(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Forbidden | Self::Signature | Self::Expired => "forbidden",
            Self::Invalid(_) | Self::PartTooLong | Self::PartTooShort => "invalid",
            Self::Quota { .. } => "quota",
            Self::Incomplete => "incomplete",
            Self::SizeMismatch | Self::ChecksumMismatch | Self::TypeMismatch => "mismatch",
            Self::Storage(_) | Self::Store(_) | Self::Record(_) | Self::Randomness(_) | Self::Interrupted => {
                "failed"
            }
        }
    }
}

const fn refused(status: StatusCode, code: &'static str, detail: &'static str) -> ApiError {
    ApiError::Refused { status, code, detail }
}

pub(super) const FORBIDDEN: ApiError =
    refused(StatusCode::FORBIDDEN, "forbidden", "This is not yours to do.");
pub(super) const INCOMPLETE: ApiError =
    refused(StatusCode::CONFLICT, "incomplete", "Parts of the file have not arrived yet.");
pub(super) const SIZE: ApiError = refused(
    StatusCode::UNPROCESSABLE_ENTITY,
    "size_mismatch",
    "What has arrived is not as long as was said.",
);
pub(super) const CHECKSUM: ApiError = refused(
    StatusCode::UNPROCESSABLE_ENTITY,
    "checksum_mismatch",
    "What has arrived does not have the checksum that was said. It was thrown away.",
);
pub(super) const TYPE: ApiError = refused(
    StatusCode::UNPROCESSABLE_ENTITY,
    "type_mismatch",
    "What has arrived is not of the type that was said. It was thrown away.",
);
pub(super) const PART_TOO_SHORT: ApiError = refused(
    StatusCode::UNPROCESSABLE_ENTITY,
    "part_too_short",
    "The part ended before its last byte. What was there before is still there.",
);
pub(super) const SIGNATURE: ApiError =
    refused(StatusCode::FORBIDDEN, "invalid_signature", "The URL was not signed here, or was altered.");
pub(super) const EXPIRED: ApiError = refused(
    StatusCode::FORBIDDEN,
    "signature_expired",
    "The URL's time is over. `missing` of the upload has new ones.",
);

impl From<FilesError> for ApiError {
    fn from(error: FilesError) -> Self {
        match error {
            FilesError::NotFound => Self::NotFound,
            FilesError::Forbidden => FORBIDDEN,
            FilesError::Invalid(errors) => Self::Invalid(errors),
            FilesError::Quota { retry_after_s, detail } => Self::UploadLimit { retry_after_s, detail },
            FilesError::Incomplete => INCOMPLETE,
            FilesError::SizeMismatch => SIZE,
            FilesError::ChecksumMismatch => CHECKSUM,
            FilesError::TypeMismatch => TYPE,
            FilesError::PartTooLong => Self::BodyTooLarge(0),
            FilesError::PartTooShort => PART_TOO_SHORT,
            FilesError::Signature => SIGNATURE,
            FilesError::Expired => EXPIRED,
            FilesError::Storage(StorageError::Full(source)) => Self::Storage { full: true, source },
            FilesError::Storage(error) => Self::Storage { full: false, source: Arc::new(error) },
            FilesError::Store(error) => Self::Store(error),
            FilesError::Record(_) => Self::Internal("what is kept of a file cannot be read"),
            FilesError::Randomness(_) => Self::Internal("the machine has no randomness"),
            FilesError::Interrupted => Self::Interrupted("work on a file was cut short"),
        }
    }
}
