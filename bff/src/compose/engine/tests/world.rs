//! Upstreams that answer out of a seed, and a gateway around the engine.

use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
    sync::Mutex,
    time::Duration,
};

use bytes::Bytes;
use bytestring::ByteString;
use clients::UpstreamError;
use http::StatusCode;
use schemas::Id;
use serde_json::{Value, json};

use super::{
    declared::Declared,
    shapes::{Random, answer},
};
use crate::compose::{
    engine::{Foresight, Host, PreparedCall, Validity, entities_of},
    plan::{CallPlan, LookupId, MemoryId},
};

pub(super) const IDS: [&str; 10] = ["i0", "i1", "i2", "i3", "i4", "i5", "i6", "i7", "i8", "i9"];

pub(super) fn status(code: u16) -> UpstreamError {
    let status = StatusCode::from_u16(code).expect("a status");
    UpstreamError::Status { upstream: "test", status, problem: None }
}

pub(super) fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

pub(super) fn hash_tag(text: &str) -> u32 {
    (hash(text) >> 32) as u32
}

/// What upstreams say.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) seed: u64,
    /// What changed since the beginning, by tag.
    pub(super) versions: HashMap<String, u64>,
    /// Parts by their place, which answer with that status.
    pub(super) failing: HashMap<usize, u16>,
    pub(super) lookups_failing: HashMap<usize, u16>,
    /// One in so many answers is damaged.
    pub(super) damages: usize,
}

impl World {
    fn random(&self, what: &str, tag: &str) -> Random {
        Random(
            self.seed ^ hash(what) ^ self.versions.get(tag).copied().unwrap_or(0).wrapping_mul(0x9E37_79B9),
        )
    }

    /// The answer to a part's call.
    pub(super) fn part(&self, declared: &Declared, place: usize, target: &str) -> Result<Bytes, u16> {
        if let Some(code) = self.failing.get(&place) {
            return Err(*code);
        }
        let mut random = self.random(target, &format!("part:{place}"));
        let mut value = answer(&mut random, &declared.parts[place].full, &IDS);
        if let Some(object) = value.as_object_mut().filter(|_| declared.parts[place].expects) {
            let about = if random.once_in(100) { "another" } else { "me" };
            object.insert("about".into(), json!(about));
        }
        let mut bytes = serde_json::to_vec(&value).expect("JSON");
        if random.once_in(8) {
            bytes = serde_json::to_vec_pretty(&value).expect("JSON");
        }
        if self.damages > 0 && random.once_in(self.damages) {
            damage(&mut random, &mut bytes);
        }
        Ok(bytes.into())
    }

    /// What an id names.
    pub(super) fn entity(&self, declared: &Declared, lookup: usize, id: &str) -> Option<Value> {
        if matches!(id, "i8" | "i9") || !IDS.contains(&id) {
            return None;
        }
        let mut random = self.random(&format!("{lookup} {id}"), &format!("kind{lookup}:{id}"));
        let mut value = answer(&mut random, &declared.entities[lookup], &IDS);
        match value.as_object_mut() {
            Some(object) => drop(object.insert("id".into(), json!(id))),
            None => value = json!({ "id": id }),
        }
        Some(value)
    }

    /// Whether all users share what is known of an id at the moment.
    pub(super) fn is_shared(&self, lookup: usize, id: &str) -> bool {
        hash(&format!("{} shared {lookup} {id}", self.seed)).is_multiple_of(5)
    }
}

fn damage(random: &mut Random, bytes: &mut Vec<u8>) {
    let at = random.below(bytes.len());
    match random.below(4) {
        0 => bytes.truncate(at),
        1 => bytes[at] = b"{}[],:\"x0 \xff\\"[random.below(12)],
        2 => {
            bytes.remove(at);
        }
        _ => {
            let again = bytes[at..].to_vec();
            bytes.extend(again);
        }
    }
}

/// When tags were invalidated: by their hash, softly and for good.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) generation: u64,
    pub(super) soft: HashMap<u32, u64>,
    pub(super) hard: HashMap<u32, u64>,
}

