//! The store for one machine: a redb file. What was answered is on disk, also after kill -9.
//!
//! One thread writes. It takes everything that waits, applies it in one transaction and syncs the file
//! once, so that a hundred sign-ins at the same moment share one fsync. Readers see the last commit and
//! wait for nobody.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use redb::{Builder, Database, DatabaseError, Durability, ReadableDatabase, StorageError};
use tokio::sync::{Semaphore, oneshot};

use super::tables::{OWNERS, RECORDS, Stored, Tables, keys_of, record_key};
use super::{Entry, Record, Space, Store, StoreError, check_entry, check_key, check_owner, unix_ms};

/// Pages kept in memory.
const CACHE_BYTES: usize = 64 << 20;
/// Writes in one transaction; more wait for the next.
const BATCH: usize = 1024;
/// Writes that wait at most; further callers wait before they queue.
const QUEUE: usize = 4096;
/// How long counts may stay in memory only.
const COUNTS_DURABLE_AFTER: Duration = Duration::from_secs(1);

/// Told whether the transaction was committed; hands the caller its answer.
type Finish = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
type Apply = Box<dyn FnOnce(&mut Tables<'_>) -> Result<Finish, StoreError> + Send>;

struct Job {
    /// Whether the caller waits for the disk.
    durable: bool,
    apply: Apply,
}

/// Records in one file. Dropping it finishes the writes that wait and closes the file.
pub struct EmbeddedStore {
    database: Arc<Database>,
    jobs: Mutex<Option<Sender<Job>>>,
    room: Semaphore,
    syncs: Arc<AtomicU64>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl EmbeddedStore {
    /// Opens the file at `path`, and makes it (mode 0600) and its folders (0700) when they are not there.
    /// After a crash it repairs the file first, which takes about a second for 100 MB.
    ///
    /// # Errors
    /// [`StoreError::Locked`], [`StoreError::Corrupt`], [`StoreError::Open`].
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let path = path.to_owned();
        let opened = tokio::task::spawn_blocking(move || Self::open_blocking(&path)).await;
        opened.unwrap_or(Err(StoreError::Closed))
    }

    fn open_blocking(path: &Path) -> Result<Self, StoreError> {
        let failed = |source| StoreError::Open { path: path.to_owned(), source: Arc::new(source) };
        let file = open_file(path).map_err(failed)?;
        let mut builder = Builder::new();
        builder.set_cache_size(CACHE_BYTES);
        let database = builder.create_file(file).map_err(|error| open_error(path, error))?;
        // Makes the tables, so that readers find them.
        let transaction = database.begin_write()?;
        Tables::open(&transaction)?.close()?;
        transaction.commit()?;

        let database = Arc::new(database);
        let (jobs, queue) = channel();
        let syncs = Arc::new(AtomicU64::new(0));
        let writer = Writer { database: Arc::clone(&database), queue, syncs: Arc::clone(&syncs) };
        let thread = std::thread::Builder::new().name("store-writer".to_owned());
        let writer = thread.spawn(move || writer.run()).map_err(failed)?;
        Ok(Self {
            database,
            jobs: Mutex::new(Some(jobs)),
            room: Semaphore::new(QUEUE),
            syncs,
            writer: Mutex::new(Some(writer)),
        })
    }

    /// How often the file was synced: far less often than it was written to, when many write at once.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.syncs.load(Ordering::Relaxed)
    }

    /// Has the writer apply `operation`; answers after the commit.
    async fn write<T: Send + 'static>(
        &self,
        durable: bool,
        operation: impl FnOnce(&mut Tables<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let _room = self.room.acquire().await.map_err(|_| StoreError::Closed)?;
        let (answer, answered) = oneshot::channel();
        // A caller that has gone away no longer listens: its answer is dropped.
        let apply: Apply = Box::new(move |tables| match operation(tables) {
            Ok(value) => Ok(Box::new(move |committed: Result<(), StoreError>| {
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

struct Writer {
    database: Arc<Database>,
    queue: Receiver<Job>,
    syncs: Arc<AtomicU64>,
}

impl Writer {
    /// Until the store is dropped and its queue is empty.
    fn run(self) {
        let mut unsynced = false;
        loop {
            let first = if unsynced {
                match self.queue.recv_timeout(COUNTS_DURABLE_AFTER) {
                    Ok(job) => Some(job),
                    Err(RecvTimeoutError::Timeout) => None,
                    Err(RecvTimeoutError::Disconnected) => break,
                }
            } else {
                match self.queue.recv() {
                    Ok(job) => Some(job),
                    Err(_) => break,
                }
            };
            let jobs: Vec<Job> = first.into_iter().chain(self.queue.try_iter()).take(BATCH).collect();
            let durable = jobs.is_empty() || jobs.iter().any(|job| job.durable);
            unsynced = self.commit(jobs, durable).is_err() || !durable;
        }
        if unsynced {
            // Counts of the last second; nobody waits for them.
            let _ = self.commit(Vec::new(), true);
        }
    }

    fn commit(&self, jobs: Vec<Job>, durable: bool) -> Result<(), StoreError> {
        let mut finishes = Vec::with_capacity(jobs.len());
        let result = self.transact(jobs, durable, &mut finishes);
        for finish in finishes {
            finish(result.clone());
        }
        result
    }

    /// Jobs that were never reached drop their answer, which their callers see as `Closed`.
    fn transact(&self, jobs: Vec<Job>, durable: bool, finishes: &mut Vec<Finish>) -> Result<(), StoreError> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(if durable { Durability::Immediate } else { Durability::None })?;
        let mut tables = Tables::open(&transaction)?;
        for job in jobs {
            finishes.push((job.apply)(&mut tables)?);
        }
        tables.close()?;
        transaction.commit()?;
        if durable {
            self.syncs.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}

#[async_trait]
impl Store for EmbeddedStore {
    async fn get(&self, space: Space, key: &[u8]) -> Result<Option<Record>, StoreError> {
        check_key(key)?;
        let table = self.database.begin_read()?.open_table(RECORDS)?;
        let Some(guard) = table.get(record_key(space, key).as_slice())? else { return Ok(None) };
        let stored = Stored::parse(guard.value())?;
        Ok(stored.is_live(unix_ms()).then(|| stored.record()))
    }

    async fn put(&self, space: Space, key: &[u8], entry: Entry) -> Result<u64, StoreError> {
        check_entry(key, &entry)?;
        let key = key.to_vec();
        self.write(true, move |tables| tables.put(space, &key, &entry)).await
    }

    async fn put_if(
        &self,
        space: Space,
        key: &[u8],
        expected: Option<u64>,
        entry: Entry,
    ) -> Result<Option<u64>, StoreError> {
        check_entry(key, &entry)?;
        let key = key.to_vec();
        self.write(true, move |tables| tables.put_if(space, &key, expected, &entry, unix_ms())).await
    }

    async fn delete(&self, space: Space, key: &[u8]) -> Result<bool, StoreError> {
        check_key(key)?;
        let key = key.to_vec();
        self.write(true, move |tables| tables.delete(space, &key, unix_ms())).await
    }

    async fn list_owned(&self, space: Space, owner: &str) -> Result<Vec<(Bytes, Record)>, StoreError> {
        check_owner(owner)?;
        let (database, owner) = (Arc::clone(&self.database), owner.to_owned());
        let listed = tokio::task::spawn_blocking(move || list_owned(&database, space, &owner)).await;
        listed.unwrap_or(Err(StoreError::Closed))
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
        self.write(true, operation).await
    }

    async fn increment(&self, space: Space, key: &[u8], window: Duration) -> Result<(u64, u64), StoreError> {
        check_key(key)?;
        let key = key.to_vec();
        self.write(false, move |tables| tables.increment(space, &key, window, unix_ms())).await?
    }

    async fn sweep(&self) -> Result<usize, StoreError> {
        self.write(true, |tables| tables.sweep(unix_ms())).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.database.begin_read()?.open_table(RECORDS)?;
        self.write(true, |_| Ok(())).await
    }

    fn name(&self) -> &'static str {
        "embedded"
    }
}

fn list_owned(database: &Database, space: Space, owner: &str) -> Result<Vec<(Bytes, Record)>, StoreError> {
    let transaction = database.begin_read()?;
    let records = transaction.open_table(RECORDS)?;
    let now_ms = unix_ms();
    let mut found = Vec::new();
    for key in keys_of(&transaction.open_table(OWNERS)?, space, owner)? {
        if let Some(guard) = records.get(record_key(space, &key).as_slice())? {
            let stored = Stored::parse(guard.value())?;
            if stored.is_live(now_ms) {
                found.push((key, stored.record()));
            }
        }
    }
    Ok(found)
}
