//! The near cache: sessions in memory, in front of the store. A lookup that finds its session here does nothing else.
//!
//! It is trusted for as long as the store tells what changes, this process has shown within the [`Lease`] that it hears
//! that, and the other replicas know that it is there. Otherwise every lookup asks the store; what is held here then only
//! bridges the time in which the store does not answer at all.

use std::{
    hash::{BuildHasher, Hasher},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use moka::{policy::EvictionPolicy, sync::Cache};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::{
    record::millis,
    session::{Session, SessionKey},
};
use crate::store::Lease;

const STRIPES: usize = 256;
/// How many ids without a session are remembered, and for how long. Such an id never names a session again, so that both
/// bound memory alone: an id that is dropped costs one more read of the store.
const MAX_DEAD: u64 = 8192;
const DEAD_FOR: Duration = Duration::from_secs(600);

/// Sessions by key.
///
/// What is read from the store may be gone from it before it is put in here. So each key belongs to a stripe
/// with a counter of removals: take a [`Ticket`] *before* reading, and [`NearCache::publish`] takes nothing
/// in when anything of that stripe was removed since. Counter and cache change under one lock.
pub(super) struct NearCache {
    sessions: Cache<SessionKey, Arc<Session>, KeyHash>,
    /// Keys of ids that the store knows no live session for. Callers choose what is in here, hence the default hasher.
    dead: Cache<SessionKey, ()>,
    removals: Box<[Mutex<u64>]>,
    /// Whether changes in the store are heard, and others know that they are heard here.
    hearing: AtomicBool,
    /// For how long that holds without another word of the store.
    lease: Lease,
    /// Counts what has put an end to trust, under the lock that changes `hearing`.
    epoch: Mutex<Epoch>,
    made: Instant,
    /// While nothing is heard: since when, in milliseconds since `made`. Not by the clock on the wall, which may be set
    /// back.
    deaf_since_ms: AtomicU64,
    grace: Duration,
    #[cfg(test)]
    pub(super) asked: AtomicU64,
}

/// The time from one doubt to the next: trust that was gained in one is none in another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Epoch(u64);

/// The state of a key's stripe at a moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticket(u64);

impl NearCache {
    /// Holds at most `entries` sessions, each until it was not asked for in `idle`. `grace` is how long they may be
    /// used without the store.
    /// `trusted`: nobody has to be told that it is here.
    pub(super) fn new(entries: u64, idle: Duration, grace: Duration, lease: Lease, trusted: bool) -> Self {
        let sessions = Cache::builder()
            .max_capacity(entries)
            .time_to_idle(idle)
            // Frequency would keep the busiest out of reach of somebody who just signed in.
            .eviction_policy(EvictionPolicy::lru())
            .build_with_hasher(KeyHash);
        Self {
            sessions,
            dead: Cache::builder().max_capacity(MAX_DEAD).time_to_live(DEAD_FOR).build(),
            removals: (0..STRIPES).map(|_| Mutex::new(0)).collect(),
            hearing: AtomicBool::new(trusted),
            lease,
            epoch: Mutex::default(),
            made: Instant::now(),
            deaf_since_ms: AtomicU64::new(0),
            grace,
            #[cfg(test)]
            asked: AtomicU64::new(0),
        }
    }

    /// What the store holds as well: nothing while that cannot be known. No lock, no allocation. May be past its end.
    pub(super) fn get(&self, key: &SessionKey) -> Option<Arc<Session>> {
        #[cfg(test)]
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.is_trusted() { self.sessions.get(key) } else { None }
    }

    fn is_trusted(&self) -> bool {
        self.hearing.load(Ordering::Acquire) && self.lease.is_current()
    }

    /// What was read last, whether it still holds or not.
    pub(super) fn last_known(&self, key: &SessionKey) -> Option<Arc<Session>> {
        self.sessions.get(key)
    }

    /// What may be used where the store has just not answered: anything while changes are heard all the same, else
    /// what the store has confirmed within the grace, by its silence or by an answer. So a session that others end
    /// meanwhile is used for that long at most.
    pub(super) fn without_store(&self, key: &SessionKey) -> Option<Arc<Session>> {
        let session = self.sessions.get(key)?;
        let lasts = self.is_trusted() || self.grace_left(&session).is_some();
        lasts.then_some(session)
    }

    /// How much longer [`Self::without_store`] finds what is held, while it is not trusted. Nothing: no longer, or it is.
    pub(super) fn bridged(&self, key: &SessionKey) -> Option<Duration> {
        if self.is_trusted() {
            return None;
        }
        self.grace_left(&*self.sessions.get(key)?)
    }

    /// How much longer a session may be used that the store does not confirm. Nothing: no longer.
    fn grace_left(&self, session: &Session) -> Option<Duration> {
        let now_ms = self.now_ms();
        let lapsed_ms = self.lease.lapsed_for().map_or(now_ms, |time| now_ms.saturating_sub(millis(time)));
        let silent_ms = match self.hearing.load(Ordering::Acquire) {
            true => lapsed_ms,
            false => self.deaf_since_ms.load(Ordering::Acquire),
        };
        let confirmed_ms = silent_ms.max(session.read_ms.load(Ordering::Acquire));
        let left_ms = confirmed_ms.saturating_add(millis(self.grace)).saturating_sub(now_ms);
        (left_ms > 0).then(|| Duration::from_millis(left_ms))
    }

    /// Changes go unheard from now on, or others may not know that they are heard here.
    pub(super) fn doubt(&self) -> Epoch {
        let mut epoch = self.epoch.lock();
        epoch.0 += 1;
        // It was in order until the lease was over, if it is.
        let lapsed_ms = self.lease.lapsed_for().map_or(0, millis);
        if self.hearing.swap(false, Ordering::AcqRel) {
            self.deaf_since_ms.store(self.now_ms().saturating_sub(lapsed_ms), Ordering::Release);
        }
        *epoch
    }

    /// Changes are heard again. Nothing that was read before is believed, and what is read now from when it is
    /// [trusted](Self::trust).
    pub(super) fn hear_again(&self) -> Epoch {
        let epoch = self.doubt();
        self.forget_where(|_| true);
        self.dead.invalidate_all();
        epoch
    }

    /// Ends the doubt that began with `epoch`, unless there is a later one; says whether there is none.
    pub(super) fn trust(&self, epoch: Epoch) -> bool {
        let current = self.epoch.lock();
        let holds = *current == epoch;
        if holds {
            self.hearing.store(true, Ordering::Release);
        }
        holds
    }

    /// Whether no other doubt has come since `epoch`.
    pub(super) fn is_in(&self, epoch: Epoch) -> bool {
        *self.epoch.lock() == epoch
    }

    fn now_ms(&self) -> u64 {
        millis(self.made.elapsed())
    }

    pub(super) fn ticket(&self, key: &SessionKey) -> Ticket {
        Ticket(*self.stripe(key).lock())
    }

    /// Takes `session` in and answers with what the cache now holds for its key: what is there already where it
    /// mirrors the same or a later version of the record. Nothing, when `ticket` no longer holds.
    pub(super) fn publish(&self, session: Arc<Session>, ticket: Ticket) -> Option<Arc<Session>> {
        let removals = self.stripe(&session.key).lock();
        if *removals != ticket.0 {
            return None;
        }
        let (version, now_ms) = (session.version.load(Ordering::Acquire), self.now_ms());
        if let Some(held) = self.sessions.get(&session.key)
            && held.version.load(Ordering::Acquire) >= version
        {
            held.read_ms.fetch_max(now_ms, Ordering::AcqRel);
            return Some(held);
        }
        session.read_ms.store(now_ms, Ordering::Release);
        self.sessions.insert(session.key, Arc::clone(&session));
        drop(removals);
        Some(session)
    }

    /// Remembers that the store knows no live session for `key`, unless something of that stripe has changed since
    /// `ticket`.
    pub(super) fn publish_dead(&self, key: &SessionKey, ticket: Ticket) {
        let removals = self.stripe(key).lock();
        if *removals == ticket.0 {
            self.dead.insert(*key, ());
        }
    }

    /// Whether the store has said that there is no live session for `key`. Believed without the store as well: an ended
    /// session does not come back.
    pub(super) fn is_dead(&self, key: &SessionKey) -> bool {
        self.dead.get(key).is_some()
    }

    /// After this returns nothing that was read before is found under `key`.
    pub(super) fn forget(&self, key: &SessionKey) {
        let mut removals = self.stripe(key).lock();
        *removals += 1;
        self.sessions.invalidate(key);
        self.dead.invalidate(key);
    }

    /// [`Self::forget`] for all sessions that `chosen` picks, and for all that are being read right now. Answers with
    /// those it held.
    pub(super) fn forget_where(&self, chosen: impl Fn(&Session) -> bool) -> Vec<Arc<Session>> {
        let mut forgotten = Vec::new();
        for stripe in &self.removals {
            *stripe.lock() += 1;
        }
        // Nothing read before the counters moved is taken in any more, so that this sees all there can be.
        for (key, session) in &self.sessions {
            if chosen(&session) {
                self.forget(&key);
                forgotten.push(session);
            }
        }
        forgotten
    }

    pub(super) fn len(&self) -> u64 {
        self.sessions.entry_count()
    }

    fn stripe(&self, key: &SessionKey) -> &Mutex<u64> {
        // A byte is less than STRIPES.
        &self.removals[usize::from(key[31])]
    }
}

/// Keys are SHA-256 sums of random text: any eight bytes of them are a hash, and nobody can choose them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct KeyHash;

impl BuildHasher for KeyHash {
    type Hasher = FirstBytes;
    fn build_hasher(&self) -> FirstBytes {
        FirstBytes(0)
    }
}

pub(super) struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk::<8>() {
            self.0 ^= u64::from_le_bytes(*first);
        }
    }
    // The length prefix of a key is always the same.
    fn write_usize(&mut self, _: usize) {}
    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{ProfileShape, SessionKind};

    const GRACE: Duration = Duration::from_secs(30);

    fn near(idle_s: u64) -> NearCache {
        NearCache::new(10, Duration::from_secs(idle_s), GRACE, Lease::unlimited(), true)
    }

    fn session(version: u64) -> Arc<Session> {
        let member = serde_json::json!({
            "id": "ada", "username": "ada", "displayName": "Ada", "avatarUrl": null, "bio": null,
            "createdAt": "2026-01-02T03:04:05Z", "email": "ada@example.org"
        });
        let profile = ProfileShape::open().read(member.to_string().as_bytes()).expect("a profile");
        Arc::new(Session {
            key: [1; 32],
            kind: SessionKind::Browser,
            user: profile.id().clone(),
            profile: Arc::new(profile),
            created_ms: 0,
            absolute_end_ms: 1000,
            client: "".into(),
            address: "".into(),
            idle_ms: 1000,
            last_seen_ms: AtomicU64::new(0),
            log_name: std::sync::OnceLock::new(),
            touch_due_ms: AtomicU64::new(0),
            version: AtomicU64::new(version),
            read_ms: AtomicU64::new(0),
        })
    }

    #[test]
    fn the_latest_version_read_is_kept_whoever_comes_last() {
        let near = near(60);
        let (older, newer) = (session(1), session(2));
        let ticket = near.ticket(&older.key);
        let held = |held: Option<Arc<Session>>| held.map(|held| held.version.load(Ordering::Relaxed));
        assert_eq!(held(near.publish(Arc::clone(&older), ticket)), Some(1));
        let same = near.publish(session(1), ticket).expect("the ticket holds");
        assert!(Arc::ptr_eq(&same, &older), "requests share one session");
        assert_eq!(held(near.publish(Arc::clone(&newer), ticket)), Some(2));
        assert_eq!(held(near.publish(older, ticket)), Some(2));
        assert_eq!(held(near.get(&newer.key)), Some(2));
    }

    #[test]
    fn what_was_read_before_a_removal_is_not_taken_in() {
        let near = near(60);
        for remove in [
            (|near| near.forget(&[1; 32])) as fn(&NearCache),
            |near| drop(near.forget_where(|_| true)),
            |near| drop(near.forget_where(|_| false)),
            |near| assert!(near.trust(near.hear_again())),
        ] {
            let ticket = near.ticket(&[1; 32]);
            remove(&near);
            assert!(near.publish(session(1), ticket).is_none());
            assert!(near.get(&[1; 32]).is_none());
        }
        let ticket = near.ticket(&[1; 32]);
        assert!(near.publish(session(1), ticket).is_some());
        assert!(near.forget_where(|session| session.user.as_str() == "bo").is_empty());
        assert!(near.get(&[1; 32]).is_some());
        assert_eq!(near.forget_where(|session| session.user.as_str() == "ada").len(), 1);
        assert!(near.get(&[1; 32]).is_none());
    }

    #[test]
    fn a_dead_id_is_remembered_until_its_record_changes() {
        let near = near(60);
        let key = [1; 32];
        let ticket = near.ticket(&key);
        near.publish_dead(&key, ticket);
        assert!(near.is_dead(&key) && !near.is_dead(&[2; 32]));
        near.forget(&key);
        assert!(!near.is_dead(&key));
        near.publish_dead(&key, ticket);
        assert!(!near.is_dead(&key), "the record changed after it was read");
        near.publish_dead(&key, near.ticket(&key));
        near.hear_again();
        assert!(!near.is_dead(&key), "changes went unheard");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_held_bridges_the_silence_of_a_store_for_a_while() {
        let near = near(3600);
        let key = [1; 32];
        assert!(near.publish(session(1), near.ticket(&key)).is_some());
        tokio::time::advance(Duration::from_secs(600)).await;
        assert!(near.without_store(&key).is_some(), "changes are heard: however long nothing was asked");
        assert_eq!(near.bridged(&key), None, "nothing to bridge");
        near.doubt();
        assert!(near.get(&key).is_none(), "not to be believed unasked");
        tokio::time::advance(GRACE - Duration::from_millis(1)).await;
        near.doubt();
        assert!(near.without_store(&key).is_some());
        assert_eq!(near.bridged(&key), Some(Duration::from_millis(1)));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(near.bridged(&key), None);
        assert!(near.without_store(&key).is_none(), "disconnected twice is no later");
        assert!(near.publish(session(1), near.ticket(&key)).is_some());
        assert!(near.without_store(&key).is_some(), "the store has said so, and it lasts anew");
        let epoch = near.hear_again();
        assert!(near.last_known(&key).is_none());
        assert!(near.publish(session(1), near.ticket(&key)).is_some());
        assert!(near.get(&key).is_none(), "others do not know yet that it hears");
        let later = near.doubt();
        assert!(!near.trust(epoch), "there is a later doubt");
        assert!(near.get(&key).is_none());
        assert!(near.trust(later));
        assert!(near.get(&key).is_some());
    }
}
