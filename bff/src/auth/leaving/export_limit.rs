//! How often a member may take their data along: it costs every service a reading of all that they have.

use std::{sync::Arc, time::Duration};

use crate::{
    edge::ApiError,
    store::{Space, Store},
    telemetry::unix_ms,
};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// How often a member may export, counted in the store.
#[derive(Clone)]
pub struct ExportLimit {
    pub store: Arc<dyn Store>,
    pub per_day: u32,
}

impl ExportLimit {
    fn key(member: &str) -> Vec<u8> {
        ["export:", member].concat().into_bytes()
    }

    /// Counts one export of `member`.
    pub(super) async fn take(&self, member: &str) -> Result<(), ApiError> {
        let (count, ends_ms) = self.store.increment(Space::Counters, &Self::key(member), DAY).await?;
        if count <= u64::from(self.per_day) {
            return Ok(());
        }
        // Rounded up, so that clients never retry too early.
        let retry_after_s = ends_ms.saturating_sub(unix_ms()).div_ceil(1000).max(1);
        Err(ApiError::RateLimited { retry_after_s })
    }

    /// One that came to nothing does not count.
    pub(super) async fn give_back(&self, member: &str) {
        if let Err(error) = self.store.add(Space::Counters, &Self::key(member), -1, DAY).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "an export that failed counts as one");
        }
    }
}
