//! Metrics of files: what was done with them, and how many bytes went through the gateway.

use std::sync::Arc;

use prometheus_client::metrics::counter::Counter;

use super::histogram::Histogram;
use super::series::Series;

/// Words of the code alone are labels: no key, name or type of a file.
#[derive(Debug)]
pub(super) struct FileMetrics {
    pub(super) operations: Series<2, Arc<Histogram>>,
    pub(super) bytes: Series<1, Counter>,
}

impl Default for FileMetrics {
    fn default() -> Self {
        Self { operations: Series::new(["operation", "outcome"]), bytes: Series::new(["direction"]) }
    }
}
