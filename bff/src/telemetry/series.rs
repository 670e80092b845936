//! Metrics with labels. Label values are `&'static str`: the code bounds their number, no id can become
//! one. Whoever observes often may keep the handle; looking it up costs a hash, and no lock.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use arc_swap::ArcSwap;
use prometheus_client::encoding::{EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

use super::histogram::Histogram;

/// One metric for each combination of `L` label values; clones share it.
#[derive(Debug)]
pub(super) struct Series<const L: usize, M>(Arc<Inner<L, M>>);

#[derive(Debug)]
struct Inner<const L: usize, M> {
    names: [&'static str; L],
    /// Copied for each new combination, of which there are few; read by everybody all the time.
    metrics: ArcSwap<HashMap<[&'static str; L], M, BuildHasherDefault<WordHasher>>>,
}

/// Label values are words of the code, which nobody can choose to collide: a keyed hash would cost more than the
/// rest of an observation.
#[derive(Debug, Clone, Copy, Default)]
struct WordHasher(u64);

impl WordHasher {
    fn mix(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl Hasher for WordHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (whole, rest) = bytes.as_chunks();
        for chunk in whole {
            self.mix(u64::from_le_bytes(*chunk));
        }
        self.mix(rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)));
    }
    // The end of a word, and how many there are: always the same.
    fn write_u8(&mut self, _: u8) {}
    fn write_usize(&mut self, _: usize) {}
    fn finish(&self) -> u64 {
        // Tables look at the lowest bits, multiplication mixes the highest best.
        self.0.rotate_left(26)
    }
}

impl<const L: usize, M> Clone for Series<L, M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<const L: usize, M: Clone + Default> Series<L, M> {
    pub(super) fn new(names: [&'static str; L]) -> Self {
        Self(Arc::new(Inner { names, metrics: ArcSwap::default() }))
    }

    /// The handle for these label values, made at the first call.
    pub(super) fn handle(&self, values: [&'static str; L]) -> M {
        self.with(values, M::clone)
    }

    /// Visits the metric for these label values without taking a reference to it.
    pub(super) fn with<R>(&self, values: [&'static str; L], visit: impl FnOnce(&M) -> R) -> R {
        if let Some(metric) = self.0.metrics.load().get(&values) {
            return visit(metric);
        }
        // Two threads may come here at once: the one that finds an entry uses it.
        let made = M::default();
        self.0.metrics.rcu(|metrics| {
            let mut metrics = HashMap::clone(metrics);
            metrics.entry(values).or_insert_with(|| made.clone());
            metrics
        });
        visit(self.0.metrics.load().get(&values).unwrap_or(&made))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.metrics.load().is_empty()
    }

    /// In the order of the label values.
    pub(super) fn each(
        &self,
        mut visit: impl FnMut(&[(&'static str, &'static str); L], &M) -> std::fmt::Result,
    ) -> std::fmt::Result {
        let mut metrics: Vec<_> =
            self.0.metrics.load().iter().map(|(values, metric)| (*values, metric.clone())).collect();
        metrics.sort_unstable_by_key(|(values, _)| *values);
        for (values, metric) in metrics {
            let labels = std::array::from_fn(|index| (self.0.names[index], values[index]));
            visit(&labels, &metric)?;
        }
        Ok(())
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
        Self::is_empty(self)
    }
}

impl<const L: usize> EncodeMetric for Series<L, Gauge> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> std::fmt::Result {
        self.each(|labels, gauge| gauge.encode(encoder.encode_family(labels)?))
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Gauge
    }

    fn is_empty(&self) -> bool {
        Self::is_empty(self)
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
        Self::is_empty(self)
    }
}
