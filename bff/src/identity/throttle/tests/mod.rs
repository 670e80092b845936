//! The throttle over stores that it has for itself or shares. Here: one attempt after the other.

mod asked;
mod crowds;
mod flaky;
mod members;

use std::{net::IpAddr, sync::Arc, time::Duration};

use schemas::Id;
use secrecy::SecretString;
use tokio::time::sleep;

use super::{attempt::BUSY_RETRY, *};
use crate::{
    identity::Secrets,
    store::{MemoryStore, Store, StoreError},
};

const HOME: &str = "192.0.2.1";

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn policy() -> ThrottlePolicy {
    // Nobody settles anything while a test looks: whoever waits has waited in vain at once.
    ThrottlePolicy { patience: Duration::ZERO, ..ThrottlePolicy::default() }
}

fn secrets() -> Arc<Secrets> {
    Arc::new(Secrets::new(vec![SecretString::from("a secret of at least thirty-two bytes")]))
}

fn throttle_over(store: Arc<dyn Store>, policy: ThrottlePolicy) -> SignInThrottle {
    SignInThrottle::new(store, secrets(), policy, Arc::default())
}

fn throttle() -> SignInThrottle {
    throttle_over(Arc::new(MemoryStore::new()), policy())
}

async fn begin(throttle: &SignInThrottle, login: &str, from: &str) -> Result<Attempt, ThrottleError> {
    throttle.begin(Subject::Login(login), address(from)).await
}

async fn fail(throttle: &SignInThrottle, login: &str, from: &str, times: usize) {
    for _ in 0..times {
        begin(throttle, login, from).await.expect("an attempt").failed().await;
    }
}

/// Which count refuses, and for how long.
async fn refused(throttle: &SignInThrottle, login: &str, from: &str) -> (ThrottledBy, Duration) {
    match begin(throttle, login, from).await {
        Err(ThrottleError::TooMany { by, retry_after }) => (by, retry_after),
        other => panic!("not refused: {other:?}"),
    }
}

fn id(text: &str) -> Id {
    Id::new(text).expect("an id")
}

/// An attempt that the profile service says is the member's.
async fn try_as(
    throttle: &SignInThrottle,
    name: &str,
    member: Option<&Id>,
) -> Result<Attempt, ThrottleError> {
    begin(throttle, name, HOME).await?.of(member).await
}

fn too_many(tried: Result<Attempt, ThrottleError>) {
    assert!(matches!(tried, Err(ThrottleError::TooMany { by: ThrottledBy::Account, .. })), "{tried:?}");
}

#[tokio::test]
async fn five_failures_shut_an_account_until_the_window_ends() {
    let throttle = throttle();
    fail(&throttle, "ada", HOME, 5).await;
    let (by, retry_after) = refused(&throttle, "ada", HOME).await;
    assert_eq!(by, ThrottledBy::Account);
    let window = policy().window;
    assert!(retry_after <= window && retry_after > window - Duration::from_secs(5), "{retry_after:?}");
    assert_eq!(refused(&throttle, "ada", "198.51.100.7").await.0, ThrottledBy::Account, "from everywhere");
    assert_eq!(refused(&throttle, "  ADA ", HOME).await.0, ThrottledBy::Account, "however it is written");
    begin(&throttle, "bob", HOME).await.expect("others are not concerned").undecided().await;
}

#[tokio::test]
async fn twenty_failures_shut_an_address_whatever_the_accounts() {
    let throttle = throttle();
    for number in 0..20 {
        fail(&throttle, &format!("user-{number}"), HOME, 1).await;
    }
    assert_eq!(refused(&throttle, "ada", HOME).await.0, ThrottledBy::Address);
    begin(&throttle, "ada", "192.0.2.2").await.expect("from elsewhere").undecided().await;
}

#[tokio::test]
async fn a_network_of_ipv6_is_one_address() {
    let throttle = throttle();
    for number in 0..20 {
        fail(&throttle, &format!("user-{number}"), &format!("2001:db8:1:2::{number:x}"), 1).await;
    }
    assert_eq!(refused(&throttle, "ada", "2001:db8:1:2:ffff::1").await.0, ThrottledBy::Address);
    begin(&throttle, "ada", "2001:db8:1:3::1").await.expect("the next network").undecided().await;
}

