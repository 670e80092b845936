//! A look-up of the plan: its calls, joined over concurrent callers, and what all users share of its answers.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use bytestring::ByteString;
use clients::{BodyFault, CallContext, LookupBatcher, LookupMode, RawCall, Upstream, UpstreamError};
use schemas::Id;

use super::raw_call;
use crate::{
    compose::{
        engine::{Asked, AskingUser, EntityCache, Ids, entities_of, prepare_lookup},
        plan::LookupPlan,
    },
    invalidation::{Generation, HashedTag, Invalidations},
};

/// Calls of a look-up that takes one id at most at once, over all callers.
const PARALLEL: usize = 64;

/// A look-up.
pub(super) struct LookUp {
    plan: Arc<LookupPlan>,
    batches: LookupBatcher<ByteString>,
    shared: Option<EntityCache>,
}

impl LookUp {
    pub(super) fn new(
        upstream: &Upstream,
        plan: &Arc<LookupPlan>,
        shared_bytes: u64,
        at_most: Duration,
    ) -> Self {
        let mode = match plan.max_ids {
            Some(max_ids) => {
                let (plan, name) = (Arc::clone(plan), upstream.name());
                let split = move |answer: &Bytes, found: &mut dyn FnMut(&str, ByteString)| {
                    split(&plan, name, answer, found)
                };
                LookupMode::Many { max_ids: usize::from(max_ids), split: Box::new(split) }
            }
            None => {
                let (plan, name) = (Arc::clone(plan), upstream.name());
                let split = move |_: &str, answer: &Bytes| the_one(&plan, name, answer);
                LookupMode::Each { parallel: PARALLEL, split: Box::new(split) }
            }
        };
        let asks = Arc::clone(plan);
        let ask = move |acting: Option<&Id>, ids: &[Id]| call(&asks, acting, ids);
        let batches = LookupBatcher::new(upstream, plan.shared.is_some(), mode, ask);
        // What would be old at once is not kept.
        let fresh = plan.shared.map(|shared| shared.fresh.min(at_most)).filter(|fresh| !fresh.is_zero());
        let shared = fresh.map(|fresh| EntityCache::new(fresh, shared_bytes));
        Self { plan: Arc::clone(plan), batches, shared }
    }

    pub(super) fn has_tag(&self, kind: &str) -> bool {
        self.plan.tag.as_deref() == Some(kind)
    }

    pub(super) fn forget(&self, id: &str) {
        self.batches.forget(id);
    }

    pub(super) fn forget_all(&self) {
        self.batches.forget_all();
    }

    pub(super) fn shared_entities(&self) -> u64 {
        self.shared.as_ref().map_or(0, EntityCache::len)
    }

    /// What all users share of an id; `Some(None)`: that there is no such thing.
    pub(super) fn shared(&self, id: &str, invalidations: &Invalidations) -> Option<Option<ByteString>> {
        let is_current = |tag, generation| {
            let latest = invalidations.latest_of_tag(HashedTag::of_bits(tag));
            latest <= Generation::of_number(generation)
        };
        self.shared.as_ref()?.get(id, is_current)
    }

    /// Looks `ids` up: their entities in the order of `ids`, nothing for the unknown.
    pub(super) async fn load(
        &self,
        cx: &CallContext,
        ids: Vec<Id>,
        invalidations: &Invalidations,
    ) -> Result<Vec<Option<ByteString>>, UpstreamError> {
        // What is invalidated from here on is not kept.
        let begun = invalidations.generation();
        let found = self.batches.load(cx, &ids).await;
        if let Some(error) = found.failed {
            return Err(error);
        }
        if let Some(shared) = &self.shared {
            for (id, entity) in ids.iter().zip(&found.values) {
                shared.put(id.as_str(), entity.clone(), self.hash(id, invalidations), begun.number());
            }
        }
        Ok(found.values)
    }

    fn hash(&self, id: &Id, invalidations: &Invalidations) -> u32 {
        // Without a kind there is no tag that drops it.
        let kind = self.plan.tag.as_deref().unwrap_or_default();
        invalidations.hash_tag(&[kind, ":", id.as_str()].concat()).bits()
    }
}

/// The call for `ids`; nothing where they name what cannot be.
fn call(plan: &LookupPlan, acting: Option<&Id>, ids: &[Id]) -> Option<RawCall> {
    let user = acting.map(|id| AskingUser { id: id.clone(), username: None, display_name: None, card: None });
    let asked = Asked { params: &[], user: user.as_ref(), session: None, compact: false };
    let prepared = if plan.max_ids.is_some() {
        prepare_lookup(&plan.call, &asked, Ids::Many(ids))
    } else {
        prepare_lookup(&plan.call, &asked, Ids::One(ids.first()?.as_str()))
    };
    prepared.ok().map(|prepared| raw_call(&plan.call, prepared))
}

fn unusable(upstream: &'static str) -> UpstreamError {
    UpstreamError::Body { upstream, source: BodyFault::Mismatch }
}

fn split(
    plan: &LookupPlan,
    upstream: &'static str,
    answer: &Bytes,
    found: &mut dyn FnMut(&str, ByteString),
) -> Result<(), UpstreamError> {
    entities_of(plan, answer, found).map_err(|_| unusable(upstream))
}

fn the_one(plan: &LookupPlan, upstream: &'static str, answer: &Bytes) -> Result<ByteString, UpstreamError> {
    let mut found = None;
    let read = entities_of(plan, answer, |_, entity| found = Some(entity));
    read.ok().and(found).ok_or(unusable(upstream))
}
