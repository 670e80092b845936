//! Metrics with labels. Label values are `&'static str`: the code bounds their number, no id can become
//! one. Whoever observes often keeps the handle; looking it up again costs a hash under a read lock.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use prometheus_client::encoding::{EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;

use super::histogram::Histogram;

/// One metric for each combination of `L` label values; clones share it.
#[derive(Debug)]
pub(super) struct Series<const L: usize, M>(Arc<Inner<L, M>>);

#[derive(Debug)]
struct Inner<const L: usize, M> {
    names: [&'static str; L],
    metrics: RwLock<HashMap<[&'static str; L], M>>,
}

impl<const L: usize, M> Clone for Series<L, M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<const L: usize, M: Clone + Default> Series<L, M> {
    pub(super) fn new(names: [&'static str; L]) -> Self {
        Self(Arc::new(Inner { names, metrics: RwLock::default() }))
    }

    /// The handle for these label values, made at the first call.
    pub(super) fn handle(&self, values: [&'static str; L]) -> M {
        if let Some(metric) = self.0.metrics.read().get(&values) {
            return metric.clone();
        }
        self.0.metrics.write().entry(values).or_default().clone()
    }

    /// In the order of the label values.
    pub(super) fn each(
        &self,
        mut visit: impl FnMut(&[(&'static str, &'static str); L], &M) -> std::fmt::Result,
    ) -> std::fmt::Result {
        let mut metrics: Vec<_> =
            self.0.metrics.read().iter().map(|(values, metric)| (*values, metric.clone())).collect();
        metrics.sort_unstable_by_key(|(values, _)| *values);
        for (values, metric) in metrics {
            let labels = std::array::from_fn(|index| (self.0.names[index], values[index]));
            visit(&labels, &metric)?;
        }
        Ok(())
    }
}

impl<const L: usize> Series<L, Arc<Histogram>> {
    /// Looks the handle up without touching its reference count, and observes.
    pub(super) fn observe(&self, values: [&'static str; L], duration: Duration) {
        if let Some(histogram) = self.0.metrics.read().get(&values) {
            histogram.observe(duration);
            return;
        }
        self.handle(values).observe(duration);
    }
}

impl<const L: usize> EncodeMetric for Series<L, Arc<Histogram>> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> std::fmt::Result {
        self.each(|labels, histogram| histogram.encode(encoder.encode_family(labels)?))
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }

    fn is_empty(&self) -> bool {
        self.0.metrics.read().is_empty()
    }
}

impl<const L: usize> EncodeMetric for Series<L, Counter> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> std::fmt::Result {
        self.each(|labels, counter| counter.encode(encoder.encode_family(labels)?))
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Counter
    }

    fn is_empty(&self) -> bool {
        self.0.metrics.read().is_empty()
    }
}
