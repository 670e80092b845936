//! The engine's way to upstreams, for one composition or one route's answer.

use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;
use clients::{CallContext, RawCall, UpstreamError};
use futures_util::FutureExt;
use http::{Method, StatusCode};
use schemas::Id;

use super::{Answering, Backend, raw_call};
use crate::{
    compose::{
        Progress,
        engine::{Foresight, Host, PreparedCall, Validity},
        plan::{CallPlan, LookupId, MemoryId, PathPiece, UserField, Value},
    },
    invalidation::{self, Generation, HashedTag, HashedUser},
};

/// What is composed with the calls.
#[derive(Debug, Clone, Copy, Default)]
pub struct Backing<'b> {
    /// As metrics name it; `None`: nothing that is counted by parts.
    pub screen: Option<&'static str>,
    /// Where finished fields go.
    pub progress: Option<&'b Progress>,
    /// [`Invalidations::generation`](crate::invalidation::Invalidations::generation) when it began.
    pub begun: Generation,
}

/// The calls of one composition.
#[derive(Debug)]
pub struct Calls<'b> {
    backend: &'b Backend,
    cx: &'b CallContext,
    user: HashedUser,
    backing: Backing<'b>,
}

impl Backend {
    /// How the engine makes calls for `cx`.
    #[must_use]
    pub fn host<'b>(&'b self, cx: &'b CallContext, backing: Backing<'b>) -> Calls<'b> {
        Calls::new(self, cx, backing)
    }
}

impl<'b> Calls<'b> {
    pub(super) fn new(backend: &'b Backend, cx: &'b CallContext, backing: Backing<'b>) -> Self {
        let user = backend.0.invalidations.hash_user(cx.acting.as_ref().map_or("", Id::as_str));
        Self { backend, cx, user, backing }
    }

    async fn make(&self, plan: &CallPlan, call: RawCall) -> Result<Bytes, UpstreamError> {
        let Some(upstream) = self.backend.upstream(plan.upstream) else {
            return Err(UpstreamError::Overloaded { upstream: "unknown" });
        };
        upstream.call(self.cx, call).await.map(|answer| answer.body)
    }

    /// Whether `plan` asks the service that keeps accounts for the acting user's own one, and for nothing else.
    fn is_own_account(&self, plan: &CallPlan) -> bool {
        let asks_for_one = match &*plan.path {
            [PathPiece::Text(path)] => path.ends_with("/me"),
            [PathPiece::Text(_), PathPiece::Id { value: Value::User(UserField::Id), .. }] => true,
            _ => false,
        };
        asks_for_one
            && plan.method == Method::GET
            && !plan.for_nobody
            && self.backend.plan().accounts == Some(plan.upstream)
    }
}

/// Whether the answer to a call for an account may mean that the account is gone.
fn may_be_gone(error: &UpstreamError) -> bool {
    matches!(error.status(), Some(StatusCode::NOT_FOUND | StatusCode::GONE))
}

impl Host for Calls<'_> {
    async fn call(&self, plan: &CallPlan, call: PreparedCall) -> Result<Bytes, UpstreamError> {
        let call = raw_call(plan, call);
        let Some(user) = self.cx.acting.as_ref().filter(|_| self.is_own_account(plan)) else {
            return self.make(plan, call).await;
        };
        let first = self.make(plan, call.clone()).await;
        if !first.as_ref().is_err_and(may_be_gone) {
            return first;
        }
        let first = std::sync::Mutex::new(Some(first));
        let ask = || -> Answering<'_> {
            // The first answer is there already.
            let answered = first.lock().ok().and_then(|mut first| first.take());
            let call = call.clone();
            async move {
                match answered {
                    Some(answer) => answer,
                    None => self.make(plan, call).await,
                }
            }
            .boxed()
        };
        (self.backend.0.own_account)(user, &ask).await
    }

    async fn look_up(
        &self,
        lookup: LookupId,
        ids: Vec<Id>,
    ) -> Result<Vec<Option<ByteString>>, UpstreamError> {
        match self.backend.look_up(lookup) {
            Some(look_up) => look_up.load(self.cx, ids, &self.backend.0.invalidations).await,
            None => Ok(Vec::new()),
        }
    }

    async fn look_up_one(&self, lookup: LookupId, id: Id) -> Result<Option<ByteString>, UpstreamError> {
        let found = self.look_up(lookup, vec![id]).await?;
        Ok(found.into_iter().next().flatten())
    }

    fn shared(&self, lookup: LookupId, id: &str) -> Option<Option<ByteString>> {
        self.backend.look_up(lookup)?.shared(id, &self.backend.0.invalidations)
    }

    fn foresight(&self) -> Option<&Foresight> {
        Some(&self.backend.0.foresight)
    }

    fn remember(&self, table: MemoryId, key: &str, value: &str) {
        self.backend.remember(table, key, value);
    }

    fn hash_tag(&self, tag: &str) -> u32 {
        self.backend.0.invalidations.hash_tag(tag).bits()
    }

    fn generation(&self) -> u64 {
        self.backing.begun.number()
    }

    fn validity(&self, tags: &[u32], since: u64) -> Validity {
        let tags = tags.iter().copied().map(HashedTag::of_bits);
        match self.backend.0.invalidations.validity(self.user, tags, Generation::of_number(since)) {
            invalidation::Validity::Valid => Validity::Valid,
            invalidation::Validity::SoftPurged => Validity::Stale,
            invalidation::Validity::HardPurged => Validity::Gone,
        }
    }

    fn is_streamed(&self) -> bool {
        self.backing.progress.is_some_and(Progress::is_followed)
    }

    fn hand_out(&self, field: &'static str, json: Bytes) {
        if let Some(progress) = self.backing.progress {
            progress.add(field, json);
        }
    }

    fn observe(&self, part: &'static str, outcome: &'static str, took: Duration) {
        self.backend.observe(self.backing.screen, part, outcome, took);
    }
}
