//! One suite for every store: what the rest of the gateway relies on. [`run`] is called for each store by
//! its own tests.

mod notices;
mod queue;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::{
    Entry, MAX_KEY_BYTES, MAX_OWNER_BYTES, MemoryStore, Record, Replacement, STEP, SWEEP_BATCH, Space, Store,
    StoreError,
};
use crate::telemetry::unix_ms;

pub(super) use self::notices::{Heard, listen, tells_at_once, until};
use self::notices::{changes_of_tracked_records_are_told, messages_reach_every_listener_in_order};

const HOUR: u64 = 3_600_000;

fn entry(value: &str, owner: Option<&str>, lives_ms: i64) -> Entry {
    let expires_at_ms = unix_ms().saturating_add_signed(lives_ms);
    Entry { value: Bytes::copy_from_slice(value.as_bytes()), owner: owner.map(Arc::from), expires_at_ms }
}

fn live(value: &str) -> Entry {
    entry(value, None, 3_600_000)
}

/// Who lets go of what has expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expiry {
    /// [`Store::sweep`].
    Swept,
    /// The store by itself; there is never anything to sweep.
    ByItself,
}

/// Every rule of the trait, on an empty store.
pub(super) async fn run(store: Arc<dyn Store>, expiry: Expiry) {
    let all = &*store;
    writes_are_read_back(all).await;
    spaces_are_apart(all).await;
    expired_records_are_gone(all).await;
    put_if_lets_one_of_many_win(&store).await;
    put_if_never_resurrects(all).await;
    versions_never_come_again(all).await;
    owners_list_and_delete_their_own(all).await;
    owners_follow_the_last_write(all).await;
    several_are_read_and_removed_at_once(all).await;
    values_are_replaced_where_nobody_was_first(all).await;
    counters_count_exactly(&store).await;
    counters_start_again_after_their_window(all).await;
    counters_go_down_but_not_below_nothing(all).await;
    changes_of_tracked_records_are_told(all).await;
    messages_reach_every_listener_in_order(all).await;
    sweeping_removes_the_expired_only(all, expiry).await;
    too_long_names_are_refused(all).await;
    queue::jobs_are_carried_out_at_least_once(&store).await;
    queue::a_queue_is_bounded(&store).await;
    all.ping().await.unwrap();
}

async fn writes_are_read_back(store: &dyn Store) {
    assert_eq!(store.get(Space::Sessions, b"absent").await.unwrap(), None);
    for value in ["", "one", "two"] {
        let version = store.put(Space::Sessions, b"key", live(value)).await.unwrap();
        let record = store.get(Space::Sessions, b"key").await.unwrap().unwrap();
        assert_eq!((&*record.value, record.version), (value.as_bytes(), version));
    }
    // Any bytes, also none.
    for key in [&b""[..], &[0], &[0xff; 40], &[0, 0xff, b':']] {
        let value = Bytes::from(vec![7; 100_000]);
        let big = Entry { value: value.clone(), owner: None, expires_at_ms: unix_ms() + HOUR };
        store.put(Space::Idempotency, key, big).await.unwrap();
        assert_eq!(store.get(Space::Idempotency, key).await.unwrap().unwrap().value, value);
        assert!(store.delete(Space::Idempotency, key).await.unwrap());
        assert!(!store.delete(Space::Idempotency, key).await.unwrap());
        assert_eq!(store.get(Space::Idempotency, key).await.unwrap(), None);
    }
    // No end is an end as well.
    let forever = Entry { value: Bytes::from_static(b"x"), owner: None, expires_at_ms: u64::MAX };
    store.put(Space::Sessions, b"forever", forever).await.unwrap();
    assert!(store.get(Space::Sessions, b"forever").await.unwrap().is_some());
}

