//! From the outline of a screen to its plan.

use std::time::Duration;

use super::super::{
    mistake::quoted,
    read::{Join, Screen},
};
use super::{
    context::Context,
    document::{FieldDraft, SourceDraft, groups, key},
    lookup::LookupDraft,
    outline::Outline,
    parts::PartCompiler,
    scope::Scope,
    uses::EntityUse,
};
use crate::compose::{
    plan::{
        Access, CachePlan, DocumentField, FieldSource, JoinId, JoinPlan, JoinPoint, JoinSource, PartId,
        PerView, ScreenPlan, Value,
    },
    scan::{Place, Plan},
};

impl<'t> Outline<'t> {
    /// The plan of the screen.
    pub(super) fn compile(&self, cx: &'t Context<'t>, drafts: &[LookupDraft<'t>]) -> Option<ScreenPlan> {
        let screen = self.screen;
        let scope = Scope::new(cx, &self.params, screen.open, &self.answers);
        for vary in screen.vary.iter().filter(|vary| vary.as_str() != "session") {
            cx.mistake(
                &vary.spot,
                format_args!("{} is nothing that the key may have; there is \"session\"", quoted(vary)),
            );
        }
        let parts: Vec<_> = (0..screen.parts.len())
            .map(|place| PartCompiler { cx, outline: self, scope: &scope, place }.compile())
            .collect();
        // Every part may name values of every other one: what is captured is known once all are compiled.
        let parts: Vec<_> = (0..)
            .zip(parts)
            .map(|(place, part)| part.and_then(|part| part.finish(cx, self, place)))
            .collect();
        for name in scope.unused() {
            let declared = screen.params.iter().find(|param| param.name.as_str() == name);
            let spot = declared.map_or(&screen.path.spot, |param| &param.name.spot);
            cx.mistake(spot, format_args!("the parameter {} is used by nothing", quoted(name)));
        }
        let instances = self.instances();
        let joins: Vec<_> = self.joins(cx, drafts, &instances);
        let at_least_one = self.at_least_one(cx);
        let parts: Vec<_> = parts.into_iter().collect::<Option<_>>()?;
        check_cycles(cx, screen, &parts)?;
        let ms = |ms: &Option<super::super::mistake::At<u64>>| {
            ms.as_ref().map(|ms| Duration::from_millis(ms.value))
        };
        Some(ScreenPlan {
            name: schemas::intern(&screen.name),
            path: screen.path_text.as_str().into(),
            access: if screen.open { Access::Open } else { Access::SignedIn },
            // Without it, two sessions of one user would see one document.
            vary_by_session: screen.vary.iter().any(|vary| vary.as_str() == "session")
                || self.fields.iter().any(|field| shows_session(&field.source)),
            params: self.params.clone().into(),
            parts: parts.into(),
            joins: joins.into_iter().collect::<Option<_>>()?,
            document: self.fields.iter().map(document_field).collect(),
            at_least_one,
            cache: CachePlan {
                fresh: ms(&screen.cache.fresh_ms),
                stale: ms(&screen.cache.stale_ms),
                deadline: ms(&screen.cache.deadline_ms),
            },
        })
    }

    fn at_least_one(&self, cx: &Context<'_>) -> Box<[Box<[usize]>]> {
        let place = |name: &super::super::mistake::At<String>| {
            let place = self.fields.iter().position(|field| field.name == name.as_str());
            if place.is_none() {
                let near = super::super::mistake::did_you_mean(
                    name,
                    self.fields.iter().map(|field| field.name.as_str()),
                );
                cx.mistake(&name.spot, format_args!("the document has no field {}{near}", quoted(name)));
            }
            place
        };
        self.screen.at_least_one.iter().map(|list| list.iter().filter_map(place).collect()).collect()
    }

    /// The groups of fields of a part.
    pub(super) fn groups(&self, part: usize) -> Vec<Vec<usize>> {
        groups(part, &self.fields, &self.prunes)
    }

    /// The place of a point in a group of its part's fields.
    pub(super) fn place(&self, point: usize, group: usize) -> Place {
        // The first group of all parts first: nearly no screen has another.
        Place(u16::try_from(group * self.points.len() + point).unwrap_or(u16::MAX))
    }

    /// Each point once for each group of fields of its part.
    fn instances(&self) -> Vec<(usize, usize)> {
        let groups: Vec<usize> = (0..self.answers.len()).map(|part| self.groups(part).len().max(1)).collect();
        let all = self.points.iter().enumerate();
        all.flat_map(|(place, point)| (0..groups[point.part]).map(move |group| (place, group))).collect()
    }

    fn joins(
        &self,
        cx: &Context<'_>,
        drafts: &[LookupDraft<'t>],
        instances: &[(usize, usize)],
    ) -> Vec<Option<JoinPlan>> {
        let join = |(place, declared): (usize, &Join)| {
            let mut points = Vec::new();
            for (at, group) in instances.iter().filter(|(at, _)| self.points[*at].join == place) {
                points.push(self.join_point(cx, drafts, *at, *group)?);
            }
            Some(JoinPlan {
                part: schemas::intern(declared.part.as_ref().unwrap_or(&declared.name)),
                lookup: self.lookups[place]?,
                points: points.into(),
            })
        };
        self.screen.joins.iter().enumerate().map(join).collect()
    }

    fn join_point(
        &self,
        cx: &Context<'_>,
        drafts: &[LookupDraft<'t>],
        at: usize,
        group: usize,
    ) -> Option<JoinPoint> {
        let point = &self.points[at];
        let source = match point.parent {
            None => JoinSource::Part(PartId(u16::try_from(point.part).unwrap_or(u16::MAX))),
            Some(parent) => {
                JoinSource::Join(JoinId(u16::try_from(self.points[parent].join).unwrap_or(u16::MAX)))
            }
        };
        let pruned = self
            .group_prunes(point.part, group)
            .any(|prune| prune.path.starts_with(&point.ours) && prune.path.len() > point.ours.len());
        let full = self.entity_plan(cx, drafts, at, group, false)?;
        let compact = if pruned { Some(self.entity_plan(cx, drafts, at, group, true)?) } else { None };
        Some(JoinPoint {
            source,
            ids: point.capture,
            place: self.place(at, group),
            scan: PerView { full, compact },
        })
    }

    /// What is made of an entity at a point; nothing: it stands as it was looked up.
    fn entity_plan(
        &self,
        cx: &Context<'_>,
        drafts: &[LookupDraft<'t>],
        at: usize,
        group: usize,
        compact: bool,
    ) -> Option<Option<Plan>> {
        let point = &self.points[at];
        let draft = &drafts[point.lookup.index()];
        let shaped = draft.is_deep.get() && !draft.declared.shaping.is_empty();
        let EntityUse { uses, children, is_pruned } = self.entity_use(drafts, at, group, compact);
        if children.is_empty() && !is_pruned && !shaped {
            return Some(None);
        }
        match uses.compile(draft.entity.schemas(), draft.entity.root, true) {
            Ok(plan) => Some(Some(plan)),
            Err(mistakes) => {
                mistakes.iter().for_each(|mistake| cx.mistake(&point.field.spot, mistake));
                None
            }
        }
    }
}

fn document_field(field: &FieldDraft) -> DocumentField {
    DocumentField {
        name: schemas::intern(&field.name),
        key: key(&field.name),
        source: match &field.source {
            SourceDraft::Value(value) => FieldSource::Value(value.clone()),
            SourceDraft::Part { part, export, .. } => {
                FieldSource::Part(PartId(u16::try_from(*part).unwrap_or(u16::MAX)), *export)
            }
        },
        only_full: field.only_full,
    }
}

/// Parts that wait for each other would wait for ever.
fn check_cycles(cx: &Context<'_>, screen: &Screen, parts: &[crate::compose::plan::PartPlan]) -> Option<()> {
    let mut done = vec![false; parts.len()];
    loop {
        let ready = |place: usize| !done[place] && parts[place].needs.iter().all(|part| done[part.index()]);
        let next: Vec<usize> = (0..parts.len()).filter(|place| ready(*place)).collect();
        if next.is_empty() {
            break;
        }
        next.into_iter().for_each(|place| done[place] = true);
    }
    let waiting: Vec<_> = screen.parts.iter().zip(&done).filter(|(_, done)| !**done).collect();
    for (part, _) in &waiting {
        cx.mistake(&part.request.call.spot, "waits for itself: parts whose values it needs need its own");
    }
    waiting.is_empty().then_some(())
}

fn shows_session(source: &SourceDraft) -> bool {
    matches!(source, SourceDraft::Value(Value::Session(_)))
}
