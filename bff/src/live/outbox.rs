//! Writes into the shared log what must not wait for it: messages of the gateway's own writes, in their order.
//!
//! While the store is away they wait, up to a number and an age. Those beyond are lost: an entry then says so to every
//! replica, and connections have to come back and read everything anew.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use schemas::Event;
use tokio::{
    sync::{mpsc::Receiver, oneshot},
    time::{Instant, sleep},
};

use super::entry::Writing;
use crate::{
    store::{SharedStore, StoreError},
    telemetry::Metrics,
};

/// Between tries while the store is away; doubles from the first to the last.
pub(super) const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// What the task is to do.
pub(super) enum Order {
    Tell {
        event: Box<Event>,
        since: Instant,
    },
    /// To be answered once everything before it was written or given up.
    Flush(oneshot::Sender<()>),
}

/// The task. It ends when nobody can tell it anything any more.
pub(super) struct Outbox {
    pub(super) store: SharedStore,
    pub(super) origin: Box<str>,
    pub(super) max_len: usize,
    /// A message that the store has not taken after so long is given up: connections could not resume to it either.
    pub(super) give_up_after: Duration,
    pub(super) incoming: Receiver<Order>,
    pub(super) lost: Arc<AtomicBool>,
    pub(super) metrics: Arc<Metrics>,
    /// Of the last message.
    pub(super) number: u64,
}

/// A message is lost: to be said once the store is there again.
pub(super) fn note_lost(lost: &AtomicBool, metrics: &Metrics) {
    metrics.live_lost.inc();
    if !lost.swap(true, Ordering::AcqRel) {
        tracing::warn!("live messages are lost: the store has been away for too long");
    }
}

impl Outbox {
    pub(super) async fn run(mut self) {
        while let Some(order) = self.incoming.recv().await {
            match order {
                Order::Tell { event, since } => {
                    self.number += 1;
                    let event = Some(&*event);
                    let (origin, number) = (&*self.origin, self.number);
                    let payload = Writing { origin, number, event, ..Writing::default() }.payload();
                    if !self.write(payload, Some(since + self.give_up_after)).await {
                        note_lost(&self.lost, &self.metrics);
                    }
                }
                // Whoever asked may have lost patience.
                Order::Flush(done) => drop(done.send(())),
            }
            if self.lost.load(Ordering::Acquire) {
                let mark = Writing { origin: &self.origin, lost: true, ..Writing::default() }.payload();
                // Before it is written: what is lost from now on is lost once more.
                self.lost.store(false, Ordering::Release);
                self.write(mark, None).await;
            }
        }
    }

    /// Tries until the store takes it, or until `end`; says whether it did. Where an answer is lost it may be written
    /// twice: followers notice.
    async fn write(&mut self, payload: Bytes, end: Option<Instant>) -> bool {
        let mut pause = Duration::ZERO;
        loop {
            match self.store.append(payload.clone(), self.max_len).await {
                Ok(_) => {
                    if !pause.is_zero() {
                        tracing::info!("live messages of this replica are written again");
                    }
                    return true;
                }
                Err(error) => report(&error, pause),
            }
            pause = (pause * 2).clamp(RETRY.0, RETRY.1);
            let over = end.is_some_and(|end| Instant::now() + pause > end);
            // Nobody can tell it anything more: the process is ending, and does not wait for the store to be back.
            if over || self.incoming.is_closed() {
                return false;
            }
            sleep(pause).await;
        }
    }
}

/// Once in an outage.
fn report(error: &StoreError, pause: Duration) {
    if pause.is_zero() {
        tracing::warn!(
            error = error as &dyn std::error::Error,
            "live messages of this replica wait for the store"
        );
    }
}
