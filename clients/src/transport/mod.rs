//! One HTTP exchange with an upstream, and the limits around it. Called by the clients; the only place
//! that builds an HTTP client.
//!
//! A call goes through these layers, outermost first:
//!
//! 1. report: the observer hears of it once, whatever happens
//! 2. deadline: the upstream's timeout or the caller's deadline, whichever comes first
//! 3. gate: at most so many at once, a short queue behind
//! 4. exchange: one try on the wire, with its own token, span and remaining time; an answer that the upstream has given
//!    before is asked about instead of being fetched again
//! 5. connections: a read that a pooled connection lost before any answer is tried once more on a new one
//!
//! [`raw`] and [`stream`] are the ways in for declared parts and routes: they run where their caller runs, on the
//! connections of that runtime (see [`pools`]). Typed calls are spawned on the shared runtime.

mod authorization;
mod call;
mod config;
mod connections;
mod etag_cache;
mod exchange;
mod gate;
mod headers;
mod pools;
mod provider;
mod raw;
mod stream;
mod tls;
mod trace;
mod upload;
mod webhook;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::Method;
use serde::de::DeserializeOwned;
use tokio::{runtime::Handle, task::AbortHandle, time::timeout_at};

use crate::{BodyFault, CallContext, Observer, ServiceTokens, UpstreamError, report::Reporter};

pub use authorization::Authorization;
use authorization::Proof;
pub use call::Authority;
pub(crate) use call::Call;
pub use config::{TransportError, UpstreamConfig};
use connections::Connections;
use etag_cache::EtagCache;
use exchange::Received;
use gate::Gate;
use pools::Pools;
pub(crate) use provider::ProviderHttp;
pub use raw::{RawAnswer, RawCall};
pub use stream::{AnswerBody, StreamCall, StreamLimits, StreamedAnswer};
pub use tls::TlsFiles;
pub use upload::Upload;
pub use webhook::{Webhook, WebhookError};

/// The way to one upstream. Cloning is cheap and shares connections and limits.
#[derive(Clone)]
pub struct Upstream(Arc<Inner>);

/// What is known of an upstream.
struct Inner {
    name: &'static str,
    /// Without a trailing slash, query or fragment.
    base: url::Url,
    /// The same as text, to which paths are added.
    base_text: Box<str>,
    timeout: Duration,
    max_response_bytes: usize,
    pools: Pools,
    gate: Gate,
    etags: EtagCache,
    proof: Proof,
    observer: Observer,
}

impl std::fmt::Debug for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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
        let base = config.checked_base()?;
        let inner = Inner {
            name: config.name,
            base_text: base.as_str().trim_end_matches('/').into(),
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

    /// A call of `operation` to the path made of `segments`, below the base URL.
    pub(crate) fn typed_call(&self, operation: &'static str, method: Method, segments: &[&str]) -> Call {
        Call::new(self.0.name, operation, method, &self.0.base, segments)
    }

    /// Asks for JSON.
    pub(crate) async fn fetch<T>(&self, cx: &CallContext, call: Call) -> Result<T, UpstreamError>
    where
        T: DeserializeOwned + Send + 'static,
    {
        self.run(cx, call, |body| Ok(serde_json::from_slice(body)?)).await
    }

    /// Asks for what `read` makes of the answer's body.
    pub(crate) async fn fetch_read<T, F>(
        &self,
        cx: &CallContext,
        call: Call,
        read: F,
    ) -> Result<T, UpstreamError>
    where
        T: Send + 'static,
        F: FnOnce(&[u8]) -> Result<T, BodyFault> + Send + 'static,
    {
        self.run(cx, call, |body| read(body)).await
    }

    /// Asks for something to be done; any 2xx says that it was, whatever comes with it.
    pub(crate) async fn perform(&self, cx: &CallContext, call: Call) -> Result<(), UpstreamError> {
        self.run(cx, call.ignoring_the_body(), |_| Ok(())).await
    }

    async fn run<T, D>(&self, cx: &CallContext, call: Call, decode: D) -> Result<T, UpstreamError>
    where
        T: Send + 'static,
        D: FnOnce(&Bytes) -> Result<T, BodyFault> + Send + 'static,
    {
        let inner = Arc::clone(&self.0);
        let report = Reporter::start(&inner.observer, inner.name, call.operation, &cx.request_id);
        let cx = cx.clone();
        let task = self.runtime().spawn(async move {
            let name = inner.name;
            let http = inner.pools.shared();
            let answer = inner.answer(&cx, &call, &http, &report).await;
            let not_modified = answer.as_ref().is_ok_and(|received| received.not_modified);
            let result = answer.and_then(|received| {
                decode(&received.body).map_err(|source| UpstreamError::Body { upstream: name, source })
            });
            report.finish(&result, not_modified);
            result
        });
        let _abort = AbortOnDrop(task.abort_handle());
        match task.await {
            Ok(result) => result,
            Err(lost) => match lost.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // Nobody else holds the abort handle: the runtime is shutting down.
                Err(_) => Err(UpstreamError::Overloaded { upstream: self.0.name }),
            },
        }
    }
}

impl Inner {
    /// The answer, if it is a success that came in time.
    async fn answer(
        &self,
        cx: &CallContext,
        call: &Call,
        http: &Connections,
        report: &Reporter,
    ) -> Result<Received, UpstreamError> {
        let timeout = UpstreamError::Timeout { upstream: self.name };
        let now = Instant::now();
        let deadline = cx.deadline.min(now + self.timeout);
        if deadline <= now {
            return Err(timeout);
        }
        let tried = async {
            let _permit = self.gate.enter().await.ok_or(UpstreamError::Overloaded { upstream: self.name })?;
            self.exchange(cx, call, http, deadline, report).await
        };
        timeout_at(deadline.into(), tried).await.unwrap_or(Err(timeout))
    }
}

/// Stops a call whose caller has gone away.
struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
