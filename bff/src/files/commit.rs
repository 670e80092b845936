//! The end of an upload: is everything there, and is it what was said? Only then the file can be read.

use std::time::Duration;

use futures_util::StreamExt as _;
use schemas::CommittedFile;

use super::{
    checksum::Checksum,
    error::FilesError,
    key::FileKey,
    kinds::{self, HEAD_BYTES},
    record::{self, FileRecord, Upload, VERSION, pending},
    storage::{Part, StorageError},
    uploads::Files,
};
use crate::telemetry::unix_ms;

/// How long one commit waits for another one.
const LOOKS: u32 = 50;
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

impl Files {
    /// Checks what has arrived of an upload of `user`'s and makes a file of it that can be read. Runs to its end, whether
    /// anybody waits or not. Once it has succeeded, it succeeds again.
    ///
    /// # Errors
    /// [`FilesError::Incomplete`] and [`FilesError::SizeMismatch`]: the upload can go on.
    /// [`FilesError::ChecksumMismatch`], [`FilesError::TypeMismatch`]: it is gone. [`FilesError::NotFound`] for another's.
    pub async fn commit(&self, user: &str, key: &FileKey) -> Result<CommittedFile, FilesError> {
        let (files, user, key) = (self.clone(), user.to_owned(), key.clone());
        let work = async move { files.commit_now(&user, &key).await };
        self.0.runtime.spawn(work).await.map_err(|_| FilesError::Interrupted)?
    }

    async fn commit_now(&self, user: &str, key: &FileKey) -> Result<CommittedFile, FilesError> {
        let storage = &self.0.storage;
        let upload = self.upload(user, key).await?;
        if let Some(file) = self.record(key).await? {
            return Ok(told(key, file));
        }
        match storage.parts(key, &upload.upload).await? {
            Some(parts) => {
                let parts = complete(&upload, parts)?;
                match storage.assemble(key, &upload.upload, &parts).await {
                    Err(error @ StorageError::Refused { status: 404, .. }) => {
                        self.other_commit(key).await?.then_some(()).ok_or(error)?;
                    }
                    assembled => assembled?,
                }
            }
            // Another commit puts it together, or has, or a crash came in between.
            None if self.other_commit(key).await? => {}
            None => return Err(FilesError::NotFound),
        }
        match self.verify(key, &upload).await {
            Ok(()) => {}
            Err(
                error @ (FilesError::TypeMismatch | FilesError::ChecksumMismatch | FilesError::SizeMismatch),
            ) => {
                self.discard(key, &upload.upload).await?;
                return Err(error);
            }
            Err(error) => return Err(error),
        }
        let file = FileRecord {
            v: VERSION,
            owner: upload.owner,
            name: upload.name,
            content_type: upload.content_type,
            size: upload.size,
            visibility: upload.visibility,
            committed_ms: unix_ms(),
        };
        storage.write(&key.record(), record::write(&file)?).await?;
        // It was removed or swept while it was being checked: the record that was just written must go as well.
        if storage.read(&key.upload()).await?.is_none() {
            storage.remove_all(key).await?;
            return Err(FilesError::NotFound);
        }
        // Where this fails, the sweep finds the file and leaves it.
        if let Err(error) = storage.remove(&pending(upload.begun_ms, key)).await {
            tracing::warn!(%error, "the mark of an upload could not be removed");
        }
        Ok(told(key, file))
    }

    /// Waits for what another commit puts together: a bucket forgets an upload before its content is there. Whether it has
    /// come.
    async fn other_commit(&self, key: &FileKey) -> Result<bool, FilesError> {
        for _ in 0..LOOKS {
            if self.0.storage.length(key).await?.is_some() {
                return Ok(true);
            }
            if self.0.storage.read(&key.upload()).await?.is_none() {
                break;
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        Ok(false)
    }

    /// Looks at the content itself, as it lies in storage: it does not change any more.
    async fn verify(&self, key: &FileKey, upload: &Upload) -> Result<(), FilesError> {
        let storage = &self.0.storage;
        if storage.length(key).await? != Some(upload.size) {
            return Err(FilesError::SizeMismatch);
        }
        let mut running = upload.checksum.as_deref().and_then(Checksum::parse).map(|sum| sum.begin());
        let looked_at = upload.size.min(HEAD_BYTES);
        let end = if running.is_some() { upload.size } else { looked_at };
        let mut pieces = storage.open(key, 0..end).await?.ok_or(FilesError::NotFound)?;
        let most = usize::try_from(looked_at).unwrap_or(usize::MAX);
        let mut head = Vec::with_capacity(most);
        while let Some(piece) = pieces.next().await {
            let piece = piece?;
            head.extend_from_slice(&piece[..piece.len().min(most - head.len())]);
            if let Some(running) = &mut running {
                running.update(&piece);
            }
        }
        if kinds::of_head(&head) != Some(upload.content_type.as_str()) {
            return Err(FilesError::TypeMismatch);
        }
        if running.is_some_and(|running| !running.matches()) {
            return Err(FilesError::ChecksumMismatch);
        }
        Ok(())
    }

    /// Throws away an upload that cannot become a file.
    pub(super) async fn discard(&self, key: &FileKey, upload: &str) -> Result<(), FilesError> {
        self.0.storage.remove_all(key).await?;
        Ok(self.0.storage.abandon(key, upload).await?)
    }
}

fn told(key: &FileKey, file: FileRecord) -> CommittedFile {
    let key = key.to_string();
    CommittedFile { url: format!("/files/{key}"), key, content_type: file.content_type, size: file.size }
}

/// All parts of the upload, each with its length.
fn complete(upload: &Upload, arrived: Vec<Part>) -> Result<Vec<Part>, FilesError> {
    let wanted = 1..=upload.parts();
    let parts: Vec<Part> = arrived.into_iter().filter(|part| wanted.contains(&part.number)).collect();
    if parts.len() < usize::from(upload.parts()) {
        return Err(FilesError::Incomplete);
    }
    let right = |part: &Part| {
        let bytes = upload.part(part.number);
        part.size == bytes.end - bytes.start
    };
    if parts.iter().all(right) { Ok(parts) } else { Err(FilesError::SizeMismatch) }
}
