//! What a write makes old, before it is answered.

use schemas::Id;

use super::{Routes, refusal::deletes, values::Values};
use crate::{
    compose::plan::{RoutePlan, TagTemplate, Value},
    invalidation::Tag,
};

/// What a write changes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Invalidates {
    /// The writer's documents that depend on these are gone.
    mine: Vec<Tag>,
    /// Everybody's documents that depend on these are stale.
    everybodys: Vec<Tag>,
    /// What exists no more: everybody's documents about it are gone.
    gone: Vec<Tag>,
}

impl Invalidates {
    /// What `route` says, with what is known by now; a tag that lacks a value is left out. `forgot`: something that it recalls
    /// is not remembered, and all of the writer's documents go.
    pub(super) fn of(route: &RoutePlan, values: &Values<'_>, forgot: bool) -> Self {
        let tags = |templates: &[TagTemplate]| -> Vec<Tag> {
            templates.iter().filter_map(|template| tag(template, values)).collect()
        };
        let everybodys = tags(&route.drops);
        let mut mine = everybodys.clone();
        mine.extend(tags(&route.drops_mine));
        if forgot {
            mine.push(Tag::everything());
        }
        let deleted =
            deletes(route).and_then(|name| route.params.iter().position(|param| *param.name == *name));
        let is_deleted = |template: &&TagTemplate| matches!(&template.id, Some(Value::Param(id)) if Some(id.index()) == deleted);
        let gone =
            route.drops.iter().filter(is_deleted).filter_map(|template| tag(template, values)).collect();
        Self { mine, everybodys, gone }
    }

    /// The tags that are stale for everybody.
    pub(super) fn everybodys(&self) -> &[Tag] {
        &self.everybodys
    }

    /// Takes effect here at once, and on the other replicas when this is done. `is_done`: the write was carried out, or may
    /// have been. Otherwise it was not this write that took something away, and for others it may be there.
    pub(super) async fn apply(&self, routes: &Routes, user: Option<&Id>, is_done: bool) {
        let Self { mine, everybodys, gone } = self;
        let gone: &[Tag] = if is_done { gone } else { &[] };
        match (user, Id::new("-")) {
            (Some(user), _) => routes.bus.deleted(user, mine, everybodys, gone).await,
            // A writer who is not signed in has no documents of their own: the name is nobody's, and is not looked at.
            (None, Ok(nobody)) => routes.bus.deleted(&nobody, &[], everybodys, gone).await,
            (None, Err(_)) => {}
        }
    }
}

fn tag(template: &TagTemplate, values: &Values<'_>) -> Option<Tag> {
    match &template.id {
        None => Some(Tag::bare(&template.kind)),
        Some(value) => Id::new(&values.text(value)?).ok().map(|id| Tag::of(&template.kind, &id)),
    }
}
