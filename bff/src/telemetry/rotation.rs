//! What a replica holds of keys and secrets that change while it runs: so that an operator sees when every replica
//! has taken a change over.

use prometheus_client::{metrics::gauge::Gauge, registry::Registry};

/// Set at the start and after each look at the files.
#[derive(Debug, Default)]
pub struct RotationMetrics {
    /// Keys in the published set.
    pub keys: Gauge,
    /// Session secrets that are accepted.
    pub session_secrets: Gauge,
    /// Files that cannot be used: what was read before counts on.
    pub faults: Gauge,
}

impl RotationMetrics {
    pub(super) fn register(&self, bff: &mut Registry) {
        bff.register("keys_published", "Keys in the published set", self.keys.clone());
        bff.register("session_secrets", "Session secrets that are accepted", self.session_secrets.clone());
        let help = "Keys, secrets and certificates that cannot be read again";
        bff.register("rotation_faults", help, self.faults.clone());
    }
}
