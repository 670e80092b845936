//! Calls to an OpenID provider: no upstream, so no service token and no trace, but the same limits.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, StatusCode};
use reqwest::Body;
use tokio::{runtime::Handle, time::timeout};
use url::Url;

use super::{
    Authorization, SendError, TlsFiles, TransportError, UpstreamConfig,
    abort_on_drop::AbortOnDrop,
    config::POOL_IDLE,
    connections::Connections,
    exchange::{ReadFault, read},
};
use crate::OidcError;

/// What stands in for an upstream's name in errors.
const NAME: &str = "openid provider";
/// Metadata, key sets and tokens are a few kilobytes.
const MAX_RESPONSE_BYTES: usize = 256 * 1024;
/// Sign-ins at the same time keep so many connections between them.
const MAX_IDLE: usize = 16;

/// HTTP with one provider. Cloning is cheap and shares connections.
#[derive(Clone)]
pub(crate) struct ProviderHttp {
    runtime: Handle,
    http: Connections,
    timeout: Duration,
}

impl ProviderHttp {
    /// For an issuer that is `http`, nothing but `http` can be called; for all others, nothing but `https`.
    pub(crate) fn new(runtime: Handle, issuer: &Url, timeout: Duration) -> Result<Self, TransportError> {
        let config = UpstreamConfig {
            name: NAME,
            url: issuer.clone(),
            audience: String::new(),
            authorization: Authorization::None,
            timeout,
            connect_timeout: timeout,
            idle: POOL_IDLE,
            max_response_bytes: MAX_RESPONSE_BYTES,
            max_concurrent: MAX_IDLE,
            queue: 0,
            etag_cache_bytes: 0,
            workers: 1,
            tls: TlsFiles::default(),
        };
        config.checked_base()?;
        Ok(Self { runtime, http: config.connections()?, timeout })
    }

    /// Sends `request` and reads the answer, whatever its status. A GET that met the end of a pooled connection is sent
    /// once more, everything else once.
    pub(crate) async fn send(&self, request: Request<Bytes>) -> Result<(StatusCode, Bytes), OidcError> {
        let (http, limit) = (self.http.clone(), self.timeout);
        let exchange = async move {
            let again = request.clone();
            let sent = http.execute(request.map(Body::from), || Some(again.map(Body::from))).await;
            let mut response = sent.map_err(lost)?;
            let body = read(&mut response, MAX_RESPONSE_BYTES).await.map_err(|fault| match fault {
                ReadFault::TooLarge => OidcError::TooLarge,
                ReadFault::Lost(error) => lost(SendError::of_reqwest(error)),
            })?;
            Ok((response.status(), body))
        };
        let bounded = async move { timeout(limit, exchange).await.unwrap_or(Err(OidcError::Timeout)) };
        // The connection lives on the runtime, whoever asks.
        let task = self.runtime.spawn(bounded);
        let _abort = AbortOnDrop(task.abort_handle());
        task.await.map_err(|_| OidcError::Interrupted)?
    }
}

fn lost(error: SendError) -> OidcError {
    // A connection attempt can time out as well: this question comes first.
    if error.is_timeout() {
        return OidcError::Timeout;
    }
    OidcError::Unreachable(Arc::new(error))
}
