//! The cache itself: entries, bounded by bytes, and compositions under way. What is done with them is in `look_up.rs`,
//! `start.rs` and `fill.rs`.

use std::{
    collections::HashMap,
    hash::BuildHasher,
    sync::{Arc, atomic::AtomicU64},
    time::{Duration, Instant},
};

use foldhash::quality::RandomState;
use moka::policy::EvictionPolicy;
use parking_lot::Mutex;
use tokio::runtime::Handle;

use super::{entry::Entry, in_flight::InFlight, key::DocumentKey, refreshes::Refreshes, timings::KnownParts};
use crate::{
    invalidation::{InvalidationBus, Invalidations},
    telemetry::Metrics,
};

/// Bounds of the cache.
#[derive(Debug, Clone, Copy)]
pub struct CacheSettings {
    /// All documents, their encodings and the copies of their parts together.
    pub max_bytes: u64,
    /// Fresh times are spread by so much to both sides, so that what was composed together does not end
    /// together.
    pub jitter_percent: u8,
    /// Refreshes behind stale documents that run at once.
    pub max_refreshes: usize,
    /// Threads that serve: with more of them, refreshes are less spread.
    pub workers: usize,
}

/// The cache. `E` is the composition's error, which the cache only carries.
pub struct Documents<E> {
    pub(super) entries: moka::sync::Cache<DocumentKey, Arc<Entry>, RandomState>,
    pub(super) in_flight: Mutex<HashMap<DocumentKey, InFlight<E>, RandomState>>,
    pub(super) next_number: AtomicU64,
    pub(super) invalidations: Arc<Invalidations>,
    pub(super) bus: Arc<InvalidationBus>,
    pub(super) refreshes: Arc<Refreshes>,
    pub(super) runtime: Handle,
    pub(super) parts: KnownParts,
    jitter: f64,
    random: RandomState,
}

impl<E> std::fmt::Debug for Documents<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Documents").field("entries", &self.entries.entry_count()).finish_non_exhaustive()
    }
}

/// What the cache itself takes for an entry, about, in bytes.
const NODE: usize = 256;

/// An entry leaves the cache when nothing in it can be of use any more.
struct EndOfUse;

impl moka::Expiry<DocumentKey, Arc<Entry>> for EndOfUse {
    fn expire_after_create(&self, _: &DocumentKey, entry: &Arc<Entry>, now: Instant) -> Option<Duration> {
        Some(entry.ends_at().saturating_duration_since(now))
    }

    fn expire_after_update(
        &self,
        _: &DocumentKey,
        entry: &Arc<Entry>,
        now: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.ends_at().saturating_duration_since(now))
    }
}

impl<E: Clone + Send + Sync + 'static> Documents<E> {
    /// An empty cache of what `bus` purges from. Compositions run on `runtime`, so that they outlive the request that
    /// started them.
    #[must_use]
    pub fn new(
        settings: CacheSettings,
        bus: Arc<InvalidationBus>,
        runtime: Handle,
        metrics: Arc<Metrics>,
    ) -> Self {
        let weigh = |key: &DocumentKey, entry: &Arc<Entry>| {
            let overhead = size_of::<DocumentKey>() + NODE;
            u32::try_from(overhead + key.as_bytes().len() + entry.weight()).unwrap_or(u32::MAX)
        };
        let CacheSettings { max_refreshes, workers, .. } = settings;
        Self {
            entries: moka::sync::Cache::builder()
                .max_capacity(settings.max_bytes)
                .weigher(weigh)
                // The default policy may refuse a newcomer after it was composed: its user would compose on every
                // request until the sketch warms.
                .eviction_policy(EvictionPolicy::lru())
                .expire_after(EndOfUse)
                .build_with_hasher(RandomState::default()),
            in_flight: Mutex::default(),
            next_number: AtomicU64::new(0),
            invalidations: Arc::clone(bus.invalidations()),
            bus,
            refreshes: Refreshes::new(max_refreshes, workers, runtime.clone(), metrics),
            runtime,
            parts: KnownParts::default(),
            jitter: f64::from(settings.jitter_percent) / 100.0,
            random: RandomState::default(),
        }
    }

    /// Entries and bytes held, for metrics.
    #[must_use]
    pub fn size(&self) -> (u64, u64) {
        (self.entries.entry_count(), self.entries.weighted_size())
    }

    /// Compositions under way.
    #[cfg(test)]
    pub(crate) fn in_flight_count(&self) -> usize {
        self.in_flight.lock().len()
    }

    /// [`Documents::size`] after pending evictions.
    #[cfg(test)]
    pub(super) fn settled_size(&self) -> (u64, u64) {
        self.entries.run_pending_tasks();
        self.size()
    }

    /// A factor around 1, different for each fill.
    pub(super) fn jitter(&self, number: u64, key: &DocumentKey) -> f64 {
        let bits = self.random.hash_one((number, key));
        // 52 bits fit a double exactly.
        #[expect(clippy::cast_precision_loss, reason = "52 bits fit a double exactly")]
        let unit = (bits >> 12) as f64 / (1_u64 << 52) as f64;
        1.0 + self.jitter * (2.0 * unit - 1.0)
    }
}
