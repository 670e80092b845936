//! A call whose bodies go through as they come, either way: for routes that declare `stream = true`.
//!
//! Nothing is gathered: the next piece is read from one side when the other has taken the one before. Dropping the
//! future, or the answer's body, cancels the call and closes its connection.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::Stream;
use http::{HeaderMap, StatusCode, header::IF_NONE_MATCH};
use http_body_util::BodyExt;
use reqwest::Body;
use tokio::{
    select,
    sync::OwnedSemaphorePermit,
    time::{Sleep, sleep_until},
};

use super::{
    Call, RawCall, SendError, Upload, Upstream,
    connections::Response,
    headers,
    upload::{Metered, Phase, Progress},
    upstream::Inner,
};
use crate::{BodyFault, CallContext, StreamError, UpstreamError, report::Reporter};

/// One call whose bodies are streamed.
pub struct StreamCall {
    /// Its `body` must be empty where there is an `upload`.
    pub call: RawCall,
    /// Sent as it comes, in chunks, or with the `content-length` that the call's headers tell.
    pub upload: Option<Upload>,
    pub limits: StreamLimits,
}

/// The bounds of a streamed call. The context's deadline is none of them.
#[derive(Debug, Clone, Copy)]
pub struct StreamLimits {
    /// Of either body.
    pub max_bytes: u64,
    /// The longest silence of either side, while the other waits for it.
    pub idle: Duration,
    /// For everything together; `None`: no bound, as for event streams.
    pub total: Option<Duration>,
}

/// What an upstream answers a streamed call with: 2xx, or 304 where the call bears `if-none-match`.
#[derive(Debug)]
pub struct StreamedAnswer {
    pub status: StatusCode,
    /// As those of [`RawAnswer`](crate::RawAnswer).
    pub headers: HeaderMap,
    pub body: AnswerBody,
}

/// The body of an answer, as it comes. After an error it ends. It must be polled on the runtime that made the call.
pub struct AnswerBody {
    inner: Arc<Inner>,
    pieces: Pin<Box<dyn Stream<Item = Result<Bytes, reqwest::Error>> + Send>>,
    left: u64,
    limit: u64,
    idle: Duration,
    /// Ends when the upstream has been silent for too long; counts while somebody waits for it.
    silence: Pin<Box<Sleep>>,
    waiting: bool,
    end: Option<Pin<Box<Sleep>>>,
    /// Both go with the last piece.
    open: Option<(Reporter, OwnedSemaphorePermit)>,
}

impl std::fmt::Debug for AnswerBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AnswerBody").field("upstream", &self.inner.name).finish_non_exhaustive()
    }
}

impl Upstream {
    /// Makes one call whose bodies are streamed. The head of the answer must come within the upstream's timeout,
    /// counted from the end of the upload; each side may be silent for `idle`, and all of it takes `total` at most. The
    /// call counts against `max_concurrent` until the answer's body has ended or is dropped. It is never sent again.
    ///
    /// Must be called on a tokio runtime.
    ///
    /// # Errors
    /// [`StreamError::Upstream`] as of [`Upstream::call`]; its other variants where the upload is at fault.
    pub async fn stream(&self, cx: &CallContext, call: StreamCall) -> Result<StreamedAnswer, StreamError> {
        let inner = &self.0;
        let report = Reporter::start(&inner.observer, inner.name, call.call.operation, &cx.request_id);
        let begun = Box::pin(inner.begin_stream(cx, call)).await;
        match begun {
            Ok((response, permit, limits, end)) => {
                let status = response.status();
                let headers = headers::of_answer(response.headers());
                let body = AnswerBody {
                    inner: Arc::clone(inner),
                    pieces: Box::pin(response.into_body().into_data_stream()),
                    left: limits.max_bytes,
                    limit: limits.max_bytes,
                    idle: limits.idle,
                    silence: Box::pin(sleep_until(Instant::now().into())),
                    waiting: false,
                    end: end.map(|end| Box::pin(sleep_until(end.into()))),
                    open: Some((report, permit)),
                };
                Ok(StreamedAnswer { status, headers, body })
            }
            Err(error) => {
                report.end(error.outcome(), false);
                Err(error)
            }
        }
    }
}

type Begun = (Response, OwnedSemaphorePermit, StreamLimits, Option<Instant>);

