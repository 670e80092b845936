//! One try on the wire: headers out, status and body in, everything that can go wrong told apart.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use http::header::{
    AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH,
    RETRY_AFTER,
};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Body as _;
use reqwest::Body;
use tokio::time::timeout;

use super::{
    Call, SendError,
    connections::{Connections, Response},
    etag_cache::CachedAnswer,
    headers, trace,
    upstream::Inner,
};
use crate::{BodyFault, CallContext, Problem, Refusal, UpstreamError, report::Reporter};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_REQUEST_TIMEOUT_MS: HeaderName = HeaderName::from_static("x-request-timeout-ms");

/// A problem document, or a body that nobody wants, is read up to here, so that its connection can be used again.
const MAX_ASIDE_BYTES: usize = 64 * 1024;
/// How long it may take: it usually comes with its head, and the status alone already says the most.
const MAX_ASIDE_TIME: Duration = Duration::from_millis(250);
/// A longer time says no more than "not today".
const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// A success.
pub(super) struct Received {
    pub(super) status: StatusCode,
    /// Allowed ones.
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// It was not sent again: the upstream has said that the cached answer still holds.
    pub(super) not_modified: bool,
}

impl Inner {
    /// Sends `call` over `http` and reads the answer; the body of a 2xx, or the cached one where the upstream says that
    /// it still holds. Does not watch `deadline` itself, but tells the upstream of it.
    pub(super) async fn exchange(
        &self,
        cx: &CallContext,
        call: &Call,
        http: &Connections,
        deadline: Instant,
        report: &Reporter,
    ) -> Result<Received, UpstreamError> {
        let key = self.etags.key_of_kept(cx, call);
        let cached = key.as_ref().and_then(|key| self.etags.find(key));
        let request = || {
            let body = call.body.clone().map_or_else(Body::default, Into::into);
            let mut request = self.request(cx, call, Some(deadline), body)?;
            if let Some(cached) = &cached {
                request.headers_mut().insert(IF_NONE_MATCH, cached.etag.clone());
            }
            Ok(request)
        };
        let again = || {
            report.retries();
            request().ok()
        };
        let sent = http.execute(request()?, again).await;
        let mut response = sent.map_err(|error| self.send_error(error))?;
        let status = response.status();
        if status.is_success() {
            let body = self.success(call, &mut response).await?;
            self.etags.put((cx, call, key), status, response.headers(), &body);
            let headers = headers::of_answer(response.headers());
            return Ok(Received { status, headers, body, not_modified: false });
        }
        if status == StatusCode::NOT_MODIFIED && call.headers.contains_key(IF_NONE_MATCH) {
            let headers = headers::of_answer(response.headers());
            return Ok(Received { status, headers, body: Bytes::new(), not_modified: true });
        }
        if let Some(key) = &key {
            match cached {
                Some(cached)
                    if status == StatusCode::NOT_MODIFIED && cached.is_meant_by(response.headers()) =>
                {
                    let CachedAnswer { headers, body, .. } = cached;
                    return Ok(Received { status: StatusCode::OK, headers, body, not_modified: true });
                }
                // It is not what the upstream means, or not there any more: it is not asked about again.
                Some(_) if status == StatusCode::NOT_MODIFIED || Refusal::of(status).is_some() => {
                    self.etags.forget(key)
                }
                _ => {}
            }
        }
        Err(self.refused(response).await)
    }

    /// What an answer that is no success says.
    pub(super) async fn refused(&self, mut response: Response) -> UpstreamError {
        let status = response.status();
        if status.is_redirection() {
            return UpstreamError::Redirect { upstream: self.name };
        }
        let retry_after = retry_after(response.headers());
        let document = problem(&mut response).await;
        let problem = match (document, retry_after) {
            (None, None) => None,
            (Some(problem), retry_after) => Some(Problem { retry_after, ..problem }),
            (None, retry_after) => {
                Some(Problem { retry_after, without_document: true, ..Problem::default() })
            }
        };
        UpstreamError::Status { upstream: self.name, status, problem: problem.map(Arc::new) }
    }

    /// One try.
    pub(super) fn request(
        &self,
        cx: &CallContext,
        call: &Call,
        deadline: Option<Instant>,
        body: Body,
    ) -> Result<Request<Body>, UpstreamError> {
        let mut request = Request::new(body);
        *request.method_mut() = call.method.clone();
        *request.uri_mut() = call.uri.clone();
        *request.headers_mut() = self.headers(cx, call, deadline)?;
        Ok(request)
    }

