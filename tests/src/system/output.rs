//! What a process says.

use std::{path::PathBuf, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    sync::watch,
    task::JoinHandle,
};

use crate::soon;

/// What a process says, standard output and standard error in one. Clones are the same text.
#[derive(Debug, Clone)]
pub struct Output {
    text: Arc<Mutex<String>>,
    grown: watch::Sender<usize>,
}

impl Default for Output {
    fn default() -> Self {
        Self { text: Arc::default(), grown: watch::Sender::new(0) }
    }
}

impl Output {
    #[must_use]
    pub fn text(&self) -> String {
        self.text.lock().clone()
    }

    /// Waits for a line that begins with `prefix`, and returns it.
    ///
    /// # Panics
    /// When it does not come.
    pub async fn line(&self, prefix: &str) -> String {
        let mut grown = self.grown.subscribe();
        soon(prefix, async {
            loop {
                grown.borrow_and_update();
                let found = self.text.lock().lines().find(|line| line.starts_with(prefix)).map(str::to_owned);
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

    /// Reads to the end of `stream`.
    pub(super) fn read_from(&self, stream: impl AsyncRead + Send + Unpin + 'static) -> JoinHandle<()> {
        let output = self.clone();
        tokio::spawn(async move {
            let mut lines = BufReader::new(stream).split(b'\n');
            while let Ok(Some(mut line)) = lines.next_segment().await {
                line.push(b'\n');
                output.push(&String::from_utf8_lossy(&line));
            }
        })
    }

    /// Reads a file up to the end of the line that begins with `last`: for processes whose output nobody
    /// should have to read along.
    pub(super) fn read_until(&self, last: &str, file: PathBuf) -> JoinHandle<()> {
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
