//! What all compositions and routes of one plan share.

use std::{fmt, sync::Arc, time::Duration};

use clients::{Upstream, Upstreams};
use moka::sync::Cache;

use super::{OwnAccount, look_ups::LookUp};
use crate::{
    compose::{
        engine::Foresight,
        plan::{GatewayPlan, LookupId, MemoryId, UpstreamId},
    },
    invalidation::{Invalidations, Tag},
    telemetry::Metrics,
};

/// Pairs that one table remembers at most, about 200 bytes each; the least recently used ones go.
const REMEMBERED: u64 = 100_000;
/// Entities whose ids are foreseen at most, about 100 bytes each.
const FORESEEN: u64 = 100_000;

/// What a backend is made with.
pub struct BackendParts {
    pub plan: Arc<GatewayPlan>,
    pub upstreams: Upstreams,
    pub invalidations: Arc<Invalidations>,
    pub metrics: Arc<Metrics>,
    /// Bound of what each shared look-up keeps for all users.
    pub shared_bytes: u64,
    /// It is kept for as long as its declaration says, and at most so long.
    pub shared_fresh: Duration,
    pub own_account: Box<OwnAccount>,
}

/// A plan names an upstream of which there are no settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the plan names the upstream `{0}`, of which there are no settings")]
pub struct UnknownUpstream(pub &'static str);

/// Cheap to clone: one for all workers.
#[derive(Clone)]
pub struct Backend(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) plan: Arc<GatewayPlan>,
    /// By place in the plan.
    pub(super) upstreams: Box<[Upstream]>,
    pub(super) look_ups: Box<[LookUp]>,
    pub(super) memories: Box<[Cache<Box<str>, Box<str>>]>,
    pub(super) foresight: Foresight,
    pub(super) invalidations: Arc<Invalidations>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) own_account: Box<OwnAccount>,
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend").field("upstreams", &self.0.upstreams).finish_non_exhaustive()
    }
}

impl Backend {
    /// One for each plan: look-ups and what is remembered begin empty.
    ///
    /// # Errors
    /// [`UnknownUpstream`].
    pub fn new(parts: BackendParts) -> Result<Self, UnknownUpstream> {
        let BackendParts { plan, upstreams, invalidations, metrics, shared_bytes, shared_fresh, own_account } =
            parts;
        let named = |name: &&'static str| upstreams.get(name).cloned().ok_or(UnknownUpstream(name));
        let upstreams = plan.upstreams.iter().map(named).collect::<Result<Box<[_]>, _>>()?;
        let look_ups = plan.lookups.iter().map(|lookup| {
            let place = lookup.call.upstream.index();
            let upstream = upstreams.get(place).ok_or(UnknownUpstream(lookup.name))?;
            Ok(LookUp::new(upstream, lookup, shared_bytes, shared_fresh))
        });
        let look_ups = look_ups.collect::<Result<_, UnknownUpstream>>()?;
        let memories = plan.memories.iter().map(|_| Cache::new(REMEMBERED)).collect();
        let foresight = Foresight::new(FORESEEN);
        Ok(Self(Arc::new(Inner {
            plan,
            upstreams,
            look_ups,
            memories,
            foresight,
            invalidations,
            metrics,
            own_account,
        })))
    }

    /// What is carried out.
    #[must_use]
    pub fn plan(&self) -> &Arc<GatewayPlan> {
        &self.0.plan
    }

    /// The upstream at a place of the plan; nothing where the place is another plan's.
    #[must_use]
    pub fn upstream(&self, id: UpstreamId) -> Option<&Upstream> {
        self.0.upstreams.get(id.index())
    }

    /// The tables of what is remembered, by their place in the plan. Clones are the same tables.
    #[must_use]
    pub fn memories(&self) -> Vec<Cache<Box<str>, Box<str>>> {
        self.0.memories.to_vec()
    }

    /// Remembers that `key` belongs to `value`.
    pub fn remember(&self, table: MemoryId, key: &str, value: &str) {
        let Some(table) = self.0.memories.get(table.index()) else { return };
        // Most are known: a look costs less than an exchange.
        if table.get(key).is_none_or(|known| *known != *value) {
            table.insert(key.into(), value.into());
        }
    }

    /// What `key` belongs to, where that was seen and is remembered still.
    #[must_use]
    pub fn recall(&self, table: MemoryId, key: &str) -> Option<Box<str>> {
        self.0.memories.get(table.index())?.get(key)
    }

    /// What `tag` names has changed: a look-up that is under way for it is not joined any more.
    pub fn forget(&self, tag: &Tag) {
        let Some((kind, id)) = tag.as_str().split_once(':') else { return };
        for look_up in self.0.look_ups.iter().filter(|look_up| look_up.has_tag(kind)) {
            look_up.forget(id);
        }
    }

    /// Something that `upstream` keeps has changed, and it is not known what: no look-up there that is under way is joined
    /// any more.
    pub fn forget_all(&self, upstream: UpstreamId) {
        let there = |(place, _): &(usize, _)| {
            self.0.plan.lookups.get(*place).is_some_and(|lookup| lookup.call.upstream == upstream)
        };
        for (_, look_up) in self.0.look_ups.iter().enumerate().filter(there) {
            look_up.forget_all();
        }
    }

    /// Entities that are kept for all users, for metrics.
    #[must_use]
    pub fn shared_entities(&self) -> u64 {
        self.0.look_ups.iter().map(LookUp::shared_entities).sum()
    }

    pub(super) fn look_up(&self, id: LookupId) -> Option<&LookUp> {
        self.0.look_ups.get(id.index())
    }

    pub(super) fn observe(
        &self,
        screen: Option<&'static str>,
        part: &'static str,
        outcome: &'static str,
        took: Duration,
    ) {
        if let Some(screen) = screen {
            self.0.metrics.part_outcome(screen, part, outcome, took);
        }
    }
}
