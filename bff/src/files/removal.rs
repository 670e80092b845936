//! The end of files: one by its owner, all of a user, and what was never committed.

use std::time::Duration;

use bytes::Bytes;

use super::{
    error::FilesError,
    key::{FileKey, folder_of},
    record::{self, PENDING, Upload, of_pending},
    storage::MOST_NAMES,
    uploads::Files,
};
use crate::{
    store::{Entry, Space, after},
    telemetry::unix_ms,
};

/// The store's record of the sweep that one replica does for all.
const SWEEPING: &[u8] = b"files/sweep";

impl Files {
    /// Removes a file or an upload of `user`'s. Runs to its end, whether anybody waits or not.
    ///
    /// # Errors
    /// [`FilesError::NotFound`] where there is nothing, or nothing that `user` can see; [`FilesError::Forbidden`] for
    /// another's that can be seen.
    pub async fn delete(&self, user: &str, key: &FileKey) -> Result<(), FilesError> {
        let file = self.record(key).await?;
        if !key.is_of(user) || file.as_ref().is_some_and(|file| file.owner != user) {
            let seen = file.is_some_and(|file| file.is_readable_by(Some(user)));
            return Err(if seen { FilesError::Forbidden } else { FilesError::NotFound });
        }
        let upload = match self.upload(user, key).await {
            Ok(upload) => upload.upload,
            // A deletion that was cut short has taken it away already.
            Err(FilesError::NotFound) if file.is_some() => String::new(),
            Err(error) => return Err(error),
        };
        let (files, key) = (self.clone(), key.clone());
        let work = async move {
            files.0.storage.remove_all(&key).await?;
            // Of what was committed there are no parts.
            if file.is_none() && !upload.is_empty() {
                files.0.storage.abandon(&key, &upload).await?;
            }
            Ok(())
        };
        self.0.runtime.spawn(work).await.map_err(|_| FilesError::Interrupted)?
    }

    /// Removes all files and uploads of `user`; answers how many there were. May be called again, also after it was cut
    /// short, and while the user still uploads: what is begun meanwhile goes as well, as long as it is seen.
    ///
    /// # Errors
    /// [`FilesError::Storage`]: some may be left. To be called again.
    pub async fn delete_all_of(&self, user: &str) -> Result<u64, FilesError> {
        let (mut removed, folder) = (0, folder_of(user));
        loop {
            let names = self.0.storage.names(&folder).await?;
            let mut keys: Vec<FileKey> = names.iter().filter_map(|name| FileKey::at(name)).collect();
            keys.dedup();
            if keys.is_empty() {
                return Ok(removed);
            }
            for key in keys {
                let upload = match self.0.storage.read(&key.upload()).await? {
                    Some(bytes) => record::read::<Upload>(&bytes).map(|upload| upload.upload).ok(),
                    None => None,
                };
                let committed = self.record(&key).await.ok().flatten().is_some();
                self.0.storage.remove_all(&key).await?;
                if let Some(upload) = upload.filter(|upload| !committed && !upload.is_empty()) {
                    self.0.storage.abandon(&key, &upload).await?;
                }
                removed += 1;
            }
        }
    }

    /// Removes uploads that were begun too long ago and never committed, again and again, for as long as the process runs.
    /// One replica does it for all.
    pub async fn sweep_for_ever(self) {
        loop {
            tokio::time::sleep(self.0.settings.sweep_every).await;
            match self.is_our_turn().await {
                Ok(false) => continue,
                Ok(true) => {}
                Err(error) => {
                    tracing::warn!(%error, "uploads were not swept: the store is away");
                    continue;
                }
            }
            let begun = std::time::Instant::now();
            let swept = self.sweep().await;
            self.observe("sweep", begun, swept.as_ref().err());
            match swept {
                Ok(0) => {}
                Ok(uploads) => {
                    tracing::info!(files.swept = uploads, "uploads that were never committed are gone")
                }
                Err(error) => tracing::warn!(%error, "uploads could not be swept"),
            }
        }
    }

    /// Whether no other replica sweeps this time.
    async fn is_our_turn(&self) -> Result<bool, FilesError> {
        // A little less than the time between two sweeps, so that the next one finds nothing.
        let taken = self.0.settings.sweep_every.mul_f64(0.9).max(Duration::from_millis(1));
        let entry = Entry { value: Bytes::new(), owner: None, expires_at_ms: after(unix_ms(), taken) };
        Ok(self.0.store.put_if(Space::Counters, SWEEPING, None, entry).await?.is_some())
    }

    /// Removes the uploads whose time is over; answers how many.
    ///
    /// # Errors
    /// [`FilesError::Storage`]: some may be left for the next time.
    pub async fn sweep(&self) -> Result<u64, FilesError> {
        let storage = &self.0.storage;
        let mut removed = 0;
        loop {
            let marks = storage.names(PENDING).await?;
            let full = marks.len() >= MOST_NAMES;
            let before = unix_ms().saturating_sub(millis(self.0.settings.pending));
            let over = marks.iter().filter_map(|mark| {
                let (begun, key) = of_pending(mark)?;
                (begun <= before).then_some((mark, key))
            });
            let over: Vec<_> = over.collect();
            let all = over.len() == marks.len();
            for (mark, key) in over {
                if storage.read(&key.record()).await?.is_none() {
                    let upload = storage.read(mark).await?.unwrap_or_default();
                    storage.remove_all(&key).await?;
                    if let Some(upload) = str::from_utf8(&upload).ok().filter(|upload| !upload.is_empty()) {
                        storage.abandon(&key, upload).await?;
                    }
                    removed += 1;
                }
                storage.remove(mark).await?;
            }
            // Marks are in the order of their times: behind one that is young there are only younger ones.
            if !(full && all) {
                return Ok(removed);
            }
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::folder_of;
    use crate::files::key::owner_of;

    #[test]
    fn the_folder_of_a_user_is_nobody_elses() {
        assert_eq!(folder_of("ada"), format!("o/{}/", owner_of("ada")));
        assert_ne!(folder_of("ada"), folder_of("ada2"));
    }
}
