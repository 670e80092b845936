//! Files: what members upload and everybody sees ([`Files`]), and the single-page app ([`site`]).
//!
//! An upload, from its beginning: `upload` and `download` are the handlers, `uploads` (presign, state), `commit` and `removal`
//! the steps behind them, each over a [`BlobStorage`]: a [`Folder`] or [`S3`]. What is known of a file lies beside its content
//! (`record`), so that every replica sees it and no restart forgets it.

mod checksum;
mod commit;
mod contract;
mod download;
mod error;
mod folder;
mod key;
mod kinds;
mod multipart;
mod name;
mod quota;
mod ranges;
mod record;
mod removal;
mod s3;
mod settings;
mod signature;
pub mod site;
mod storage;
mod upload;
mod uploads;

pub use contract::serve;
pub use error::FilesError;
pub use folder::Folder;
pub use key::FileKey;
pub use kinds::is_known;
pub use record::FileRecord;
pub use s3::{S3, S3Error, S3Settings};
pub use settings::{DefaultVisibility, FilesSettings};
pub use storage::{BlobHeaders, BlobStorage, Delivery, Part, Pieces, StorageError};
pub use uploads::{Files, FilesParts};