async fn spaces_are_apart(store: &dyn Store) {
    for space in Space::ALL {
        store.put(space, b"shared", live(space.name())).await.unwrap();
    }
    assert!(store.delete(Space::Sessions, b"shared").await.unwrap());
    assert_eq!(store.get(Space::Sessions, b"shared").await.unwrap(), None);
    for space in &Space::ALL[1..] {
        assert_eq!(store.get(*space, b"shared").await.unwrap().unwrap().value, space.name());
    }
}

async fn expired_records_are_gone(store: &dyn Store) {
    store.put(Space::Sessions, b"old", entry("x", Some("eve"), -1)).await.unwrap();
    assert_eq!(store.get(Space::Sessions, b"old").await.unwrap(), None);
    assert!(store.list_owned(Space::Sessions, "eve").await.unwrap().is_empty());
    assert!(!store.delete(Space::Sessions, b"old").await.unwrap());

    store.put(Space::Sessions, b"old", entry("x", Some("eve"), -1)).await.unwrap();
    assert!(store.delete_owned(Space::Sessions, "eve", None).await.unwrap().is_empty());

    let old = store.put(Space::Sessions, b"old", entry("x", None, -1)).await.unwrap();
    assert_eq!(store.put_if(Space::Sessions, b"old", Some(old), live("y")).await.unwrap(), None);
    assert!(store.put_if(Space::Sessions, b"old", None, live("y")).await.unwrap().is_some());
}

async fn put_if_lets_one_of_many_win(store: &Arc<dyn Store>) {
    let mut expected = None;
    for round in 0..5 {
        let tries = (0..20).map(|index| {
            let store = Arc::clone(store);
            let value = live(&format!("{round}-{index}"));
            tokio::spawn(async move {
                store.put_if(Space::Sessions, b"contended", expected, value).await.unwrap()
            })
        });
        let mut winners = Vec::new();
        for attempt in tries.collect::<Vec<_>>() {
            winners.extend(attempt.await.unwrap());
        }
        assert_eq!(winners.len(), 1, "round {round}");
        let record = store.get(Space::Sessions, b"contended").await.unwrap().unwrap();
        assert_eq!(record.version, winners[0]);
        expected = Some(record.version);
    }
}

async fn put_if_never_resurrects(store: &dyn Store) {
    let version = store.put(Space::Sessions, b"ended", live("x")).await.unwrap();
    assert!(store.delete(Space::Sessions, b"ended").await.unwrap());
    assert_eq!(store.put_if(Space::Sessions, b"ended", Some(version), live("y")).await.unwrap(), None);
    assert_eq!(store.get(Space::Sessions, b"ended").await.unwrap(), None);
}

async fn versions_never_come_again(store: &dyn Store) {
    let mut seen = BTreeSet::new();
    let mut last = 0;
    for _ in 0..10 {
        let version = store.put(Space::Sessions, b"versions", live("x")).await.unwrap();
        assert!(version > last && seen.insert(version));
        last = version;
        store.delete(Space::Sessions, b"versions").await.unwrap();
        last = last.max(store.put_if(Space::Sessions, b"versions", None, live("y")).await.unwrap().unwrap());
        assert!(seen.insert(last));
    }
}

