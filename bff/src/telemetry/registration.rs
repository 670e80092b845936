//! What each metric is called, and what it says.

use std::sync::{Arc, OnceLock};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::metrics::Metrics;
use super::sink::Sink;

impl Metrics {
    pub(super) fn register(&self, bff: &mut Registry) {
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
        self.jobs.register(bff);
        self.register_files(bff);
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        bff.register("build", "The running version", build);
        bff.register_collector(Box::new(DroppedLines(Arc::clone(&self.sink))));
    }

    fn register_files(&self, bff: &mut Registry) {
        let help = "Time an operation on files took (presign, part, state, commit, download, delete, sweep)";
        let operations = self.files.operations.clone();
        bff.register_with_unit("file_operation_duration", help, Unit::Seconds, operations);
        let help = "Bytes of files that went through the gateway (in, out)";
        bff.register("file_bytes", help, self.files.bytes.clone());
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
