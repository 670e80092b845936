//! The buckets in this process' memory.

use std::sync::atomic::{AtomicBool, Ordering};

use governor::{
    Quota, RateLimiter, clock::Clock, middleware::StateInformationMiddleware, state::keyed::DashMapStateStore,
};

use super::{Charge, Limit, LimitPolicy, Principal, Tier};

/// Buckets of one tier that are neither full nor let go of, before they are shared: about 10 MB. That many principals
/// at once are a flood, of addresses above all, of which IPv6 has plenty.
const MAX_BUCKETS: usize = 200_000;
/// How many are shared by all principals of the tier then.
const CROWD_BUCKETS: u64 = 1 << 16;

type Keyed<C> = RateLimiter<u64, DashMapStateStore<u64>, C, StateInformationMiddleware>;

/// One bucket for each principal, made when first charged.
pub(super) struct Buckets<C: Clock>([Bucketed<C>; 3]);

struct Bucketed<C: Clock> {
    limiter: Keyed<C>,
    crowded: AtomicBool,
}

impl<C: Clock + Clone> Buckets<C> {
    pub(super) fn new(policy: &LimitPolicy, clock: &C) -> Self {
        Self(Tier::ALL.map(|tier| {
            let Limit { per_second, burst } = policy.of(tier);
            let quota = Quota::per_second(per_second).allow_burst(burst);
            let limiter = RateLimiter::new(quota, DashMapStateStore::default(), clock.clone());
            Bucketed { limiter, crowded: AtomicBool::new(false) }
        }))
    }

    pub(super) fn charge(&self, principal: Principal) -> Charge {
        let Bucketed { limiter, crowded } = &self.0[principal.tier as usize];
        let own = principal.key;
        let key = if crowded.load(Ordering::Relaxed) { own % CROWD_BUCKETS } else { own };
        let charge =
            |allowed, remaining, more_after| Charge { tier: principal.tier, allowed, remaining, more_after };
        match limiter.check_key(&key) {
            Ok(state) => charge(true, state.remaining_burst_capacity(), state.quota().replenish_interval()),
            Err(until) => charge(false, 0, until.wait_time_from(limiter.clock().now())),
        }
    }

    /// Lets go of the buckets that are full again. To be called every second or so: in between their number grows
    /// with the requests.
    pub(super) fn tidy(&self) {
        for Bucketed { limiter, crowded } in &self.0 {
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