async fn owners_list_and_delete_their_own(store: &dyn Store) {
    // Owners that are a prefix of each other, or look like one with the key.
    for (key, owner) in [("a1", "a"), ("a2", "a"), ("a3", "a"), ("b", "ab"), ("1", "a1"), ("c", "é")] {
        store.put(Space::RefreshFamilies, key.as_bytes(), entry(key, Some(owner), 60_000)).await.unwrap();
    }
    store.put(Space::RefreshFamilies, b"nobody", entry("n", None, 60_000)).await.unwrap();
    store.put(Space::Sessions, b"a1", entry("other space", Some("a"), 60_000)).await.unwrap();

    let listed = store.list_owned(Space::RefreshFamilies, "a").await.unwrap();
    let keys: Vec<&[u8]> = listed.iter().map(|(key, _)| &**key).collect();
    assert_eq!(keys, [b"a1", b"a2", b"a3"]);
    assert!(listed.iter().all(|(key, record)| key == &record.value));
    assert!(store.list_owned(Space::RefreshFamilies, "").await.unwrap().is_empty());

    let ended = store.delete_owned(Space::RefreshFamilies, "a", Some(b"a2")).await.unwrap();
    assert_eq!(ended, [&b"a1"[..], b"a3"]);
    assert_eq!(store.get(Space::RefreshFamilies, b"a1").await.unwrap(), None);
    assert!(store.get(Space::RefreshFamilies, b"a2").await.unwrap().is_some());
    assert_eq!(store.delete_owned(Space::RefreshFamilies, "a", None).await.unwrap(), [&b"a2"[..]]);
    for key in [&b"b"[..], b"1", b"c", b"nobody"] {
        assert!(store.get(Space::RefreshFamilies, key).await.unwrap().is_some());
    }
    assert!(store.get(Space::Sessions, b"a1").await.unwrap().is_some());
}

async fn owners_follow_the_last_write(store: &dyn Store) {
    store.put(Space::Sessions, b"moved", entry("x", Some("from"), 60_000)).await.unwrap();
    store.put(Space::Sessions, b"moved", entry("x", Some("to"), 120_000)).await.unwrap();
    assert!(store.list_owned(Space::Sessions, "from").await.unwrap().is_empty());
    assert!(store.delete_owned(Space::Sessions, "from", None).await.unwrap().is_empty());
    assert_eq!(store.list_owned(Space::Sessions, "to").await.unwrap().len(), 1);
    store.put(Space::Sessions, b"moved", live("x")).await.unwrap();
    assert!(store.list_owned(Space::Sessions, "to").await.unwrap().is_empty());
}

fn keys_of(all: &[(Bytes, Record)]) -> Vec<&[u8]> {
    all.iter().map(|(key, _)| &**key).collect()
}

async fn several_are_read_and_removed_at_once(store: &dyn Store) {
    let space = Space::RefreshFamilies;
    let keys: Vec<Bytes> =
        (0..2 * STEP as u32 + 5).map(|n| Bytes::copy_from_slice(&n.to_be_bytes())).collect();
    for key in &keys {
        store.put(space, key, entry("mine", Some("many"), 60_000)).await.unwrap();
    }
    store.put(space, b"hers", entry("x", Some("somebody"), 60_000)).await.unwrap();
    let asked =
        [keys[3].clone(), Bytes::from_static(b"hers"), Bytes::from_static(b"absent"), keys[1].clone()];
    let read = store.get_many(space, &asked).await.unwrap();
    assert_eq!(keys_of(&read), [&keys[3][..], b"hers", &keys[1]], "in the order that they were asked in");
    let read = store.get_owned(space, "many", &asked).await.unwrap();
    assert_eq!(keys_of(&read), [&keys[3], &keys[1]]);
    assert!(store.get_many(space, &[]).await.unwrap().is_empty());
    assert!(store.get_owned(space, "many", &[]).await.unwrap().is_empty());
    assert_eq!(store.owned_keys(space, "many").await.unwrap(), keys);
    assert_eq!(store.list_owned(space, "many").await.unwrap().len(), keys.len());

    assert_eq!(store.delete_keys(space, "many", &asked).await.unwrap(), [keys[3].clone(), keys[1].clone()]);
    assert!(store.get(space, b"hers").await.unwrap().is_some(), "it is somebody else's");
    assert!(store.delete_keys(space, "many", &asked).await.unwrap().is_empty());
    assert!(store.delete_keys(space, "many", &[]).await.unwrap().is_empty());
    let left = store.owned_keys(space, "many").await.unwrap();
    assert_eq!(left.len(), keys.len() - 2, "what is gone leaves no name behind");
    assert_eq!(store.delete_keys(space, "many", &left).await.unwrap(), left);
    assert!(store.owned_keys(space, "many").await.unwrap().is_empty());
}

