//! The durations of requests, by route and status.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;

use super::histogram::Histogram;
use super::series::Series;

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
pub(super) struct HttpRequests(pub(super) Series<2, RouteMetrics>);

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
