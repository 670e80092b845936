//! The metrics at `/metrics` of the internal listener. Observing never locks for long and, through the
//! handles ([`RouteMetrics`], [`Metrics::cache_counter`]), is a few atomic additions.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::histogram::Histogram;
use super::process::Process;
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
    registry: Registry,
    http: HttpRequests,
    cache: Series<2, Counter>,
    parts: Series<3, Arc<Histogram>>,
    upstreams: Series<3, Arc<Histogram>>,
    not_modified: Series<2, Counter>,
    retried: Series<2, Counter>,
    sign_ins: Series<1, Counter>,
    throttled: Series<1, Counter>,
    rate_limited: Series<1, Counter>,
    refreshes: Series<1, Counter>,
    events: Series<1, Counter>,
    revalidations: Series<1, Counter>,
    relayed_drops: Series<1, Counter>,
    relayed_endings: Series<1, Counter>,
    sink: Arc<OnceLock<Sink>>,
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
            registry: Registry::default(),
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

    fn register(&self, bff: &mut Registry) {
        let help = "Time from a request's head to its answer's last byte";
        bff.register_with_unit("http_request_duration", help, Unit::Seconds, self.http.clone());
        bff.register("cache_requests", "What the cache did for a screen's request", self.cache.clone());
        bff.register_with_unit(
            "cache",
            "Size of the cached documents",
            Unit::Bytes,
            self.cache_bytes.clone(),
        );
        bff.register("cache_entries", "Cached documents", self.cache_entries.clone());
        bff.register("composing", "Documents being composed", self.composing.clone());
        self.register_refreshes(bff);
        let help = "Time a part of a screen took";
        bff.register_with_unit("part_duration", help, Unit::Seconds, self.parts.clone());
        let help = "Time a call to an upstream took, with its queue and retries";
        bff.register_with_unit("upstream_request_duration", help, Unit::Seconds, self.upstreams.clone());
        let help = "Answers that an upstream did not have to send again";
        bff.register("upstream_not_modified", help, self.not_modified.clone());
        let help = "Reads sent again because an idle connection closed under them";
        bff.register("upstream_retried", help, self.retried.clone());
        bff.register("sign_ins", "Attempts to sign in", self.sign_ins.clone());
        let help = "Refresh tokens that were presented";
        bff.register("token_refreshes", help, self.refreshes.clone());
        let help = "Attempts to sign in that were refused because too many had failed";
        bff.register("sign_in_throttled", help, self.throttled.clone());
        bff.register("rate_limited", "Requests refused by a rate limit", self.rate_limited.clone());
        let help = "Requests for which the rate limits that replicas share did not answer in time";
        bff.register("rate_limits_alone", help, self.rate_limits_alone.clone());
        let help = "Sign-ins made, of browsers and of apps";
        bff.register("sessions_created", help, self.sessions_created.clone());
        bff.register("sessions_ended", "Sign-ins ended before their time", self.sessions_ended.clone());
        bff.register("store_up", "Whether the store answers (1) or not (0)", self.store_up.clone());
        let help = "Whether changes in the store are heard of (1), or each look-up asks it (0)";
        bff.register("store_hearing", help, self.store_hearing.clone());
        let help = "Drops of cached documents told to the other replicas, or heard from them";
        bff.register("relayed_drops", help, self.relayed_drops.clone());
        let help = "Endings of sign-ins told to the other replicas; unconfirmed: one of them did not say in time that it has heard";
        bff.register("relayed_endings", help, self.relayed_endings.clone());
        self.register_live(bff);
        self.rotation.register(bff);
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        bff.register("build", "The running version", build);
        bff.register_collector(Box::new(DroppedLines(Arc::clone(&self.sink))));
    }

    fn register_refreshes(&self, bff: &mut Registry) {
        let help = "Refreshes of stale documents that run behind";
        bff.register("refreshes_running", help, self.refreshes_running.clone());
        let help = "Refreshes of stale documents that wait for their turn";
        bff.register("refreshes_waiting", help, self.refreshes_waiting.clone());
        let help =
            "Refreshes given up because the stale time ended before their turn: the next reader composes";
        bff.register("refreshes_expired", help, self.refreshes_expired.clone());
    }

    fn register_live(&self, bff: &mut Registry) {
        let help = "Open WebSockets and event streams";
        bff.register("live_connections", help, self.live_connections.clone());
        let help = "Messages published to live connections";
        bff.register("live_messages_published", help, self.live_published.clone());
        let help = "Messages handed to a live connection";
        bff.register("live_messages_delivered", help, self.live_delivered.clone());
        let help = "Messages thrown away because their connection was too slow";
        bff.register("live_messages_dropped", help, self.live_dropped.clone());
        let help = "Live connections ended because they were too slow";
        bff.register("live_slow_readers", help, self.live_slow_readers.clone());
        let help = "Messages that the shared store did not take in time";
        bff.register("live_messages_lost", help, self.live_lost.clone());
        let help =
            "Whether the log that replicas share is being followed (1) or not (0: also where there is none)";
        bff.register("live_following", help, self.live_following.clone());
        bff.register("events", "Events that upstreams sent", self.events.clone());
        let help = "Tags told to the revalidation webhook";
        bff.register("revalidation_tags", help, self.revalidations.clone());
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

/// The statuses told apart; others count under their class.
const STATUSES: [(u16, &str); 32] = [
    (101, "101"),
    (200, "200"),
    (201, "201"),
    (202, "202"),
    (204, "204"),
    (206, "206"),
    (302, "302"),
    (303, "303"),
    (304, "304"),
    (400, "400"),
    (401, "401"),
    (403, "403"),
    (404, "404"),
    (405, "405"),
    (406, "406"),
    (408, "408"),
    (409, "409"),
    (412, "412"),
    (413, "413"),
    (415, "415"),
    (416, "416"),
    (422, "422"),
    (429, "429"),
    (500, "500"),
    (502, "502"),
    (503, "503"),
    (504, "504"),
    (100, "1xx"),
    (299, "2xx"),
    (399, "3xx"),
    (499, "4xx"),
    (599, "5xx"),
];
/// Where the classes start in [`STATUSES`].
const CLASSES: usize = STATUSES.len() - 5;

fn status_index(status: u16) -> usize {
    // By far the most common.
    if status == 200 {
        return 1;
    }
    let known = STATUSES[..CLASSES].iter().position(|(known, _)| *known == status);
    known.unwrap_or_else(|| CLASSES + usize::from(status / 100).clamp(1, 5) - 1)
}

/// The durations of one route's requests, by status. Clones share them.
#[derive(Debug, Clone)]
pub struct RouteMetrics {
    by_status: Arc<[OnceLock<Box<Histogram>>; STATUSES.len()]>,
}

impl Default for RouteMetrics {
    fn default() -> Self {
        Self { by_status: Arc::new(std::array::from_fn(|_| OnceLock::new())) }
    }
}

impl RouteMetrics {
    /// Observes one request.
    pub fn observe(&self, status: u16, duration: Duration) {
        self.by_status[status_index(status)].get_or_init(Box::default).observe(duration);
    }
}

#[derive(Debug, Clone)]
struct HttpRequests(Series<2, RouteMetrics>);

impl EncodeMetric for HttpRequests {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> std::fmt::Result {
        self.0.each(|[route, method], metrics| {
            for (histogram, (_, status)) in metrics.by_status.iter().zip(STATUSES) {
                if let Some(histogram) = histogram.get() {
                    let labels = [*route, *method, ("status", status)];
                    histogram.encode(encoder.encode_family(&labels)?)?;
                }
            }
            Ok(())
        })
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

#[derive(Debug)]
struct DroppedLines(Arc<OnceLock<Sink>>);

impl Collector for DroppedLines {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let help = "Log lines dropped because the output could not keep up.";
        let encoder = encoder.encode_descriptor("log_lines_dropped", help, None, MetricType::Counter)?;
        let dropped = self.0.get().map_or(0, Sink::dropped_lines);
        ConstCounter::new(dropped).encode(encoder)
    }
}
