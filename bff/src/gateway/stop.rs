//! What asks the process to stop, and how a listener does.

use std::io;

use actix_web::dev::ServerHandle;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::JoinHandle,
};

/// SIGTERM and SIGINT, from when this is made.
pub(super) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Done when either has come.
    pub(super) async fn received(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Has a listener finish what is in flight.
pub(super) async fn stop(handle: ServerHandle, serving: JoinHandle<io::Result<()>>) {
    handle.stop(true).await;
    if let Ok(Err(error)) = serving.await {
        tracing::error!(%error, "a listener ended badly");
    }
}
