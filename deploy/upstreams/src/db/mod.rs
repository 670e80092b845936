//! The database of one service: SQLite on its own threads, so that no server thread ever waits for a disk.
//!
//! A file is written by one connection and read by a few others, which write-ahead logging lets them do
//! at the same time. A database in memory lives in a single connection that does both.

mod columns;
mod cursor;
mod migrate;
mod stamp;

use std::{fs, os::unix::fs::OpenOptionsExt, path::Path, sync::Arc, thread, time::Duration};

use parking_lot::Mutex;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

pub(crate) use columns::{asset_url, id_at, optional_id_at};
pub(crate) use cursor::{Cursor, page_of};
pub(crate) use migrate::{MigrateError, Migration};
pub(crate) use stamp::{Stamp, now, rfc3339};

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// Jobs that may wait for a connection; more callers than that wait at the door.
const QUEUE: usize = 256;
const READERS: usize = 3;

/// A handle on the database; clones share it, and its threads end with the last of them.
#[derive(Clone)]
pub(crate) struct Database {
    write: mpsc::Sender<Job>,
    read: mpsc::Sender<Job>,
}

/// The database could not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DatabaseError {
    #[error("the database refused")]
    Sqlite(#[from] rusqlite::Error),
    #[error("the database's thread has ended, or its work panicked")]
    Gone,
}

/// The database could not be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error("the database cannot be opened")]
    Sqlite(#[from] rusqlite::Error),
    #[error("the database cannot be brought up to date")]
    Migrate(#[from] MigrateError),
    #[error("a file or a thread for the database cannot be had")]
    System(#[from] std::io::Error),
}

impl Database {
    /// Opens the file (or memory), brings its schema up to date and starts its threads. Blocks.
    pub(crate) fn open(path: Option<&Path>, migrations: &[Migration]) -> Result<Self, OpenError> {
        if let Some(path) = path {
            reserve(path)?;
        }
        let mut connection = connect(path)?;
        migrate::run(&mut connection, migrations)?;
        let write = serve("db-write", vec![connection])?;
        let read = match path {
            None => write.clone(),
            Some(_) => {
                let readers = (0..READERS).map(|_| connect(path)).collect::<Result<_, _>>()?;
                serve("db-read", readers)?
            }
        };
        Ok(Self { write, read })
    }

    /// Runs `work` on one consistent state of the data.
    pub(crate) async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DatabaseError> + Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    {
        run(&self.read, TransactionBehavior::Deferred, work).await
    }

    /// Runs `work` alone among writers. All of it is kept, durably in a file, when it answers `Ok`, and
    /// nothing of it otherwise.
    pub(crate) async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DatabaseError> + Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    {
        run(&self.write, TransactionBehavior::Immediate, work).await
    }

    /// Leaves nothing in the file and its log that was deleted or overwritten. Rewrites the whole file.
    pub(crate) async fn scrub(&self) -> Result<(), DatabaseError> {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(move |connection: &mut Connection| {
            let done = connection.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);");
            let _ = reply.send(done.map_err(DatabaseError::from));
        });
        self.write.send(job).await.map_err(|_| DatabaseError::Gone)?;
        answer.await.map_err(|_| DatabaseError::Gone)?
    }
}

async fn run<T, E, F>(queue: &mpsc::Sender<Job>, behavior: TransactionBehavior, work: F) -> Result<T, E>
where
    T: Send + 'static,
    E: From<DatabaseError> + Send + 'static,
    F: FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    let job = Box::new(move |connection: &mut Connection| {
        // Whoever asked may have hung up while this waited.
        if !reply.is_closed() {
            let _ = reply.send(transact(connection, behavior, work));
        }
    });
    queue.send(job).await.map_err(|_| DatabaseError::Gone)?;
    answer.await.map_err(|_| DatabaseError::Gone)?
}

