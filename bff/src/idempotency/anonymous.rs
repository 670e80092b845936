//! How many new keys callers who are not signed in may have kept. Nobody else's limit bounds those: one caller could
//! fill the store with records that stay for a day.
//!
//! They are counted by address in a fixed window, in the store, so that replicas share it, and under keys that name
//! nobody. What was not carried out leaves no record, and is given back.

use std::{net::IpAddr, sync::Arc, time::Duration};

use crate::{
    edge::ApiError,
    identity::{IdentityError, Secrets},
    store::{Space, Store, StoreError},
    telemetry::unix_ms,
};

/// What the keys are derived for.
const LABEL: &str = "idempotency-address";

/// The counts of all addresses.
pub(super) struct AnonymousKeys {
    pub(super) store: Arc<dyn Store>,
    pub(super) secrets: Arc<Secrets>,
    pub(super) limit: u32,
    pub(super) window: Duration,
}

/// The count of one address, by its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Counter(Vec<u8>);

impl AnonymousKeys {
    /// IPv4 by address; IPv6 by /64, which is the least that a site is given (RFC 6177).
    pub(super) fn counter(&self, address: IpAddr) -> Counter {
        let keys = self.secrets.keys(LABEL);
        let mac = |name: &[u8]| keys.first().map(|key| key.mac(&[name])).unwrap_or_default();
        let mac = match address.to_canonical() {
            IpAddr::V4(v4) => mac(&v4.octets()),
            IpAddr::V6(v6) => mac(&v6.octets()[..8]),
        };
        Counter([b"idempotency:address:", &mac[..16]].concat())
    }

    /// Counts one more.
    ///
    /// # Errors
    /// 429 where that is too many, 503 where it cannot be counted.
    pub(super) async fn take(&self, counter: &Counter) -> Result<(), ApiError> {
        let counted = self.store.add(Space::Counters, &counter.0, 1, self.window).await;
        let (count, ends_ms) = counted.map_err(|error| ApiError::Identity(IdentityError::Store(error)))?;
        if count <= u64::from(self.limit) {
            return Ok(());
        }
        self.give_back(counter).await;
        // Rounded up, so that clients never retry too early.
        let retry_after_s = ends_ms.saturating_sub(unix_ms()).div_ceil(1000).max(1);
        Err(ApiError::TooManyKeys { retry_after_s })
    }

    /// One of them is not kept. What the store does not take stays counted until its window ends.
    pub(super) async fn give_back(&self, counter: &Counter) {
        let given: Result<_, StoreError> = self.store.add(Space::Counters, &counter.0, -1, self.window).await;
        if let Err(error) = given {
            tracing::debug!(error = &error as &dyn std::error::Error, "a key stays counted that is not kept");
        }
    }
}
