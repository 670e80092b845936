//! The store for one machine: a redb file. What was answered is on disk, also after kill -9.
//!
//! One thread writes. It takes everything that waits, applies it in one transaction and syncs the file
//! once, so that a hundred sign-ins at the same moment share one fsync. Readers see the last commit and
//! wait for nobody.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use redb::{Builder, Database, DatabaseError, ReadableDatabase, StorageError};
use tokio::sync::{Semaphore, oneshot};

use super::tables::{OWNERS, RECORDS, Stored, Tables, keys_of, record_key};
use super::writer::{Apply, Home, Job, Open, Writer};
use super::{
    Entry, Listener, Notice, Record, Replacement, Space, Store, StoreError,
    notice::Listeners,
    record::{check_entry, check_key, check_owner},
};
use crate::telemetry::unix_ms;

/// Pages kept in memory.
const CACHE_BYTES: usize = 64 << 20;
/// Writes that wait at most; further callers wait before they queue.
const QUEUE: usize = 4096;

/// Records in one file. Dropping it finishes the writes that wait and closes the file.
pub struct EmbeddedStore {
    home: Arc<Home>,
    jobs: Mutex<Option<Sender<Job>>>,
    room: Semaphore,
    writer: Mutex<Option<JoinHandle<()>>>,
    listeners: Arc<Listeners>,
}

impl EmbeddedStore {
    /// Opens the file at `path`, and makes it (mode 0600) and its folders (0700) when they are not there.
    /// After a crash it repairs the file first, which takes about a second for 100 MB.
    ///
    /// # Errors
    /// [`StoreError::Locked`], [`StoreError::Corrupt`], [`StoreError::Open`].
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let path = path.to_owned();
        let opened = tokio::task::spawn_blocking(move || Self::open_blocking(path)).await;
        opened.unwrap_or(Err(StoreError::Closed))
    }

    fn open_blocking(path: PathBuf) -> Result<Self, StoreError> {
        Self::start(Box::new(move || open_database(&path)))
    }

    /// Opens for the first time, and starts the thread that writes.
    fn start(open: Open) -> Result<Self, StoreError> {
        let home = Arc::new(Home::new(open()?));
        let (jobs, queue) = channel();
        let writer = Writer { home: Arc::clone(&home), queue, open };
        let thread = std::thread::Builder::new().name("store-writer".to_owned());
        let writer = thread.spawn(move || writer.run()).map_err(|_| StoreError::Closed)?;
        Ok(Self {
            home,
            jobs: Mutex::new(Some(jobs)),
            room: Semaphore::new(QUEUE),
            writer: Mutex::new(Some(writer)),
            listeners: Arc::default(),
        })
    }

    /// How often the file was synced: far less often than it was written to, when many write at once.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.home.syncs()
    }

    /// Has the writer apply `operation`; answers after the commit. Listeners are told, by `tell`, even when
    /// nobody waits for the answer any more.
    async fn write<T: Send + 'static>(
        &self,
        durable: bool,
        operation: impl FnOnce(&mut Tables<'_>) -> Result<T, StoreError> + Send + 'static,
        tell: impl FnOnce(&Listeners, &T) + Send + 'static,
    ) -> Result<T, StoreError> {
        let listeners = Arc::clone(&self.listeners);
        let _room = self.room.acquire().await.map_err(|_| StoreError::Closed)?;
        let (answer, answered) = oneshot::channel();
        // A caller that has gone away no longer listens: its answer is dropped.
        let apply: Apply = Box::new(move |tables| match tables.and_then(operation) {
            Ok(value) => Ok(Box::new(move |committed: Result<(), StoreError>| {
                // Also where the commit failed: the file may hold the change when it is open again.
                tell(&listeners, &value);
                let _ = answer.send(committed.map(|()| value));
            })),
            Err(error) => {
                let _ = answer.send(Err(error.clone()));
                Err(error)
            }
        });
        let sent = self.jobs.lock().as_ref().is_some_and(|jobs| jobs.send(Job { durable, apply }).is_ok());
        if !sent {
            return Err(StoreError::Closed);
        }
        answered.await.unwrap_or(Err(StoreError::Closed))
    }
}

