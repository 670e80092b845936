//! The webhook that tells a rendering server (Next.js: `revalidateTag`) which tags changed. Nothing waits for it.

use std::{
    collections::BTreeSet,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use clients::{Webhook, WebhookError};
use schemas::Revalidation;
use tokio::{
    runtime::Handle,
    sync::{
        mpsc::{Receiver, Sender, channel, error::TrySendError},
        oneshot,
    },
    time::timeout,
};

use crate::{invalidation::Tag, telemetry::Metrics};

/// From the first change on, so long are others gathered to go along.
const GATHER: Duration = Duration::from_millis(50);
/// Tags of one call.
const BATCH: usize = 100;
/// Changes on their way to the task, and tags that wait while the server is away. More are given up: the server's
/// own expiry has to do then.
const QUEUE: usize = 4096;
/// Between tries while the server is away; doubles from the first to the last.
const RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// Where changes are reported. Cloning is cheap; all clones are the same.
#[derive(Clone)]
pub struct Revalidator {
    orders: Sender<Order>,
    metrics: Arc<Metrics>,
    everything: Tag,
}

enum Order {
    Changed(Tag),
    /// To be answered once everything before it was tried.
    Flush(oneshot::Sender<()>),
}

impl fmt::Debug for Revalidator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Revalidator")
    }
}

impl Revalidator {
    /// Starts the task that calls `webhook`, on `runtime`; it ends with the last clone.
    #[must_use]
    pub fn new(webhook: Webhook, metrics: Arc<Metrics>, runtime: &Handle) -> Self {
        let (orders, incoming) = channel(QUEUE);
        let caller = Caller {
            webhook,
            metrics: Arc::clone(&metrics),
            waiting: BTreeSet::new(),
            pause: Duration::ZERO,
            not_before: Instant::now(),
        };
        runtime.spawn(caller.run(incoming));
        Self { orders, metrics, everything: Tag::everything() }
    }

    /// Something with this tag changed. Never waits.
    pub fn changed(&self, tag: &Tag) {
        // The end of somebody's session changes nothing that others keep.
        if *tag == self.everything {
            return;
        }
        match self.orders.try_send(Order::Changed(tag.clone())) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Closed(_)) => self.metrics.revalidation("given_up", 1),
        }
    }

    /// Tries once more to deliver what waits, for as long as `patience` lasts: before the process ends.
    pub async fn flush(&self, patience: Duration) {
        let (done, flushed) = oneshot::channel();
        let flush = async {
            if self.orders.send(Order::Flush(done)).await.is_ok() {
                // An error says that the task is gone, and so is what it held.
                let _ = flushed.await;
            }
        };
        let _ = timeout(patience, flush).await;
    }
}

struct Caller {
    webhook: Webhook,
    metrics: Arc<Metrics>,
    waiting: BTreeSet<String>,
    /// After the next failure; zero: the server is there.
    pause: Duration,
    not_before: Instant,
}

impl Caller {
    async fn run(mut self, mut incoming: Receiver<Order>) {
        loop {
            let order = if self.waiting.is_empty() {
                incoming.recv().await
            } else {
                let due = self.not_before.saturating_duration_since(Instant::now());
                match timeout(due.max(GATHER), self.gather(&mut incoming)).await {
                    Ok(ended) => ended,
                    Err(_) => {
                        self.deliver().await;
                        continue;
                    }
                }
            };
            match order {
                Some(Order::Changed(tag)) => self.wait_with(tag),
                Some(Order::Flush(done)) => {
                    while !self.waiting.is_empty() && self.deliver().await {}
                    // Whoever asked may have lost patience.
                    let _ = done.send(());
                }
                None => return,
            }
        }
    }

    /// Takes changes in until something else comes.
    async fn gather(&mut self, incoming: &mut Receiver<Order>) -> Option<Order> {
        loop {
            match incoming.recv().await {
                Some(Order::Changed(tag)) => self.wait_with(tag),
                other => return other,
            }
        }
    }

    fn wait_with(&mut self, tag: Tag) {
        if self.waiting.len() < QUEUE {
            self.waiting.insert(tag.as_str().to_owned());
        } else if !self.waiting.contains(tag.as_str()) {
            self.metrics.revalidation("given_up", 1);
        }
    }

    /// Calls the webhook once; says whether it took the tags.
    async fn deliver(&mut self) -> bool {
        let tags: Vec<_> = self.waiting.iter().take(BATCH).cloned().collect();
        let count = tags.len() as u64;
        let body = Revalidation { tags };
        match self.webhook.post(&body).await {
            Ok(()) => {
                for tag in &body.tags {
                    self.waiting.remove(tag);
                }
                self.metrics.revalidation("ok", count);
                self.recovered();
                true
            }
            Err(error) => {
                self.metrics.revalidation("failed", count);
                self.failed(&error);
                false
            }
        }
    }

    fn recovered(&mut self) {
        if !self.pause.is_zero() {
            tracing::info!("the revalidation webhook works again");
        }
        self.pause = Duration::ZERO;
        self.not_before = Instant::now();
    }

    fn failed(&mut self, error: &WebhookError) {
        if self.pause.is_zero() {
            tracing::warn!(
                error = error as &dyn std::error::Error,
                "the revalidation webhook fails; tags wait for it"
            );
        }
        self.pause = (self.pause * 2).clamp(RETRY.0, RETRY.1);
        self.not_before = Instant::now() + self.pause;
    }
}
