//! The buckets in this process' memory.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use governor::{
    Quota, RateLimiter,
    clock::Clock,
    middleware::StateInformationMiddleware,
    nanos::Nanos,
    state::{
        StateStore,
        keyed::{DashMapStateStore, ShrinkableKeyedStateStore},
    },
};

use super::{Charge, Limit, LimitPolicy, Principal, Tier};

/// Buckets of one tier that are neither full nor let go of, before they are shared: about 10 MB. That many principals
/// at once are a flood, of addresses above all, of which IPv6 has plenty.
const MAX_BUCKETS: usize = 200_000;
/// How many are shared by all principals of the tier then.
const CROWD_BUCKETS: u64 = 1 << 16;

type Keyed<C> = RateLimiter<u64, Times, C, StateInformationMiddleware>;

/// When each bucket is full again. Shared, because a limiter does not give back what it took, nor lets anybody at its
/// state.
#[derive(Clone, Default)]
struct Times(Arc<DashMapStateStore<u64>>);

impl StateStore for Times {
    type Key = u64;

    fn measure_and_replace<T, F, E>(&self, key: &u64, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        self.0.measure_and_replace(key, measure)
    }
}

impl ShrinkableKeyedStateStore<u64> for Times {
    fn retain_recent(&self, drop_below: Nanos) {
        ShrinkableKeyedStateStore::retain_recent(&*self.0, drop_below);
    }

    fn shrink_to_fit(&self) {
        ShrinkableKeyedStateStore::shrink_to_fit(&*self.0);
    }

    fn len(&self) -> usize {
        ShrinkableKeyedStateStore::len(&*self.0)
    }

    fn is_empty(&self) -> bool {
        ShrinkableKeyedStateStore::is_empty(&*self.0)
    }
}

/// One bucket for each principal, made when first charged.
pub(super) struct Buckets<C: Clock>([Bucketed<C>; 3]);

struct Bucketed<C: Clock> {
    limiter: Keyed<C>,
    times: Times,
    /// How long it takes to refill one.
    interval: Nanos,
    crowded: AtomicBool,
}

impl<C: Clock> Bucketed<C> {
    fn key(&self, principal: Principal) -> u64 {
        if self.crowded.load(Ordering::Relaxed) { principal.key % CROWD_BUCKETS } else { principal.key }
    }
}

impl<C: Clock + Clone> Buckets<C> {
    pub(super) fn new(policy: &LimitPolicy, clock: &C) -> Self {
        Self(Tier::ALL.map(|tier| {
            let Limit { per_second, burst } = policy.of(tier);
            let quota = Quota::per_second(per_second).allow_burst(burst);
            let times = Times::default();
            let limiter = RateLimiter::new(quota, times.clone(), clock.clone());
            let interval = quota.replenish_interval().into();
            Bucketed { limiter, times, interval, crowded: AtomicBool::new(false) }
        }))
    }

    pub(super) fn charge(&self, principal: Principal) -> Charge {
        let bucketed = &self.0[principal.tier as usize];
        let (limiter, key) = (&bucketed.limiter, bucketed.key(principal));
        let charge =
            |allowed, remaining, more_after| Charge { tier: principal.tier, allowed, remaining, more_after };
        match limiter.check_key(&key) {
            Ok(state) => charge(true, state.remaining_burst_capacity(), state.quota().replenish_interval()),
            Err(until) => charge(false, 0, until.wait_time_from(limiter.clock().now())),
        }
    }

    /// Puts one back into the principal's bucket, where it was taken out. A bucket is never more than full.
    pub(super) fn refund(&self, principal: Principal) {
        let bucketed = &self.0[principal.tier as usize];
        let back = |full_at: Option<Nanos>| {
            Ok::<_, Infallible>(((), full_at.unwrap_or_default().saturating_sub(bucketed.interval)))
        };
        let Ok(()) = bucketed.times.measure_and_replace(&bucketed.key(principal), back);
    }

    /// Lets go of the buckets that are full again. To be called every second or so: in between their number grows
    /// with the requests.
    pub(super) fn tidy(&self) {
        for Bucketed { limiter, crowded, .. } in &self.0 {
            limiter.retain_recent();
            let now = limiter.len() > MAX_BUCKETS;
            if crowded.swap(now, Ordering::Relaxed) && !now {
                limiter.shrink_to_fit();
            }
        }
    }

    /// How many buckets of the tier are in memory.
    #[cfg(test)]
    pub(super) fn len(&self, tier: Tier) -> usize {
        self.0[tier as usize].limiter.len()
    }
}
