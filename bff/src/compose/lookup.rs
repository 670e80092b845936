//! A part that looks things up by their ids: authors, items.

use std::{
    collections::HashMap,
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use clients::UpstreamError;
use schemas::{DegradedPart, Id, PartStatus};
use serde::Serialize;

use super::{
    Run,
    part::{time_left, withholds, within},
    run::{outcome_of, weight},
};
use crate::invalidation::Tag;

/// A look-up under declaration. Ends with [`Lookup::optional`].
pub struct Lookup<'r, V> {
    run: &'r Run,
    name: &'static str,
    /// Where the copy is kept: two look-ups may be one part in `degraded`.
    copy: &'static str,
    tag: Option<fn(&Id) -> Tag>,
    known: HashMap<Id, Option<V>>,
}

impl<V> std::fmt::Debug for Lookup<'_, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lookup").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Run {
    /// Declares a part that looks many things up by their ids with one call.
    pub fn lookup<V>(&self, name: &'static str) -> Lookup<'_, V> {
        Lookup::new(self, name)
    }
}

impl<'r, V> Lookup<'r, V> {
    fn new(run: &'r Run, name: &'static str) -> Self {
        Self { run, name, copy: name, tag: None, known: HashMap::new() }
    }

    /// Keeps its copies under another name than the part's: for a part that takes more than one call.
    #[must_use]
    pub fn kept_as(mut self, copy: &'static str) -> Self {
        self.copy = copy;
        self
    }

    /// What is known from elsewhere and need not be fetched; `None`: that there is no such thing.
    #[must_use]
    pub fn known(mut self, known: HashMap<Id, Option<V>>) -> Self {
        self.known = known;
        self
    }

    /// What the document depends on for each id.
    #[must_use]
    pub fn tag_of(mut self, tag: fn(&Id) -> Tag) -> Self {
        self.tag = Some(tag);
        self
    }
}

impl<V: Clone + Serialize + Send + Sync + 'static> Lookup<'_, V> {
    /// Looks `ids` up; ids that nobody knows are left out. Only what the last composition has not kept is
    /// fetched. Where that fails, old copies stand in as far as they go.
    pub async fn optional<F, Fut>(self, ids: Vec<Id>, fetch: F) -> HashMap<Id, V>
    where
        F: FnOnce(Vec<Id>) -> Fut,
        Fut: Future<Output = Result<HashMap<Id, V>, UpstreamError>>,
    {
        let Self { run, name, copy, tag, known: elsewhere } = self;
        if ids.is_empty() {
            return HashMap::new();
        }
        let began = Instant::now();
        let tags: Vec<Tag> = tag.map(|tag| ids.iter().map(tag).collect()).unwrap_or_default();
        // `None` in a copy: asked for, and unknown.
        let kept = run.parts.fresh::<HashMap<Id, Option<V>>>(copy, began);
        let kept_since = kept.as_ref().map(|(_, fetched_at)| *fetched_at);
        let mut all = kept.map(|(kept, _)| known(&ids, &kept)).unwrap_or_default();
        all.extend(elsewhere);
        let missing: Vec<Id> = ids.iter().filter(|id| !all.contains_key(*id)).cloned().collect();
        if missing.is_empty() {
            run.note_fetched(name, kept_since, Duration::ZERO, &tags);
            run.observe(name, "kept", Duration::ZERO);
            return present(all);
        }
        let fetched = within(time_left(run, None, began), fetch(missing.clone())).await;
        let took = began.elapsed();
        match fetched {
            Ok(mut fetched) => {
                all.extend(missing.into_iter().map(|id| {
                    let value = fetched.remove(&id);
                    (id, value)
                }));
                let weight = all.iter().map(|(id, value)| id.as_str().len() + weight(value)).sum();
                let fetched_at = kept_since.unwrap_or_else(Instant::now);
                run.parts.put(copy, Arc::new(all.clone()), fetched_at, &tags, weight);
                run.note_fetched(name, kept_since, took, &tags);
                run.observe(name, "ok", took);
            }
            Err(failure) => {
                if withholds(&failure) {
                    run.parts.forget(copy);
                    run.note_withheld();
                }
                let old = run.parts.last_good::<HashMap<Id, Option<V>>>(copy, Instant::now());
                let stand_ins = old.map(|(old, _)| known(&missing, &old)).unwrap_or_default();
                let complete = stand_ins.len() == missing.len();
                let status = if complete { PartStatus::Stale } else { PartStatus::Missing };
                all.extend(stand_ins);
                let degraded = DegradedPart { part: name, status, reason: failure.reason() };
                run.note_degraded(degraded, None, took, &tags);
                run.observe(name, outcome_of(failure.reason()), took);
            }
        }
        present(all)
    }
}

fn known<V: Clone>(ids: &[Id], kept: &HashMap<Id, Option<V>>) -> HashMap<Id, Option<V>> {
    ids.iter().filter_map(|id| kept.get(id).map(|value| (id.clone(), value.clone()))).collect()
}

fn present<V>(all: HashMap<Id, Option<V>>) -> HashMap<Id, V> {
    all.into_iter().filter_map(|(id, value)| value.map(|value| (id, value))).collect()
}
