//! The outermost middleware: what happens to every request and every answer.

use std::{
    any::Any,
    error::Error as _,
    panic::AssertUnwindSafe,
    time::{Duration, Instant, SystemTime},
};

use actix_web::{
    Error, HttpMessage, HttpResponse,
    body::{BodySize, BoxBody, EitherBody, MessageBody},
    dev::{RequestHead, ServiceRequest, ServiceResponse},
    error::InternalError,
    http::{
        Method, Version,
        header::{
            CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, EXPECT,
            HeaderMap, HeaderValue, HttpDate, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, VARY,
            X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
        },
    },
    middleware::Next,
};
use futures_util::FutureExt;

use super::{
    ApiError, Edge,
    context::{RequestContext, RequestId, RouteName, X_REQUEST_ID},
    limits, page, problem,
    problem_spec::ProblemSpec,
};
use crate::telemetry::AccessLine;

const NO_SNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const DENY: HeaderValue = HeaderValue::from_static("DENY");
const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");
/// Answers of the API are data: nothing in them may run, load or be framed.
const DATA_ONLY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
/// CORS answers depend on who asks, so every answer does.
const BY_ORIGIN: HeaderValue = HeaderValue::from_static("Origin");
/// Pages of our own that say what is wrong.
const HTML: &str = "text/html; charset=utf-8";
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000; includeSubDomains");

/// Gives the request its id, turns errors and panics into problem documents, adds the headers that every
/// answer bears, and writes the access line.
///
/// # Errors
/// Only with a complete answer inside, when there is no request left to build one on: after a panic.
pub async fn gate<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let received = Instant::now();
    let edge = Edge::held(request.request())?;
    let id = RequestId::of(request.headers());
    let method = method_name(request.method());
    let mut context = RequestContext::new(id.clone(), received);
    let service = edge.callers.identify(request.headers());
    context.service = service.as_ref().ok().cloned().flatten();
    request.extensions_mut().insert(context);
    if let Err(refused) = service.and_then(|_| known_expectation(request.head())) {
        // Rare, and every connection has room for what this future may hold.
        let refused = finish(&edge, &id, Box::pin(limits::refuse(request, refused)).await);
        return Ok(refused.map_body(|_, body| EitherBody::right(BoxBody::new(body))));
    }
    // Inner stages run in part when they are called, and not only when they are polled.
    match AssertUnwindSafe(async { next.call(request).await }).catch_unwind().await {
        Ok(Ok(response)) => Ok(finish(&edge, &id, response)),
        Ok(Err(error)) => Err(without_request(&edge, &id, method, received, &error)),
        Err(panic) => {
            let error = ApiError::Internal("a handler panicked");
            tracing::error!(request.id = id.as_str(), panic = panic_text(&*panic), "a handler panicked");
            Err(without_request(&edge, &id, method, received, &error.into()))
        }
    }
}

fn finish<B: MessageBody + 'static>(
    edge: &Edge,
    id: &RequestId,
    mut response: ServiceResponse<B>,
) -> ServiceResponse<EitherBody<B>> {
    security_headers(response.headers_mut(), edge, id);
    let status = response.status();
    let explained =
        response.headers().get(CONTENT_TYPE).is_some_and(|t| t == "application/problem+json" || t == HTML);
    let response = if (status.is_client_error() || status.is_server_error()) && !explained {
        let (spec, errors) = match response.response().error().and_then(Error::as_error::<ApiError>) {
            Some(error) => {
                log(id, error);
                let errors = if let ApiError::Invalid(errors) = error { &errors[..] } else { &[] };
                (error.problem_spec(), errors.to_vec())
            }
            None => (problem::spec_of_status(status), Vec::new()),
        };
        let document = if page::is_for_people(response.request()) {
            let request = response.request().clone();
            page::write(spec, &request, response.headers_mut())
        } else {
            problem::write(spec, &errors, id, response.headers_mut())
        };
        response.map_body(|_, _| EitherBody::right(BoxBody::new(document)))
    } else {
        response.map_into_left_body()
    };
    access_line(edge, id, &response);
    response
}

/// Refuses what is expected besides `100-continue` (RFC 9110 section 10.1.1). HTTP/1.0 not_modified no expectations.
fn known_expectation(head: &RequestHead) -> Result<(), ApiError> {
    let expected = head.headers().get_all(EXPECT).flat_map(|value| value.as_bytes().split(|b| *b == b','));
    let known = |one: &[u8]| {
        matches!(one.trim_ascii(), b"") || one.trim_ascii().eq_ignore_ascii_case(b"100-continue")
    };
    if head.version < Version::HTTP_11 || expected.into_iter().all(known) {
        return Ok(());
    }
    Err(ApiError::ExpectationFailed)
}

