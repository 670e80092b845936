//! Routes whose bodies go through as they come, either way: nothing is gathered, and the next piece is read from one side
//! when the other has taken the one before.

use std::{sync::Arc, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    body::SizedStream,
    dev::Payload,
    http::{
        StatusCode,
        header::{
            CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY,
            CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LAST_MODIFIED, TRANSFER_ENCODING,
        },
    },
    rt,
};
use bytes::Bytes;
use clients::{RawCall, StreamCall, StreamError, StreamLimits, StreamedAnswer, Upload, UpstreamError};
use futures_util::{StreamExt as _, stream};
use http::{Method, StatusCode as UpstreamStatus};
use tokio::sync::mpsc;

use super::{
    asked::Asked,
    asker::Answered,
    call::call_of,
    invalidates::Invalidates,
    refusal::{may_be_done, was_refused},
};
use crate::{
    compose::{PassedRefusal, plan::StreamPlan},
    edge::ApiError,
};

/// What goes on to the upstream.
const SENT: [&str; 8] = [
    "accept",
    "content-type",
    "content-length",
    "range",
    "if-match",
    "if-none-match",
    "if-range",
    "last-event-id",
];
/// What comes back from it.
const RETURNED: [HeaderName; 5] = [CONTENT_TYPE, CONTENT_DISPOSITION, CONTENT_RANGE, ETAG, LAST_MODIFIED];
/// Somebody else's bytes under the gateway's own origin: no script in them runs, and no page can be made of them.
const SANDBOX: HeaderValue = HeaderValue::from_static("sandbox; default-src 'none'; frame-ancestors 'none'");
/// Pieces on their way between the caller's connection and the upstream's.
const PIECES: usize = 2;

/// Serves a request whose bodies are streamed.
///
/// # Errors
/// [`ApiError`], where there is no answer to be streamed.
pub(super) async fn stream(asked: Asked, payload: Payload) -> Result<HttpResponse, ApiError> {
    let Asked { request, routes, route, .. } = &asked;
    let plan = route.stream.ok_or(ApiError::Internal("a route that is not streamed"))?;
    let mut call = call_of(route, &asked.values(), request.query_string())?;
    call.wants_body = true;
    if request.method() == actix_web::http::Method::HEAD {
        call.method = Method::HEAD;
    }
    pass_on(request, &mut call);
    let upload = if has_body(request) { Some(uploaded(request, payload, plan)?) } else { None };
    let upstream = routes.upstream(route.call.upstream)?.clone();
    let limits = StreamLimits {
        max_bytes: plan.max_bytes,
        idle: plan.idle,
        total: (plan.timeout > Duration::ZERO).then_some(plan.timeout),
    };
    let mut unfinished = Unfinished { asked: Some(&asked) };
    let answered = upstream.stream(&asked.cx, StreamCall { call, upload, limits }).await;
    unfinished.asked = None;
    match answered {
        Ok(answer) => {
            asked.invalidate(true).await?;
            // What says that it is too long is refused while that can still be told.
            if length_of(&answer).is_some_and(|length| length > plan.max_bytes) {
                let limit_bytes = length_limit(plan);
                return Err(UpstreamError::TooLarge { upstream: upstream.name(), limit_bytes }.into());
            }
            Ok(response(&asked, answer))
        }
        Err(StreamError::Upstream(error)) => {
            if !was_refused(&error) {
                asked.invalidate(may_be_done(&error)).await?;
            }
            Err(match error.status() {
                Some(UpstreamStatus::RANGE_NOT_SATISFIABLE) => UNSATISFIABLE,
                Some(UpstreamStatus::PRECONDITION_FAILED) => {
                    ApiError::Passed(PassedRefusal::PreconditionFailed)
                }
                _ => routes.refused(route, error),
            })
        }
        Err(error) => {
            asked.invalidate(true).await?;
            Err(match error {
                StreamError::UploadTooLarge { .. } => ApiError::BodyTooLarge(length_limit(plan)),
                StreamError::UploadTimeout { .. } => ApiError::BodyTimeout,
                StreamError::UploadBroken { .. } | StreamError::Upstream(_) => ApiError::BadRequest,
            })
        }
    }
}

const UNSATISFIABLE: ApiError = ApiError::Refused {
    status: StatusCode::RANGE_NOT_SATISFIABLE,
    code: "range_not_satisfiable",
    detail: "The range begins behind the end.",
};

