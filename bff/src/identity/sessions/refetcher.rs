//! Reads sessions again that have changed in the store, several at a time, so that the near cache holds them when nobody has asked since:
//! an outage that begins just behind a change must not sign anybody out.

use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::identity::{SessionKey, SessionKind};

/// So many wait to be read. Those beyond are read when somebody asks for them.
const WAITING: usize = 4096;

/// What is to be read again.
pub(in crate::identity) struct Refetcher(Sender<(SessionKind, SessionKey)>);

impl Refetcher {
    pub(super) fn new() -> (Self, Receiver<(SessionKind, SessionKey)>) {
        let (again, changed) = channel(WAITING);
        (Self(again), changed)
    }

    /// Never waits.
    pub(in crate::identity) fn refetch(&self, kind: SessionKind, key: SessionKey) {
        // Where there is no room, the next request reads it.
        let _ = self.0.try_send((kind, key));
    }
}