impl Inner {
    async fn begin_stream(&self, cx: &CallContext, streamed: StreamCall) -> Result<Begun, StreamError> {
        let StreamCall { call, upload, limits } = streamed;
        let call = Call::raw(self.name, &self.base, call, upload.is_some())?;
        let overloaded = UpstreamError::Overloaded { upstream: self.name };
        let http = self.pools.here().ok_or_else(|| overloaded.clone())?;
        let now = Instant::now();
        let end = limits.total.map(|total| now + total);
        // Waiting for room is bounded as a plain call is.
        let patience = end.map_or(now + self.timeout, |end| end.min(now + self.timeout));
        let timeout = UpstreamError::Timeout { upstream: self.name };
        let entered = tokio::time::timeout_at(patience.into(), self.gate.enter()).await;
        let permit = entered.map_err(|_| timeout)?.ok_or(overloaded)?;

        let progress = Progress::new(if upload.is_some() { Phase::Sending } else { Phase::Ended });
        let body = match upload {
            Some(upload) => {
                let (limit, idle) = (limits.max_bytes, limits.idle);
                let metered = Metered::new(upload, progress.clone(), self.name, limit, idle);
                Body::wrap_stream(metered)
            }
            None => call.body.clone().map_or_else(Body::default, Into::into),
        };
        let request = self.request(cx, &call, end, body)?;
        let sending = http.execute(request, || None);
        let response = self.head(sending, &progress, limits.idle, end).await?;
        let unchanged =
            response.status() == StatusCode::NOT_MODIFIED && call.headers.contains_key(IF_NONE_MATCH);
        if response.status().is_success() || unchanged {
            return Ok((response, permit, limits, end));
        }
        Err(self.refused(response).await.into())
    }

    /// Waits for the head of the answer.
    async fn head(
        &self,
        sending: impl Future<Output = Result<Response, SendError>>,
        progress: &Progress,
        idle: Duration,
        end: Option<Instant>,
    ) -> Result<Response, StreamError> {
        let mut sending = std::pin::pin!(sending);
        loop {
            let (since, phase) = progress.now();
            let until = match phase {
                Phase::Sending => since + idle,
                // The upload itself ends this phase.
                Phase::AwaitingSender => Instant::now() + idle,
                Phase::Ended => since + self.timeout,
            };
            let until = end.map_or(until, |end| end.min(until));
            select! {
                biased;
                sent = &mut sending => {
                    return match (sent, progress.fault()) {
                        (Ok(response), _) => Ok(response),
                        (Err(_), Some(fault)) => Err(fault),
                        (Err(error), None) => Err(self.send_error(error).into()),
                    };
                }
                () = sleep_until(until.into()) => {
                    let late = end.is_some_and(|end| end <= Instant::now());
                    let stuck = phase != Phase::AwaitingSender && progress.now() == (since, phase);
                    if late || stuck {
                        return Err(UpstreamError::Timeout { upstream: self.name }.into());
                    }
                }
            }
        }
    }
}

impl AnswerBody {
    fn fail(&mut self, error: UpstreamError) -> Poll<Option<Result<Bytes, UpstreamError>>> {
        if let Some((report, _permit)) = self.open.take() {
            report.end(error.outcome(), false);
        }
        // The connection is of no more use.
        self.pieces = Box::pin(futures_util::stream::empty());
        Poll::Ready(Some(Err(error)))
    }

    fn poll_times(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.waiting {
            self.waiting = true;
            self.silence.as_mut().reset((Instant::now() + self.idle).into());
        }
        if self.silence.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        self.end.as_mut().map_or(Poll::Pending, |end| end.as_mut().poll(cx))
    }
}

impl Stream for AnswerBody {
    type Item = Result<Bytes, UpstreamError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.open.is_none() {
            return Poll::Ready(None);
        }
        let upstream = this.inner.name;
        // Also where the pieces come so fast that nobody ever waits.
        if this.end.as_ref().is_some_and(|end| end.is_elapsed()) {
            return this.fail(UpstreamError::Timeout { upstream });
        }
        let Poll::Ready(piece) = this.pieces.as_mut().poll_next(cx) else {
            return match this.poll_times(cx) {
                Poll::Ready(()) => this.fail(UpstreamError::Timeout { upstream }),
                Poll::Pending => Poll::Pending,
            };
        };
        this.waiting = false;
        match piece {
            Some(Ok(bytes)) => match this.left.checked_sub(bytes.len() as u64) {
                Some(left) => {
                    this.left = left;
                    Poll::Ready(Some(Ok(bytes)))
                }
                None => {
                    let limit_bytes = usize::try_from(this.limit).unwrap_or(usize::MAX);
                    this.fail(UpstreamError::TooLarge { upstream, limit_bytes })
                }
            },
            Some(Err(error)) => {
                let source = BodyFault::CutOff(Arc::new(error.without_url()));
                this.fail(UpstreamError::Body { upstream, source })
            }
            None => {
                if let Some((report, _permit)) = this.open.take() {
                    report.end("ok", false);
                }
                Poll::Ready(None)
            }
        }
    }
}
