//! Reads sessions again that have changed in the store, so that the near cache holds them when nobody has asked since:
//! an outage that begins just behind a change must not sign anybody out.

use std::sync::{Arc, Weak};

use tokio::{
    runtime::Handle,
    sync::mpsc::{Receiver, Sender, channel},
};

use super::{Inner, SessionKey, SessionKind};

/// So many wait to be read. Those beyond are read when somebody asks for them.
const WAITING: usize = 4096;

/// What is to be read again.
pub(in crate::identity) struct Again(Sender<(SessionKind, SessionKey)>);

impl Again {
    pub(super) fn new() -> (Self, Receiver<(SessionKind, SessionKey)>) {
        let (again, changed) = channel(WAITING);
        (Self(again), changed)
    }

    /// Never waits.
    pub(in crate::identity) fn read(&self, kind: SessionKind, key: SessionKey) {
        // Where there is no room, the next request reads it.
        let _ = self.0.try_send((kind, key));
    }
}

/// One after the other, for as long as there is somebody to read for.
pub(super) fn keep_reading(
    runtime: &Handle,
    inner: &Arc<Inner>,
    mut changed: Receiver<(SessionKind, SessionKey)>,
) {
    let inner: Weak<Inner> = Arc::downgrade(inner);
    runtime.spawn(async move {
        while let Some((kind, key)) = changed.recv().await {
            let Some(inner) = inner.upgrade() else { return };
            // Whoever asks for it meets the same failure, and is told.
            let _ = inner.read(kind, &key).await;
        }
    });
}