impl Drop for EmbeddedStore {
    fn drop(&mut self) {
        self.jobs.lock().take();
        if let Some(writer) = self.writer.lock().take() {
            // A writer that panicked has nothing left to finish.
            let _ = writer.join();
        }
    }
}

/// The open database with all its tables.
fn open_database(path: &Path) -> Result<Database, StoreError> {
    let file = open_file(path)
        .map_err(|source| StoreError::Open { path: path.to_owned(), source: Arc::new(source) })?;
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES);
    make_tables(builder.create_file(file).map_err(|error| open_error(path, error))?)
}

/// Readers expect the tables to be there.
fn make_tables(database: Database) -> Result<Database, StoreError> {
    let transaction = database.begin_write()?;
    Tables::open(&transaction)?.close()?;
    transaction.commit()?;
    Ok(database)
}

fn open_file(path: &Path) -> io::Result<File> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    // The name of a new file must survive a power cut as its content does.
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(file)
}

fn open_error(path: &Path, error: DatabaseError) -> StoreError {
    let path = path.to_owned();
    match error {
        DatabaseError::DatabaseAlreadyOpen => StoreError::Locked { path },
        DatabaseError::Storage(StorageError::Io(source)) if source.kind() == io::ErrorKind::InvalidData => {
            StoreError::Corrupt { path, reason: source.to_string() }
        }
        DatabaseError::Storage(StorageError::Io(source)) => {
            StoreError::Open { path, source: Arc::new(source) }
        }
        other => StoreError::Corrupt { path, reason: other.to_string() },
    }
}

#[async_trait]
impl Store for EmbeddedStore {
    async fn get(&self, space: Space, key: &[u8]) -> Result<Option<Record>, StoreError> {
        check_key(key)?;
        let table = self.home.database()?.begin_read()?.open_table(RECORDS)?;
        let Some(guard) = table.get(record_key(space, key).as_slice())? else { return Ok(None) };
        let stored = Stored::parse(guard.value())?;
        Ok(stored.is_live(unix_ms()).then(|| stored.record()))
    }

    async fn entry(&self, space: Space, key: &[u8]) -> Result<Option<Entry>, StoreError> {
        let table = self.home.database()?.begin_read()?.open_table(RECORDS)?;
        let Some(guard) = table.get(record_key(space, key).as_slice())? else { return Ok(None) };
        let stored = Stored::parse(guard.value())?;
        Ok(stored.is_live(unix_ms()).then(|| stored.entry()))
    }

    async fn put(&self, space: Space, key: &[u8], entry: Entry) -> Result<u64, StoreError> {
        check_entry(key, &entry)?;
        let (key, changed) = (key.to_vec(), key.to_vec());
        let operation = move |tables: &mut Tables<'_>| tables.put(space, &key, &entry);
        self.write(true, operation, move |listeners, _| listeners.changed(space, &changed)).await
    }

    async fn put_if(
        &self,
        space: Space,
        key: &[u8],
        expected: Option<u64>,
        entry: Entry,
    ) -> Result<Option<u64>, StoreError> {
        check_entry(key, &entry)?;
        let (key, changed) = (key.to_vec(), key.to_vec());
        let operation =
            move |tables: &mut Tables<'_>| tables.put_if(space, &key, expected, &entry, unix_ms());
        let tell = move |listeners: &Listeners, version: &Option<u64>| {
            if version.is_some() {
                listeners.changed(space, &changed);
            }
        };
        self.write(true, operation, tell).await
    }

    async fn delete(&self, space: Space, key: &[u8]) -> Result<bool, StoreError> {
        check_key(key)?;
        let (key, changed) = (key.to_vec(), key.to_vec());
        let operation = move |tables: &mut Tables<'_>| tables.delete(space, &key, unix_ms());
        let tell = move |listeners: &Listeners, live: &bool| {
            if *live {
                listeners.changed(space, &changed);
            }
        };
        self.write(true, operation, tell).await
    }