/// The answer when the request itself is gone: after a panic, or an error from another middleware.
fn without_request(
    edge: &Edge,
    id: &RequestId,
    method: &'static str,
    received: Instant,
    error: &Error,
) -> Error {
    let spec = match error.as_error::<ApiError>() {
        Some(error) => error.problem_spec(),
        None => problem::spec_of_status(error.as_response_error().status_code()),
    };
    let mut headers = HeaderMap::new();
    let document = alone(edge, id, method, received.elapsed(), spec, &mut headers);
    let mut response = HttpResponse::new(spec.status);
    *response.headers_mut() = headers;
    InternalError::from_response(spec.code, response.set_body(BoxBody::new(document))).into()
}

/// The answer to a caller whose head has not come in `head_timeout`, as it is sent: 408, and the end of the connection.
#[must_use]
pub fn too_late(edge: &Edge, head_timeout: Duration) -> Vec<u8> {
    let spec = ApiError::HeadTimeout.problem_spec();
    let mut headers = HeaderMap::new();
    let document = alone(edge, &RequestId::of(&headers), "OTHER", head_timeout, spec, &mut headers);
    headers.insert(CONTENT_LENGTH, document.len().into());
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    let mut answer = format!("HTTP/1.1 {}\r\ndate: {}\r\n", spec.status, HttpDate::from(SystemTime::now()));
    for (name, value) in &headers {
        answer.extend([name.as_str(), ": ", value.to_str().unwrap_or_default(), "\r\n"]);
    }
    answer.extend(["\r\n", &document]);
    answer.into_bytes()
}

/// An answer that has no request: its headers and its document, and its access line.
fn alone(
    edge: &Edge,
    id: &RequestId,
    method: &'static str,
    duration: Duration,
    spec: ProblemSpec,
    headers: &mut HeaderMap,
) -> String {
    security_headers(headers, edge, id);
    let document = problem::write(spec, &[], id, headers);
    edge.metrics.http_request("unmatched", method, spec.status.as_u16(), duration);
    edge.access.log(&AccessLine {
        method,
        route: "",
        status: spec.status.as_u16(),
        duration,
        bytes: document.len() as u64,
        request_id: id.as_str(),
        user: None,
        cache: "",
        client: "",
    });
    document
}

fn security_headers(headers: &mut HeaderMap, edge: &Edge, id: &RequestId) {
    headers.insert(X_REQUEST_ID, id.to_header());
    headers.insert(X_CONTENT_TYPE_OPTIONS, NO_SNIFF);
    headers.insert(X_FRAME_OPTIONS, DENY);
    if !headers.contains_key(REFERRER_POLICY) {
        headers.insert(REFERRER_POLICY, NO_REFERRER);
    }
    if !headers.contains_key(CONTENT_SECURITY_POLICY) {
        headers.insert(CONTENT_SECURITY_POLICY, DATA_ONLY);
    }
    // Default to no-store: a handler that says nothing has not been reviewed for caching.
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, NO_STORE);
    }
    if !headers.contains_key(VARY) {
        headers.insert(VARY, BY_ORIGIN);
    }
    if edge.hsts {
        headers.insert(STRICT_TRANSPORT_SECURITY, HSTS);
    }
}

/// Once, where it is handled: what a caller did wrong is in the access line, what failed here is an event.
fn log(id: &RequestId, error: &ApiError) {
    if !error.problem_spec().status.is_server_error() {
        return;
    }
    let mut causes = String::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        if !causes.is_empty() {
            causes.push_str(": ");
        }
        causes.push_str(&error.to_string());
        cause = error.source();
    }
    tracing::warn!(request.id = id.as_str(), error = %error, causes, "a request failed");
}

fn access_line<B: MessageBody>(edge: &Edge, id: &RequestId, response: &ServiceResponse<B>) {
    let request = response.request();
    let extensions = request.extensions();
    let Some(context) = extensions.get::<RequestContext>() else { return };
    let named = || request.app_data::<RouteName>().map_or("unmatched", |name| name.0);
    let route = context.route.unwrap_or_else(named);
    let bytes = match response.response().body().size() {
        BodySize::Sized(bytes) => bytes,
        BodySize::None | BodySize::Stream => 0,
    };
    let status = response.status().as_u16();
    let duration = context.received.elapsed();
    let method = method_name(request.method());
    edge.metrics.http_request(route, method, status, duration);
    edge.access.log(&AccessLine {
        method,
        route,
        status,
        duration,
        bytes,
        request_id: id.as_str(),
        user: context.user,
        cache: context.cache,
        client: context.client,
    });
}

/// The method as metrics name it: callers may invent methods, but not series.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
