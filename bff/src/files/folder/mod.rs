//! Storage in a folder. What is written is on the disk before a caller hears of it, and has its name only then.
//!
//! ```text
//! FOLDER/pending/TIME-KEY               an upload that may have to be swept
//! FOLDER/o/OWNER/ID/upload.json         an upload
//! FOLDER/o/OWNER/ID/parts/N             its parts
//! FOLDER/o/OWNER/ID/data                its content, put together
//! FOLDER/o/OWNER/ID/file.json           a file that can be read
//! FOLDER/tmp/…                          what has no name yet, or no longer
//! ```

mod disk;
mod parts;
mod read;

pub(super) use parts::PartFault;

use std::{io, ops::Range, path::PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::Stream;

use super::{
    key::FileKey,
    storage::{BlobHeaders, BlobStorage, Delivery, MOST_NAMES, MOST_SMALL, Part, Pieces, StorageError},
};

/// Files in a folder, which several replicas may share.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
    /// nginx's internal location, with a slash at either end; nothing: the gateway sends files itself.
    accel: Option<String>,
}

impl Folder {
    /// Makes the folder where it is missing. Blocks.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(root: PathBuf, accel: Option<String>) -> io::Result<Self> {
        for folder in ["", "tmp", "o", "pending"] {
            let folder = root.join(folder);
            if !folder.is_dir() {
                std::fs::create_dir_all(&folder)?;
            }
        }
        let root = std::fs::canonicalize(root)?;
        Ok(Self { root, accel })
    }

    fn at(&self, name: &str) -> PathBuf {
        // Names are made of keys, which hold no dots or slashes.
        self.root.join(name)
    }

    /// Writes a part of exactly `size` bytes as they come. It replaces the one of the same number at once and as a whole, or
    /// leaves it as it was. Answers once it is on the disk.
    ///
    /// # Errors
    /// [`PartFault`].
    pub(super) async fn write_part<E>(
        &self,
        key: &FileKey,
        number: u16,
        size: u64,
        body: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<(), PartFault<E>> {
        let parts = self.at(&parts::folder(key));
        let (here, data) = (parts.clone(), self.at(&key.data()));
        let is_open = self.run(move |_| Ok(here.is_dir() && !data.exists())).await;
        if !is_open.map_err(PartFault::Storage)? {
            return Err(PartFault::Gone);
        }
        let temporary = disk::nameless(&self.root)?;
        let named = match parts::write_to(&temporary, size, body).await {
            Ok(()) => {
                let (temporary, path) = (temporary.clone(), parts.join(number.to_string()));
                self.run(move |_| disk::name(&temporary, &path)).await.map_err(|error| match error {
                    // The upload has ended meanwhile.
                    StorageError::Folder(error) if error.kind() == io::ErrorKind::NotFound => PartFault::Gone,
                    error => PartFault::Storage(error),
                })
            }
            Err(fault) => Err(fault),
        };
        if named.is_err() {
            let _ = tokio::fs::remove_file(&temporary).await;
        }
        named
    }

    /// File system calls block: they run beside the workers.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> io::Result<T> + Send + 'static,
    ) -> Result<T, StorageError> {
        let folder = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&folder)).await;
        Ok(done.map_err(io::Error::other)??)
    }
}

#[async_trait]
impl BlobStorage for Folder {
    async fn write(&self, name: &str, bytes: Bytes) -> Result<(), StorageError> {
        let name = name.to_owned();
        self.run(move |folder| disk::write(&folder.root, &folder.at(&name), &bytes)).await
    }

    async fn read(&self, name: &str) -> Result<Option<Bytes>, StorageError> {
        let name = name.to_owned();
        self.run(move |folder| disk::read(&folder.at(&name), MOST_SMALL)).await
    }

    async fn remove(&self, name: &str) -> Result<(), StorageError> {
        let name = name.to_owned();
        self.run(move |folder| disk::remove(&folder.at(&name))).await
    }

    async fn names(&self, prefix: &str) -> Result<Vec<String>, StorageError> {
        let prefix = prefix.to_owned();
        self.run(move |folder| disk::names(&folder.at(&prefix), &prefix, MOST_NAMES)).await
    }

    async fn begin(&self, key: &FileKey, _: &BlobHeaders) -> Result<String, StorageError> {
        let parts = parts::folder(key);
        self.run(move |folder| disk::make_folder(&folder.root, &folder.at(&parts))).await?;
        Ok(String::new())
    }

    fn part_url(&self, _: &FileKey, _: &str, _: u16, _: u64, _: u64) -> Option<String> {
        None
    }

    async fn parts(&self, key: &FileKey, _: &str) -> Result<Option<Vec<Part>>, StorageError> {
        let (data, parts) = (key.data(), parts::folder(key));
        self.run(move |folder| {
            if folder.at(&data).exists() {
                return Ok(None);
            }
            parts::list(&folder.at(&parts))
        })
        .await
    }

    async fn assemble(&self, key: &FileKey, _: &str, parts: &[Part]) -> Result<(), StorageError> {
        let (key, numbers) = (key.clone(), parts.iter().map(|part| part.number).collect::<Vec<_>>());
        self.run(move |folder| parts::assemble(&folder.root, &key, &numbers)).await
    }

    async fn abandon(&self, key: &FileKey, _: &str) -> Result<(), StorageError> {
        let parts = parts::folder(key);
        self.run(move |folder| disk::discard(&folder.root, &folder.at(&parts))).await
    }

    async fn length(&self, key: &FileKey) -> Result<Option<u64>, StorageError> {
        let data = key.data();
        self.run(move |folder| match std::fs::metadata(folder.at(&data)) {
            Ok(about) => Ok(Some(about.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        })
        .await
    }

    async fn open(&self, key: &FileKey, range: Range<u64>) -> Result<Option<Pieces>, StorageError> {
        read::open(&self.at(&key.data()), range).await
    }

    /// All at once: the file's folder goes away under another name.
    async fn remove_all(&self, key: &FileKey) -> Result<(), StorageError> {
        let name = key.folder();
        self.run(move |folder| disk::discard(&folder.root, &folder.at(&name))).await
    }

    fn delivery(&self, key: &FileKey, _: bool) -> Delivery {
        match &self.accel {
            Some(location) => Delivery::Accel(format!("{location}{}", key.data())),
            None => Delivery::Stream,
        }
    }

    fn name(&self) -> &'static str {
        "folder"
    }
}

#[cfg(test)]
mod tests;
