//! Files as a whole: what is kept where, and in which order it is written. Called by the handlers (`upload`, `download`),
//! by routes that take keys of files, and by whoever deletes all of a user.
//!
//! A file goes through three writes in storage, in this order: a mark and the record of the upload (presign), the content
//! (commit, out of its parts), the record of the file (commit, after the content was checked). A file can be read once the
//! last one is there. Removing goes the other way round. Whatever a crash leaves between two of them is swept.

use std::{collections::BTreeMap, sync::Arc};

use schemas::{FieldError, FileVisibility, PresignUpload, PresignedUpload, UploadPart, UploadState, intern};
use tokio::runtime::Handle;

use super::{
    checksum::Checksum,
    error::FilesError,
    folder::Folder,
    key::FileKey,
    kinds, name, quota,
    record::{self, FileRecord, Upload, VERSION, pending},
    settings::{DefaultVisibility, FilesSettings},
    signature::Signer,
    storage::BlobStorage,
};
use crate::{
    identity::Secrets,
    store::Store,
    telemetry::{Metrics, unix_ms},
};

/// One part up to here, several beyond.
const PART: u64 = 8 << 20;
/// More parts than this are larger ones: a list of them is one answer of the storage.
const MOST_PARTS: u64 = 1000;

/// What files are made with.
pub struct FilesParts {
    pub storage: Arc<dyn BlobStorage>,
    /// The same storage, where it is a folder: the gateway takes parts itself.
    pub folder: Option<Folder>,
    pub store: Arc<dyn Store>,
    pub secrets: Arc<Secrets>,
    pub settings: FilesSettings,
    pub metrics: Arc<Metrics>,
    /// Commits and deletions run on it.
    pub runtime: Handle,
}

/// Files, their uploads and their end. Cheap to clone; one for all workers.
#[derive(Clone)]
pub struct Files(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) storage: Arc<dyn BlobStorage>,
    pub(super) folder: Option<Folder>,
    pub(super) store: Arc<dyn Store>,
    pub(super) settings: FilesSettings,
    pub(super) metrics: Arc<Metrics>,
    pub(super) signer: Signer,
    pub(super) runtime: Handle,
    /// What a refusal says of the limit of a day.
    quota_detail: &'static str,
}

impl std::fmt::Debug for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Files").field("storage", &self.0.storage.name()).finish_non_exhaustive()
    }
}

impl Files {
    #[must_use]
    pub fn new(parts: FilesParts) -> Self {
        let FilesParts { storage, folder, store, secrets, settings, metrics, runtime } = parts;
        let most = settings.per_user_day_bytes;
        let quota_detail =
            intern(&format!("One user may upload {most} bytes a day. `Retry-After` says when more fits."));
        let signer = Signer(secrets);
        Self(Arc::new(Inner { storage, folder, store, settings, metrics, signer, runtime, quota_detail }))
    }

    /// Begins an upload of `user`'s: checks what is said of it, counts it, and tells where its parts go.
    ///
    /// # Errors
    /// [`FilesError::Invalid`], [`FilesError::Quota`], [`FilesError::Store`], [`FilesError::Storage`].
    pub async fn presign(&self, user: &str, asked: PresignUpload) -> Result<PresignedUpload, FilesError> {
        let Inner { settings, storage, store, .. } = &*self.0;
        let faults = faults(settings, &asked);
        if !faults.is_empty() {
            return Err(FilesError::Invalid(faults));
        }
        let most = settings.per_user_day_bytes;
        quota::take(store, user, asked.size, most, self.0.quota_detail).await?;
        let key = FileKey::new(user).map_err(FilesError::Randomness)?;
        let mut upload = Upload {
            v: VERSION,
            owner: user.to_owned(),
            visibility: visibility(settings, &asked),
            name: asked.name,
            content_type: asked.content_type,
            size: asked.size,
            part_size: part_size(asked.size),
            checksum: asked.checksum,
            upload: String::new(),
            begun_ms: unix_ms(),
        };
        upload.upload = storage.begin(&key, &upload.headers()).await?;
        // The mark comes first: what has a record is swept if nobody commits it.
        storage.write(&pending(upload.begun_ms, &key), upload.upload.clone().into()).await?;
        storage.write(&key.upload(), record::write(&upload)?).await?;
        let all: Vec<u16> = (1..=upload.parts()).collect();
        let parts = self.urls(&key, &upload, &all);
        Ok(PresignedUpload { key: key.to_string(), parts, expires_in: self.expires_in() })
    }

    /// How far an upload of `user`'s has come.
    ///
    /// # Errors
    /// [`FilesError::NotFound`] for another's, and for what was swept.
    pub async fn state(&self, user: &str, key: &FileKey) -> Result<UploadState, FilesError> {
        let storage = &self.0.storage;
        let (file, upload) = (self.record(key).await?, self.upload(user, key).await?);
        let expires_in = self.expires_in();
        if file.is_some() {
            let parts = (1..=upload.parts()).collect();
            return Ok(UploadState { parts, committed: true, missing: Vec::new(), expires_in });
        }
        let Some(arrived) = storage.parts(key, &upload.upload).await? else {
            // A commit puts it together, or has: nothing is missing.
            let parts = (1..=upload.parts()).collect();
            return Ok(UploadState { parts, committed: false, missing: Vec::new(), expires_in });
        };
        let whole = |number: &u16| {
            let part = upload.part(*number);
            arrived.iter().any(|one| one.number == *number && one.size == part.end - part.start)
        };
        let (parts, missing): (Vec<u16>, Vec<u16>) = (1..=upload.parts()).partition(whole);
        let missing = self.urls(key, &upload, &missing);
        Ok(UploadState { parts, committed: false, missing, expires_in })
    }

