//! Who listens: the inboxes behind each topic, and those behind each session.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash, RandomState},
    sync::Arc,
};

use parking_lot::{Mutex, MutexGuard};

use super::inbox::Inbox;

/// Connections that come and go take one of so many locks.
const SHARDS: usize = 64;

/// Inboxes by key and, within a key, by the number of their connection. Numbers are given in the order in which
/// connections come, so that a walk from number to number visits each that stays exactly once.
#[derive(Debug)]
pub(super) struct Index<K> {
    shards: Box<[Mutex<Shard<K>>]>,
    hasher: RandomState,
}

type Shard<K> = HashMap<K, Vec<(u64, Arc<Inbox>)>>;

impl<K: Hash + Eq> Index<K> {
    pub(super) fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }

    /// Adds a connection unless `most` are there already; says whether it is there now.
    pub(super) fn add(&self, key: K, number: u64, inbox: &Arc<Inbox>, most: usize) -> bool {
        let mut shard = self.shard(&key);
        let listeners = shard.entry(key).or_insert_with(|| Vec::with_capacity(1));
        let Err(place) = listeners.binary_search_by_key(&number, |(number, _)| *number) else { return true };
        let fits = listeners.len() < most;
        if fits {
            listeners.insert(place, (number, Arc::clone(inbox)));
        }
        fits
    }

    pub(super) fn remove(&self, key: &K, number: u64) {
        let mut shard = self.shard(key);
        let Some(listeners) = shard.get_mut(key) else { return };
        if let Ok(place) = listeners.binary_search_by_key(&number, |(number, _)| *number) {
            listeners.remove(place);
        }
        if listeners.is_empty() {
            shard.remove(key);
            if has_room_to_spare(shard.len(), shard.capacity()) {
                shard.shrink_to_fit();
            }
        } else if has_room_to_spare(listeners.len(), listeners.capacity()) {
            listeners.shrink_to_fit();
        }
    }

    /// At most `count` connections of `key` after connection `after`.
    pub(super) fn page(&self, key: &K, after: u64, count: usize) -> Vec<(u64, Arc<Inbox>)> {
        let shard = self.shard(key);
        let Some(listeners) = shard.get(key) else { return Vec::new() };
        let start = listeners.partition_point(|(number, _)| *number <= after);
        listeners[start..].iter().take(count).cloned().collect()
    }

    /// All connections of `key`.
    pub(super) fn all_of(&self, key: &K) -> Vec<Arc<Inbox>> {
        let shard = self.shard(key);
        shard.get(key).into_iter().flatten().map(|(_, inbox)| Arc::clone(inbox)).collect()
    }

    /// All connections, a shard at a time.
    pub(super) fn each(&self, mut visit: impl FnMut(&Inbox)) {
        for shard in &self.shards {
            let inboxes: Vec<_> =
                shard.lock().values().flatten().map(|(_, inbox)| Arc::clone(inbox)).collect();
            inboxes.iter().for_each(|inbox| visit(inbox));
        }
    }

    fn shard(&self, key: &K) -> MutexGuard<'_, Shard<K>> {
        // A remainder of the length is below it.
        let index = usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or(0);
        self.shards[index].lock()
    }
}

/// After a rush. Small ones stay as they are.
fn has_room_to_spare(length: usize, capacity: usize) -> bool {
    capacity > 64 && length * 4 < capacity
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_visits_those_that_stay_once_whoever_comes_and_goes() {
        let index = Index::new();
        let inbox = || Arc::new(Inbox::new(1));
        for number in 1..=10 {
            assert!(index.add("t", number, &inbox(), 100));
        }
        let numbers =
            |after| index.page(&"t", after, 3).iter().map(|(number, _)| *number).collect::<Vec<_>>();
        assert_eq!(numbers(0), [1, 2, 3]);
        index.remove(&"t", 1);
        index.remove(&"t", 5);
        index.add("t", 11, &inbox(), 100);
        assert_eq!(numbers(3), [4, 6, 7]);
        assert_eq!(numbers(9), [10, 11]);
        assert!(numbers(11).is_empty());
        assert_eq!(index.all_of(&"t").len(), 9);
        assert!(index.page(&"u", 0, 9).is_empty());
    }

    #[test]
    fn a_key_has_room_for_so_many_and_nothing_is_left_of_an_empty_one() {
        let index = Index::new();
        let inbox = Arc::new(Inbox::new(1));
        assert!(index.add("u", 1, &inbox, 2) && index.add("u", 2, &inbox, 2));
        assert!(!index.add("u", 3, &inbox, 2));
        assert!(index.add("u", 2, &inbox, 2), "it is there already");
        index.remove(&"u", 1);
        assert!(index.add("u", 3, &inbox, 2));
        let mut seen = 0;
        index.each(|_| seen += 1);
        assert_eq!(seen, 2);
        index.remove(&"u", 2);
        index.remove(&"u", 3);
        index.remove(&"u", 3);
        assert!(index.shards.iter().all(|shard| shard.lock().is_empty()));
        assert_eq!(Arc::strong_count(&inbox), 1);
    }
}