impl Asked {
    /// What a streamed write made old, so far as its parameters say what that is; nothing of a read.
    fn invalidates(&self, is_done: bool) -> Option<impl Future<Output = ()> + Send + use<>> {
        if self.route.is_read() {
            return None;
        }
        let mut answered = Answered::default();
        let invalidates = Invalidates::of(&self.routes, &self.route, &self.values(), &mut answered);
        let (routes, route, user) = (self.routes.clone(), Arc::clone(&self.route), self.cx.acting.clone());
        Some(async move { invalidates.apply(&routes, &route, user.as_ref(), is_done).await })
    }

    async fn invalidate(&self, is_done: bool) -> Result<(), ApiError> {
        match self.invalidates(is_done) {
            Some(work) => self.routes.run_detached(work).await,
            None => Ok(()),
        }
    }
}

/// A streamed write that is cancelled may have been carried out all the same.
struct Unfinished<'a> {
    asked: Option<&'a Asked>,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if let Some(asked) = self.asked
            && let Some(work) = asked.invalidates(true)
        {
            asked.routes.runtime.spawn(work);
        }
    }
}

fn pass_on(request: &HttpRequest, call: &mut RawCall) {
    for name in SENT {
        let mut lines = request.headers().get_all(name);
        // One that is there twice says nothing certain.
        let (Some(value), None) = (lines.next(), lines.next()) else { continue };
        if let Ok(value) = http::HeaderValue::from_bytes(value.as_bytes()) {
            call.headers.insert(http::HeaderName::from_static(name), value);
        }
    }
}

/// RFC 9112 section 6.3: a request without either has no body.
pub(super) fn has_body(request: &HttpRequest) -> bool {
    let length = request.headers().get(CONTENT_LENGTH).map(HeaderValue::as_bytes);
    length.is_some_and(|length| length != b"0") || request.headers().contains_key(TRANSFER_ENCODING)
}

fn length_limit(plan: StreamPlan) -> usize {
    usize::try_from(plan.max_bytes).unwrap_or(usize::MAX)
}

/// The caller's body, for the upstream's connection: another task may drive that one.
fn uploaded(request: &HttpRequest, payload: Payload, plan: StreamPlan) -> Result<Upload, ApiError> {
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    if announced.and_then(|length| length.parse::<u64>().ok()).is_some_and(|length| length > plan.max_bytes) {
        return Err(ApiError::BodyTooLarge(length_limit(plan)));
    }
    type Piece = Result<Bytes, Box<dyn std::error::Error + Send + Sync>>;
    let (sender, receiver) = mpsc::channel::<Piece>(PIECES);
    let mut payload = payload;
    rt::spawn(async move {
        loop {
            let piece = tokio::select! {
                piece = payload.next() => piece,
                // Nobody takes any more of it.
                () = sender.closed() => return,
            };
            let Some(piece) = piece else { return };
            let (piece, is_last) = match piece {
                Ok(bytes) => (Ok(bytes), false),
                Err(error) => (Err(error.to_string().into()), true),
            };
            if sender.send(piece).await.is_err() || is_last {
                return;
            }
        }
    });
    let pieces = stream::unfold(receiver, async |mut receiver| Some((receiver.recv().await?, receiver)));
    Ok(Box::pin(pieces))
}

fn length_of(answer: &StreamedAnswer) -> Option<u64> {
    answer.headers.get("content-length")?.to_str().ok()?.parse().ok()
}

fn response(asked: &Asked, answer: StreamedAnswer) -> HttpResponse {
    let length = length_of(&answer);
    let StreamedAnswer { status, headers, body } = answer;
    let status = StatusCode::from_u16(status.as_u16()).unwrap_or(StatusCode::OK);
    let mut response = HttpResponse::build(status);
    for name in RETURNED {
        let value =
            headers.get(name.as_str()).and_then(|value| HeaderValue::from_bytes(value.as_bytes()).ok());
        if let Some(value) = value {
            response.insert_header((name, value));
        }
    }
    response.insert_header((CONTENT_SECURITY_POLICY, SANDBOX));
    let is_events =
        headers.get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    let is_read = asked.route.method == Method::GET || asked.route.method == Method::HEAD;
    let has_none = matches!(status, StatusCode::NOT_MODIFIED | StatusCode::NO_CONTENT);
    let mut response = if has_none {
        response.finish()
    } else {
        if !headers.contains_key("content-type") {
            response.content_type("application/octet-stream");
        }
        match length {
            Some(length) => response.body(SizedStream::new(length, body)),
            None => response.streaming(body),
        }
    };
    if is_read && !is_events {
        asked.route.set_cache_control(response.headers_mut(), asked.cx.acting.is_none(), true);
    } else {
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}
