//! One HTTP exchange with an upstream, and the limits around it. Called by the clients; the only place
//! that builds an HTTP client.
//!
//! A call goes through these layers, outermost first:
//!
//! 1. report: the observer hears of it once, whatever happens
//! 2. runtime: it runs on the transport's runtime and stops when the caller goes away
//! 3. deadline: the upstream's timeout or the caller's deadline, whichever comes first
//! 4. gate: at most so many at once, a short queue behind
//! 5. exchange: one try on the wire, with its own token, span and remaining time; what the upstream has said before is
//!    asked about instead of being fetched again
//! 6. connections: a read that a pooled connection lost before any answer is tried once more on a new one

mod call;
mod config;
mod connections;
mod exchange;
mod gate;
mod kept;
mod provider;
mod tls;
mod trace;
mod webhook;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{Method, StatusCode};
use parking_lot::Mutex;
use schemas::Id;
use serde::de::DeserializeOwned;
use tokio::{runtime::Handle, task::AbortHandle, time::timeout_at};

use crate::{BodyFault, CallContext, Observer, ServiceTokens, UpstreamError, report::Reporter};

pub(crate) use call::{Authority, Call, Query};
pub use config::{TransportError, UpstreamConfig};
use connections::Connections;
use exchange::Received;
use gate::Gate;
use kept::Kept;
pub(crate) use provider::ProviderHttp;
pub use tls::TlsFiles;
pub use webhook::{Webhook, WebhookError};

/// The way to one upstream. Cloning is cheap and shares connections and limits.
#[derive(Clone)]
pub(crate) struct Transport {
    runtime: Handle,
    upstream: Arc<Upstream>,
}

/// What is known of an upstream.
struct Upstream {
    name: &'static str,
    /// Without a trailing slash, query or fragment.
    base: url::Url,
    audience: Arc<str>,
    timeout: Duration,
    max_response_bytes: usize,
    /// Another one where the certificates have changed; calls in flight keep theirs.
    http: ArcSwap<Connections>,
    certificates: Mutex<Reading>,
    gate: Gate,
    kept: Kept,
    tokens: Arc<ServiceTokens>,
    observer: Observer,
}

/// What the client was made of.
struct Reading {
    config: UpstreamConfig,
    /// Of the certificates.
    print: [u8; 32],
}

impl Transport {
    pub(crate) fn new(
        runtime: Handle,
        config: UpstreamConfig,
        tokens: Arc<ServiceTokens>,
        observer: Observer,
    ) -> Result<Self, TransportError> {
        let base = config.checked_base()?;
        let certificates = config.tls.read(config.name)?;
        let print = certificates.print;
        let http = config.connections_with(&certificates)?;
        let upstream = Upstream {
            name: config.name,
            base,
            audience: config.audience.as_str().into(),
            timeout: config.timeout,
            max_response_bytes: config.max_response_bytes,
            http: ArcSwap::from_pointee(http),
            gate: Gate::new(config.max_concurrent, config.queue),
            kept: Kept::new(config.kept_bytes),
            certificates: Mutex::new(Reading { config, print }),
            tokens,
            observer,
        };
        Ok(Self { runtime, upstream: Arc::new(upstream) })
    }

    pub(crate) fn name(&self) -> &'static str {
        self.upstream.name
    }

    /// Reads the upstream's certificates again and, where they are others than before, connects with them from now
    /// on; says whether they are. Blocks on files.
    ///
    /// # Errors
    /// [`TransportError`]; the certificates of before count on.
    pub(crate) fn reload_certificates(&self) -> Result<bool, TransportError> {
        let mut reading = self.upstream.certificates.lock();
        if reading.config.tls.is_empty() {
            return Ok(false);
        }
        let certificates = reading.config.tls.read(self.name())?;
        let print = certificates.print;
        if print == reading.print {
            return Ok(false);
        }
        self.upstream.http.store(Arc::new(reading.config.connections_with(&certificates)?));
        reading.print = print;
        Ok(true)
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// The upstream's own timeout, for calls that serve more than one caller.
    pub(crate) fn timeout(&self) -> Duration {
        self.upstream.timeout
    }

    /// A call of `operation` to the path made of `segments`, below the base URL.
    pub(crate) fn call(&self, operation: &'static str, method: Method, segments: &[&str]) -> Call {
        Call::new(self.upstream.name, operation, method, &self.upstream.base, segments)
    }

    /// Whether `id` can stand in a path without becoming another one: an upstream has nothing by the name of one of the
    /// `words` of its own paths, and is not asked.
    ///
    /// # Errors
    /// As if it had been asked: 404.
    pub(crate) fn not_a_word(&self, id: &Id, words: &[&str]) -> Result<(), UpstreamError> {
        let status = StatusCode::NOT_FOUND;
        let unknown = UpstreamError::Status { upstream: self.name(), status, problem: None };
        if words.contains(&id.as_str()) { Err(unknown) } else { Ok(()) }
    }

    /// Asks for JSON.
    pub(crate) async fn fetch<T>(&self, cx: &CallContext, call: Call) -> Result<T, UpstreamError>
    where
        T: DeserializeOwned + Send + 'static,
    {
        self.run(cx, call, |body| Ok(serde_json::from_slice(body)?)).await
    }

    /// Asks for JSON that has to be about what was asked for: an upstream, or a cache in front of it,
    /// that mixes answers up must not show one member another's.
    pub(crate) async fn fetch_matching<T, F>(
        &self,
        cx: &CallContext,
        call: Call,
        matches: F,
    ) -> Result<T, UpstreamError>
    where
        T: DeserializeOwned + Send + 'static,
        F: FnOnce(&T) -> bool + Send + 'static,
    {
        self.run(cx, call, |body| {
            let value = serde_json::from_slice(body)?;
            if matches(&value) { Ok(value) } else { Err(BodyFault::Mismatch) }
        })
        .await
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
        let upstream = Arc::clone(&self.upstream);
        let cx = cx.clone();
        let report = Reporter::start(&upstream.observer, upstream.name, call.operation, &cx.request_id);
        let task = self.runtime.spawn(async move {
            let name = upstream.name;
            let answer = upstream.answer(&cx, &call, &report).await;
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
                Err(_) => Err(UpstreamError::Overloaded { upstream: self.upstream.name }),
            },
        }
    }
}

impl Upstream {
    /// The answer, if it is a success that came in time.
    async fn answer(
        &self,
        cx: &CallContext,
        call: &Call,
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
            self.exchange(cx, call, deadline, report).await
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