    /// The file that `key` names, once it can be read.
    ///
    /// # Errors
    /// [`FilesError::Storage`], [`FilesError::Record`].
    pub async fn record(&self, key: &FileKey) -> Result<Option<FileRecord>, FilesError> {
        let found = self.0.storage.read(&key.record()).await?;
        found.map(|bytes| record::read(&bytes)).transpose()
    }

    /// Whether `key` names a file of `user`'s that can be read by everybody and, where `picture`, is a picture: what may be
    /// shown beside what the user writes.
    ///
    /// # Errors
    /// [`FilesError::Storage`], [`FilesError::Record`].
    pub async fn may_be_shown(&self, user: &str, key: &str, picture: bool) -> Result<bool, FilesError> {
        let Some(key) = FileKey::parse(key).filter(|key| key.is_of(user)) else { return Ok(false) };
        let found = self.record(&key).await?;
        Ok(found.is_some_and(|file| {
            file.owner == user
                && file.visibility == FileVisibility::Public
                && (!picture || kinds::is_picture(&file.content_type))
        }))
    }

    /// The upload that `key` names, if it is `user`'s.
    pub(super) async fn upload(&self, user: &str, key: &FileKey) -> Result<Upload, FilesError> {
        if !key.is_of(user) {
            return Err(FilesError::NotFound);
        }
        let found = self.0.storage.read(&key.upload()).await?.ok_or(FilesError::NotFound)?;
        let upload: Upload = record::read(&found)?;
        if upload.owner == user { Ok(upload) } else { Err(FilesError::NotFound) }
    }

    /// Seconds for which new URLs are good.
    fn expires_in(&self) -> u64 {
        self.0.settings.upload_for.as_secs().max(1)
    }

    fn urls(&self, key: &FileKey, upload: &Upload, numbers: &[u16]) -> Vec<UploadPart> {
        let seconds = self.expires_in();
        let expires = unix_ms() / 1000 + seconds;
        let part = |number: &u16| {
            let part = upload.part(*number);
            let size = part.end - part.start;
            let theirs = self.0.storage.part_url(key, &upload.upload, *number, size, seconds);
            let url = theirs.unwrap_or_else(|| self.0.signer.url(key, *number, size, expires));
            UploadPart {
                number: *number,
                url,
                method: "PUT".to_owned(),
                headers: BTreeMap::new(),
                from: part.start,
                to: part.end,
            }
        };
        numbers.iter().map(part).collect()
    }
}

/// Whole MiB, so that a file of any length has at most [`MOST_PARTS`].
fn part_size(size: u64) -> u64 {
    size.div_ceil(MOST_PARTS).next_multiple_of(1 << 20).max(PART)
}

fn visibility(settings: &FilesSettings, asked: &PresignUpload) -> FileVisibility {
    asked.visibility.unwrap_or(match settings.visibility {
        DefaultVisibility::Public => FileVisibility::Public,
        DefaultVisibility::Auto if kinds::is_picture(&asked.content_type) => FileVisibility::Public,
        DefaultVisibility::Auto | DefaultVisibility::Private => FileVisibility::Private,
    })
}

/// Everything that is wrong with what is said of a file.
fn faults(settings: &FilesSettings, asked: &PresignUpload) -> Vec<FieldError> {
    let mut faults = Vec::new();
    let mut add = |field: &str, code: &str, message: String| {
        faults.push(FieldError { field: field.into(), code: code.into(), message });
    };
    if let Some((code, message)) = name::fault(&asked.name) {
        add("name", code, message.to_owned());
    }
    if !settings.types.contains(&asked.content_type) {
        add("contentType", "not_allowed", format!("must be one of {}", settings.types.join(", ")));
    }
    if asked.size == 0 {
        add("size", "too_small", "must be at least 1 byte".to_owned());
    } else if asked.size > settings.max_bytes {
        add("size", "too_large", format!("must be at most {} bytes", settings.max_bytes));
    }
    if asked.checksum.as_deref().is_some_and(|text| Checksum::parse(text).is_none()) {
        let form = "must be sha256: or crc64nvme: and the value in hexadecimal or base64";
        add("checksum", "invalid", form.to_owned());
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::{MOST_PARTS, PART, part_size};

    #[test]
    fn a_file_is_one_part_up_to_eight_mebibytes_and_never_too_many() {
        assert_eq!(part_size(1), PART);
        assert_eq!(PART.div_ceil(part_size(PART)), 1);
        assert_eq!((PART + 1).div_ceil(part_size(PART + 1)), 2);
        for size in [100 << 20, 8_000 << 20, (8_000 << 20) + 1, 1 << 40] {
            let part = part_size(size);
            assert!(u64::div_ceil(size, part) <= MOST_PARTS && part.is_multiple_of(1 << 20), "{size}");
        }
    }
}
