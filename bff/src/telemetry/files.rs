//! Metrics of files: what was done with them, and how many bytes went through the gateway.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::{Registry, Unit};

use super::histogram::Histogram;
use super::metrics::Metrics;
use super::series::Series;

/// Words of the code alone are labels: no key, name or type of a file.
#[derive(Debug)]
pub(super) struct FileMetrics {
    operations: Series<2, Arc<Histogram>>,
    bytes: Series<1, Counter>,
}

impl Default for FileMetrics {
    fn default() -> Self {
        Self { operations: Series::new(["operation", "outcome"]), bytes: Series::new(["direction"]) }
    }
}

impl FileMetrics {
    pub(super) fn register(&self, bff: &mut Registry) {
        let help = "Time an operation on files took (presign, part, state, commit, download, delete, sweep)";
        bff.register_with_unit("file_operation_duration", help, Unit::Seconds, self.operations.clone());
        let help = "Bytes of files that went through the gateway (in, out)";
        bff.register("file_bytes", help, self.bytes.clone());
    }
}

impl Metrics {
    /// Observes how an operation on files ended (`ok`, `not_found`, `failed`, …).
    pub fn file_operation(&self, operation: &'static str, outcome: &'static str, duration: Duration) {
        self.files.operations.with([operation, outcome], |histogram| histogram.observe(duration));
    }

    /// Counts bytes of files that went through the gateway (`in`, `out`).
    pub fn file_bytes(&self, direction: &'static str, bytes: u64) {
        self.files.bytes.with([direction], |counter| counter.inc_by(bytes));
    }
}
