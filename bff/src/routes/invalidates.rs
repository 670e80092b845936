//! What a write makes old, before it is answered.
//!
//! A DELETE whose path ends in a placeholder takes away what that placeholder names. What `drops` says of that id is gone for
//! everybody then, where other writes leave it stale for others: nobody is shown what its owner has just deleted. That holds
//! where the upstream carried the DELETE out, or may have.

use schemas::Id;

use super::{Routes, asker::Answered, refusal::deletes, route::Route};
use crate::{
    compose::{
        engine::{Asked, Values},
        plan::{TagTemplate, Value},
    },
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
    /// Something that the route recalls is not remembered: it is not known what was changed.
    forgot: bool,
}

impl Invalidates {
    /// What `route` says, with what is known by now; a tag that lacks a value is left out. What it recalls is recalled here; where
    /// something of that is not remembered, all of the writer's documents go.
    pub(super) fn of(routes: &Routes, route: &Route, asked: &Asked<'_>, answered: &mut Answered) -> Self {
        let recalled = {
            let values = Values { asked, answers: &*answered };
            let recall = |recall: &crate::compose::plan::Recall| {
                routes.backend.recall(recall.table, &values.text(&recall.key)?)
            };
            route.recall.iter().map(recall).collect::<Vec<_>>()
        };
        let forgot = recalled.iter().any(Option::is_none);
        answered.recalled = recalled;
        let values = Values { asked, answers: &*answered };
        let tags = |templates: &[TagTemplate]| -> Vec<Tag> {
            templates.iter().filter_map(|template| tag(template, &values)).collect()
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
            route.drops.iter().filter(is_deleted).filter_map(|template| tag(template, &values)).collect();
        Self { mine, everybodys, gone, forgot }
    }

    /// The tags that are stale for everybody.
    pub(super) fn everybodys(&self) -> &[Tag] {
        &self.everybodys
    }

    /// Takes effect here at once, and on the other replicas when this is done. `is_done`: the write was carried out, or may
    /// have been. Otherwise it was not this write that took something away, and for others it may be there.
    pub(super) async fn apply(&self, routes: &Routes, route: &Route, user: Option<&Id>, is_done: bool) {
        let Self { mine, everybodys, gone, forgot } = self;
        if *forgot {
            // It may be what a batch that is under way asks for.
            routes.backend.forget_all(route.call.upstream);
        }
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
