//! What holds of [`Sessions`](super::Sessions) whatever the store and other requests do meanwhile.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use schemas::{Id, Me};
use secrecy::ExposeSecret;
use tokio::{runtime::Handle, sync::Semaphore};

use super::{IdentityError, NewSession, SessionPolicy, Sessions};
use crate::store::{self, Entry, Record, Space, Store, StoreError, unix_ms};

const HOUR: u64 = 60 * 60 * 1000;
const MINUTE: u64 = 60 * 1000;
const DAY: u64 = 24 * HOUR;

/// Stops whoever passes once it is closed, until it is opened.
struct Gate {
    closed: AtomicBool,
    arrived: Semaphore,
    open: Semaphore,
}

impl Gate {
    fn new() -> Self {
        Self { closed: AtomicBool::new(false), arrived: Semaphore::new(0), open: Semaphore::new(0) }
    }

    /// The next one to pass is stopped, those after it are not.
    fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    async fn pass(&self) {
        if self.closed.swap(false, Ordering::SeqCst) {
            self.arrived.add_permits(1);
            self.open.acquire().await.expect("never closed").forget();
        }
    }

    async fn somebody_arrived(&self) {
        self.arrived.acquire().await.expect("never closed").forget();
    }

    fn open(&self) {
        self.open.add_permits(1);
    }
}

/// A store that can be away, counts what it is asked, and can be stopped in the middle of it.
struct TrialStore {
    inner: Arc<dyn Store>,
    away: AtomicBool,
    gets: AtomicUsize,
    put_ifs: AtomicUsize,
    after_get: Gate,
    after_put: Gate,
    before_put_if: Gate,
    before_delete: Gate,
}

impl TrialStore {
    async fn new() -> Arc<Self> {
        Arc::new(Self {
            inner: store::open("memory:").await.expect("a store in memory"),
            away: AtomicBool::new(false),
            gets: AtomicUsize::new(0),
            put_ifs: AtomicUsize::new(0),
            after_get: Gate::new(),
            after_put: Gate::new(),
            before_put_if: Gate::new(),
            before_delete: Gate::new(),
        })
    }

    fn is_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    fn answer(&self) -> Result<(), StoreError> {
        let away = self.away.load(Ordering::SeqCst);
        if away { Err(StoreError::Unsupported { scheme: "away".into() }) } else { Ok(()) }
    }
}

#[async_trait]
impl Store for TrialStore {
    async fn get(&self, space: Space, key: &[u8]) -> Result<Option<Record>, StoreError> {
        self.gets.fetch_add(1, Ordering::SeqCst);
        self.answer()?;
        let found = self.inner.get(space, key).await;
        self.after_get.pass().await;
        found
    }
    async fn put(&self, space: Space, key: &[u8], entry: Entry) -> Result<u64, StoreError> {
        self.answer()?;
        let version = self.inner.put(space, key, entry).await;
        self.after_put.pass().await;
        version
    }
    async fn put_if(
        &self,
        space: Space,
        key: &[u8],
        expected: Option<u64>,
        entry: Entry,
    ) -> Result<Option<u64>, StoreError> {
        self.put_ifs.fetch_add(1, Ordering::SeqCst);
        self.before_put_if.pass().await;
        self.answer()?;
        self.inner.put_if(space, key, expected, entry).await
    }
    async fn delete(&self, space: Space, key: &[u8]) -> Result<bool, StoreError> {
        self.before_delete.pass().await;
        self.answer()?;
        self.inner.delete(space, key).await
    }
    async fn list_owned(&self, space: Space, owner: &str) -> Result<Vec<(Bytes, Record)>, StoreError> {
        self.answer()?;
        self.inner.list_owned(space, owner).await
    }
    async fn delete_owned(
        &self,
        space: Space,
        owner: &str,
        except: Option<&[u8]>,
    ) -> Result<Vec<Bytes>, StoreError> {
        self.before_delete.pass().await;
        self.answer()?;
        self.inner.delete_owned(space, owner, except).await
    }
    async fn increment(&self, space: Space, key: &[u8], window: Duration) -> Result<(u64, u64), StoreError> {
        self.inner.increment(space, key, window).await
    }
    async fn sweep(&self) -> Result<usize, StoreError> {
        self.inner.sweep().await
    }
    async fn ping(&self) -> Result<(), StoreError> {
        self.answer()
    }
    fn name(&self) -> &'static str {
        "trial"
    }
}

