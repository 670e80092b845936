//! What a process says.

use std::{
    io::{BufRead as _, BufReader, Read},
    path::{Path, PathBuf},
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::soon;

/// What a process says, standard output and standard error in one. Clones are the same text.
#[derive(Debug, Clone)]
pub struct Output {
    text: Arc<Mutex<String>>,
    grown: watch::Sender<usize>,
    /// Where the rest of it goes.
    file: Option<PathBuf>,
}

impl Default for Output {
    fn default() -> Self {
        Self { text: Arc::default(), grown: watch::Sender::new(0), file: None }
    }
}

impl Output {
    /// The output of a process that writes to `file`.
    pub(super) fn in_file(file: &Path) -> Self {
        Self { file: Some(file.to_owned()), ..Self::default() }
    }

    /// What has been read so far.
    #[must_use]
    pub fn text(&self) -> String {
        self.text.lock().clone()
    }

    /// All of it, also what went to a file and was not read.
    #[must_use]
    pub fn whole(&self) -> String {
        self.file.as_ref().map_or_else(
            || self.text(),
            |file| String::from_utf8_lossy(&std::fs::read(file).unwrap_or_default()).into_owned(),
        )
    }

    /// Waits for a line that begins with `prefix`, and returns it.
    ///
    /// # Panics
    /// When it does not come.
    pub async fn line(&self, prefix: &str) -> String {
        self.line_where(prefix, |line| line.starts_with(prefix)).await
    }

    /// Waits for a line that has `part` in it, and returns it.
    ///
    /// # Panics
    /// When it does not come.
    pub async fn line_with(&self, part: &str) -> String {
        self.line_where(part, |line| line.contains(part)).await
    }

    async fn line_where(&self, what: &str, such: impl Fn(&str) -> bool) -> String {
        let mut grown = self.grown.subscribe();
        soon(what, async {
            loop {
                grown.borrow_and_update();
                let found = self.text.lock().lines().find(|line| such(line)).map(str::to_owned);
                if let Some(line) = found {
                    return line;
                }
                // The sender lives as long as `self`.
                let _ = grown.changed().await;
            }
        })
        .await
    }

    pub(super) fn push(&self, text: &str) {
        let mut whole = self.text.lock();
        whole.push_str(text);
        self.grown.send_replace(whole.len());
    }

    /// Reads to the end of `stream`, on a thread of its own: it goes on when the test's runtime is busy or gone.
    pub(super) fn read_from(&self, stream: impl Read + Send + 'static) -> JoinHandle<()> {
        let output = self.clone();
        std::thread::spawn(move || {
            let mut lines = BufReader::new(stream);
            let mut line = Vec::new();
            while lines.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                output.push(&String::from_utf8_lossy(&line));
                line.clear();
            }
        })
    }

    /// Reads a file up to the end of the line that begins with `last`: for processes whose output nobody
    /// should have to read along.
    pub(super) fn read_until(&self, last: &str, file: PathBuf) -> tokio::task::JoinHandle<()> {
        let (output, last) = (self.clone(), last.to_owned());
        tokio::spawn(async move {
            loop {
                let text = tokio::fs::read_to_string(&file).await.unwrap_or_default();
                if text.split_inclusive('\n').any(|line| line.starts_with(&last) && line.ends_with('\n')) {
                    return output.push(&text);
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
    }
}
