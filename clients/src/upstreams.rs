//! All upstreams of a product, by name. Made once at the start; the gateway's compositions and routes ask here for the
//! upstream that a declaration names.

use std::sync::Arc;

use tokio::runtime::Handle;

use crate::{AccountsClient, Observer, ServiceTokens, TransportError, Upstream, UpstreamConfig};

/// The upstreams by name. Cloning is cheap and shares connections and limits.
#[derive(Clone)]
pub struct Upstreams(Arc<[Upstream]>);

impl Upstreams {
    /// `runtime` is the one that compositions run on: see [`Upstream`] for which connections are used where. `observer`
    /// is told of every call once. No network is touched here.
    ///
    /// # Errors
    /// [`TransportError`] when a URL, a limit or a file cannot be used, TLS cannot be set up, or a name is given twice.
    pub fn new(
        runtime: &Handle,
        configs: impl IntoIterator<Item = UpstreamConfig>,
        tokens: &Arc<ServiceTokens>,
        observer: &Observer,
    ) -> Result<Self, TransportError> {
        let mut upstreams: Vec<Upstream> = Vec::new();
        for config in configs {
            if upstreams.iter().any(|known| known.name() == config.name) {
                let expected = "there is another one of this name";
                return Err(TransportError::Config { upstream: config.name, expected });
            }
            upstreams.push(Upstream::new(runtime.clone(), config, Arc::clone(tokens), Arc::clone(observer))?);
        }
        Ok(Self(upstreams.into()))
    }

    /// The upstream of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Upstream> {
        self.0.iter().find(|upstream| upstream.name() == name)
    }

    /// The client of the accounts contract, of the upstream of this name. Nothing: there is no such upstream.
    #[must_use]
    pub fn accounts(&self, name: &str) -> Option<AccountsClient> {
        self.get(name).cloned().map(AccountsClient::new)
    }

    /// All of them, in the order in which they were given.
    pub fn iter(&self) -> impl Iterator<Item = &Upstream> {
        self.0.iter()
    }

    /// Reads every upstream's certificates and fixed bearer token again. Changed ones take effect immediately; calls in
    /// flight keep theirs. Returns the name of each upstream of which something changed, and each error: there, the
    /// previous value stays in use. Blocks on files.
    #[must_use]
    pub fn reload_files(&self) -> Vec<Result<&'static str, TransportError>> {
        let reloaded = self.0.iter().map(|upstream| (upstream.name(), upstream.reload_files()));
        reloaded
            .filter_map(|(name, changed)| changed.map(|changed| changed.then_some(name)).transpose())
            .collect()
    }
}