fn member(id: &str) -> Me {
    serde_json::from_value(serde_json::json!({
        "id": id, "username": id, "displayName": "밥 Ada", "avatarUrl": null, "bio": "a \"b\"\n",
        "createdAt": "2026-01-02T03:04:05Z", "email": "ada@example.org", "totpEnabled": true
    }))
    .expect("a member")
}

fn sessions(store: &Arc<TrialStore>) -> Sessions {
    let store: Arc<dyn Store> = store.clone();
    Sessions::new(store, SessionPolicy::default(), Handle::current())
}

async fn signed_in(sessions: &Sessions, user: &str, now_ms: u64) -> NewSession {
    sessions.create(&member(user), "Firefox on Linux", "203.0.113.0/24", now_ms).await.expect("a session")
}

/// Lets background tasks run until `done`.
async fn until(what: &str, done: impl Fn() -> bool) {
    for _ in 0..10_000 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("never came: {what}");
}

#[tokio::test]
async fn a_new_session_is_found_by_its_id_and_only_by_it() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let sessions = sessions(&store);
    let made = signed_in(&sessions, "ada", now).await;
    let id = made.id.expose_secret();
    assert_eq!(id.len(), 43);
    let peeked = sessions.peek(id, now).expect("in memory");
    assert_eq!((peeked.user.as_str(), peeked.key), ("ada", made.session.key));
    assert_eq!(store.gets.load(Ordering::SeqCst), 0, "a warm look-up asks nobody");
    assert!(sessions.load(id, now).await.expect("the store answers").is_some());

    let other = signed_in(&sessions, "ada", now).await;
    assert_ne!(other.id.expose_secret(), id);
    let unknown = "A".repeat(43);
    assert!(sessions.lookup(&unknown, now).await.expect("the store answers").is_none());
    let asked = store.gets.load(Ordering::SeqCst);
    for malformed in ["", &id[1..], &format!("{id}A"), &format!("{}.", &id[..42]), &format!("{}é", &id[..41])]
    {
        assert!(sessions.lookup(malformed, now).await.expect("no question").is_none(), "{malformed}");
    }
    assert_eq!(store.gets.load(Ordering::SeqCst), asked, "a malformed id is no question for the store");
}

#[tokio::test]
async fn the_store_never_sees_an_id_and_a_restart_loses_nothing() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let made = signed_in(&sessions(&store), "ada", now).await;
    let id = made.id.expose_secret();
    let records = store.list_owned(Space::Sessions, "ada").await.expect("the store answers");
    assert_eq!(records.len(), 1);
    for (key, record) in &records {
        assert_eq!(key[..], made.session.key);
        assert!(!String::from_utf8_lossy(&record.value).contains(id));
    }
    let restarted = sessions(&store);
    assert!(restarted.peek(id, now).is_none());
    let loaded = restarted.load(id, now).await.expect("the store answers").expect("still signed in");
    assert_eq!(*loaded.profile, member("ada"));
    assert_eq!((loaded.created_ms, loaded.absolute_end_ms), (now, now + 14 * DAY));
    assert_eq!(loaded.expires_at_ms(), now + HOUR);
    assert!(restarted.peek(id, now).is_some(), "from now on in memory");
}