#[tokio::test]
async fn a_refusal_is_no_failure() {
    let throttle = throttle();
    fail(&throttle, "ada", HOME, 5).await;
    for _ in 0..100 {
        refused(&throttle, "ada", HOME).await;
    }
    begin(&throttle, "bob", HOME).await.expect("the address has five failures").undecided().await;
}

#[tokio::test]
async fn signing_in_forgets_the_failures_of_the_account_and_none_of_the_address() {
    let throttle = throttle();
    for _ in 0..4 {
        fail(&throttle, "ada", HOME, 4).await;
        begin(&throttle, "ada", HOME).await.expect("the fifth attempt").succeeded().await;
    }
    fail(&throttle, "ada", HOME, 4).await;
    assert_eq!(refused(&throttle, "ada", HOME).await.0, ThrottledBy::Address, "twenty failures");
}

#[tokio::test]
async fn what_fails_while_somebody_signs_in_still_counts() {
    let throttle = throttle();
    fail(&throttle, "ada", HOME, 3).await;
    let own = begin(&throttle, "ada", HOME).await.expect("an attempt");
    fail(&throttle, "ada", "198.51.100.7", 1).await;
    own.succeeded().await;
    fail(&throttle, "ada", HOME, 4).await;
    assert_eq!(refused(&throttle, "ada", HOME).await.0, ThrottledBy::Account);
}

#[tokio::test]
async fn what_was_not_decided_is_given_back() {
    let throttle = throttle();
    fail(&throttle, "ada", HOME, 4).await;
    for _ in 0..50 {
        begin(&throttle, "ada", HOME).await.expect("an attempt").undecided().await;
    }
    fail(&throttle, "ada", HOME, 1).await;
    refused(&throttle, "ada", HOME).await;
}

#[tokio::test]
async fn no_more_are_tried_at_once_than_may_fail() {
    let throttle = throttle();
    fail(&throttle, "ada", HOME, 2).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(begin(&throttle, "ada", HOME).await.expect("room"));
    }
    let (by, retry_after) = refused(&throttle, "ada", HOME).await;
    assert_eq!((by, retry_after), (ThrottledBy::Account, BUSY_RETRY), "no failure yet: not for long");
    held.pop().expect("one in flight").undecided().await;
    held.push(begin(&throttle, "ada", HOME).await.expect("room again"));
    for attempt in held {
        attempt.failed().await;
    }
    assert!(refused(&throttle, "ada", HOME).await.1 > BUSY_RETRY);
}

#[tokio::test]
async fn an_attempt_that_hangs_in_the_air_stays_counted() {
    let throttle = throttle();
    for _ in 0..5 {
        drop(begin(&throttle, "ada", HOME).await.expect("room"));
    }
    refused(&throttle, "ada", HOME).await;
}

#[tokio::test]
async fn attempts_of_an_earlier_life_are_in_nobodys_way_and_its_failures_still_count() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let earlier = throttle_over(Arc::clone(&store), ThrottlePolicy { life: 1, ..policy() });
    fail(&earlier, "ada", HOME, 2).await;
    for _ in 0..3 {
        drop(begin(&earlier, "ada", HOME).await.expect("room"));
    }
    refused(&earlier, "ada", HOME).await;
    let now = throttle_over(store, ThrottlePolicy { life: 2, ..policy() });
    fail(&now, "ada", HOME, 3).await;
    assert!(refused(&now, "ada", HOME).await.1 > BUSY_RETRY, "five have failed");
}

#[tokio::test]
async fn a_window_ends() {
    let short = ThrottlePolicy { window: Duration::from_millis(200), ..policy() };
    let throttle = throttle_over(Arc::new(MemoryStore::new()), short);
    fail(&throttle, "ada", HOME, 5).await;
    let (_, retry_after) = refused(&throttle, "ada", HOME).await;
    sleep(retry_after + Duration::from_millis(5)).await;
    fail(&throttle, "ada", HOME, 5).await;
}

#[tokio::test]
async fn a_member_is_counted_apart_from_every_login() {
    let throttle = throttle();
    let ada = Id::new("ada").expect("an id");
    fail(&throttle, "ada", HOME, 5).await;
    for _ in 0..5 {
        throttle.begin(Subject::Member(&ada), address(HOME)).await.expect("an attempt").failed().await;
    }
    let refused = throttle.begin(Subject::Member(&ada), address(HOME)).await;
    assert!(matches!(refused, Err(ThrottleError::TooMany { by: ThrottledBy::Account, .. })), "{refused:?}");
}
