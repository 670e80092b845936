//! Shared entities: what looks the same to every user, kept once for all of them.

use std::{collections::HashMap, sync::Arc, time::Duration};

use schemas::Id;

use crate::invalidation::{Generation, HashedTag, Invalidations, Tag};

#[derive(Clone)]
struct CachedEntity<V> {
    /// `None`: the upstream knows no such thing.
    value: Option<V>,
    begun: Generation,
    tag: HashedTag,
}

/// Entities by id, for a short time, across users. Only for what holds nothing personal.
pub struct EntityCache<V> {
    entities: moka::sync::Cache<Id, CachedEntity<V>>,
    invalidations: Arc<Invalidations>,
    tag: fn(&Id) -> Tag,
}

impl<V> std::fmt::Debug for EntityCache<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EntityCache").finish_non_exhaustive()
    }
}

impl<V: Clone + Send + Sync + 'static> EntityCache<V> {
    /// An empty cache of at most `max_bytes` by `weigh`, whose entities live for `fresh`, or until the tag that
    /// `tag` makes of their id is purged.
    #[must_use]
    pub fn new(
        fresh: Duration,
        max_bytes: u64,
        invalidations: Arc<Invalidations>,
        tag: fn(&Id) -> Tag,
        weigh: fn(&V) -> usize,
    ) -> Self {
        let overhead = size_of::<CachedEntity<V>>() + Id::MAX_LEN;
        let weigher = move |_: &Id, entity: &CachedEntity<V>| {
            u32::try_from(overhead + entity.value.as_ref().map_or(0, weigh)).unwrap_or(u32::MAX)
        };
        let entities =
            moka::sync::Cache::builder().max_capacity(max_bytes).weigher(weigher).time_to_live(fresh).build();
        Self { entities, invalidations, tag }
    }

    /// What is kept of `ids`; `None`: the upstream knows no such thing.
    #[must_use]
    pub fn find(&self, ids: &[Id]) -> HashMap<Id, Option<V>> {
        let current = |entity: &CachedEntity<V>| self.invalidations.latest_of_tag(entity.tag) <= entity.begun;
        let find = |id: &Id| Some((id.clone(), self.entities.get(id).filter(current)?.value));
        ids.iter().filter_map(find).collect()
    }

    /// Fetches the entities of `ids` and keeps them, unless they are purged meanwhile. Ids that the
    /// upstream does not know are left out.
    ///
    /// # Errors
    /// What `fetch` answers.
    pub async fn fetch<E>(
        &self,
        ids: Vec<Id>,
        fetch: impl AsyncFnOnce(Vec<Id>) -> Result<HashMap<Id, V>, E>,
    ) -> Result<HashMap<Id, V>, E> {
        let begun = self.invalidations.generation();
        let fetched = fetch(ids.clone()).await?;
        for id in ids {
            let value = fetched.get(&id).cloned();
            let tag = self.invalidations.hash_tag((self.tag)(&id).as_str());
            self.entities.insert(id, CachedEntity { value, begun, tag });
        }
        Ok(fetched)
    }

    /// Entities held, for metrics.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.entities.entry_count()
    }

    /// Whether none is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
