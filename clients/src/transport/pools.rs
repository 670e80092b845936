//! Which connections a call uses: those of the runtime that it runs on.
//!
//! A connection is driven by the runtime that opened it. A call that used a connection of another runtime would hop
//! between threads twice, and would wait whenever that other runtime is busy or gone. So there is one pool that all
//! tasks of the shared runtime use, and one for each other runtime and thread that calls (the workers of a web server,
//! each a runtime of one thread). A worker that stops takes only its own connections with it.
//!
//! Bounds hold for all pools together: calls on the wire by the gate, which all share, and idle connections by the share
//! that each worker's pool gets of them. So at most twice `max_concurrent` connections are open.

use std::{
    cell::RefCell,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::runtime::{self, Handle};

use super::{TransportError, UpstreamConfig, connections::Connections, tls::Certificates};

/// The pools of one upstream.
pub(super) struct Pools {
    runtime: Handle,
    shared: ArcSwap<Setup>,
    config: UpstreamConfig,
    /// Held while files are read, so that the newest content wins.
    reloading: Mutex<()>,
    /// Lives as long as this: tells the pools of threads whose upstream is gone.
    identity: Arc<Identity>,
}

/// Which upstream a thread's pool belongs to.
struct Identity(u64);

/// What connections are made with, and those of the shared runtime.
struct Setup {
    /// Another one where the certificates have changed.
    generation: u64,
    certificates: Certificates,
    connections: Arc<Connections>,
}

/// The connections of one thread to one upstream.
struct ThreadPool {
    upstream: u64,
    owner: Weak<Identity>,
    runtime: runtime::Id,
    generation: u64,
    connections: Arc<Connections>,
}

thread_local! {
    // Dropped with the thread; its connections end then.
    static THREAD_POOLS: RefCell<Vec<ThreadPool>> = const { RefCell::new(Vec::new()) };
}

static NEXT_IDENTITY: AtomicU64 = AtomicU64::new(0);

impl Pools {
    pub(super) fn new(runtime: Handle, config: UpstreamConfig) -> Result<Self, TransportError> {
        let certificates = config.tls.read(config.name)?;
        let connections = Arc::new(config.connections_with(&certificates, config.max_concurrent)?);
        let shared = ArcSwap::from_pointee(Setup { generation: 0, certificates, connections });
        let identity = Arc::new(Identity(NEXT_IDENTITY.fetch_add(1, Ordering::Relaxed)));
        Ok(Self { runtime, shared, config, reloading: Mutex::new(()), identity })
    }

    pub(super) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// The pool of the shared runtime, for a call that runs there.
    pub(super) fn shared(&self) -> Arc<Connections> {
        Arc::clone(&self.shared.load().connections)
    }

    /// The pool of the runtime that the caller runs on; nothing outside of any.
    pub(super) fn here(&self) -> Option<Arc<Connections>> {
        let here = Handle::try_current().ok()?.id();
        if here == self.runtime.id() { Some(self.shared()) } else { self.of_this_thread(here) }
    }

    fn of_this_thread(&self, here: runtime::Id) -> Option<Arc<Connections>> {
        let setup = self.shared.load();
        let upstream = self.identity.0;
        THREAD_POOLS.with_borrow_mut(|pools| {
            let known = pools.iter().find(|pool| {
                pool.upstream == upstream && pool.runtime == here && pool.generation == setup.generation
            });
            if let Some(known) = known {
                return Some(Arc::clone(&known.connections));
            }
            // A thread runs one runtime at a time, and an upstream's newest setup is the one that counts.
            pools.retain(|pool| {
                pool.owner.strong_count() > 0 && pool.runtime == here && pool.upstream != upstream
            });
            let idle = self.config.max_concurrent.div_ceil(self.config.workers.max(1));
            // The same setup has made the shared pool: this fails where the system has no more of something.
            let connections = self.config.connections_with(&setup.certificates, idle).ok()?;
            let connections = Arc::new(connections);
            pools.push(ThreadPool {
                upstream,
                owner: Arc::downgrade(&self.identity),
                runtime: here,
                generation: setup.generation,
                connections: Arc::clone(&connections),
            });
            Some(connections)
        })
    }

    /// Reads the certificates again and, where they have changed, connects with them from now on; says whether they
    /// have. Blocks on files.
    ///
    /// # Errors
    /// [`TransportError`]; the previous certificates stay in use.
    pub(super) fn reload_certificates(&self) -> Result<bool, TransportError> {
        if self.config.tls.is_empty() {
            return Ok(false);
        }
        let _reloading = self.reloading.lock();
        let certificates = self.config.tls.read(self.config.name)?;
        let before = self.shared.load();
        if certificates.print == before.certificates.print {
            return Ok(false);
        }
        let connections = Arc::new(self.config.connections_with(&certificates, self.config.max_concurrent)?);
        let generation = before.generation + 1;
        self.shared.store(Arc::new(Setup { generation, certificates, connections }));
        Ok(true)
    }
}
