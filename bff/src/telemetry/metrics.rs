//! The metrics at `/metrics` of the internal listener. Observing never locks for long and, through the
//! handles ([`RouteMetrics`], [`Metrics::cache_counter`]), is a few atomic additions.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::files::FileMetrics;
use super::histogram::Histogram;
use super::jobs::JobMetrics;
use super::process::Process;
use super::requests::{HttpRequests, RouteMetrics};
use super::rotation::RotationMetrics;
use super::series::Series;
use super::sink::Sink;

/// The media type of [`Metrics::encode`]'s text (OpenMetrics 1.0).
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All metrics of one gateway. Made once by `gateway` and shared.
pub struct Metrics {
    /// Documents being composed now.
    pub composing: Gauge,
    /// Refreshes of stale documents that run behind now.
    pub refreshes_running: Gauge,
    /// Refreshes of stale documents that wait for their turn.
    pub refreshes_waiting: Gauge,
    /// Refreshes that were given up because the stale time ended before their turn came.
    pub refreshes_expired: Counter,
    /// Bytes of the cached documents.
    pub cache_bytes: Gauge,
    /// Cached documents.
    pub cache_entries: Gauge,
    /// Sign-ins made, of browsers and of apps.
    pub sessions_created: Counter,
    /// Sign-ins ended by their users.
    pub sessions_ended: Counter,
    /// Requests for which the rate limits that replicas share did not answer in time.
    pub rate_limits_alone: Counter,
    /// WebSockets and event streams that are open now.
    pub live_connections: Gauge,
    /// Messages published to live connections.
    pub live_published: Counter,
    /// Messages that were handed to a connection.
    pub live_delivered: Counter,
    /// Messages thrown away because their connection was too slow.
    pub live_dropped: Counter,
    /// Connections ended because they were too slow.
    pub live_slow_readers: Counter,
    /// Messages of this replica that the shared store did not take in time.
    pub live_lost: Counter,
    /// 1 while the store answers.
    pub store_up: Gauge,
    /// 1 while changes in the store are heard of; 0: each look-up asks it.
    pub store_hearing: Gauge,
    /// 1 while the log that replicas share is being followed.
    pub live_following: Gauge,
    /// Keys and secrets that change while the gateway runs.
    pub rotation: RotationMetrics,
    /// Work that outlives a request.
    pub jobs: JobMetrics,
    registry: Registry,
    pub(super) files: FileMetrics,
    pub(super) http: HttpRequests,
    pub(super) cache: Series<2, Counter>,
    pub(super) parts: Series<3, Arc<Histogram>>,
    pub(super) upstreams: Series<3, Arc<Histogram>>,
    pub(super) not_modified: Series<2, Counter>,
    pub(super) retried: Series<2, Counter>,
    pub(super) sign_ins: Series<1, Counter>,
    pub(super) throttled: Series<1, Counter>,
    pub(super) rate_limited: Series<1, Counter>,
    pub(super) refreshes: Series<1, Counter>,
    pub(super) events: Series<1, Counter>,
    pub(super) revalidations: Series<1, Counter>,
    pub(super) relayed_drops: Series<1, Counter>,
    pub(super) relayed_endings: Series<1, Counter>,
    pub(super) sink: Arc<OnceLock<Sink>>,
    on_scrape: Mutex<Vec<Box<dyn Fn() + Send>>>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All at zero; the process counts as started now.
    #[must_use]
    pub fn new() -> Self {
        let metrics = Self {
            composing: Gauge::default(),
            refreshes_running: Gauge::default(),
            refreshes_waiting: Gauge::default(),
            refreshes_expired: Counter::default(),
            cache_bytes: Gauge::default(),
            cache_entries: Gauge::default(),
            sessions_created: Counter::default(),
            sessions_ended: Counter::default(),
            rate_limits_alone: Counter::default(),
            live_connections: Gauge::default(),
            live_published: Counter::default(),
            live_delivered: Counter::default(),
            live_dropped: Counter::default(),
            live_slow_readers: Counter::default(),
            live_lost: Counter::default(),
            store_up: Gauge::default(),
            store_hearing: Gauge::default(),
            live_following: Gauge::default(),
            rotation: RotationMetrics::default(),
            jobs: JobMetrics::default(),
            registry: Registry::default(),
            files: FileMetrics::default(),
            http: HttpRequests(Series::new(["route", "method"])),
            cache: Series::new(["screen", "outcome"]),
            parts: Series::new(["screen", "part", "outcome"]),
            upstreams: Series::new(["upstream", "operation", "outcome"]),
            not_modified: Series::new(["upstream", "operation"]),
            retried: Series::new(["upstream", "operation"]),
            sign_ins: Series::new(["outcome"]),
            throttled: Series::new(["by"]),
            rate_limited: Series::new(["tier"]),
            refreshes: Series::new(["outcome"]),
            events: Series::new(["upstream"]),
            revalidations: Series::new(["outcome"]),
            relayed_drops: Series::new(["outcome"]),
            relayed_endings: Series::new(["outcome"]),
            sink: Arc::default(),
            on_scrape: Mutex::default(),
        };
        let mut registry = Registry::default();
        metrics.register(registry.sub_registry_with_prefix("bff"));
        registry.register_collector(Box::new(Process::starting()));
        Self { registry, ..metrics }
    }

