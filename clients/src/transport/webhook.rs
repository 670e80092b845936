//! A call to an operator's own server: no upstream, so no service token, no trace, and an answer that nobody reads.

use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, StatusCode, Uri};
use reqwest::Body;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use tokio::{runtime::Handle, time::timeout};
use url::Url;

use super::{
    Authorization, SendError, TlsFiles, TransportError, UpstreamConfig, abort_on_drop::AbortOnDrop,
    config::POOL_IDLE, connections::Connections, exchange::read_aside,
};

/// What stands in for an upstream's name in errors.
const NAME: &str = "webhook";

/// Posts JSON to one URL. Cloning is cheap and shares connections.
#[derive(Clone)]
pub struct Webhook {
    runtime: Handle,
    http: Connections,
    uri: Uri,
    authorization: HeaderValue,
    timeout: Duration,
}

/// A webhook was not delivered, or not taken.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// The body cannot be written as JSON.
    #[error("webhook body")]
    Body(#[source] serde_json::Error),
    #[error("webhook timed out")]
    Timeout,
    /// It could not be reached, or did not answer with HTTP.
    #[error("webhook is unreachable")]
    Connect(#[source] SendError),
    /// It answered with something else than 2xx.
    #[error("webhook answered {0}")]
    Status(StatusCode),
    /// The process is stopping.
    #[error("webhook was interrupted")]
    Interrupted,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook").finish_non_exhaustive()
    }
}

impl Webhook {
    /// `secret` goes along as a bearer token; `timeout` bounds each call as a whole. No network is touched here.
    ///
    /// # Errors
    /// [`TransportError`] when the URL or the secret cannot be used, or TLS cannot be set up.
    pub fn new(
        runtime: Handle,
        url: Url,
        secret: &SecretString,
        timeout: Duration,
    ) -> Result<Self, TransportError> {
        let config = UpstreamConfig {
            name: NAME,
            url: url.clone(),
            audience: String::new(),
            authorization: Authorization::None,
            timeout,
            connect_timeout: timeout,
            idle: POOL_IDLE,
            max_response_bytes: 1,
            max_concurrent: 1,
            queue: 0,
            etag_cache_bytes: 0,
            workers: 1,
            tls: TlsFiles::default(),
        };
        config.checked_base()?;
        let mut authorization =
            HeaderValue::try_from(format!("Bearer {}", secret.expose_secret())).map_err(|_| {
                TransportError::Config { upstream: NAME, expected: "the secret must be visible ASCII" }
            })?;
        authorization.set_sensitive(true);
        let uri = url.as_str().parse();
        let uri = uri.map_err(|_| TransportError::Config {
            upstream: NAME,
            expected: "the url must be one that requests can be made to",
        })?;
        Ok(Self { runtime, http: config.connections()?, uri, authorization, timeout })
    }

    /// Posts `body` once. What comes back besides the status is of no interest.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub async fn post(&self, body: &impl Serialize) -> Result<(), WebhookError> {
        let body = serde_json::to_vec(body).map_err(WebhookError::Body)?;
        let mut request = Request::new(Body::from(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        request.headers_mut().insert(AUTHORIZATION, self.authorization.clone());
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let (http, limit) = (self.http.clone(), self.timeout);
        let sending = async move {
            // A POST is never sent again; whoever calls this tells the same tags once more.
            let sent = timeout(limit, http.execute(request, || None)).await;
            let mut response = sent.map_err(|_| WebhookError::Timeout)?.map_err(not_sent)?;
            // So that the connection can be used again.
            let _ = read_aside(&mut response).await;
            Ok(response.status())
        };
        // The connection lives on the runtime, whoever asks.
        let task = self.runtime.spawn(sending);
        let _abort = AbortOnDrop(task.abort_handle());
        let status = task.await.map_err(|_| WebhookError::Interrupted)??;
        if status.is_success() { Ok(()) } else { Err(WebhookError::Status(status)) }
    }
}

fn not_sent(error: SendError) -> WebhookError {
    // A connection attempt can time out as well: this question comes first.
    if error.is_timeout() { WebhookError::Timeout } else { WebhookError::Connect(error) }
}
