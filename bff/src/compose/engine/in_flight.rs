//! Calls under way, all in the composition's own task: none is spawned, and what is not waited for any more is dropped.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;
use bytestring::ByteString;
use clients::UpstreamError;
use futures_util::{Stream, stream::FuturesUnordered};
use pin_project_lite::pin_project;
use schemas::Id;

use super::{call::PreparedCall, host::Host};
use crate::compose::plan::{CallPlan, LookupId};

/// What is to be done.
pub(super) enum Work<'p> {
    Call { part: u16, plan: &'p CallPlan, call: PreparedCall },
    LookUp { run: u16, lookup: LookupId, slots: Vec<u32>, ids: Vec<Id> },
    LookUpOne { run: u16, lookup: LookupId, slot: u32, id: Id },
}

/// What was done.
pub(super) struct Done {
    pub(super) what: What,
    pub(super) took: Duration,
}

pub(super) enum What {
    Called(u16, Result<Bytes, UpstreamError>),
    LookedUp(u16, Vec<u32>, Result<Vec<Option<ByteString>>, UpstreamError>),
    LookedUpOne(u16, u32, Result<Option<ByteString>, UpstreamError>),
}

pin_project! {
    /// A call under way. Without a future: one that was given up.
    pub(super) struct InFlight<F> {
        part: Option<u16>,
        #[pin]
        future: Option<F>,
    }
}

impl<F: Future> Future for InFlight<F> {
    type Output = F::Output;
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        match self.project().future.as_pin_mut() {
            Some(future) => future.poll(cx),
            None => Poll::Pending,
        }
    }
}

/// Work that waits for the next look at the calls.
#[derive(Default)]
pub(super) struct Queue<'p>(Vec<(Instant, Work<'p>)>);

impl<'p> Queue<'p> {
    pub(super) fn add(&mut self, work: Work<'p>) {
        self.0.push((Instant::now(), work));
    }

    /// Starts what waits.
    pub(super) fn start<'h, H: Host, F: Future<Output = Done>>(
        &mut self,
        host: &'h H,
        calls: &mut FuturesUnordered<InFlight<F>>,
        perform: impl Fn(&'h H, Instant, Work<'p>) -> F,
    ) {
        for (began, work) in self.0.drain(..) {
            let part = if let Work::Call { part, .. } = &work { Some(*part) } else { None };
            calls.push(InFlight { part, future: Some(perform(host, began, work)) });
        }
    }
}

/// Does the work.
pub(super) async fn perform<H: Host>(host: &H, began: Instant, work: Work<'_>) -> Done {
    let what = match work {
        Work::Call { part, plan, call } => What::Called(part, host.call(plan, call).await),
        Work::LookUp { run, lookup, slots, ids } => {
            What::LookedUp(run, slots, host.look_up(lookup, ids).await)
        }
        Work::LookUpOne { run, lookup, slot, id } => {
            What::LookedUpOne(run, slot, host.look_up_one(lookup, id).await)
        }
    };
    Done { what, took: began.elapsed() }
}

/// Drops the calls of the parts that `late` names.
pub(super) fn give_up<F: Future>(calls: &mut FuturesUnordered<InFlight<F>>, late: impl Fn(u16) -> bool) {
    for call in Pin::new(calls).iter_pin_mut() {
        let call = call.project();
        if call.part.is_some_and(&late) {
            let mut future = call.future;
            future.set(None);
        }
    }
}

/// The next call that is done; nothing where `until` comes before.
pub(super) async fn next<F: Future<Output = Done>>(
    calls: &mut FuturesUnordered<InFlight<F>>,
    timer: &mut Option<Pin<Box<tokio::time::Sleep>>>,
    until: Instant,
) -> Option<Done> {
    poll_fn(|cx| {
        if let Poll::Ready(Some(done)) = pin!(&mut *calls).poll_next(cx) {
            return Poll::Ready(Some(done));
        }
        // Most of the time nothing is late, and answers that are there at once need no timer.
        let until = tokio::time::Instant::from_std(until);
        let timer = timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        if timer.deadline() != until {
            timer.as_mut().reset(until);
        }
        timer.as_mut().poll(cx).map(|()| None)
    })
    .await
}