async fn values_are_replaced_where_nobody_was_first(store: &dyn Store) {
    let space = Space::Sessions;
    let change = |key: &'static [u8], version, value: &'static str| Replacement {
        key: Bytes::from_static(key),
        version,
        value: Bytes::from_static(value.as_bytes()),
    };
    let ends = unix_ms() + 60_000;
    let of = |owner: Option<&str>| Entry { expires_at_ms: ends, ..entry("old", owner, 0) };
    let mut heard = listen(store);
    let one = store.put(space, b"one", of(Some("replaced"))).await.unwrap();
    let two = store.put(space, b"two", of(None)).await.unwrap();
    let gone = store.put(space, b"gone", of(None)).await.unwrap();
    store.delete(space, b"gone").await.unwrap();
    let changes = vec![
        change(b"one", one, "new"),
        change(b"two", two.wrapping_sub(1), "new"),
        change(b"gone", gone, "new"),
        change(b"never", 1, "new"),
        change(b"two", two, ""),
    ];
    let versions = store.replace(space, changes).await.unwrap();
    let [Some(newer), None, None, None, Some(_)] = versions[..] else { panic!("{versions:?}") };
    assert!(newer > one);
    until(&mut heard, &Heard::Changed(space, b"one".to_vec())).await;
    let record = store.get(space, b"one").await.unwrap().unwrap();
    assert_eq!((&*record.value, record.version), (&b"new"[..], newer));
    assert_eq!(store.get(space, b"two").await.unwrap().unwrap().value, "");
    let whole = store.entry(space, b"one").await.unwrap().unwrap();
    assert_eq!(whole, Entry { value: Bytes::from_static(b"new"), ..of(Some("replaced")) });
    assert_eq!(store.entry(space, b"gone").await.unwrap(), None);
    for key in [&b"gone"[..], b"never"] {
        assert_eq!(store.get(space, key).await.unwrap(), None, "nothing comes back");
    }
    assert_eq!(keys_of(&store.list_owned(space, "replaced").await.unwrap()), [b"one"], "its owner stays");
    assert!(store.replace(space, Vec::new()).await.unwrap().is_empty());
    // And so does its end.
    let soon = store.put(space, b"soon", entry("x", None, 300)).await.unwrap();
    store.replace(space, vec![change(b"soon", soon, "y")]).await.unwrap();
    let gone = async {
        while store.get(space, b"soon").await.unwrap().is_some() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), gone).await.expect("it ends when it was to end");
}

async fn counters_count_exactly(store: &Arc<dyn Store>) {
    let before = unix_ms();
    let counts = (0..100).map(|_| {
        let store = Arc::clone(store);
        tokio::spawn(async move {
            store.increment(Space::Counters, b"tries", Duration::from_secs(900)).await.unwrap()
        })
    });
    let mut seen = BTreeSet::new();
    let mut ends = BTreeSet::new();
    for count in counts.collect::<Vec<_>>() {
        let (count, end) = count.await.unwrap();
        assert!(seen.insert(count));
        ends.insert(end);
    }
    assert_eq!((seen.first(), seen.last()), (Some(&1), Some(&100)));
    assert_eq!(ends.len(), 1, "the window is fixed");
    assert!((before + 900_000..=unix_ms() + 900_000).contains(ends.first().unwrap()));

    store.put(Space::Counters, b"text", live("not a number")).await.unwrap();
    let refused = store.increment(Space::Counters, b"text", Duration::from_secs(1)).await;
    assert!(matches!(refused, Err(StoreError::NotACounter)));
}

