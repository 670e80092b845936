//! The concurrency limit of one upstream (a bulkhead): a slow upstream must not gather every request
//! of the gateway.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// At most so many calls at once, and at most so many that wait.
pub(super) struct Gate {
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
    queue: usize,
}

impl Gate {
    pub(super) fn new(max_concurrent: usize, queue: usize) -> Self {
        Self { permits: Arc::new(Semaphore::new(max_concurrent)), waiting: AtomicUsize::new(0), queue }
    }

    /// Waits for room, first come, first served. `None`: the queue is full. Dropping the future leaves
    /// the queue; dropping the permit makes room.
    pub(super) async fn enter(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore hands permits to those who wait first, so this overtakes nobody.
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            return Some(permit);
        }
        let _waiting = WaiterGuard::take(self)?;
        // Never closed, so never an error.
        Arc::clone(&self.permits).acquire_owned().await.ok()
    }
}

/// A place in the queue.
struct WaiterGuard<'a>(&'a AtomicUsize);

impl<'a> WaiterGuard<'a> {
    fn take(gate: &'a Gate) -> Option<Self> {
        let taken = gate.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |waiting| {
            (waiting < gate.queue).then_some(waiting + 1)
        });
        taken.ok().map(|_| Self(&gate.waiting))
    }
}

impl Drop for WaiterGuard<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::{FutureExt, future::join};
    use tokio::time::timeout;

    use super::Gate;

    #[tokio::test]
    async fn a_full_queue_refuses_at_once_and_a_place_is_given_back() {
        let gate = Gate::new(1, 1);
        let inside = gate.enter().await.expect("room");
        {
            let mut waiting = Box::pin(gate.enter());
            assert!(waiting.as_mut().now_or_never().is_none(), "waits");
            assert!(gate.enter().await.is_none(), "the queue is full");
        }
        let (entered, ()) = join(timeout(Duration::from_secs(5), gate.enter()), async { drop(inside) }).await;
        assert!(entered.expect("in time").is_some(), "who gave up holds no place");
    }

    #[tokio::test]
    async fn without_a_queue_nobody_waits() {
        let gate = Gate::new(1, 0);
        let inside = gate.enter().await;
        assert!(inside.is_some());
        assert!(gate.enter().await.is_none());
        drop(inside);
        assert!(gate.enter().await.is_some());
    }
}
