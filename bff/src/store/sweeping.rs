//! Expired records go away by themselves.

use std::{sync::Arc, time::Duration};

use super::{SWEEP_BATCH, Store};

/// Removes what has expired from the store, a batch at a time, for as long as the process runs.
pub async fn sweep(store: Arc<dyn Store>, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        loop {
            match store.sweep().await {
                Ok(swept) if swept >= SWEEP_BATCH => tokio::task::yield_now().await,
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(%error, "expired records could not be removed");
                    break;
                }
            }
        }
    }
}
