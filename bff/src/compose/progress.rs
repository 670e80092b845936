//! What a composition has finished so far, for those who read along.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use tokio::sync::watch;

/// A finished field of the document, as JSON.
pub type Field = (&'static str, Bytes);

/// The fields that are finished, in the order in which they came. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    fields: watch::Sender<Vec<Field>>,
    followed: AtomicBool,
}

impl Default for Inner {
    fn default() -> Self {
        Self { fields: watch::Sender::new(Vec::new()), followed: AtomicBool::new(false) }
    }
}

impl Progress {
    /// Whether anybody reads along: if not, there is no need to write a field down before its document.
    #[must_use]
    pub fn is_followed(&self) -> bool {
        self.0.followed.load(Ordering::Acquire)
    }

    /// Adds a finished field.
    pub fn add(&self, field: &'static str, json: Bytes) {
        self.0.fields.send_modify(|fields| fields.push((field, json)));
    }

    /// Says that somebody will read along: before the composition starts, or it may finish fields unseen.
    pub fn will_be_followed(&self) {
        self.0.followed.store(true, Ordering::Release);
    }

    /// The fields so far, and those that come.
    #[must_use]
    pub fn follow(&self) -> watch::Receiver<Vec<Field>> {
        self.0.fields.subscribe()
    }
}
