//! Limits, and the headers in which callers are told of them.

use std::sync::Arc;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;

use crate::identity::{Charge, Limit, Limits, Principal, Tier};

const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Limits, and the headers in which they are told (draft-ietf-httpapi-ratelimit-headers-10).
#[derive(Debug, Clone)]
pub struct RateLimits(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limits: Limits,
    /// `RateLimit-Policy` of each tier.
    policies: [HeaderValue; 3],
}

impl RateLimits {
    /// The headers are made here, once.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let policies = Tier::ALL.map(|tier| policy(tier, limits.policy().of(tier)));
        Self(Arc::new(Inner { limits, policies }))
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Charges `principal`.
    ///
    /// # Errors
    /// The charge, where that is too often.
    pub(super) async fn charge(&self, principal: Principal) -> Result<Charge, Charge> {
        let charge = self.0.limits.charge(principal).await;
        if charge.allowed { Ok(charge) } else { Err(charge) }
    }

    /// Tells what is left.
    pub(super) fn tell(&self, charge: &Charge, headers: &mut HeaderMap) {
        headers.insert(RATELIMIT_POLICY, self.0.policies[charge.tier as usize].clone());
        headers.insert(RATELIMIT, state(charge));
    }
}

/// `"user";q=100;w=2`: so many requests within so many seconds, which is how long an empty bucket takes to fill.
fn policy(tier: Tier, limit: Limit) -> HeaderValue {
    let (burst, per_second) = (limit.burst.get(), limit.per_second.get());
    let text = format!("\"{}\";q={burst};w={}", tier.as_str(), burst.div_ceil(per_second));
    // Letters, digits and `";=`: always a header value.
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// `"user";r=99;t=1`: so many more now, and more than that after so many seconds.
fn state(charge: &Charge) -> HeaderValue {
    let (mut remaining, mut within) = (itoa::Buffer::new(), itoa::Buffer::new());
    let (remaining, within) = (remaining.format(charge.remaining), within.format(seconds(charge)));
    let text = ["\"", charge.tier.as_str(), "\";r=", remaining, ";t=", within].concat();
    // As above.
    HeaderValue::from_maybe_shared(Bytes::from(text)).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Rounded up, and at least one, so that clients never retry too early.
pub(super) fn seconds(charge: &Charge) -> u64 {
    let whole = charge.more_after.as_secs();
    (whole + u64::from(charge.more_after.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use std::{num::NonZeroU32, time::Duration};

    use super::{Charge, Limit, Tier, policy, state};

    fn limit(per_second: u32, burst: u32) -> Limit {
        let number = |number| NonZeroU32::new(number).expect("not 0");
        Limit { per_second: number(per_second), burst: number(burst) }
    }

    #[test]
    fn a_policy_is_how_much_within_how_long() {
        for (tier, limit, header) in [
            (Tier::User, limit(50, 100), r#""user";q=100;w=2"#),
            (Tier::Anonymous, limit(20, 40), r#""anonymous";q=40;w=2"#),
            (Tier::Caller, limit(1_000_000, 1), r#""caller";q=1;w=1"#),
            (Tier::User, limit(3, 10), r#""user";q=10;w=4"#),
            (Tier::Anonymous, limit(1, 1_000_000), r#""anonymous";q=1000000;w=1000000"#),
        ] {
            assert_eq!(policy(tier, limit), header);
        }
    }

    #[test]
    fn what_is_left_is_told_in_whole_seconds() {
        for (tier, remaining, more_after_us, header) in [
            (Tier::User, 99, 20_000, r#""user";r=99;t=1"#),
            (Tier::Caller, 1_000_000, 1, r#""caller";r=1000000;t=1"#),
            (Tier::Anonymous, 0, 0, r#""anonymous";r=0;t=1"#),
            (Tier::Anonymous, 0, 1_000_000, r#""anonymous";r=0;t=1"#),
            (Tier::Anonymous, 0, 1_000_001, r#""anonymous";r=0;t=2"#),
        ] {
            let more_after = Duration::from_micros(more_after_us);
            assert_eq!(state(&Charge { tier, allowed: remaining > 0, remaining, more_after }), header);
        }
    }
}
