//! What is kept of an upload and of a file, beside its content in storage: every replica sees it there, and it lives as
//! long as the content does, whatever becomes of the session store.

use std::sync::Arc;

use bytes::Bytes;
use schemas::FileVisibility;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{error::FilesError, key::FileKey, kinds, name, storage::BlobHeaders};

/// An upload that has begun; it stays until the file goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Upload {
    /// Version of this record.
    pub(super) v: u8,
    pub(super) owner: String,
    pub(super) name: String,
    pub(super) content_type: String,
    pub(super) size: u64,
    pub(super) part_size: u64,
    pub(super) checksum: Option<String>,
    pub(super) visibility: FileVisibility,
    /// The storage's own id of it.
    pub(super) upload: String,
    pub(super) begun_ms: u64,
}

/// A file that can be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Version of this record.
    pub(super) v: u8,
    pub(super) owner: String,
    pub(super) name: String,
    /// What its first bytes say.
    pub(super) content_type: String,
    pub(super) size: u64,
    pub(super) visibility: FileVisibility,
    pub(super) committed_ms: u64,
}

/// The version that is written.
pub(super) const VERSION: u8 = 1;

impl Upload {
    /// How many parts it has.
    pub(super) fn parts(&self) -> u16 {
        u16::try_from(self.size.div_ceil(self.part_size.max(1))).unwrap_or(u16::MAX)
    }

    /// The bytes of the part `number`, from 1 on; empty where there is no such part.
    pub(super) fn part(&self, number: u16) -> std::ops::Range<u64> {
        let from = u64::from(number.saturating_sub(1)).saturating_mul(self.part_size).min(self.size);
        let to = u64::from(number).saturating_mul(self.part_size).min(self.size);
        from..to
    }

    pub(super) fn headers(&self) -> BlobHeaders {
        headers(&self.name, &self.content_type, self.visibility)
    }
}

impl FileRecord {
    /// Whether `user` may read it.
    pub(super) fn is_readable_by(&self, user: Option<&str>) -> bool {
        self.visibility == FileVisibility::Public || user == Some(self.owner.as_str())
    }

    pub(super) fn headers(&self) -> BlobHeaders {
        headers(&self.name, &self.content_type, self.visibility)
    }
}

/// Pictures are shown, everything else is saved.
fn headers(name: &str, content_type: &str, visibility: FileVisibility) -> BlobHeaders {
    BlobHeaders {
        content_type: content_type.to_owned(),
        content_disposition: name::disposition(name, kinds::is_picture(content_type)),
        cache_control: match visibility {
            FileVisibility::Public => "public, max-age=31536000, immutable".to_owned(),
            FileVisibility::Private => "private, no-cache".to_owned(),
        },
    }
}

pub(super) fn write(record: &impl Serialize) -> Result<Bytes, FilesError> {
    let written = serde_json::to_vec(record).map_err(|error| FilesError::Record(Arc::new(error)))?;
    Ok(written.into())
}

pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, FilesError> {
    serde_json::from_slice(bytes).map_err(|error| FilesError::Record(Arc::new(error)))
}

/// The name of the mark of an upload that was begun at `begun_ms`: marks are in the order of their times.
pub(super) fn pending(begun_ms: u64, key: &FileKey) -> String {
    format!("{PENDING}{begun_ms:016}-{key}")
}

/// Where marks are.
pub(super) const PENDING: &str = "pending/";

/// The time and the key of a mark.
pub(super) fn of_pending(name: &str) -> Option<(u64, FileKey)> {
    let (begun, key) = name.strip_prefix(PENDING)?.split_once('-')?;
    Some((begun.parse().ok()?, FileKey::parse(key)?))
}

#[cfg(test)]
mod tests {
    use schemas::FileVisibility;

    use super::{FileKey, Upload, of_pending, pending};

    #[test]
    fn parts_cover_a_file_without_a_gap() {
        for (size, part_size, parts) in [(1, 8, 1), (8, 8, 1), (9, 8, 2), (24, 8, 3), (25, 8, 4)] {
            let upload = Upload {
                v: 1,
                owner: String::new(),
                name: String::new(),
                content_type: String::new(),
                size,
                part_size,
                checksum: None,
                visibility: FileVisibility::Private,
                upload: String::new(),
                begun_ms: 0,
            };
            assert_eq!(upload.parts(), parts, "{size}");
            let mut end = 0;
            for number in 1..=parts {
                let part = upload.part(number);
                assert_eq!(part.start, end);
                assert!(!part.is_empty());
                end = part.end;
            }
            assert_eq!(end, size);
            assert!(upload.part(parts + 1).is_empty() && upload.part(0).is_empty());
        }
    }

    #[test]
    fn marks_are_in_the_order_of_time() {
        let key = FileKey::new("ada").expect("randomness");
        let (early, late) = (pending(999, &key), pending(1_000, &key));
        assert!(early < late);
        assert_eq!(of_pending(&late), Some((1_000, key)));
        assert_eq!(of_pending("pending/odd"), None);
    }
}
