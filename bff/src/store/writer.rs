//! The thread that writes to the embedded store, and the database file it shares with readers.
//!
//! After a write that failed (a full disk, a broken one) the database refuses further writes until its
//! file is opened again: the thread does so by itself as soon as it can.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use parking_lot::RwLock;
use redb::{Database, Durability};

use super::StoreError;
use super::tables::Tables;

/// Writes in one transaction; more wait for the next.
const BATCH: usize = 1024;
/// How long counts may stay in memory only.
const COUNTS_DURABLE_AFTER: Duration = Duration::from_secs(1);
/// How long to wait before the file is tried again. Writes that come meanwhile fail at once.
const REOPEN_EVERY: Duration = Duration::from_millis(500);

/// Told whether the transaction was committed; hands the caller its answer.
pub(super) type Finish = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
pub(super) type Apply =
    Box<dyn FnOnce(Result<&mut Tables<'_>, StoreError>) -> Result<Finish, StoreError> + Send>;
pub(super) type Open = Box<dyn Fn() -> Result<Database, StoreError> + Send>;

/// One write that somebody waits for.
pub(super) struct Job {
    /// Whether the caller waits for the disk.
    pub(super) durable: bool,
    /// Applies the write to the tables, or passes on why there are none.
    pub(super) apply: Apply,
}

/// The database while it is open.
#[derive(Default)]
pub(super) struct Home {
    database: RwLock<Option<Arc<Database>>>,
    syncs: AtomicU64,
}

impl Home {
    pub(super) fn new(database: Database) -> Self {
        Self { database: RwLock::new(Some(Arc::new(database))), syncs: AtomicU64::new(0) }
    }

    /// Keep it for the length of a read: the file is not opened again before all have let go.
    pub(super) fn database(&self) -> Result<Arc<Database>, StoreError> {
        self.database.read().clone().ok_or(StoreError::Reopening)
    }

    pub(super) fn syncs(&self) -> u64 {
        self.syncs.load(Ordering::Relaxed)
    }
}

pub(super) struct Writer {
    pub(super) home: Arc<Home>,
    pub(super) queue: Receiver<Job>,
    pub(super) open: Open,
}

impl Writer {
    /// Until the store is dropped and its queue is empty.
    pub(super) fn run(self) {
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
            unsynced = !durable;
            if self.commit(jobs, durable).is_err() {
                unsynced = false;
                if !self.reopen() {
                    break;
                }
            }
        }
        if unsynced {
            // Counts of the last second; nobody waits for them.
            let _ = self.commit(Vec::new(), true);
        }
    }

    fn commit(&self, jobs: Vec<Job>, durable: bool) -> Result<(), StoreError> {
        let mut jobs = jobs.into_iter();
        let mut finishes = Vec::with_capacity(jobs.len());
        let result = self.transact(&mut jobs, durable, &mut finishes);
        for finish in finishes {
            finish(result.clone());
        }
        if let Err(error) = &result {
            jobs.for_each(|job| refuse(job, error));
        }
        result
    }

    fn transact(
        &self,
        jobs: &mut impl Iterator<Item = Job>,
        durable: bool,
        finishes: &mut Vec<Finish>,
    ) -> Result<(), StoreError> {
        let mut transaction = self.home.database()?.begin_write()?;
        transaction.set_durability(if durable { Durability::Immediate } else { Durability::None })?;
        let mut tables = Tables::open(&transaction)?;
        for job in jobs {
            finishes.push((job.apply)(Ok(&mut tables))?);
        }
        tables.close()?;
        transaction.commit()?;
        if durable {
            self.home.syncs.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Closes the file and opens it again, as often as it takes. Answers `false` when the store is gone.
    fn reopen(&self) -> bool {
        if let Some(database) = self.home.database.write().take() {
            // Only readers within a read hold it: microseconds.
            while Arc::strong_count(&database) > 1 {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        loop {
            match (self.open)() {
                Ok(database) => {
                    *self.home.database.write() = Some(Arc::new(database));
                    return true;
                }
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "the store cannot be opened again"
                    );
                }
            }
            let again = Instant::now() + REOPEN_EVERY;
            while let Some(left) = again.checked_duration_since(Instant::now()) {
                match self.queue.recv_timeout(left) {
                    Ok(job) => refuse(job, &StoreError::Reopening),
                    Err(RecvTimeoutError::Timeout) => break,
                    Err(RecvTimeoutError::Disconnected) => return false,
                }
            }
        }
    }
}

/// Tells the caller that its write did not happen.
fn refuse(job: Job, error: &StoreError) {
    // The answer has been sent; what comes back is the same error.
    let _ = (job.apply)(Err(error.clone()));
}
