//! The span of a request, for those who follow one through the log or through a tracing back end.

use actix_web::{
    Error, HttpMessage,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
};
use tracing::{Span, field::Empty, level_filters::LevelFilter};
use tracing_actix_web::RootSpanBuilder;

use super::RequestContext;

/// Builds the root span. It is a debug span: what operators need of every request stands in the access line,
/// at a fraction of a span's price.
#[derive(Debug)]
pub struct RequestSpan;

/// Whether the log's filter lets request spans through at all. Where it does not, the middleware that makes
/// them is left out.
#[must_use]
pub fn spans_wanted() -> bool {
    LevelFilter::current() >= LevelFilter::DEBUG
}

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let extensions = request.extensions();
        let id = extensions.get::<RequestContext>().map_or("-", RequestContext::request_id);
        tracing::debug_span!(
            "request",
            otel.kind = "server",
            request.id = id,
            http.request.method = %request.method(),
            http.response.status_code = Empty,
        )
    }

    fn on_request_end<B: MessageBody>(span: Span, outcome: &Result<ServiceResponse<B>, Error>) {
        let status = match outcome {
            Ok(response) => response.status(),
            Err(error) => error.as_response_error().status_code(),
        };
        span.record("http.response.status_code", status.as_u16());
    }
}
