use std::{collections::HashSet, net::IpAddr, num::NonZeroU32, sync::Arc, time::Duration};

use governor::clock::FakeRelativeClock;

use super::{Charge, Limit, LimitPolicy, Limits, Principal, Tier, local::Buckets};
use crate::telemetry::Metrics;

fn limit(per_second: u32, burst: u32) -> Limit {
    let number = |number| NonZeroU32::new(number).expect("not 0");
    Limit { per_second: number(per_second), burst: number(burst) }
}

fn policy() -> LimitPolicy {
    LimitPolicy { anonymous: limit(2, 4), user: limit(10, 5), caller: limit(100, 50) }
}

fn at(address: &str) -> Principal {
    Principal::at(address.parse::<IpAddr>().expect("an address"))
}

/// How many are allowed one after the other, and what the first refusal says.
fn exhaust(buckets: &Buckets<FakeRelativeClock>, principal: Principal) -> (u32, Charge) {
    (0..)
        .find_map(|count| {
            let charge = buckets.charge(principal);
            (!charge.allowed).then_some((count, charge))
        })
        .expect("a refusal")
}

#[test]
fn a_bucket_holds_a_burst_and_is_refilled_at_its_rate() {
    let clock = FakeRelativeClock::default();
    let buckets = Buckets::new(&policy(), &clock);
    let ada = Principal::user(1);
    for remaining in (0..5).rev() {
        let charge = buckets.charge(ada);
        assert_eq!((charge.allowed, charge.remaining, charge.tier), (true, remaining, Tier::User));
        assert_eq!(charge.more_after, Duration::from_millis(100));
    }
    let refused = buckets.charge(ada);
    assert_eq!((refused.allowed, refused.remaining), (false, 0));
    assert_eq!(refused.more_after, Duration::from_millis(100));
    clock.advance(Duration::from_millis(60));
    assert_eq!(buckets.charge(ada).more_after, Duration::from_millis(40), "refusals cost nothing");
    clock.advance(Duration::from_millis(40));
    assert!(buckets.charge(ada).allowed);
    assert!(!buckets.charge(ada).allowed);
    clock.advance(Duration::from_millis(300));
    assert_eq!(exhaust(&buckets, ada).0, 3);
    clock.advance(Duration::from_secs(3600));
    assert_eq!(exhaust(&buckets, ada).0, 5, "never more than a burst");
}

#[test]
fn each_principal_has_a_bucket_of_its_own_and_each_tier_its_limit() {
    let buckets = Buckets::new(&policy(), &FakeRelativeClock::default());
    let tiers = [(Principal::user(1), 5), (at("192.0.2.1"), 4), (Principal::caller("web"), 50)];
    for (principal, burst) in tiers {
        assert_eq!(exhaust(&buckets, principal).0, burst, "{:?}", principal.tier());
    }
    for other in [Principal::user(2), at("192.0.2.2"), at("2001:db8::1"), Principal::caller("admin")] {
        assert!(buckets.charge(other).allowed);
    }
    // The same number in another tier is somebody else.
    let same = Principal::user(at("192.0.2.1").key);
    assert!(buckets.charge(same).allowed);
}

#[test]
fn a_network_of_ipv6_is_one_principal() {
    assert_eq!(at("2001:db8:1:2::1"), at("2001:db8:1:2:ffff:ffff:ffff:ffff"));
    assert_eq!(at("::ffff:192.0.2.1"), at("192.0.2.1"));
    let others = ["2001:db8:1:2::1", "2001:db8:1:3::1", "192.0.2.1", "192.0.2.2", "0.0.0.1"].map(at);
    assert_eq!(others.iter().map(|principal| principal.key).collect::<HashSet<_>>().len(), others.len());
}

#[test]
fn full_buckets_are_let_go_of() {
    let clock = FakeRelativeClock::default();
    let buckets = Buckets::new(&policy(), &clock);
    for user in 0..1000 {
        buckets.charge(Principal::user(user));
    }
    assert_eq!(exhaust(&buckets, Principal::user(7)).0, 4);
    buckets.tidy();
    assert_eq!(buckets.len(Tier::User), 1000);
    clock.advance(Duration::from_millis(250));
    buckets.tidy();
    assert_eq!(buckets.len(Tier::User), 1, "the empty one is not full again");
    assert_eq!(exhaust(&buckets, Principal::user(7)).0, 2);
    clock.advance(Duration::from_secs(1));
    buckets.tidy();
    assert_eq!(buckets.len(Tier::User), 0);
}

#[test]
fn a_flood_of_principals_shares_buckets_until_it_is_over() {
    let clock = FakeRelativeClock::default();
    let buckets = Buckets::new(&policy(), &clock);
    let flood = |from: u64, number: u64| {
        for key in from..from + number {
            buckets.charge(Principal { tier: Tier::Anonymous, key: key << 20 });
        }
    };
    flood(0, 200_001);
    buckets.tidy();
    flood(1_000_000, 200_000);
    assert!(buckets.len(Tier::Anonymous) <= 200_001 + (1 << 16), "{}", buckets.len(Tier::Anonymous));
    assert!(buckets.charge(Principal::user(1)).allowed, "other tiers do not notice");
    clock.advance(Duration::from_secs(3));
    buckets.tidy();
    assert_eq!(buckets.len(Tier::Anonymous), 0);
    flood(0, 100_000);
    assert_eq!(buckets.len(Tier::Anonymous), 100_000, "each has its own again");
}

#[tokio::test]
async fn refusals_are_counted_by_tier() {
    let metrics = Arc::new(Metrics::new());
    let runtime = tokio::runtime::Handle::current();
    let limits = Limits::new(policy(), None, Arc::clone(&metrics), &runtime);
    let nobody = at("192.0.2.1");
    let mut allowed = 0;
    while limits.charge(nobody).await.allowed {
        allowed += 1;
    }
    // The clock runs: a refill may come in between.
    assert!((4..100).contains(&allowed), "{allowed}");
    assert!(limits.charge(Principal::user(1)).await.allowed);
    let text = metrics.encode();
    assert!(text.contains("bff_rate_limited_total{tier=\"anonymous\"} 1"), "{text}");
    assert!(!text.contains("tier=\"user\""), "{text}");
}
