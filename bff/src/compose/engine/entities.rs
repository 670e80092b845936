//! Entities out of the answers of look-ups, and the cache of those that look the same to every user.

use std::{sync::Arc, time::Duration};

use bytestring::ByteString;
use foldhash::quality::RandomState;

use crate::compose::{
    plan::LookupPlan,
    scan::{Found, ScanError},
};

/// Hands each entity of a look-up's answer with the id that it is known by to `each`: the id's text, and a copy of its bytes
/// that outlives the answer. Of a call with one id the text is empty.
///
/// # Errors
/// [`ScanError`] where the answer cannot be used.
pub fn entities_of(
    plan: &LookupPlan,
    answer: &[u8],
    mut each: impl FnMut(&str, ByteString),
) -> Result<(), ScanError> {
    let (text, scanned) = plan.scan.scan(answer)?;
    let mut keys = scanned.found.iter().filter(|found| found.capture == LookupPlan::KEY);
    let is_many = plan.max_ids.is_some();
    for (_, pieces) in scanned.exports.iter().filter(|(export, _)| *export == LookupPlan::ENTITY) {
        let entity = scanned.text_of(pieces.clone(), text);
        // Some services put null in the place of an id that they do not know.
        if is_many && entity == "null" {
            continue;
        }
        let key: Option<&Found> = keys.next();
        if is_many && key.is_none() {
            return Err(ScanError::MissingField(answer.len()));
        }
        each(&key.map(|key| key.text(text)).unwrap_or_default(), ByteString::from(entity));
    }
    // No object names its key twice, so that as many keys as entities are one for each: none gets another's.
    if is_many && keys.next().is_some() { Err(ScanError::MissingField(answer.len())) } else { Ok(()) }
}

#[derive(Debug, Clone)]
struct Entity {
    text: Option<ByteString>,
    generation: u64,
    tag: u32,
}

/// Entities of one shared look-up, by id, for a short time, across users.
#[derive(Debug)]
pub struct EntityCache {
    entities: moka::sync::Cache<Arc<str>, Entity, RandomState>,
}

impl EntityCache {
    /// An empty one of at most `max_bytes`, whose entities live for `fresh`.
    #[must_use]
    pub fn new(fresh: Duration, max_bytes: u64) -> Self {
        /// What the cache takes for an entry beside its text, about.
        const NODE: usize = 192;
        let weigh = |id: &Arc<str>, entity: &Entity| {
            let bytes = NODE + id.len() + entity.text.as_ref().map_or(0, |text| text.len());
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        let builder = moka::sync::Cache::builder().max_capacity(max_bytes).weigher(weigh);
        Self { entities: builder.time_to_live(fresh).build_with_hasher(RandomState::default()) }
    }

    /// What is kept of an id, where `is_current` says so of its tag's hash and the generation in which it was asked for.
    pub fn get(&self, id: &str, is_current: impl FnOnce(u32, u64) -> bool) -> Option<Option<ByteString>> {
        let entity = self.entities.get(id)?;
        is_current(entity.tag, entity.generation).then_some(entity.text)
    }

    /// Keeps what was asked for in `generation`; `None`: there is no such thing.
    pub fn put(&self, id: &str, text: Option<ByteString>, tag: u32, generation: u64) {
        self.entities.insert(id.into(), Entity { text, generation, tag });
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
