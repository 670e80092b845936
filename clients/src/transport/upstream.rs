//! What is known of one upstream, shared by all calls to it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use super::authorization::Proof;
use super::base::Base;
use super::etag_cache::EtagCache;
use super::gate::Gate;
use super::pools::Pools;
use super::{TransportError, UpstreamConfig};
use crate::{Observer, ServiceTokens};

/// The way to one upstream. Cloning is cheap and shares connections and limits.
#[derive(Clone)]
pub struct Upstream(pub(super) Arc<Inner>);

/// What is known of an upstream.
pub(super) struct Inner {
    pub(super) name: &'static str,
    pub(super) base: Base,
    pub(super) timeout: Duration,
    pub(super) max_response_bytes: usize,
    pub(super) pools: Pools,
    pub(super) gate: Gate,
    pub(super) etags: EtagCache,
    pub(super) proof: Proof,
    pub(super) observer: Observer,
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream").field("name", &self.0.name).finish_non_exhaustive()
    }
}

impl Upstream {
    pub(crate) fn new(
        runtime: Handle,
        config: UpstreamConfig,
        tokens: Arc<ServiceTokens>,
        observer: Observer,
    ) -> Result<Self, TransportError> {
        let expected = "the url must be one that requests can be made to";
        let refused = TransportError::Config { upstream: config.name, expected };
        let base = Base::new(&config.checked_base()?).ok_or(refused)?;
        let inner = Inner {
            name: config.name,
            base,
            proof: Proof::new(config.name, &config.authorization, &config.audience, tokens)?,
            timeout: config.timeout,
            max_response_bytes: config.max_response_bytes,
            gate: Gate::new(config.max_concurrent, config.queue),
            etags: EtagCache::new(config.etag_cache_bytes),
            pools: Pools::new(runtime, config)?,
            observer,
        };
        Ok(Self(Arc::new(inner)))
    }

    /// As configured.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.0.name
    }

    /// How long a call may take at most, whatever its deadline.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.0.timeout
    }

    /// Reads the upstream's certificates and fixed bearer token again and, where they have changed, uses them from now
    /// on; says whether they have. Blocks on files.
    ///
    /// # Errors
    /// [`TransportError`]; the previous ones stay in use.
    pub(crate) fn reload_files(&self) -> Result<bool, TransportError> {
        let token = self.0.proof.reload(self.0.name);
        let certificates = self.0.pools.reload_certificates();
        Ok(token? | certificates?)
    }

    /// The runtime that work of more than one caller runs on.
    pub(crate) fn runtime(&self) -> &Handle {
        self.0.pools.runtime()
    }
}
