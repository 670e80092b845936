//! Rate limits: how often each principal may ask. Before a request is worked on, `edge` asks here whether its principal
//! may still; the answer goes out with headers and, where it is no, with nothing else.
//!
//! Each principal has a bucket that holds `burst` requests and is refilled at `per_second` (generic cell rate
//! algorithm). Buckets are in the memory of each replica; with `limits.shared` there is one for all of them in Redis
//! besides, which is asked when the local one would let the request through: what even this replica alone has seen too
//! often need not be asked about, and while Redis is away the local buckets go on by themselves.

mod local;
mod reservations;
#[cfg(test)]
mod tests;

use std::{net::IpAddr, num::NonZeroU32, sync::Arc, time::Duration};

use governor::clock::DefaultClock;
use sha2::{Digest, Sha256};
use tokio::{runtime::Handle, time::timeout};

pub use self::reservations::Reservation;
use self::{local::Buckets, reservations::Reservations};
use super::Secrets;
use crate::{
    store::{SharedStore, Take},
    telemetry::Metrics,
};

/// What the keys of shared buckets are derived for.
const LABEL: &str = "rate-limit";

/// How long a request waits for the shared buckets. Longer than Redis takes and shorter than anybody notices.
const SHARED_TIMEOUT: Duration = Duration::from_millis(50);

/// How often buckets that are full again are let go of.
const TIDY_EVERY: Duration = Duration::from_secs(1);

/// Kinds of principals, each with a limit of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tier {
    Anonymous,
    User,
    Caller,
}

impl Tier {
    pub const ALL: [Self; 3] = [Self::Anonymous, Self::User, Self::Caller];

    /// The name of its policy in headers, and of its label in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::User => "user",
            Self::Caller => "caller",
        }
    }
}

/// How often: `burst` at once, refilled at `per_second`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    pub per_second: NonZeroU32,
    pub burst: NonZeroU32,
}

/// The limit of each tier.
#[derive(Debug, Clone, Copy)]
pub struct LimitPolicy {
    pub anonymous: Limit,
    pub user: Limit,
    pub caller: Limit,
}

impl LimitPolicy {
    /// The limit of `tier`.
    #[must_use]
    pub const fn of(&self, tier: Tier) -> Limit {
        match tier {
            Tier::Anonymous => self.anonymous,
            Tier::User => self.user,
            Tier::Caller => self.caller,
        }
    }
}

/// Who is charged for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Principal {
    tier: Tier,
    key: u64,
}

impl Principal {
    /// Nobody in particular, from this address. A /64 of IPv6 is one principal: it is the least that a site is given
    /// (RFC 6177).
    #[must_use]
    pub fn at(address: IpAddr) -> Self {
        // IPv4 addresses fall into the range of 0000::/32, which is nobody's.
        let key = match address.to_canonical() {
            IpAddr::V4(v4) => u32::from(v4).into(),
            IpAddr::V6(v6) => u64::try_from(u128::from(v6) >> 64).unwrap_or_default(),
        };
        Self { tier: Tier::Anonymous, key }
    }

    /// A signed-in user, by the hash that logs call them by.
    #[must_use]
    pub const fn user(log_name: u64) -> Self {
        Self { tier: Tier::User, key: log_name }
    }

    /// A server-side caller, by its name in the configuration.
    #[must_use]
    pub fn caller(name: &str) -> Self {
        let digest: [u8; 32] = Sha256::digest(name).into();
        Self { tier: Tier::Caller, key: digest.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes)) }
    }

    /// The limit that it is under.
    #[must_use]
    pub const fn tier(self) -> Tier {
        self.tier
    }
}

/// What comes of asking for one request more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge {
    pub tier: Tier,
    pub allowed: bool,
    /// How many more would be allowed now.
    pub remaining: u32,
    /// Until one more is allowed than now.
    pub more_after: Duration,
}

/// All buckets. Cheap to clone.
#[derive(Clone)]
pub struct Limits(Arc<Inner>);

struct Inner {
    policy: LimitPolicy,
    buckets: Buckets<DefaultClock>,
    shared: Option<(SharedStore, Arc<Secrets>)>,
    reservations: Arc<Reservations>,
    metrics: Arc<Metrics>,
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
    async fn charge_shared(&self, principal: Principal) -> Option<Charge> {
        let (store, secrets) = self.0.shared.as_ref()?;
        let taken = self.take(store, secrets, principal).await;
        if taken.is_none() {
            self.0.metrics.rate_limits_alone.inc();
        }
        taken
    }

    /// Puts one back that [`Self::charge`] has taken: the request was another principal's after all.
    async fn refund(&self, principal: Principal) {
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
