//! Whose turn it is. Suites run side by side, also as processes of their own; one that measures time or
//! load must run alone, or it would measure the others.

use std::fs::{File, OpenOptions};

/// Held for a test's life; the lock goes with the file.
#[derive(Debug)]
pub(crate) struct Turn {
    _lock: File,
}

impl Turn {
    /// Waits for the turn. Not to be awaited twice by a test that runs alone.
    pub(crate) async fn wait(alone: bool) -> Self {
        let taken = tokio::task::spawn_blocking(move || {
            let path = std::env::temp_dir().join("bff-tests.turn");
            let opened = OpenOptions::new().create(true).truncate(false).write(true).open(path);
            let file = opened.expect("the lock file opens");
            let locked = if alone { file.lock() } else { file.lock_shared() };
            locked.expect("a lock on a local file");
            file
        });
        Self { _lock: taken.await.expect("locking does not panic") }
    }
}
