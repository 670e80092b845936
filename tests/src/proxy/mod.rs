//! A TCP fault proxy: stands between the gateway and an upstream, writes down what is sent, and breaks
//! what comes back when told to.
//!
//! Everything can be switched while connections are open, and everything it does can be awaited. It ends
//! when it is dropped.

mod fault;
mod journal;
mod serve;
#[cfg(test)]
mod tests;
mod wire;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    ops::Deref,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{sync::watch, task::JoinHandle};

use fault::Rules;
pub use fault::{Fault, HUGE, PLANTED};
pub use journal::{Journal, Recorded};
pub(crate) use wire::{Side, Wire};

use crate::UpstreamContract;

/// The proxy. Its journal's methods are its own.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    journal: Journal,
    rules: watch::Sender<Rules>,
    /// Whether the listener is open, as the rules want it.
    listening: watch::Sender<bool>,
    target: watch::Sender<Option<SocketAddr>>,
    sent: AtomicU64,
    abandoned: watch::Sender<usize>,
    /// What passes through is held against it.
    contract: OnceLock<UpstreamContract>,
}

impl Shared {
    fn count_abandoned(&self) {
        self.abandoned.send_modify(|count| *count += 1);
    }
}

impl Proxy {
    /// Listens on a free loopback port. Requests wait until [`Proxy::forward_to`] has said where they go.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn listen() -> io::Result<Self> {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            journal: Journal::default(),
            rules: watch::Sender::new(Rules::default()),
            listening: watch::Sender::new(true),
            target: watch::Sender::new(None),
            sent: AtomicU64::new(0),
            abandoned: watch::Sender::new(0),
            contract: OnceLock::new(),
        });
        let accepting = tokio::spawn(serve::accept(listener, address, Arc::clone(&shared)));
        Ok(Self { address, shared, accepting })
    }

    /// Listens before `target`.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn before(target: SocketAddr) -> io::Result<Self> {
        let proxy = Self::listen().await?;
        proxy.forward_to(target);
        Ok(proxy)
    }

    /// Sends what comes from now on to `target`; connections that are open keep theirs.
    pub fn forward_to(&self, target: SocketAddr) {
        self.shared.target.send_replace(Some(target));
    }

    /// From now on, what passes through has to fit this; where it does not, the proxy panics when it is dropped.
    /// Answers that a fault makes up are nobody's.
    ///
    /// # Panics
    /// When it holds to one already.
    pub fn hold_to(&self, contract: UpstreamContract) {
        assert!(self.shared.contract.set(contract).is_ok(), "it holds to a contract already");
    }

    /// The contract that it holds to.
    #[must_use]
    pub fn contract(&self) -> Option<&UpstreamContract> {
        self.shared.contract.get()
    }

    /// `http://` and where it listens, without a closing slash.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request fails like this.
    pub fn fail(&self, fault: Fault) {
        self.fail_on("", fault);
    }

    /// Requests whose path and query begin with `prefix` fail like this. Of several that fit, the last set
    /// counts.
    pub fn fail_on(&self, prefix: &str, fault: Fault) {
        self.shared.rules.send_modify(|rules| rules.faults.push((prefix.to_owned(), fault)));
    }

    /// Every answer comes so much later.
    pub fn delay(&self, delay: Duration) {
        self.fail(Fault::Delay(delay));
    }

    /// Refuses connections, and resets those that are open. Returns when it is so.
    pub async fn refuse(&self) {
        self.shared.rules.send_modify(|rules| rules.refuse = true);
        self.listens(false).await;
    }

    /// Takes every fault away. Returns when connections are taken again.
    pub async fn heal(&self) {
        self.shared.rules.send_replace(Rules::default());
        self.listens(true).await;
    }

    /// Bytes of answers that were written to the gateway.
    #[must_use]
    pub fn bytes_sent(&self) -> u64 {
        self.shared.sent.load(Ordering::Relaxed)
    }

    /// How many requests the gateway gave up before they were answered.
    #[must_use]
    pub fn abandoned(&self) -> usize {
        *self.shared.abandoned.borrow()
    }

    /// Waits until the gateway has given up at least `count` requests. Bound it with a timeout.
    pub async fn wait_for_abandoned(&self, count: usize) {
        // The sender lives as long as `self`.
        let _ = self.shared.abandoned.subscribe().wait_for(|now| *now >= count).await;
    }

    async fn listens(&self, wanted: bool) {
        // The sender lives as long as `self`.
        let _ = self.shared.listening.subscribe().wait_for(|now| *now == wanted).await;
    }
}

impl Deref for Proxy {
    type Target = Journal;
    fn deref(&self) -> &Journal {
        &self.shared.journal
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // The connections are children of this task.
        self.accepting.abort();
        // A test that fails already says why by itself.
        if !std::thread::panicking() {
            let broken = self.contract().map(UpstreamContract::broken).unwrap_or_default();
            assert!(broken.is_empty(), "not by the upstream's contract: {broken:#?}");
        }
    }
}