#[tokio::test]
async fn a_session_ends_when_idle_and_looking_does_not_extend_it() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let sessions = sessions(&store);
    let made = signed_in(&sessions, "ada", now).await;
    let id = made.id.expose_secret();
    for at in [now, now + HOUR / 2, now + HOUR - 1] {
        assert!(sessions.peek(id, at).is_some());
        assert!(sessions.load(id, at).await.expect("the store answers").is_some());
    }
    assert!(sessions.peek(id, now + HOUR).is_none());
    assert!(sessions.load(id, now + HOUR).await.expect("the store answers").is_none());
    sessions.touch(&made.session, now + HOUR);
    assert!(sessions.lookup(id, now + HOUR).await.expect("the store answers").is_none(), "too late");
    assert_eq!(store.put_ifs.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn use_moves_the_idle_end_and_never_the_absolute_one() {
    let (store, start) = (TrialStore::new().await, unix_ms());
    let sessions = sessions(&store);
    let made = signed_in(&sessions, "ada", start).await;
    let id = made.id.expose_secret();
    let end = start + 14 * DAY;
    let mut now = start;
    for written in 1.. {
        now += HOUR - 1;
        if now >= end {
            break;
        }
        let session = sessions.peek(id, now).expect("in use");
        sessions.touch(&session, now);
        assert_eq!(session.expires_at_ms(), (now + HOUR).min(end));
        until("the touch", || store.put_ifs.load(Ordering::SeqCst) == written).await;
        assert_eq!(session.absolute_end_ms, end);
    }
    assert!(sessions.peek(id, end - 1).is_some());
    assert!(sessions.lookup(id, end).await.expect("the store answers").is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_requests_at_once_one_touches() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let sessions = sessions(&store);
    let made = signed_in(&sessions, "ada", now).await;
    sessions.touch(&made.session, now + MINUTE - 1);
    let later = now + MINUTE;
    let askers: Vec<_> = (0..64)
        .map(|_| {
            let (sessions, session) = (sessions.clone(), Arc::clone(&made.session));
            tokio::spawn(async move { sessions.touch(&session, later) })
        })
        .collect();
    for asker in askers {
        asker.await.expect("no panic");
    }
    until("the touch", || store.put_ifs.load(Ordering::SeqCst) == 1).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(store.put_ifs.load(Ordering::SeqCst), 1);
    let stored = Sessions::new(store.clone(), SessionPolicy::default(), Handle::current())
        .load(made.id.expose_secret(), later)
        .await
        .expect("the store answers")
        .expect("signed in");
    assert_eq!(stored.last_seen_ms(), later);
}

#[tokio::test]
async fn a_touch_under_way_does_not_bring_an_ended_session_back() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let sessions = sessions(&store);
    let made = signed_in(&sessions, "ada", now).await;
    store.before_put_if.close();
    sessions.touch(&made.session, now + MINUTE);
    store.before_put_if.somebody_arrived().await;
    assert!(sessions.end(&made.session.key).await.expect("the store answers"));
    let asked = store.gets.load(Ordering::SeqCst);
    store.before_put_if.open();
    until("the touch gives up", || store.gets.load(Ordering::SeqCst) > asked).await;
    for _ in 0..20 {
        tokio::task::yield_now().await;
        assert!(sessions.lookup(made.id.expose_secret(), now).await.expect("the store answers").is_none());
    }
    assert!(sessions.list(&member("ada").id, now).await.expect("the store answers").is_empty());
}

#[tokio::test]
async fn a_store_that_is_away_fails_no_request_of_a_known_session() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let sessions = sessions(&store);
    let made = signed_in(&sessions, "ada", now).await;
    let id = made.id.expose_secret();
    store.is_away(true);
    sessions.touch(&made.session, now + MINUTE);
    until("the touch", || store.put_ifs.load(Ordering::SeqCst) == 1).await;
    until("the failure is noted", || {
        sessions.touch(&made.session, now + MINUTE + 5_000);
        store.put_ifs.load(Ordering::SeqCst) == 2
    })
    .await;
    assert!(sessions.peek(id, now + MINUTE).is_some());
    store.is_away(false);
    until("the store has heard of it", || {
        sessions.touch(&made.session, now + MINUTE + 10_000);
        store.put_ifs.load(Ordering::SeqCst) == 3
    })
    .await;
}

