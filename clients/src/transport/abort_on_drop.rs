//! Cancellation of spawned calls.

use tokio::task::AbortHandle;

/// Stops a call whose caller has gone away.
pub(super) struct AbortOnDrop(pub(super) AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
