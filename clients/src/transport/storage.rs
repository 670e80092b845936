//! Calls to an object storage (S3): no upstream, so no service token and no trace, but the same limits. The caller signs
//! its URLs itself; nothing that is said here of an error holds one.

use std::{path::PathBuf, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use reqwest::Body;
use tokio::{runtime::Handle, time::timeout};
use url::Url;

use super::{
    Authorization, SendError, TlsFiles, TransportError, UpstreamConfig,
    abort_on_drop::AbortOnDrop,
    config::POOL_IDLE,
    connections::{Connections, Response},
    exchange::{ReadFault, read},
};

/// What stands in for an upstream's name in errors.
const NAME: &str = "file storage";
/// Answers that are read whole: lists of a thousand names, and small objects.
const MAX_ANSWER_BYTES: usize = 4 << 20;
/// Calls at the same time keep so many connections between them.
const MAX_IDLE: usize = 32;

/// HTTP with one storage. Cloning is cheap and shares connections.
#[derive(Clone)]
pub struct StorageHttp {
    runtime: Handle,
    http: Connections,
    timeout: Duration,
}

/// A call to a storage brought no usable answer. Holds no URL: a signed one is a secret.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StorageHttpError {
    #[error("file storage timed out")]
    Timeout,
    /// It could not be reached, or its answer was cut off.
    #[error("file storage is unreachable")]
    Lost(#[source] Arc<SendError>),
    #[error("a URL of file storage cannot be used")]
    Url,
    #[error("an answer of file storage is too large")]
    TooLarge,
    /// The process is stopping.
    #[error("a call to file storage was interrupted")]
    Interrupted,
}

/// An answer that was read whole, whatever its status.
#[derive(Debug, Clone)]
pub struct StorageAnswer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// The body of an answer, as it comes.
pub type StoragePieces = Pin<Box<dyn Stream<Item = Result<Bytes, StorageHttpError>> + Send>>;

impl std::fmt::Debug for StorageHttp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StorageHttp").finish_non_exhaustive()
    }
}

impl StorageHttp {
    /// `timeout` bounds each call that is read whole, and each silence of one that is streamed. `ca`: PEM of the
    /// authorities of its certificate instead of the system's. No network is touched here.
    ///
    /// # Errors
    /// [`TransportError`] when the endpoint cannot be meant, or TLS cannot be set up.
    pub fn new(
        runtime: Handle,
        endpoint: &Url,
        timeout: Duration,
        ca: Option<PathBuf>,
    ) -> Result<Self, TransportError> {
        let config = UpstreamConfig {
            name: NAME,
            url: endpoint.clone(),
            audience: String::new(),
            authorization: Authorization::None,
            timeout,
            connect_timeout: timeout,
            idle: POOL_IDLE,
            max_response_bytes: MAX_ANSWER_BYTES,
            max_concurrent: MAX_IDLE,
            queue: 0,
            etag_cache_bytes: 0,
            workers: 1,
            tls: TlsFiles { ca, ..TlsFiles::default() },
        };
        config.checked_base()?;
        Ok(Self { runtime, http: config.connections()?, timeout })
    }

    /// Sends a request and reads the answer whole. A read that met the end of a pooled connection is sent once more,
    /// everything else once.
    ///
    /// # Errors
    /// [`StorageHttpError`]; an answer of any status is none.
    pub async fn send(
        &self,
        method: Method,
        url: Url,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<StorageAnswer, StorageHttpError> {
        let (http, limit) = (self.http.clone(), self.timeout);
        let exchange = async move {
            let mut response = execute(&http, request(method, &url, headers, body)?).await?;
            let (status, headers) = (response.status(), response.headers().clone());
            let body = read(&mut response, MAX_ANSWER_BYTES).await.map_err(|fault| match fault {
                ReadFault::TooLarge => StorageHttpError::TooLarge,
                ReadFault::Lost(error) => lost(SendError::of_reqwest(error)),
            })?;
            Ok(StorageAnswer { status, headers, body })
        };
        self.spawned(async move { timeout(limit, exchange).await.unwrap_or(Err(StorageHttpError::Timeout)) })
            .await
    }

    /// Gets what is at `url`. The head comes within the timeout, and so does each piece after the one before.
    ///
    /// # Errors
    /// [`StorageHttpError`]; an answer of any status is none.
    pub async fn get(
        &self,
        url: Url,
        headers: HeaderMap,
    ) -> Result<(StatusCode, StoragePieces), StorageHttpError> {
        let (http, limit) = (self.http.clone(), self.timeout);
        let head = async move { execute(&http, request(Method::GET, &url, headers, Bytes::new())?).await };
        let response = self
            .spawned(async move { timeout(limit, head).await.unwrap_or(Err(StorageHttpError::Timeout)) })
            .await?;
        let status = response.status();
        let pieces = Box::pin(response.into_body().into_data_stream());
        let pieces = stream::unfold(Some(pieces), move |pieces| async move {
            let mut pieces = pieces?;
            match timeout(limit, pieces.next()).await {
                Ok(Some(Ok(piece))) => Some((Ok(piece), Some(pieces))),
                Ok(Some(Err(error))) => Some((Err(lost(SendError::of_reqwest(error))), None)),
                Ok(None) => None,
                Err(_) => Some((Err(StorageHttpError::Timeout), None)),
            }
        });
        Ok((status, Box::pin(pieces)))
    }

    /// The connection lives on the runtime, whoever asks.
    async fn spawned<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, StorageHttpError>> + Send + 'static,
    ) -> Result<T, StorageHttpError> {
        let task = self.runtime.spawn(work);
        let _abort = AbortOnDrop(task.abort_handle());
        task.await.map_err(|_| StorageHttpError::Interrupted)?
    }
}

fn request(
    method: Method,
    url: &Url,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Request<Bytes>, StorageHttpError> {
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = url.as_str().parse().map_err(|_| StorageHttpError::Url)?;
    *request.headers_mut() = headers;
    Ok(request)
}

async fn execute(http: &Connections, request: Request<Bytes>) -> Result<Response, StorageHttpError> {
    let again = request.clone();
    http.execute(request.map(Body::from), || Some(again.map(Body::from))).await.map_err(lost)
}

fn lost(error: SendError) -> StorageHttpError {
    // A connection attempt can time out as well: this question comes first.
    if error.is_timeout() { StorageHttpError::Timeout } else { StorageHttpError::Lost(Arc::new(error)) }
}
