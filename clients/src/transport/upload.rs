//! The body of a streamed call on its way to the upstream: bounded, and watched, so that it is known whose fault a
//! silence is.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::Stream;
use parking_lot::Mutex;
use tokio::time::{Sleep, sleep_until};

use crate::StreamError;

/// A body that is sent as it comes. An error in it cancels the call.
pub type Upload = Pin<Box<dyn Stream<Item = Result<Bytes, Box<dyn std::error::Error + Send + Sync>>> + Send>>;

/// What became of an upload so far; shared between the upload, which is driven by the connection, and the call.
#[derive(Clone)]
pub(super) struct Progress(Arc<Mutex<State>>);

struct State {
    /// When the phase began, or the upstream took the last piece.
    moved: Instant,
    phase: Phase,
    fault: Option<StreamError>,
}

/// Who has to do something.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// The upstream has to take what has been sent.
    Sending,
    /// The sender of the body has to send more; the upload watches how long that takes.
    AwaitingSender,
    /// There is nothing more to send: the upstream has to answer.
    Ended,
}

impl Progress {
    pub(super) fn new(phase: Phase) -> Self {
        Self(Arc::new(Mutex::new(State { moved: Instant::now(), phase, fault: None })))
    }

    /// Who has to do something, and since when.
    pub(super) fn now(&self) -> (Instant, Phase) {
        let state = self.0.lock();
        (state.moved, state.phase)
    }

    fn enter(&self, phase: Phase) {
        let mut state = self.0.lock();
        state.moved = Instant::now();
        state.phase = phase;
    }

    /// Why the upload was given up, if it was.
    pub(super) fn fault(&self) -> Option<StreamError> {
        self.0.lock().fault.clone()
    }
}

/// An upload that is counted.
pub(super) struct Metered {
    upload: Upload,
    progress: Progress,
    upstream: &'static str,
    left: u64,
    limit: u64,
    idle: Duration,
    /// Ends when the sender of the body has been silent for too long.
    silence: Pin<Box<Sleep>>,
    waiting: bool,
}

/// The upload was given up; the progress says why.
#[derive(Debug, thiserror::Error)]
#[error("upload given up")]
pub(super) struct GivenUp;

impl Metered {
    pub(super) fn new(
        upload: Upload,
        progress: Progress,
        upstream: &'static str,
        limit: u64,
        idle: Duration,
    ) -> Self {
        let silence = Box::pin(sleep_until((Instant::now() + idle).into()));
        Self { upload, progress, upstream, left: limit, limit, idle, silence, waiting: false }
    }

    fn give_up(&self, fault: StreamError) -> Poll<Option<Result<Bytes, GivenUp>>> {
        self.progress.0.lock().fault = Some(fault);
        self.progress.enter(Phase::Ended);
        Poll::Ready(Some(Err(GivenUp)))
    }
}

impl Stream for Metered {
    type Item = Result<Bytes, GivenUp>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let upstream = this.upstream;
        let Poll::Ready(piece) = this.upload.as_mut().poll_next(cx) else {
            if !this.waiting {
                this.waiting = true;
                this.progress.enter(Phase::AwaitingSender);
                this.silence.as_mut().reset((Instant::now() + this.idle).into());
            }
            ready!(this.silence.as_mut().poll(cx));
            return this.give_up(StreamError::UploadTimeout { upstream });
        };
        this.waiting = false;
        match piece {
            Some(Ok(bytes)) => match this.left.checked_sub(bytes.len() as u64) {
                Some(left) => {
                    this.left = left;
                    this.progress.enter(Phase::Sending);
                    Poll::Ready(Some(Ok(bytes)))
                }
                None => this.give_up(StreamError::UploadTooLarge { upstream, limit_bytes: this.limit }),
            },
            Some(Err(_)) => this.give_up(StreamError::UploadBroken { upstream }),
            None => {
                this.progress.enter(Phase::Ended);
                Poll::Ready(None)
            }
        }
    }
}
