//! HTTP/1.1 without TLS: hyper's own client. What is built around it for proxies, redirects and cookies parses each
//! URL twice more and copies each request's headers, for nothing that an upstream may do.

use std::time::Duration;

use http::{
    HeaderMap, HeaderName, HeaderValue, Request,
    header::{ACCEPT, USER_AGENT},
};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use reqwest::Body;
use tower_layer::Layer;

use super::{
    opened::{Opened, Opening},
    send_error::SendError,
};

/// The head of an answer, and its body as it comes.
pub(crate) type Response = http::Response<Body>;

/// How many unanswered probes a vanished peer gets, and how far apart.
const KEEPALIVE: (u32, Duration) = (3, Duration::from_secs(15));

/// A client without TLS. Cloning is cheap and shares connections.
#[derive(Clone, Debug)]
pub(super) struct PlainClient {
    client: legacy::Client<Opening<HttpConnector>, Body>,
    defaults: [(HeaderName, HeaderValue); 2],
}

/// How it connects.
#[derive(Debug, Clone)]
pub(super) struct PlainSettings {
    /// For name look-up and TCP together.
    pub(super) connect_timeout: Duration,
    pub(super) pool_idle: Duration,
    /// Connections that are kept and used by no call.
    pub(super) max_idle: usize,
    pub(super) keepalive: Duration,
    pub(super) user_agent: &'static str,
}

impl PlainClient {
    /// `opened` is told of each connection.
    pub(super) fn new(settings: &PlainSettings, opened: &Opened) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_keepalive(Some(settings.keepalive));
        connector.set_keepalive_retries(Some(KEEPALIVE.0));
        connector.set_keepalive_interval(Some(KEEPALIVE.1));
        let connector = opened.within(settings.connect_timeout).layer(connector);
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(settings.pool_idle)
            .pool_max_idle_per_host(settings.max_idle)
            .build(connector);
        let defaults = [
            (ACCEPT, HeaderValue::from_static("application/json")),
            (USER_AGENT, HeaderValue::from_static(settings.user_agent)),
        ];
        Self { client, defaults }
    }

    /// Sends `request`, whose URI is absolute.
    ///
    /// # Errors
    /// [`SendError`].
    pub(super) async fn send(&self, mut request: Request<Body>) -> Result<Response, SendError> {
        add_missing(&self.defaults, request.headers_mut());
        let answer = self.client.request(request).await.map_err(SendError::of_hyper)?;
        Ok(answer.map(Body::wrap))
    }
}

fn add_missing(defaults: &[(HeaderName, HeaderValue)], headers: &mut HeaderMap) {
    for (name, value) in defaults {
        if !headers.contains_key(name) {
            headers.insert(name, value.clone());
        }
    }
}