pub(super) struct Fake<'f> {
    pub(super) declared: &'f Declared,
    pub(super) world: &'f World,
    pub(super) table: &'f Table,
    pub(super) foresight: Option<&'f Foresight>,
    pub(super) streamed: bool,
    pub(super) calls: Mutex<Vec<String>>,
    pub(super) handed_out: Mutex<Vec<(&'static str, Bytes)>>,
}

impl<'f> Fake<'f> {
    pub(super) fn new(declared: &'f Declared, world: &'f World, table: &'f Table) -> Self {
        let (calls, handed_out) = (Mutex::default(), Mutex::default());
        Self { declared, world, table, foresight: None, streamed: false, calls, handed_out }
    }

    pub(super) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut *self.calls.lock().expect("not poisoned"))
    }

    fn note(&self, call: String) {
        self.calls.lock().expect("not poisoned").push(call);
    }

    fn entity(&self, lookup: usize, id: &str) -> Option<ByteString> {
        self.world.entity(self.declared, lookup, id).map(|value| value.to_string().into())
    }
}

impl Host for Fake<'_> {
    async fn call(&self, plan: &CallPlan, call: PreparedCall) -> Result<Bytes, UpstreamError> {
        self.note(call.target.clone());
        let place = usize::from(plan.upstream.0);
        if hash(&call.target).is_multiple_of(3) {
            tokio::task::yield_now().await;
        }
        self.world.part(self.declared, place, &call.target).map_err(status)
    }

    async fn look_up(
        &self,
        lookup: LookupId,
        ids: Vec<Id>,
    ) -> Result<Vec<Option<ByteString>>, UpstreamError> {
        let place = lookup.index();
        self.note(format!("lookup {place} {ids:?}"));
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len(), "each once");
        if hash(&format!("{ids:?}")).is_multiple_of(2) {
            tokio::task::yield_now().await;
        }
        if let Some(code) = self.world.lookups_failing.get(&place) {
            return Err(status(*code));
        }
        // In an order of its own, with one that was not asked for.
        let items = ids.iter().rev().chain([&Id::new("i0").expect("an id")]).cloned().collect::<HashSet<_>>();
        let items: Vec<Value> =
            items.iter().filter_map(|id| self.world.entity(self.declared, place, id.as_str())).collect();
        let answer = json!({ "more": 1, "items": items }).to_string();
        let mut known = HashMap::new();
        let scanned = entities_of(&self.declared.lookups[place], answer.as_bytes(), |id, entity| {
            known.insert(id.to_owned(), entity);
        });
        // What is no object has no key.
        scanned.map_err(|_| status(500))?;
        Ok(ids.iter().map(|id| known.get(id.as_str()).cloned()).collect())
    }

    async fn look_up_one(&self, lookup: LookupId, id: Id) -> Result<Option<ByteString>, UpstreamError> {
        self.note(format!("lookup {} {id}", lookup.index()));
        if let Some(code) = self.world.lookups_failing.get(&lookup.index()) {
            return Err(status(*code));
        }
        match self.entity(lookup.index(), id.as_str()) {
            Some(entity) => Ok(Some(entity)),
            None => Err(status(404)),
        }
    }

    fn shared(&self, lookup: LookupId, id: &str) -> Option<Option<ByteString>> {
        let place = lookup.index();
        self.world.is_shared(place, id).then(|| self.entity(place, id))
    }

    fn foresight(&self) -> Option<&Foresight> {
        self.foresight
    }

    fn remember(&self, table: MemoryId, key: &str, value: &str) {
        self.note(format!("remember {} {key} {value}", table.0));
    }

    fn hash_tag(&self, tag: &str) -> u32 {
        hash_tag(tag)
    }

    fn generation(&self) -> u64 {
        self.table.generation
    }

    fn validity(&self, tags: &[u32], since: u64) -> Validity {
        let later =
            |table: &HashMap<u32, u64>| tags.iter().any(|tag| table.get(tag).is_some_and(|at| *at > since));
        if later(&self.table.hard) {
            Validity::Gone
        } else if later(&self.table.soft) {
            Validity::Stale
        } else {
            Validity::Valid
        }
    }

    fn is_streamed(&self) -> bool {
        self.streamed
    }

    fn hand_out(&self, field: &'static str, json: Bytes) {
        self.handed_out.lock().expect("not poisoned").push((field, json));
    }

    fn observe(&self, _: &'static str, _: &'static str, _: Duration) {}
}
