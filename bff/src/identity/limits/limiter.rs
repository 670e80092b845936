//! All buckets: those of this process, and those that replicas share.

use std::{sync::Arc, time::Duration};

use governor::clock::DefaultClock;
use tokio::{runtime::Handle, time::timeout};

use super::{Charge, Limit, LimitPolicy, Principal, local::Buckets, reservations::Reservations};
use crate::{
    identity::Secrets,
    store::{SharedStore, Take},
    telemetry::Metrics,
};

/// What the keys of shared buckets are derived for.
const LABEL: &str = "rate-limit";

/// How long a request waits for the shared buckets. Longer than Redis takes and shorter than anybody notices.
const SHARED_TIMEOUT: Duration = Duration::from_millis(50);

/// How often buckets that are full again are let go of.
const TIDY_EVERY: Duration = Duration::from_secs(1);

/// All buckets. Cheap to clone.
#[derive(Clone)]
pub struct Limits(pub(super) Arc<Inner>);

pub(super) struct Inner {
    policy: LimitPolicy,
    pub(super) buckets: Buckets<DefaultClock>,
    shared: Option<(SharedStore, Arc<Secrets>)>,
    pub(super) reservations: Arc<Reservations>,
    pub(super) metrics: Arc<Metrics>,
}

impl std::fmt::Debug for Limits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Limits").field("policy", &self.0.policy).finish_non_exhaustive()
    }
}

impl Limits {
    /// With buckets that are all full. `shared`: the store of the buckets that replicas share, and what its keys are
    /// derived from. Buckets that are full again are let go of on `runtime`, for as long as a clone of this lives.
    #[must_use]
    pub fn new(
        policy: LimitPolicy,
        shared: Option<(SharedStore, Arc<Secrets>)>,
        metrics: Arc<Metrics>,
        runtime: &Handle,
    ) -> Self {
        let limits = Self(Arc::new(Inner {
            policy,
            buckets: Buckets::new(&policy, &DefaultClock::default()),
            shared,
            reservations: Arc::default(),
            metrics,
        }));
        let tidied = Arc::downgrade(&limits.0);
        runtime.spawn(async move {
            loop {
                tokio::time::sleep(TIDY_EVERY).await;
                let Some(inner) = tidied.upgrade() else { return };
                inner.buckets.tidy();
            }
        });
        limits
    }

    /// The limit of each tier.
    #[must_use]
    pub fn policy(&self) -> &LimitPolicy {
        &self.0.policy
    }

    /// Takes one request out of the principal's bucket. Waits only where buckets are shared, and then for at most
    /// 50 ms.
    pub async fn charge(&self, principal: Principal) -> Charge {
        let mut charge = self.0.buckets.charge(principal);
        if charge.allowed
            && let Some(taken) = self.charge_shared(principal).await
        {
            charge = taken;
        }
        if !charge.allowed {
            self.0.metrics.rate_limited(charge.tier.as_str());
        }
        charge
    }

    /// What the bucket that replicas share says. Nothing where they share none, or Redis does not say in time.
    pub(super) async fn charge_shared(&self, principal: Principal) -> Option<Charge> {
        let (store, secrets) = self.0.shared.as_ref()?;
        let taken = self.take(store, secrets, principal).await;
        if taken.is_none() {
            self.0.metrics.rate_limits_alone.inc();
        }
        taken
    }

    /// Puts one back that [`Self::charge`] has taken: the request was another principal's after all.
    pub(super) async fn refund(&self, principal: Principal) {
        self.0.buckets.refund(principal);
        let Some((store, secrets)) = &self.0.shared else { return };
        let Some(key) = shared_key(secrets, principal) else { return };
        let giving = store.give_back(&key, self.0.policy.of(principal.tier).per_second.get());
        // One less is left to the address until it is refilled, which is soon.
        let _ = timeout(SHARED_TIMEOUT, giving).await;
    }

    /// Nothing where Redis does not answer in time.
    async fn take(&self, store: &SharedStore, secrets: &Secrets, principal: Principal) -> Option<Charge> {
        let Limit { per_second, burst } = self.0.policy.of(principal.tier);
        let key = shared_key(secrets, principal)?;
        let taking = store.take(&key, per_second.get(), burst.get());
        let Take { allowed, remaining, reset_ms, retry_ms } =
            timeout(SHARED_TIMEOUT, taking).await.ok()?.ok()?;
        let next = if allowed { (1000 / u64::from(per_second.get())).min(reset_ms) } else { retry_ms };
        Some(Charge { tier: principal.tier, allowed, remaining, more_after: Duration::from_millis(next) })
    }
}

/// Under which key replicas share the principal's bucket: it names nobody.
fn shared_key(secrets: &Secrets, principal: Principal) -> Option<[u8; 16]> {
    let (keys, tier) = (secrets.keys(LABEL), principal.tier.as_str());
    let mac = keys.first()?.mac(&[tier.as_bytes(), &principal.key.to_be_bytes()]);
    mac.first_chunk().copied()
}