    /// Nothing of the inbound request is in here but its id, its trace, and what the call itself names.
    fn headers(
        &self,
        cx: &CallContext,
        call: &Call,
        deadline: Option<Instant>,
    ) -> Result<HeaderMap, UpstreamError> {
        let mut headers = HeaderMap::with_capacity(8 + call.headers.len());
        if let Some(token) = self.proof.header(self.name, cx, call.authority)? {
            headers.insert(AUTHORIZATION, token);
        }
        if let Some(deadline) = deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            headers.insert(X_REQUEST_TIMEOUT_MS, whole_millis(left).into());
        }
        if let Ok(id) = HeaderValue::from_str(&cx.request_id) {
            headers.insert(X_REQUEST_ID, id);
        }
        if let Ok(parent) = HeaderValue::try_from(trace::child_of(cx.traceparent.as_deref())) {
            headers.insert(TRACEPARENT, parent);
        }
        for (name, value) in &call.headers {
            headers.insert(name.clone(), value.clone());
        }
        let expects_content = !matches!(call.method, Method::GET | Method::DELETE | Method::HEAD);
        if expects_content && call.body.is_none() && !call.streamed {
            // RFC 9110 section 8.6: these methods expect content, and some servers answer 411 without it.
            headers.insert(CONTENT_LENGTH, 0.into());
        }
        Ok(headers)
    }

    async fn success(&self, call: &Call, response: &mut Response) -> Result<Bytes, UpstreamError> {
        if !call.wants_body {
            // The status has already said that it is done; a broken or slow body cannot undo that.
            let _ = read_aside(response).await;
            return Ok(Bytes::new());
        }
        let limit_bytes = self.max_response_bytes;
        read(response, limit_bytes).await.map_err(|fault| match fault {
            ReadFault::TooLarge => UpstreamError::TooLarge { upstream: self.name, limit_bytes },
            ReadFault::Lost(error) if error.is_timeout() => UpstreamError::Timeout { upstream: self.name },
            ReadFault::Lost(error) => UpstreamError::Body {
                upstream: self.name,
                source: BodyFault::CutOff(Arc::new(error.without_url())),
            },
        })
    }

    /// Before the first byte of an answer's body.
    pub(super) fn send_error(&self, error: SendError) -> UpstreamError {
        let upstream = self.name;
        // A connection attempt can time out as well: this question comes first.
        if error.is_timeout() {
            return UpstreamError::Timeout { upstream };
        }
        let source = Arc::new(error);
        if is_malformed(&source) {
            return UpstreamError::Body { upstream, source: BodyFault::Http(source) };
        }
        UpstreamError::Connect { upstream, source }
    }
}

fn whole_millis(left: Duration) -> u64 {
    u64::try_from(left.as_millis()).unwrap_or(u64::MAX)
}

/// Whether the peer answered with something else than HTTP.
fn is_malformed(error: &SendError) -> bool {
    error.causes().any(|cause| {
        // A peer that speaks before it is asked: hyper has no question for that, but its text is stable.
        let speaks_first =
            |error: &hyper::Error| error.to_string().starts_with("received unexpected message");
        let known = cause.downcast_ref::<hyper::Error>();
        known.is_some_and(|error| error.is_parse() || speaks_first(error))
    })
}

pub(super) enum ReadFault {
    TooLarge,
    Lost(reqwest::Error),
}

/// Reads to the end, but never holds more than `limit` bytes and one chunk.
pub(super) async fn read(response: &mut Response, limit: usize) -> Result<Bytes, ReadFault> {
    let told = response.body().size_hint().exact();
    let told = told.map_or(0, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    if told > limit {
        return Err(ReadFault::TooLarge);
    }
    let mut chunk = async || chunk(response.body_mut()).await.map_err(ReadFault::Lost);
    let Some(first) = chunk().await? else { return Ok(Bytes::new()) };
    if first.len() > limit {
        return Err(ReadFault::TooLarge);
    }
    // Most answers come in one piece: no copy.
    let Some(second) = chunk().await? else { return Ok(first) };
    let mut whole = BytesMut::with_capacity(told.max(first.len()));
    whole.extend_from_slice(&first);
    let mut next = Some(second);
    while let Some(bytes) = next {
        if bytes.len() > limit - whole.len() {
            return Err(ReadFault::TooLarge);
        }
        whole.extend_from_slice(&bytes);
        next = chunk().await?;
    }
    Ok(whole.freeze())
}

/// The next piece of a body. Trailers are passed over.
async fn chunk(body: &mut Body) -> Result<Option<Bytes>, reqwest::Error> {
    while let Some(frame) = body.frame().await.transpose()? {
        if let Ok(bytes) = frame.into_data() {
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}

pub(super) async fn read_aside(response: &mut Response) -> Option<Bytes> {
    timeout(MAX_ASIDE_TIME, read(response, MAX_ASIDE_BYTES)).await.ok()?.ok()
}

/// The problem document of a 4xx or 5xx; `None` where there is none, or it is too large, slow or broken.
async fn problem(response: &mut Response) -> Option<Problem> {
    let media_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = media_type.and_then(|value| value.split(';').next()).map(str::trim);
    let is_problem = essence.is_some_and(|value| value.eq_ignore_ascii_case("application/problem+json"));
    let body = read_aside(response).await?;
    if is_problem { Problem::read(&body) } else { None }
}

/// `Retry-After` in seconds (RFC 9110 section 10.2.3). A date is passed over: clocks differ.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(MAX_RETRY_AFTER))
}
