//! Acknowledgements: one message says all that was applied since the last one.

use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::runtime::Handle;

use crate::store::Store;

/// What this replica has applied of each other one and not yet said.
pub(super) type Applied = BTreeMap<Box<str>, Vec<u64>>;

/// Acknowledges to the other replicas what this one has applied.
pub(super) struct AckSender {
    /// Weak, to avoid a reference cycle.
    store: Weak<dyn Store>,
    payload: Box<dyn Fn(&Applied) -> Bytes + Send + Sync>,
    due: Mutex<Due>,
}

#[derive(Default)]
struct Due {
    applied: Applied,
    /// Something is to be said, if only that this replica is there.
    any: bool,
    /// A task says it.
    saying: bool,
}

impl AckSender {
    /// `payload` puts into a message what was applied.
    pub(super) fn new(
        store: &Arc<dyn Store>,
        payload: impl Fn(&Applied) -> Bytes + Send + Sync + 'static,
    ) -> Arc<Self> {
        let store = Arc::downgrade(store);
        Arc::new(Self { store, payload: Box::new(payload), due: Mutex::default() })
    }

    /// Says that message `number` of `peer` is applied. Does not wait: what is applied until it can be said is said
    /// together.
    pub(super) fn applied(self: &Arc<Self>, peer: &str, number: u64) {
        self.owe(|applied| applied.entry(peer.into()).or_default().push(number));
    }

    /// Says that this replica is there.
    pub(super) fn here(self: &Arc<Self>) {
        self.owe(|_| {});
    }

    fn owe(self: &Arc<Self>, what: impl FnOnce(&mut Applied)) {
        // Stores call from their tasks; without a runtime there is nobody to say it to.
        let Ok(runtime) = Handle::try_current() else { return };
        let mut due = self.due.lock();
        what(&mut due.applied);
        due.any = true;
        if !std::mem::replace(&mut due.saying, true) {
            runtime.spawn(Arc::clone(self).say());
        }
    }

    async fn say(self: Arc<Self>) {
        while let Some(applied) = self.take() {
            let Some(store) = self.store.upgrade() else { return };
            // What is not passed on costs the other replica its timeout, and is never said again.
            let _ = store.publish((self.payload)(&applied)).await;
        }
    }

    fn take(&self) -> Option<Applied> {
        let mut due = self.due.lock();
        due.saying = due.any;
        std::mem::take(&mut due.any).then(|| std::mem::take(&mut due.applied))
    }
}
