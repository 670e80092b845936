//! The transport of each upstream, and the service tokens that its calls bear.

use std::sync::Arc;

use clients::{
    Authorization, CallReport, KeyRing, Observer, ServiceTokens, TlsFiles, TransportError, Upstreams,
};
use tokio::runtime::Handle;

use crate::{
    config::{self, Config, TokenAlgorithm, UpstreamConfig},
    telemetry::Metrics,
};

pub(in super::super) fn upstreams(
    config: &Config,
    runtime: &Handle,
    keys: Arc<KeyRing>,
    metrics: &Arc<Metrics>,
) -> Result<Upstreams, TransportError> {
    let mut upstreams = Vec::with_capacity(config.upstreams.len());
    for (name, upstream) in &config.upstreams {
        upstreams.push(upstream_config(config, clients::static_name(name)?, upstream));
    }
    let tokens = Arc::new(service_tokens(config, keys));
    let metrics = Arc::clone(metrics);
    let observer: Observer = Arc::new(move |call: &CallReport<'_>| {
        metrics.upstream_call(call.upstream, call.operation, call.outcome, call.duration);
        if call.not_modified {
            metrics.not_modified(call.upstream, call.operation);
        }
        if call.retried {
            metrics.retried(call.upstream, call.operation);
        }
    });
    Upstreams::new(runtime, upstreams, &tokens, &observer)
}

/// What service tokens are signed with: the gateway's keys, or the secrets of upstreams that want one.
fn service_tokens(config: &Config, keys: Arc<KeyRing>) -> ServiceTokens {
    let tokens = ServiceTokens::new(keys, config.keys.issuer.clone());
    config.upstreams.iter().fold(tokens, |tokens, (name, upstream)| match upstream.token_algorithm {
        TokenAlgorithm::EdDsa => tokens,
        TokenAlgorithm::Hs256 => tokens.sharing(&upstream.audience, name, &upstream.secret),
    })
}

fn upstream_config(
    config: &Config,
    name: &'static str,
    upstream: &UpstreamConfig,
) -> clients::UpstreamConfig {
    clients::UpstreamConfig {
        name,
        url: upstream.url.clone(),
        audience: upstream.audience.clone(),
        authorization: match &upstream.authorization {
            config::Authorization::ServiceToken => Authorization::ServiceToken,
            config::Authorization::None => Authorization::None,
            config::Authorization::File(path) => Authorization::File(path.into()),
        },
        timeout: upstream.timeout_ms.into(),
        connect_timeout: upstream.connect_timeout_ms.into(),
        idle: upstream.idle_ms.into(),
        max_response_bytes: upstream.max_response_bytes,
        max_concurrent: upstream.max_concurrent,
        queue: upstream.queue,
        etag_cache_bytes: config.cache.upstream_max_bytes,
        workers: config.http.worker_count(),
        tls: tls_files(upstream),
    }
}

fn tls_files(config: &UpstreamConfig) -> TlsFiles {
    let file = |name: &String| (!name.is_empty()).then(|| name.into());
    TlsFiles {
        client_cert: file(&config.client_cert_file),
        client_key: file(&config.client_key_file),
        ca: file(&config.ca_file),
    }
}