#[tokio::test]
async fn a_store_that_is_away_is_not_mistaken_for_an_ended_session() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let sessions = sessions(&store);
    let made = signed_in(&sessions, "ada", now).await;
    store.is_away(true);
    let unknown = sessions.load(&"A".repeat(43), now).await;
    assert!(matches!(unknown, Err(IdentityError::Store(_))));
    assert!(matches!(sessions.list(&made.session.user, now).await, Err(IdentityError::Store(_))));
    let refused = sessions.create(&member("bo"), "", "", now).await;
    assert!(matches!(refused, Err(IdentityError::Store(_))));

    // Whether it ended is unknown: only the store may say so, once it is back.
    assert!(matches!(sessions.end(&made.session.key).await, Err(IdentityError::Store(_))));
    assert!(sessions.peek(made.id.expose_secret(), now).is_none());
    assert!(sessions.load(made.id.expose_secret(), now).await.is_err());
    store.is_away(false);
    assert!(sessions.load(made.id.expose_secret(), now).await.expect("back").is_some());
    store.is_away(true);
    assert!(sessions.end_all(&made.session.user, None).await.is_err());
    assert!(sessions.peek(made.id.expose_secret(), now).is_none());
}

#[tokio::test]
async fn a_look_up_under_way_does_not_bring_an_ended_session_back() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let sessions = sessions(&store);
    let made = signed_in(&sessions, "ada", now).await;
    let id = made.id.expose_secret().to_owned();
    sessions.forget(&made.session.key);
    store.after_get.close();
    let reader = tokio::spawn({
        let (sessions, id) = (sessions.clone(), id.clone());
        async move { sessions.load(&id, now).await }
    });
    store.after_get.somebody_arrived().await;
    assert!(sessions.end(&made.session.key).await.expect("the store answers"));
    store.after_get.open();
    let found = reader.await.expect("no panic").expect("the store answers");
    assert!(found.is_none(), "even the look-up that had read it looks again");
    assert!(sessions.peek(&id, now).is_none());
}

#[tokio::test]
async fn a_sign_in_under_way_does_not_outlive_the_end_of_all_sessions() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let sessions = sessions(&store);
    store.after_put.close();
    let maker = tokio::spawn({
        let sessions = sessions.clone();
        async move { signed_in(&sessions, "ada", now).await }
    });
    store.after_put.somebody_arrived().await;
    assert_eq!(sessions.end_all(&member("ada").id, None).await.expect("the store answers").len(), 1);
    store.after_put.open();
    let made = maker.await.expect("no panic");
    assert!(sessions.peek(made.id.expose_secret(), now).is_none());
    assert!(sessions.load(made.id.expose_secret(), now).await.expect("the store answers").is_none());
}

#[tokio::test]
async fn a_sign_out_goes_on_when_the_caller_hangs_up() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let sessions = sessions(&store);
    let made = signed_in(&sessions, "ada", now).await;
    store.before_delete.close();
    let caller = tokio::spawn({
        let (sessions, key) = (sessions.clone(), made.session.key);
        async move { sessions.end(&key).await }
    });
    store.before_delete.somebody_arrived().await;
    caller.abort();
    assert!(caller.await.expect_err("hung up").is_cancelled());
    store.before_delete.open();
    until("signed out", || sessions.peek(made.id.expose_secret(), now).is_none()).await;
    assert!(sessions.load(made.id.expose_secret(), now).await.expect("the store answers").is_none());
}

