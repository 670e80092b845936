//! What answers one operation: its handler beside what is promised of it, so that a path, its methods, its problems, its
//! `Allow`, its label in metrics and its rate class stand in one place.

use std::{borrow::Cow, fmt, sync::Arc};

use actix_web::{FromRequest, Handler, HttpRequest, HttpResponse, Responder, dev::Payload, http::Method};
use futures_util::future::LocalBoxFuture;
use utoipa::openapi::HttpMethod;

/// A handler that has forgotten what it extracts: one for all workers.
pub type Answering = Arc<dyn Fn(HttpRequest, Payload) -> LocalBoxFuture<'static, HttpResponse> + Send + Sync>;

/// An operation that is served.
#[derive(Clone)]
pub struct Endpoint {
    pub method: Method,
    /// With placeholders, as in the contract.
    pub path: Cow<'static, str>,
    /// Whether it answers HEAD as well. Only a GET can.
    pub head: bool,
    /// Whether the rate limits pass it by.
    pub rate_limit_exempt: bool,
    /// Whether its answer is the same for every caller.
    pub caller_independent: bool,
    pub answering: Answering,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("method", &self.method).field("path", &self.path).finish()
    }
}

/// An actix handler, without its types. What its extractors refuse is its answer.
#[must_use]
pub fn answering<H, Args>(handler: H) -> Answering
where
    H: Handler<Args> + Send + Sync,
    H::Output: Responder + 'static,
    Args: FromRequest + 'static,
{
    Arc::new(move |request, mut payload| {
        let handler = handler.clone();
        Box::pin(async move {
            match Args::from_request(&request, &mut payload).await {
                Ok(args) => handler.call(args).await.respond_to(&request).map_into_boxed_body(),
                Err(error) => HttpResponse::from_error(error),
            }
        })
    })
}

pub(super) fn method(method: &HttpMethod) -> Method {
    match method {
        HttpMethod::Get => Method::GET,
        HttpMethod::Post => Method::POST,
        HttpMethod::Put => Method::PUT,
        HttpMethod::Delete => Method::DELETE,
        HttpMethod::Options => Method::OPTIONS,
        HttpMethod::Head => Method::HEAD,
        HttpMethod::Patch => Method::PATCH,
        HttpMethod::Trace => Method::TRACE,
    }
}
