//! Works off what [`Again`](super::refetcher::Refetcher) has taken down.

use std::sync::{Arc, Weak};

use tokio::{runtime::Handle, sync::mpsc::Receiver};

use super::state::Inner;
use crate::{
    identity::{SessionKey, SessionKind},
    store::STEP,
};

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