    /// The handle for one route's requests: keep it with the route. `route` is the pattern, never the
    /// path; `method` one of the known ones or `"OTHER"`.
    #[must_use]
    pub fn http_route(&self, route: &'static str, method: &'static str) -> RouteMetrics {
        self.http.0.handle([route, method])
    }

    /// Observes one request without a handle.
    pub fn http_request(&self, route: &'static str, method: &'static str, status: u16, duration: Duration) {
        self.http.0.with([route, method], |metrics| metrics.observe(status, duration));
    }

    /// The handle for one outcome of the cache (`hit`, `stale`, `miss`, …): keep it with the screen.
    #[must_use]
    pub fn cache_counter(&self, screen: &'static str, outcome: &'static str) -> Counter {
        self.cache.handle([screen, outcome])
    }

    /// Counts one outcome of the cache without a handle.
    pub fn cache_outcome(&self, screen: &'static str, outcome: &'static str) {
        self.cache.with([screen, outcome], Counter::inc);
    }

    /// Observes how a part of a screen ended (`ok`, `stale`, or a reason such as `timeout`).
    pub fn part_outcome(
        &self,
        screen: &'static str,
        part: &'static str,
        outcome: &'static str,
        duration: Duration,
    ) {
        self.parts.with([screen, part, outcome], |histogram| histogram.observe(duration));
    }

    /// Observes how a call to an upstream ended.
    pub fn upstream_call(
        &self,
        upstream: &'static str,
        operation: &'static str,
        outcome: &'static str,
        duration: Duration,
    ) {
        self.upstreams.with([upstream, operation, outcome], |histogram| histogram.observe(duration));
    }

    /// Counts one call whose answer still held (304).
    pub fn not_modified(&self, upstream: &'static str, operation: &'static str) {
        self.not_modified.with([upstream, operation], Counter::inc);
    }

    /// Counts one call that was sent again on a new connection.
    pub fn retried(&self, upstream: &'static str, operation: &'static str) {
        self.retried.with([upstream, operation], Counter::inc);
    }

    /// Counts one attempt to sign in (`ok`, `bad_credentials`, …).
    pub fn sign_in(&self, outcome: &'static str) {
        self.sign_ins.with([outcome], Counter::inc);
    }

    /// Counts one refresh token that was presented (`rotated`, `repeated`, `reused`, …).
    pub fn refresh(&self, outcome: &'static str) {
        self.refreshes.with([outcome], Counter::inc);
    }

    /// Counts one attempt to sign in that was refused because too many had failed (`account`, `address`).
    pub fn sign_in_throttled(&self, by: &'static str) {
        self.throttled.with([by], Counter::inc);
    }

    /// Counts one request that the rate limit of its tier refused.
    pub fn rate_limited(&self, tier: &'static str) {
        self.rate_limited.with([tier], Counter::inc);
    }

    /// Counts one event that `upstream` sent.
    pub fn event(&self, upstream: &'static str) {
        self.events.with([upstream], Counter::inc);
    }

    /// Counts tags told to the revalidation webhook (`ok`, `failed`: to be tried again, `given_up`).
    pub fn revalidation(&self, outcome: &'static str, tags: u64) {
        self.revalidations.with([outcome], |counter| counter.inc_by(tags));
    }

    /// Counts a message between replicas about dropped documents (`sent`, `failed`, `unconfirmed`, `heard`, `unreadable`).
    pub fn relayed_drop(&self, outcome: &'static str) {
        self.relayed_drops.with([outcome], Counter::inc);
    }

    /// Counts what was told the other replicas about sign-ins that have ended (`sent`, `failed`, `unconfirmed`).
    pub fn relayed_ending(&self, outcome: &'static str) {
        self.relayed_endings.with([outcome], Counter::inc);
    }

    /// Observes how an operation on files ended (`ok`, `not_found`, `failed`, …).
    pub fn file_operation(&self, operation: &'static str, outcome: &'static str, duration: Duration) {
        self.files.operations.with([operation, outcome], |histogram| histogram.observe(duration));
    }

    /// Counts bytes of files that went through the gateway (`in`, `out`).
    pub fn file_bytes(&self, direction: &'static str, bytes: u64) {
        self.files.bytes.with([direction], |counter| counter.inc_by(bytes));
    }

    /// Tells from now on how many log lines `sink` dropped. Only the first call counts.
    pub fn watch_sink(&self, sink: Sink) {
        // A second log in one process is a test's, and the first one's figures stand.
        let _ = self.sink.set(sink);
    }

    /// Runs `update` before each [`encode`](Self::encode), for gauges that are cheaper to ask for than to
    /// keep.
    pub fn on_scrape(&self, update: impl Fn() + Send + 'static) {
        self.on_scrape.lock().push(Box::new(update));
    }

    /// All metrics as OpenMetrics text; serve it as [`CONTENT_TYPE`].
    #[must_use]
    pub fn encode(&self) -> String {
        for update in self.on_scrape.lock().iter() {
            update();
        }
        let mut text = String::with_capacity(16 * 1024);
        // Writing to a string does not fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}
