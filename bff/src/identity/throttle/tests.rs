use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use secrecy::SecretString;

use super::*;
use crate::store::{Entry, Listener, MemoryStore, Record, Replacement, Space};

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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_guesses_at_once_five_are_tried() {
    let patient = ThrottlePolicy { patience: Duration::from_secs(20), ..policy() };
    // Two replicas, one store.
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let replicas = [throttle_over(Arc::clone(&store), patient), throttle_over(store, patient)];
    let guesses = (0..100).map(|number| {
        let throttle = replicas[number % 2].clone();
        tokio::spawn(async move {
            let attempt = begin(&throttle, "ada", HOME).await;
            let tried = attempt.is_ok();
            if let Ok(attempt) = attempt {
                tokio::task::yield_now().await;
                attempt.failed().await;
            }
            tried
        })
    });
    let mut tried = 0;
    for guess in guesses.collect::<Vec<_>>() {
        tried += usize::from(guess.await.expect("no panic"));
    }
    assert_eq!(tried, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sign_ins_side_by_side_wait_for_each_other_and_all_succeed() {
    let patient = ThrottlePolicy { patience: Duration::from_secs(20), ..policy() };
    let throttle = throttle_over(Arc::new(MemoryStore::new()), patient);
    let sign_ins = (0..60).map(|_| {
        let throttle = throttle.clone();
        tokio::spawn(async move {
            let attempt = begin(&throttle, "ada", HOME).await.expect("its turn comes");
            tokio::task::yield_now().await;
            attempt.succeeded().await;
        })
    });
    for sign_in in sign_ins.collect::<Vec<_>>() {
        sign_in.await.expect("no panic");
    }
    fail(&throttle, "ada", HOME, 5).await;
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

/// A store that goes away and comes back, and remembers the keys it was asked for.
#[derive(Default)]
struct Flaky {
    inner: MemoryStore,
    away: AtomicBool,
    keys: parking_lot::Mutex<Vec<Vec<u8>>>,
}

#[async_trait]
impl Store for Flaky {
    async fn add(
        &self,
        space: Space,
        key: &[u8],
        delta: i64,
        window: Duration,
    ) -> Result<(u64, u64), StoreError> {
        if self.away.load(Ordering::SeqCst) {
            return Err(StoreError::Away { reason: "on trial".into() });
        }
        self.keys.lock().push(key.to_vec());
        self.inner.add(space, key, delta, window).await
    }

    async fn get(&self, space: Space, key: &[u8]) -> Result<Option<Record>, StoreError> {
        if self.away.load(Ordering::SeqCst) {
            return Err(StoreError::Away { reason: "on trial".into() });
        }
        self.keys.lock().push(key.to_vec());
        self.inner.get(space, key).await
    }

    async fn entry(&self, _: Space, _: &[u8]) -> Result<Option<Entry>, StoreError> {
        Err(StoreError::Closed)
    }

    async fn put(&self, space: Space, key: &[u8], entry: Entry) -> Result<u64, StoreError> {
        self.keys.lock().push(key.to_vec());
        self.inner.put(space, key, entry).await
    }

    async fn put_if(&self, _: Space, _: &[u8], _: Option<u64>, _: Entry) -> Result<Option<u64>, StoreError> {
        Err(StoreError::Closed)
    }

    async fn delete(&self, _: Space, _: &[u8]) -> Result<bool, StoreError> {
        Err(StoreError::Closed)
    }

    async fn replace(&self, _: Space, _: Vec<Replacement>) -> Result<Vec<Option<u64>>, StoreError> {
        Err(StoreError::Closed)
    }

    async fn owned_keys(&self, _: Space, _: &str) -> Result<Vec<Bytes>, StoreError> {
        Err(StoreError::Closed)
    }

    async fn get_owned(&self, _: Space, _: &str, _: &[Bytes]) -> Result<Vec<(Bytes, Record)>, StoreError> {
        Err(StoreError::Closed)
    }

    async fn delete_keys(&self, _: Space, _: &str, _: &[Bytes]) -> Result<Vec<Bytes>, StoreError> {
        Err(StoreError::Closed)
    }

    async fn delete_owned(&self, _: Space, _: &str, _: Option<&[u8]>) -> Result<Vec<Bytes>, StoreError> {
        Err(StoreError::Closed)
    }

    async fn sweep(&self) -> Result<usize, StoreError> {
        self.inner.sweep().await
    }

    fn listen(&self, listener: Listener) {
        self.inner.listen(listener);
    }

    async fn publish(&self, payload: Bytes) -> Result<(), StoreError> {
        self.inner.publish(payload).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn name(&self) -> &'static str {
        "flaky"
    }
}

#[tokio::test]
async fn nobody_is_let_in_while_attempts_cannot_be_counted() {
    let store = Arc::new(Flaky::default());
    let throttle = throttle_over(Arc::clone(&store) as Arc<dyn Store>, policy());
    let held = begin(&throttle, "ada", HOME).await.expect("an attempt");
    store.away.store(true, Ordering::SeqCst);
    let uncounted = begin(&throttle, "ada", HOME).await;
    assert!(matches!(&uncounted, Err(ThrottleError::Store(error)) if error.is_away()), "{uncounted:?}");
    held.failed().await;
    store.away.store(false, Ordering::SeqCst);
    // What could not be counted is, once the store is back; until then it counts as tried.
    fail(&throttle, "ada", HOME, 4).await;
    let told = async {
        while refused(&throttle, "ada", HOME).await.1 == BUSY_RETRY {
            sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), told).await.expect("it is told again");
}

#[tokio::test]
async fn the_store_learns_no_name_and_unknown_accounts_go_the_same_way() {
    let store = Arc::new(Flaky::default());
    let throttle = throttle_over(Arc::clone(&store) as Arc<dyn Store>, policy());
    let mut shapes = Vec::new();
    for login in ["planted@mail.example", "nobody@mail.example"] {
        fail(&throttle, login, HOME, 1).await;
        let keys = std::mem::take(&mut *store.keys.lock());
        for key in &keys {
            assert!(key.len() < 128 && !contains(key, b"mail") && !contains(key, &[192, 0, 2, 1]), "{key:?}");
        }
        shapes.push(keys.iter().map(|key| (key.len(), key[..10].to_vec())).collect::<Vec<_>>());
    }
    assert_eq!(shapes[0], shapes[1]);
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crowd_behind_one_address_asks_the_store_no_more_than_it_must() {
    let patient = ThrottlePolicy { patience: Duration::from_secs(60), ..policy() };
    let store = Arc::new(Flaky::default());
    let throttle = throttle_over(store.clone(), patient);
    let crowd = (0..300).map(|number| {
        let throttle = throttle.clone();
        tokio::spawn(async move {
            let attempt = begin(&throttle, &format!("user-{number}"), HOME).await.expect("its turn comes");
            tokio::task::yield_now().await;
            attempt.succeeded().await;
        })
    });
    for sign_in in crowd.collect::<Vec<_>>() {
        sign_in.await.expect("no panic");
    }
    // One to know whose name it is; three to take a place and one to give it back, for the account and for the address.
    assert_eq!(store.keys.lock().len(), 300 * 9);
    assert!(throttle.0.turns.is_empty(), "nothing is left of them");
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
async fn all_names_of_a_member_have_five_guesses_together_and_codes_count_with_them() {
    let (throttle, ada) = (throttle(), id("1"));
    for name in ["ada", "ada@mail.example", "ADA@mail.example ", "another spelling"] {
        try_as(&throttle, name, Some(&ada)).await.expect("room").failed().await;
    }
    let code = throttle.begin(Subject::Member(&ada), address(HOME)).await.expect("room");
    code.failed().await;
    // A name that was never tried is found out once its password was looked at, others before that.
    too_many(try_as(&throttle, "yet another", Some(&ada)).await);
    for name in ["ada", "ada@mail.example", "yet another"] {
        too_many(begin(&throttle, name, "198.51.100.7").await);
    }
    too_many(throttle.begin(Subject::Member(&ada), address(HOME)).await);
    try_as(&throttle, "bob", Some(&id("2"))).await.expect("others are not concerned").undecided().await;
}

#[tokio::test]
async fn signing_in_by_one_name_forgets_what_failed_by_another() {
    let (throttle, ada) = (throttle(), id("1"));
    for _ in 0..3 {
        for _ in 0..4 {
            try_as(&throttle, "ada@mail.example", Some(&ada)).await.expect("room").failed().await;
        }
        try_as(&throttle, "ada", Some(&ada)).await.expect("room").succeeded().await;
    }
}

#[tokio::test]
async fn a_name_that_somebody_else_has_now_counts_for_them() {
    let (throttle, ada, bob) = (throttle(), id("1"), id("2"));
    for _ in 0..4 {
        try_as(&throttle, "cook", Some(&ada)).await.expect("room").failed().await;
    }
    for _ in 0..5 {
        try_as(&throttle, "cook", Some(&bob)).await.expect("room").failed().await;
    }
    too_many(begin(&throttle, "cook", "198.51.100.7").await);
    try_as(&throttle, "ada", Some(&ada)).await.expect("one is left to her").failed().await;
    too_many(begin(&throttle, "ada", "198.51.100.7").await);
}

#[tokio::test]
async fn a_service_that_names_members_only_when_they_sign_in_is_believed_for_later() {
    let (throttle, ada) = (throttle(), id("1"));
    for name in ["ada", "ada@mail.example"] {
        try_as(&throttle, name, Some(&ada)).await.expect("room").succeeded().await;
    }
    for name in ["ada", "ada", "ada@mail.example", "ada@mail.example", "ada"] {
        try_as(&throttle, name, None).await.expect("room").failed().await;
    }
    too_many(begin(&throttle, "ada@mail.example", HOME).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_guesses_at_once_by_twenty_names_five_are_told_whether_they_are_right() {
    let patient = ThrottlePolicy { patience: Duration::from_secs(20), address_failures: 1000, ..policy() };
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let replicas = [throttle_over(Arc::clone(&store), patient), throttle_over(store, patient)];
    let guesses = (0..100).map(|number| {
        let throttle = replicas[number % 2].clone();
        tokio::spawn(async move {
            let told = try_as(&throttle, &format!("name-{}", number % 20), Some(&id("1"))).await;
            let any = told.is_ok();
            if let Ok(attempt) = told {
                tokio::task::yield_now().await;
                attempt.failed().await;
            }
            any
        })
    });
    let mut told = 0;
    for guess in guesses.collect::<Vec<_>>() {
        told += usize::from(guess.await.expect("no panic"));
    }
    assert_eq!(told, 5);
}

#[tokio::test]
async fn the_store_is_asked_as_often_for_members_as_for_names_that_nobody_has() {
    let store = Arc::new(Flaky::default());
    let throttle = throttle_over(Arc::clone(&store) as Arc<dyn Store>, policy());
    let mut asked = Vec::new();
    for (name, member) in [("ada", Some(id("1"))), ("nobody", None)] {
        for _ in 0..3 {
            let attempt = try_as(&throttle, name, member.as_ref()).await.expect("room");
            asked.push(std::mem::take(&mut *store.keys.lock()).len());
            attempt.failed().await;
            store.keys.lock().clear();
        }
    }
    assert_eq!(asked, [11; 6]);
}