    async fn replace(&self, space: Space, changes: Vec<Replacement>) -> Result<Vec<Option<u64>>, StoreError> {
        let keys: Vec<Bytes> = changes.iter().map(|change| change.key.clone()).collect();
        let operation = move |tables: &mut Tables<'_>| {
            let now_ms = unix_ms();
            changes.iter().map(|change| tables.replace(space, change, now_ms)).collect()
        };
        let tell = move |listeners: &Listeners, versions: &Vec<Option<u64>>| {
            let written = keys.iter().zip(versions).filter(|(_, version)| version.is_some());
            written.for_each(|(key, _)| listeners.changed(space, key));
        };
        self.write(true, operation, tell).await
    }

    async fn owned_keys(&self, space: Space, owner: &str) -> Result<Vec<Bytes>, StoreError> {
        check_owner(owner)?;
        let (database, owner) = (self.home.database()?, owner.to_owned());
        let read = move || keys_of(&database.begin_read()?.open_table(OWNERS)?, space, &owner);
        tokio::task::spawn_blocking(read).await.unwrap_or(Err(StoreError::Closed))
    }

    async fn get_owned(
        &self,
        space: Space,
        owner: &str,
        keys: &[Bytes],
    ) -> Result<Vec<(Bytes, Record)>, StoreError> {
        let (database, owner, keys) = (self.home.database()?, owner.to_owned(), keys.to_vec());
        let read = move || get_owned(&database, space, &owner, keys);
        tokio::task::spawn_blocking(read).await.unwrap_or(Err(StoreError::Closed))
    }

    async fn delete_keys(&self, space: Space, owner: &str, keys: &[Bytes]) -> Result<Vec<Bytes>, StoreError> {
        let (owner, keys) = (owner.to_owned(), keys.to_vec());
        let operation = move |tables: &mut Tables<'_>| tables.delete_keys(space, &owner, keys, unix_ms());
        let tell = move |listeners: &Listeners, keys: &Vec<Bytes>| {
            keys.iter().for_each(|key| listeners.changed(space, key));
        };
        self.write(true, operation, tell).await
    }

    async fn delete_owned(
        &self,
        space: Space,
        owner: &str,
        except: Option<&[u8]>,
    ) -> Result<Vec<Bytes>, StoreError> {
        check_owner(owner)?;
        let (owner, except) = (owner.to_owned(), except.map(<[u8]>::to_vec));
        let operation =
            move |tables: &mut Tables<'_>| tables.delete_owned(space, &owner, except.as_deref(), unix_ms());
        let tell = move |listeners: &Listeners, keys: &Vec<Bytes>| {
            keys.iter().for_each(|key| listeners.changed(space, key));
        };
        self.write(true, operation, tell).await
    }

    async fn add(
        &self,
        space: Space,
        key: &[u8],
        delta: i64,
        window: Duration,
    ) -> Result<(u64, u64), StoreError> {
        check_key(key)?;
        let (key, changed) = (key.to_vec(), key.to_vec());
        let operation = move |tables: &mut Tables<'_>| tables.add(space, &key, delta, window, unix_ms());
        self.write(false, operation, move |listeners, _| listeners.changed(space, &changed)).await?
    }

    async fn sweep(&self) -> Result<usize, StoreError> {
        self.write(true, |tables| tables.sweep(unix_ms()), |_, _| ()).await
    }

    fn listen(&self, listener: Listener) {
        self.listeners.add(listener);
    }

    async fn publish(&self, payload: Bytes) -> Result<(), StoreError> {
        self.listeners.tell(&Notice::Message(&payload));
        Ok(())
    }

    async fn ping(&self) -> Result<(), StoreError> {
        // A disk that has failed a write has closed the database. A write of its own for each question
        // would wear the disk.
        self.home.database()?.begin_read()?.open_table(RECORDS)?;
        let writing = self.writer.lock().as_ref().is_some_and(|writer| !writer.is_finished());
        if writing { Ok(()) } else { Err(StoreError::Closed) }
    }

    fn name(&self) -> &'static str {
        "embedded"
    }
}

fn get_owned(
    database: &Database,
    space: Space,
    owner: &str,
    keys: Vec<Bytes>,
) -> Result<Vec<(Bytes, Record)>, StoreError> {
    let records = database.begin_read()?.open_table(RECORDS)?;
    let now_ms = unix_ms();
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        if let Some(guard) = records.get(record_key(space, &key).as_slice())?
            && let Ok(stored) = Stored::parse(guard.value())
            && stored.is_live(now_ms)
            && stored.owner == Some(owner)
        {
            found.push((key, stored.record()));
        }
    }
    Ok(found)
}

#[cfg(test)]
#[path = "embedded_tests.rs"]
mod tests;