async fn counters_start_again_after_their_window(store: &dyn Store) {
    let window = Duration::from_millis(30);
    let (_, end) = store.increment(Space::Counters, b"short", window).await.unwrap();
    // Time passes in the store's own clock: there is no event to wait for.
    tokio::time::sleep(Duration::from_millis(end.saturating_sub(unix_ms()) + 5)).await;
    assert_eq!(store.increment(Space::Counters, b"short", window).await.unwrap().0, 1);
    store.delete(Space::Counters, b"short").await.unwrap();
    assert_eq!(
        store.increment(Space::Counters, b"endless", Duration::MAX).await.unwrap(),
        (1, u64::MAX),
        "a window may be longer than time"
    );
}

async fn counters_go_down_but_not_below_nothing(store: &dyn Store) {
    let window = Duration::from_secs(900);
    let add = |delta| store.add(Space::Counters, b"given back", delta, window);
    for nothing in [0, -1, i64::MIN] {
        let before = unix_ms();
        let (count, end) = add(nothing).await.unwrap();
        assert_eq!(count, 0);
        assert!((before + 900_000..=unix_ms() + 900_000).contains(&end));
    }
    assert_eq!(store.get(Space::Counters, b"given back").await.unwrap(), None, "no window has started");
    let (count, end) = add(5).await.unwrap();
    assert_eq!(count, 5);
    for (delta, count) in [(-2, 3), (0, 3), (-10, 0), (0, 0), (2, 2), (i64::MIN, 0), (1, 1)] {
        assert_eq!(add(delta).await.unwrap(), (count, end), "the window stays as it began");
    }
}

async fn sweeping_removes_the_expired_only(store: &dyn Store, expiry: Expiry) {
    while store.sweep().await.unwrap() > 0 {}
    let many = u64::try_from(SWEEP_BATCH).unwrap() + 50;
    for index in 0..many {
        let key = index.to_be_bytes();
        store.put(Space::Idempotency, &key, entry("x", Some("swept"), -1)).await.unwrap();
    }
    // Written again, it lives.
    store.put(Space::Idempotency, &0u64.to_be_bytes(), entry("x", Some("swept"), 60_000)).await.unwrap();
    let swept = match expiry {
        Expiry::Swept => [SWEEP_BATCH, 49, 0],
        Expiry::ByItself => [0; 3],
    };
    for count in swept {
        assert_eq!(store.sweep().await.unwrap(), count);
    }
    assert_eq!(store.list_owned(Space::Idempotency, "swept").await.unwrap().len(), 1);
    for index in 0..many {
        let found = store.get(Space::Idempotency, &index.to_be_bytes()).await.unwrap();
        assert_eq!(found.is_some(), index == 0, "{index}");
    }
}

async fn too_long_names_are_refused(store: &dyn Store) {
    let key = vec![1; MAX_KEY_BYTES + 1];
    let owner = "o".repeat(MAX_OWNER_BYTES + 1);
    assert!(matches!(store.get(Space::Sessions, &key).await, Err(StoreError::TooLong { .. })));
    assert!(matches!(store.put(Space::Sessions, &key, live("")).await, Err(StoreError::TooLong { .. })));
    let owned = entry("", Some(&owner), 1000);
    assert!(matches!(store.put(Space::Sessions, b"k", owned).await, Err(StoreError::TooLong { .. })));
    let (key, owner) = (&key[1..], &owner[1..]);
    store.put(Space::Sessions, key, entry("", Some(owner), 60_000)).await.unwrap();
    assert_eq!(store.list_owned(Space::Sessions, owner).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_memory_store_conforms() {
    let store = super::open("memory:").await.unwrap();
    run(Arc::clone(&store), Expiry::Swept).await;
    tells_at_once(&*store).await;
}

#[tokio::test]
async fn an_unknown_kind_of_store_is_refused_without_its_credentials() {
    for url in ["redis+sentry://user:hunter2@host/0", "postgres:x", "nonsense"] {
        let error = super::open(url).await.err().unwrap();
        let told = format!("{error} {error:?}");
        assert!(matches!(error, StoreError::Unsupported { .. }) && !told.contains("hunter2"), "{told}");
    }
    assert_eq!(MemoryStore::new().name(), "memory");
}
