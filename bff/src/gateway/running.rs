//! A gateway that listens, from its start to its end.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix_web::dev::Server;
use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinHandle,
};

use super::{
    error::StartError,
    rotation,
    stop::{StopSignals, stop},
    wiring::REVALIDATE_TIMEOUT,
};
use crate::{
    identity::Sessions,
    jobs::Runner,
    live::{Hub, Revalidator},
};

/// How long a stop waits for the shared store to take the last live messages.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a stop waits for jobs that run; the rest is given back to the queue.
const JOBS_TIMEOUT: Duration = Duration::from_secs(2);

/// A gateway, listening but not yet serving. Made by [`Gateway::builder`].
pub struct Gateway {
    pub(super) server: Server,
    pub(super) internal: Server,
    pub(super) http_address: SocketAddr,
    pub(super) internal_address: SocketAddr,
    pub(super) draining: Arc<AtomicBool>,
    pub(super) drain_delay: Duration,
    pub(super) hub: Hub,
    pub(super) revalidator: Option<Revalidator>,
    pub(super) sweeper: JoinHandle<()>,
    pub(super) runner: Runner,
    /// Nothing: there is no storage of files.
    pub(super) file_sweeper: Option<JoinHandle<()>>,
    pub(super) rotation: JoinHandle<()>,
    pub(super) sessions: Sessions,
    /// Until somebody waits for them.
    pub(super) stop: Option<StopSignals>,
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { http_address, internal_address, .. } = self;
        f.debug_struct("Gateway").field("http", http_address).field("internal", internal_address).finish()
    }
}

impl Gateway {
    /// Where callers reach it.
    #[must_use]
    pub fn http_address(&self) -> SocketAddr {
        self.http_address
    }

    /// Where the operator's tools reach it.
    #[must_use]
    pub fn internal_address(&self) -> SocketAddr {
        self.internal_address
    }

    /// Serves until SIGTERM or SIGINT, or until the terminal that it was started from is gone; then stops as
    /// [`Self::run_until`] says. Another SIGTERM or SIGINT ends the drain delay.
    ///
    /// # Errors
    /// [`StartError::Signals`] when no signal can be waited for, [`StartError::Ended`] when a listener ends by itself.
    pub async fn run_until_stopped(mut self) -> Result<(), StartError> {
        let hangup = signal(SignalKind::hangup()).map_err(StartError::Signals)?;
        let stop = self.stop.take();
        let signalled = async move {
            match stop {
                Some(stop) => stop.received().await,
                None => std::future::pending().await,
            }
        };
        let told_to_stop = async move {
            tokio::select! {
                () = signalled => {}
                () = rotation::terminal_gone(hangup) => {}
            }
        };
        // Heard from when this is first polled: after the first signal.
        let told_again = async {
            match StopSignals::new() {
                Ok(again) => again.received().await,
                Err(_) => std::future::pending().await,
            }
        };
        self.run_until(told_to_stop, told_again).await
    }

    /// Serves until `told_to_stop` is over. Then `/readyz` turns 503, and for the drain delay, or until `told_again` is
    /// over, callers are served as before, since balancers take a moment to notice. After that live connections are
    /// told to go (sooner, and many would come back here), no new connections are taken, requests in flight are
    /// finished, and the internal listener goes last.
    ///
    /// # Errors
    /// [`StartError::Ended`] when a listener ends by itself.
    pub async fn run_until(
        self,
        told_to_stop: impl Future<Output = ()>,
        told_again: impl Future<Output = ()>,
    ) -> Result<(), StartError> {
        let (public, internal) = (self.server.handle(), self.internal.handle());
        let mut serving = tokio::spawn(self.server);
        let mut watching = tokio::spawn(self.internal);
        let ended_by_itself = tokio::select! {
            () = told_to_stop => None,
            ended = &mut serving => Some(ended),
            ended = &mut watching => Some(ended),
        };
        if let Some(ended) = ended_by_itself {
            return Err(StartError::Ended(ended.map_err(io::Error::other).and_then(|ended| ended).err()));
        }
        tracing::info!(delay_ms = self.drain_delay.as_millis(), "draining");
        self.draining.store(true, Ordering::Release);
        tokio::select! {
            () = tokio::time::sleep(self.drain_delay) => {}
            () = told_again => {}
        }
        tracing::info!("stopping");
        self.hub.shutdown();
        stop(public, serving).await;
        self.runner.stop(JOBS_TIMEOUT).await;
        self.sessions.leave().await;
        self.sweeper.abort();
        if let Some(sweeper) = &self.file_sweeper {
            sweeper.abort();
        }
        self.rotation.abort();
        stop(internal, watching).await;
        self.hub.flush(FLUSH_TIMEOUT).await;
        if let Some(revalidator) = self.revalidator {
            revalidator.flush(REVALIDATE_TIMEOUT).await;
        }
        tracing::info!("stopped");
        Ok(())
    }
}