#[tokio::test]
async fn all_sessions_but_one_end_and_other_users_stay() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let sessions = sessions(&store);
    let mine = [signed_in(&sessions, "ada", now).await, signed_in(&sessions, "ada", now).await];
    let kept = signed_in(&sessions, "ada", now).await;
    let other = signed_in(&sessions, "bo", now).await;
    let mut ended =
        sessions.end_all(&kept.session.user, Some(&kept.session.key)).await.expect("the store answers");
    let mut expected = [mine[0].session.key, mine[1].session.key];
    ended.sort_unstable();
    expected.sort_unstable();
    assert_eq!(ended, expected);
    for gone in &mine {
        assert!(sessions.lookup(gone.id.expose_secret(), now).await.expect("the store answers").is_none());
    }
    for there in [&kept, &other] {
        assert!(sessions.peek(there.id.expose_secret(), now).is_some());
    }
    assert!(sessions.end(&kept.session.key).await.expect("the store answers"));
    assert!(!sessions.end(&kept.session.key).await.expect("the store answers"), "twice is no error");
}

#[tokio::test]
async fn the_end_of_all_sessions_reaches_those_that_the_store_has_lost() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let sessions = sessions(&store);
    let made = signed_in(&sessions, "ada", now).await;
    store.inner.delete(Space::Sessions, &made.session.key).await.expect("the store answers");
    assert!(sessions.peek(made.id.expose_secret(), now).is_some());
    assert!(sessions.end_all(&made.session.user, None).await.expect("the store answers").is_empty());
    assert!(sessions.peek(made.id.expose_secret(), now).is_none());
}

#[tokio::test]
async fn a_list_shows_live_sessions_without_their_keys() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let sessions = sessions(&store);
    let old = signed_in(&sessions, "ada", now).await;
    let new = signed_in(&sessions, "ada", now + MINUTE).await;
    signed_in(&sessions, "bo", now).await;
    let ada = Id::new("ada").expect("an id");
    let listed = sessions.list(&ada, now + MINUTE).await.expect("the store answers");
    assert_eq!(listed, [new.session.summary(), old.session.summary()]);
    assert_ne!(listed[0].id, listed[1].id);
    assert_eq!((&*listed[0].client, &*listed[0].address), ("Firefox on Linux", "203.0.113.0/24"));
    assert_eq!((listed[1].created_ms, listed[1].last_seen_ms), (now, now));
    assert!(Id::new(&listed[0].id).is_ok_and(|id| id.as_str() != old.id.expose_secret()));
    let later = sessions.list(&ada, now + HOUR).await.expect("the store answers");
    assert_eq!(later, [new.session.summary()], "the older one has ended");
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_no_session() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let sessions = sessions(&store);
    let made = signed_in(&sessions, "ada", now).await;
    let stored = store.get(Space::Sessions, &made.session.key).await.expect("answers").expect("there");
    let json: serde_json::Value = serde_json::from_slice(&stored.value).expect("JSON");
    let mut newer = json.clone();
    newer["v"] = 2.into();
    for value in ["", "{}", "[1", "\u{0}", &newer.to_string()] {
        let entry =
            Entry { value: value.to_owned().into(), owner: Some("ada".into()), expires_at_ms: now + DAY };
        store.put(Space::Sessions, &made.session.key, entry).await.expect("the store answers");
        sessions.forget(&made.session.key);
        let found = sessions.load(made.id.expose_secret(), now).await.expect("the store answers");
        assert!(found.is_none(), "{value}");
        assert!(sessions.list(&made.session.user, now).await.expect("the store answers").is_empty());
    }
}

