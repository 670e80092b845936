//! Look-ups by id as declared joins make them: many ids in one call, or one call for each id, joined over concurrent
//! callers. Called by the composer; the values are whatever it makes of an answer's bytes.

use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use schemas::Id;
use tokio::sync::Semaphore;

use crate::{
    CallContext, RawCall, UpstreamError,
    batch::{Batcher, Values},
    transport::Upstream,
};

/// Makes the call of the acting user for ids that are sorted and unique: at most `max_ids`, or one. `None`: there can be
/// no such things, and nothing is called.
type Ask = dyn Fn(Option<&Id>, &[Id]) -> Option<RawCall> + Send + Sync;
/// Hands each value of an answer with its id to the function. Ids that were not asked for are passed over.
type Split<V> = dyn Fn(&Bytes, &mut dyn FnMut(&str, V)) -> Result<(), UpstreamError> + Send + Sync;
/// Makes the value of the one id that was asked for.
type SplitOne<V> = dyn Fn(&str, &Bytes) -> Result<V, UpstreamError> + Send + Sync;

/// How a service answers look-ups.
pub enum LookupMode<V> {
    /// Many ids at once (`{ids}`), at most `max_ids` in a call.
    Many { max_ids: usize, split: Box<Split<V>> },
    /// One id in a call (`{id}`), at most `parallel` calls at once over all callers. A 404 says that it is unknown.
    Each { parallel: usize, split: Box<SplitOne<V>> },
}

/// What a look-up has brought.
#[derive(Debug)]
pub struct Found<V> {
    /// Of each id, in their order; nothing for those that the upstream does not know, or that could not be asked for.
    pub values: Vec<Option<V>>,
    /// Why others are missing that it may know: the first failure.
    pub failed: Option<UpstreamError>,
}

/// Joins the look-ups of one kind. Only look-ups for the same acting user share an answer, or all of them where
/// `shared` is set. Cloning is cheap and shares batches.
pub struct LookupBatcher<V> {
    upstream: Upstream,
    shared: bool,
    batches: Batcher<Option<Id>, V>,
}

impl<V> Clone for LookupBatcher<V> {
    fn clone(&self) -> Self {
        Self { upstream: self.upstream.clone(), shared: self.shared, batches: self.batches.clone() }
    }
}

struct Question<V> {
    upstream: Upstream,
    ask: Box<Ask>,
    mode: LookupMode<V>,
    /// Of `LookupMode::Each`.
    room: Semaphore,
}

impl<V: Clone + Send + Sync + 'static> LookupBatcher<V> {
    /// `ask` makes the calls. With `shared` they act for nobody, and all users share them.
    #[must_use]
    pub fn new(
        upstream: &Upstream,
        shared: bool,
        mode: LookupMode<V>,
        ask: impl Fn(Option<&Id>, &[Id]) -> Option<RawCall> + Send + Sync + 'static,
    ) -> Self {
        let (max_ids, room) = match &mode {
            LookupMode::Many { max_ids, .. } => (*max_ids, 0),
            LookupMode::Each { parallel, .. } => (1, (*parallel).max(1)),
        };
        let room = Semaphore::new(room.min(Semaphore::MAX_PERMITS));
        let question = Question { upstream: upstream.clone(), ask: Box::new(ask), mode, room };
        let question = Arc::new(question);
        let batches = Batcher::new(upstream, max_ids, move |cx, acting, ids| {
            let question = Arc::clone(&question);
            Box::pin(async move { question.answer(CallContext { acting, ..cx }, ids).await })
        });
        Self { upstream: upstream.clone(), shared, batches }
    }

    /// Looks `ids` up, each of which is named once. Ends at the context's deadline at the latest, with what has come until
    /// then.
    pub async fn load(&self, cx: &CallContext, ids: &[Id]) -> Found<V> {
        let acting = if self.shared { None } else { cx.acting.clone() };
        let mut values = vec![None; ids.len()];
        let failed = self.batches.load(cx, acting, ids, &mut values).await.err();
        Found { values, failed }
    }

    /// `id` has changed: a call that is under way for it is not joined any more.
    pub fn forget(&self, id: &str) {
        self.batches.forget(id);
    }

    /// Something has changed, and it is not known what: no call that is under way is joined any more.
    pub fn forget_all(&self) {
        self.batches.forget_all();
    }

    /// The upstream that is asked.
    #[must_use]
    pub fn upstream(&self) -> &Upstream {
        &self.upstream
    }
}

impl<V> Question<V> {
    async fn answer(&self, cx: CallContext, ids: Vec<Id>) -> Result<Values<V>, UpstreamError> {
        let mut values = Values::of(ids);
        match &self.mode {
            LookupMode::Many { split, .. } => {
                let Some(call) = (self.ask)(cx.acting.as_ref(), values.ids()) else { return Ok(values) };
                let answer = self.upstream.call(&cx, call).await?;
                split(&answer.body, &mut |id, value| values.put(id, value))?;
            }
            LookupMode::Each { split, .. } => {
                let late = UpstreamError::Timeout { upstream: self.upstream.name() };
                // Never closed; the wait counts against the deadline of those who ask.
                let entered = tokio::time::timeout_at(cx.deadline.into(), self.room.acquire()).await;
                let _room = entered.map_err(|_| late)?;
                let Some(id) = values.ids().first().cloned() else { return Ok(values) };
                let call = (self.ask)(cx.acting.as_ref(), std::slice::from_ref(&id));
                let Some(call) = call else { return Ok(values) };
                match self.upstream.call(&cx, call).await {
                    Ok(answer) => values.put(id.as_str(), split(id.as_str(), &answer.body)?),
                    Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(values)
    }
}
