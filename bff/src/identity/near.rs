//! The near cache: sessions in memory, in front of the store. A lookup that finds its session here does nothing else.

use std::{
    hash::{BuildHasher, Hasher},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use moka::{policy::EvictionPolicy, sync::Cache};
use parking_lot::Mutex;

use super::session::{Session, SessionKey};

const STRIPES: usize = 256;

/// Sessions by key.
///
/// What is read from the store may be gone from it before it is put in here. So each key belongs to a stripe
/// with a counter of removals: take a [`Ticket`] *before* reading, and [`NearCache::publish`] takes nothing
/// in when anything of that stripe was removed since. Counter and cache change under one lock.
pub(super) struct NearCache {
    sessions: Cache<SessionKey, Arc<Session>, KeyHash>,
    removals: Box<[Mutex<u64>]>,
}

/// The state of a key's stripe at a moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticket(u64);

impl NearCache {
    /// Holds at most `entries` sessions, each until it was not asked for in `idle`.
    pub(super) fn new(entries: u64, idle: Duration) -> Self {
        let sessions = Cache::builder()
            .max_capacity(entries)
            .time_to_idle(idle)
            // Frequency would keep the busiest out of reach of somebody who just signed in.
            .eviction_policy(EvictionPolicy::lru())
            .build_with_hasher(KeyHash);
        Self { sessions, removals: (0..STRIPES).map(|_| Mutex::new(0)).collect() }
    }

    /// No lock, no allocation. May be past its end.
    pub(super) fn get(&self, key: &SessionKey) -> Option<Arc<Session>> {
        self.sessions.get(key)
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
        let version = session.version.load(Ordering::Acquire);
        if let Some(held) = self.sessions.get(&session.key)
            && held.version.load(Ordering::Acquire) >= version
        {
            return Some(held);
        }
        self.sessions.insert(session.key, Arc::clone(&session));
        drop(removals);
        Some(session)
    }

    /// After this returns nothing that was read before is found under `key`.
    pub(super) fn forget(&self, key: &SessionKey) {
        let mut removals = self.stripe(key).lock();
        *removals += 1;
        self.sessions.invalidate(key);
    }

    /// [`Self::forget`] for all sessions that `chosen` picks, and for all that are being read right now.
    pub(super) fn forget_where(&self, chosen: impl Fn(&Session) -> bool) {
        for stripe in &self.removals {
            *stripe.lock() += 1;
        }
        // Nothing read before the counters moved is taken in any more, so that this sees all there can be.
        for (key, session) in &self.sessions {
            if chosen(&session) {
                self.forget(&key);
            }
        }
    }

    pub(super) fn holds(&self, key: &SessionKey) -> bool {
        self.sessions.contains_key(key)
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
struct KeyHash;

impl BuildHasher for KeyHash {
    type Hasher = FirstBytes;
    fn build_hasher(&self) -> FirstBytes {
        FirstBytes(0)
    }
}

struct FirstBytes(u64);

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