#[tokio::test]
async fn two_replicas_on_one_store_agree() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let (one, two) = (sessions(&store), sessions(&store));
    let made = signed_in(&one, "ada", now).await;
    let id = made.id.expose_secret();
    let there = two.load(id, now).await.expect("the store answers").expect("signed in");
    // Both move the idle end; the second one finds a newer record than the one it mirrors.
    one.touch(&made.session, now + MINUTE);
    until("the first touch", || store.put_ifs.load(Ordering::SeqCst) == 1).await;
    two.touch(&there, now + 2 * MINUTE);
    until("the second touch and its second try", || store.put_ifs.load(Ordering::SeqCst) == 3).await;
    one.forget(&made.session.key);
    let mut seen = 0;
    for _ in 0..1000 {
        seen = one
            .load(id, now + 3 * MINUTE)
            .await
            .expect("the store answers")
            .expect("signed in")
            .last_seen_ms();
        if seen == now + 2 * MINUTE {
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(seen, now + 2 * MINUTE);

    assert!(two.end(&made.session.key).await.expect("the store answers"));
    one.forget(&made.session.key);
    assert!(one.lookup(id, now).await.expect("the store answers").is_none());
}

#[tokio::test]
async fn what_memory_has_no_room_for_is_read_again() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let policy = SessionPolicy { near_entries: 4, ..SessionPolicy::default() };
    let sessions = Sessions::new(store.clone(), policy, Handle::current());
    let mut made = Vec::new();
    for _ in 0..64 {
        made.push(signed_in(&sessions, "ada", now).await);
    }
    for session in &made {
        let found = sessions.lookup(session.id.expose_secret(), now).await.expect("the store answers");
        assert_eq!(found.expect("signed in").key, session.session.key);
    }
    sessions.forget_everything();
    assert!(made.iter().all(|session| sessions.peek(session.id.expose_secret(), now).is_none()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn once_a_session_has_ended_nobody_finds_it() {
    const ROUNDS: usize = 60;
    const USERS: usize = 4;
    let (store, now) = (TrialStore::new().await, unix_ms());
    // Touches are due at once, so that they race as well; memory is small, so that sessions come and go.
    let policy = SessionPolicy { touch_every: Duration::ZERO, near_entries: 3, ..SessionPolicy::default() };
    let sessions = Sessions::new(store.clone(), policy, Handle::current());
    for round in 0..ROUNDS {
        let mut made = Vec::new();
        for user in 0..USERS {
            made.push(Arc::new(signed_in(&sessions, &format!("user-{user}"), now).await));
        }
        let ended: Arc<Vec<AtomicBool>> = Arc::new((0..USERS).map(|_| AtomicBool::new(false)).collect());
        let mut tasks = tokio::task::JoinSet::new();
        for reader in 0..4 {
            let (sessions, made, ended) = (sessions.clone(), made.clone(), Arc::clone(&ended));
            tasks.spawn(async move {
                for step in 0..400 {
                    let index = (reader + step) % USERS;
                    let id = made[index].id.expose_secret();
                    if step % 7 == 0 {
                        sessions.forget(&made[index].session.key);
                    }
                    let over = ended[index].load(Ordering::SeqCst);
                    let peeked = sessions.peek(id, now);
                    let loaded =
                        if step % 3 == 0 { sessions.load(id, now).await.expect("answers") } else { None };
                    assert!(!over || (peeked.is_none() && loaded.is_none()), "found after its end");
                    if let Some(session) = peeked.or(loaded) {
                        sessions.touch(&session, now + step as u64);
                    }
                    tokio::task::yield_now().await;
                }
            });
        }
        for index in 0..USERS {
            let (sessions, made, ended) = (sessions.clone(), made.clone(), Arc::clone(&ended));
            tasks.spawn(async move {
                for _ in 0..(round * 3 + index) {
                    tokio::task::yield_now().await;
                }
                let session = &made[index].session;
                if index % 2 == 0 {
                    assert!(sessions.end(&session.key).await.expect("answers"));
                } else {
                    assert_eq!(sessions.end_all(&session.user, None).await.expect("answers"), [session.key]);
                }
                ended[index].store(true, Ordering::SeqCst);
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.expect("no panic");
        }
        for gone in &made {
            assert!(sessions.lookup(gone.id.expose_secret(), now).await.expect("answers").is_none());
        }
    }
}

#[test]
fn a_session_in_a_log_says_nothing_of_its_user() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let text = runtime.block_on(async {
        let store = TrialStore::new().await;
        format!("{:?}", signed_in(&sessions(&store), "ada", 1).await)
    });
    for secret in ["ada", "203.0", "Firefox"] {
        assert!(!text.contains(secret), "{text}");
    }
}
