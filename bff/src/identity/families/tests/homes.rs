//! The stores that two replicas can share.

use std::{sync::Arc, time::Duration};

use tempfile::TempDir;

use crate::store::{self, Store, StoreSettings, TestServer};

/// How long anything may take on a busy machine.
const LONG: Duration = Duration::from_secs(30);

/// Where two replicas have their store.
pub(super) trait Home: 'static {
    /// What must live as long as the stores.
    type Guard;
    /// How soon the other replica knows of an end: nothing, where it does before the end has an answer.
    const TOLD_WITHIN: Duration = Duration::ZERO;
    /// The same store, as each of the two replicas has it.
    async fn open() -> ([Arc<dyn Store>; 2], Self::Guard);
}

pub(super) struct InMemory;

impl Home for InMemory {
    type Guard = ();
    async fn open() -> ([Arc<dyn Store>; 2], ()) {
        let store = store::open("memory:").await.expect("a store");
        ([Arc::clone(&store), store], ())
    }
}

pub(super) struct OnDisk;

impl Home for OnDisk {
    type Guard = TempDir;
    async fn open() -> ([Arc<dyn Store>; 2], TempDir) {
        let dir = tempfile::tempdir().expect("a folder");
        let url = format!("embedded:{}", dir.path().join("store").display());
        let store = store::open(&url).await.expect("a store");
        ([Arc::clone(&store), store], dir)
    }
}

/// Each replica with connections of its own.
pub(super) struct OnRedis;

impl Home for OnRedis {
    type Guard = TestServer;
    // Usually a few milliseconds; the machine may be busy.
    const TOLD_WITHIN: Duration = LONG;
    async fn open() -> ([Arc<dyn Store>; 2], TestServer) {
        let server = TestServer::start(&[]);
        let settings = StoreSettings { timeout: LONG, ..StoreSettings::default() };
        let open = async || store::open_with(&server.url(), &settings).await.expect("a store");
        ([open().await, open().await], server)
    }
}