fn transact<T, E, F>(connection: &mut Connection, behavior: TransactionBehavior, work: F) -> Result<T, E>
where
    E: From<DatabaseError>,
    F: FnOnce(&Transaction<'_>) -> Result<T, E>,
{
    let transaction = connection.transaction_with_behavior(behavior).map_err(DatabaseError::from)?;
    let outcome = work(&transaction)?;
    transaction.commit().map_err(DatabaseError::from)?;
    Ok(outcome)
}

/// Makes the file, and the folders above it, if they are not there. Password hashes are for nobody else
/// on the machine; SQLite gives its log the rights of its file.
fn reserve(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path).map(drop)
}

fn connect(path: Option<&Path>) -> rusqlite::Result<Connection> {
    let connection = match path {
        Some(path) => Connection::open(path)?,
        None => Connection::open_in_memory()?,
    };
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(128);
    // What was answered must survive a power cut: FULL syncs the log at every commit.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;",
    )?;
    Ok(connection)
}

/// One thread for each connection; they share one queue.
fn serve(name: &str, connections: Vec<Connection>) -> std::io::Result<mpsc::Sender<Job>> {
    let (sender, receiver) = mpsc::channel::<Job>(QUEUE);
    let receiver = Arc::new(Mutex::new(receiver));
    for mut connection in connections {
        let receiver = Arc::clone(&receiver);
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            loop {
                // Only one idle thread waits in the queue; the others wait for this lock.
                let Some(job) = receiver.lock().blocking_recv() else { break };
                // A panic has rolled its transaction back by the time it gets here, and its caller
                // sees a reply that never came; the next job must still find a connection.
                let work = std::panic::AssertUnwindSafe(|| job(&mut connection));
                if std::panic::catch_unwind(work).is_err() {
                    tracing::error!("database work panicked");
                }
            }
        })?;
    }
    Ok(sender)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::{Database, DatabaseError, Migration};

    const NUMBERS: &[Migration] = &[Migration { sql: "CREATE TABLE n (v INTEGER) STRICT", fill: None }];

    async fn insert(db: &Database, value: i64) -> Result<(), DatabaseError> {
        db.write(move |tx| {
            tx.execute("INSERT INTO n VALUES (?)", [value])?;
            Ok(())
        })
        .await
    }

    async fn count(db: &Database) -> Result<i64, DatabaseError> {
        db.read(|tx| Ok(tx.query_row("SELECT count(*) FROM n", [], |row| row.get(0))?)).await
    }

    #[tokio::test]
    async fn what_was_written_is_read_at_once_and_after_reopening() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a/b/n.db");
        for round in 1..=3 {
            let db = Database::open(Some(&path), NUMBERS).expect("opens");
            insert(&db, round).await.expect("writes");
            assert_eq!(count(&db).await.expect("reads"), round);
        }
        for file in std::fs::read_dir(folder.path().join("a/b")).expect("a folder") {
            let mode = file.and_then(|file| file.metadata()).expect("a file").permissions().mode();
            assert_eq!(mode & 0o077, 0, "for its owner only");
        }
    }

    #[tokio::test]
    async fn a_failed_write_leaves_nothing_behind() {
        let db = Database::open(None, NUMBERS).expect("opens");
        let outcome: Result<(), DatabaseError> = db
            .write(|tx| {
                tx.execute("INSERT INTO n VALUES (1)", [])?;
                Err(DatabaseError::Gone)
            })
            .await;
        assert!(outcome.is_err());
        assert_eq!(count(&db).await.expect("reads"), 0);
    }

    #[tokio::test]
    async fn the_database_outlives_work_that_panics() {
        let db = Database::open(None, NUMBERS).expect("opens");
        let outcome: Result<(), DatabaseError> = db
            .write(|tx| {
                tx.execute("INSERT INTO n VALUES (1)", [])?;
                panic!("on purpose")
            })
            .await;
        assert!(matches!(outcome, Err(DatabaseError::Gone)));
        insert(&db, 2).await.expect("still writes");
        assert_eq!(count(&db).await.expect("reads"), 1);
    }

    #[tokio::test]
    async fn a_database_of_a_later_version_is_not_touched() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("n.db");
        drop(Database::open(Some(&path), NUMBERS).expect("opens"));
        assert!(Database::open(Some(&path), &[]).is_err());
    }
}
