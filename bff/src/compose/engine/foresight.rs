//! Which ids entities led to before: where a join looks into what another one brings, the engine asks for the second's ids
//! together with the first's.

use std::{hash::BuildHasher, sync::Arc};

use foldhash::quality::RandomState;
use schemas::Id;

use crate::compose::plan::LookupId;

/// Ids that the entities of one look-up led to in another. Guesses alone: what is wrong costs an id that was asked for in
/// vain, and what is missing another step.
#[derive(Debug)]
pub struct Foresight {
    ids: moka::sync::Cache<u64, Arc<[Id]>, RandomState>,
    hasher: RandomState,
}

impl Foresight {
    /// Of at most `entries` entities.
    #[must_use]
    pub fn new(entries: u64) -> Self {
        let ids = moka::sync::Cache::builder().max_capacity(entries);
        Self { ids: ids.build_with_hasher(RandomState::default()), hasher: RandomState::default() }
    }

    fn key(&self, from: LookupId, to: LookupId, id: &str) -> u64 {
        self.hasher.hash_one((from, to, id))
    }

    pub(super) fn get(&self, from: LookupId, to: LookupId, id: &str) -> Option<Arc<[Id]>> {
        self.ids.get(&self.key(from, to, id))
    }

    /// Notes what an entity led to; most of the time it is known.
    pub(super) fn note(&self, from: LookupId, to: LookupId, id: &str, led_to: &[Id]) {
        let key = self.key(from, to, id);
        if self.ids.get(&key).is_none_or(|known| *known != *led_to) {
            self.ids.insert(key, led_to.into());
        }
    }
}
