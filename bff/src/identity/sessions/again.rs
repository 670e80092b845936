//! Reads sessions again that have changed in the store, several at a time, so that the near cache holds them when nobody has asked since:
//! an outage that begins just behind a change must not sign anybody out.

use std::sync::{Arc, Weak};

use tokio::{
    runtime::Handle,
    sync::mpsc::{Receiver, Sender, channel},
};

use super::{Inner, SessionKey, SessionKind};
use crate::store::STEP;

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

/// What has changed meanwhile together, for as long as there is somebody to read for.
pub(super) fn keep_reading(
    runtime: &Handle,
    inner: &Arc<Inner>,
    mut changed: Receiver<(SessionKind, SessionKey)>,
) {
    let inner: Weak<Inner> = Arc::downgrade(inner);
    runtime.spawn(async move {
        let mut waiting = Vec::new();
        while changed.recv_many(&mut waiting, STEP).await > 0 {
            let Some(inner) = inner.upgrade() else { return };
            for kind in SessionKind::ALL {
                let of_kind = waiting.iter().filter(|(of, _)| *of == kind);
                let mut keys: Vec<SessionKey> = of_kind.map(|(_, key)| *key).collect();
                keys.sort_unstable();
                keys.dedup();
                inner.read_many(kind, &keys).await;
            }
            waiting.clear();
        }
    });
}
