//! What the process uses, read when metrics are asked for. The names are those all Prometheus clients
//! use, so that dashboards find them.

use std::time::SystemTime;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

/// `USER_HZ`: fixed at 100 in the interface of Linux on all platforms that Rust and this gateway run on.
const TICKS_PER_SECOND: f64 = 100.0;

#[derive(Debug)]
pub(super) struct Process {
    started: f64,
}

impl Process {
    /// One that started now.
    pub(super) fn starting() -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { started: since.as_secs_f64() }
    }
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let mut gauge = |name: &str, help: &str, unit: Option<&Unit>, value: f64| {
            let encoder = encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?;
            ConstGauge::new(value).encode(encoder)
        };
        gauge("process_start_time", "Unix time of the start.", Some(&Unit::Seconds), self.started)?;
        // Elsewhere than on Linux these are left out.
        if let Some(bytes) = resident_bytes() {
            gauge("process_resident_memory", "Resident memory.", Some(&Unit::Bytes), bytes)?;
        }
        if let Some(count) = open_files() {
            gauge("process_open_fds", "Open file descriptors.", None, count)?;
        }
        if let Some(seconds) = cpu_seconds() {
            let help = "Processor time used.";
            let encoder =
                encoder.encode_descriptor("process_cpu", help, Some(&Unit::Seconds), MetricType::Counter)?;
            ConstCounter::new(seconds).encode(encoder)?;
        }
        Ok(())
    }
}

fn resident_bytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0)
}

fn open_files() -> Option<f64> {
    // The listing itself has one open.
    let count = std::fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1);
    u32::try_from(count).ok().map(f64::from)
}

fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // Fields 14 and 15; the second field, the name in parentheses, may hold spaces.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn the_figures_of_this_process_are_plausible() {
        assert!(resident_bytes().unwrap() > 100_000.0);
        assert!(open_files().unwrap() >= 3.0);
        assert!(cpu_seconds().unwrap() >= 0.0);
    }
}
