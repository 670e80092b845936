//! Screens: first an outline of each (what its parts answer, where its joins begin), since look-ups depend on the joins of
//! all screens and routes; then their plans.

use std::time::Duration;

use http::Method;

use super::super::{
    contract::ShapeUse,
    mistake::quoted,
    read::{Join, Screen, Shaping},
};
use super::{
    call::Target,
    context::{Context, Shape},
    document::{FieldDraft, Prune, SourceDraft, fields, groups, prunes, through},
    lookup::{LookupDraft, check_shaping, shape},
    params::params,
    parts::PartCompiler,
    points::{Point, Surroundings},
    scope::{Answer, Scope},
    uses::EntityUse,
};
use crate::compose::{
    plan::{
        Access, CachePlan, DocumentField, FieldSource, JoinId, JoinPlan, JoinPoint, JoinSource, LookupId,
        ParamPlan, PartId, PerView, ScreenPlan, Value,
    },
    scan::{Place, Plan},
};

/// What is known of a screen before look-ups are done.
pub(super) struct Outline<'t> {
    pub(super) screen: &'t Screen,
    pub(super) targets: Vec<Option<Target<'t>>>,
    pub(super) answers: Vec<Answer<'t>>,
    pub(super) shapings: Vec<&'t Shaping>,
    pub(super) params: Vec<ParamPlan>,
    pub(super) points: Vec<Point<'t>>,
    pub(super) lookups: Vec<Option<LookupId>>,
    pub(super) fields: Vec<FieldDraft>,
    pub(super) prunes: Vec<Prune<'t>>,
}

impl<'t> Outline<'t> {
    /// Looks at a screen. `lookup` finds the look-up of a join.
    pub(super) fn new(
        cx: &'t Context<'t>,
        screen: &'t Screen,
        drafts: &[LookupDraft<'t>],
        lookup: impl Fn(&'t Join) -> Option<LookupId>,
    ) -> Self {
        let (mut targets, mut answers, mut shapings) = (Vec::new(), Vec::new(), Vec::new());
        for part in &screen.parts {
            let method = if part.request.post { Method::POST } else { Method::GET };
            let target = Target::of(cx, &part.request.call, &method);
            let whole =
                target.as_ref().map_or(Shape::UNTYPED, |target| target.answer(cx, &part.request.call.spot));
            let at = part.request.at.as_ref();
            let sound = at.is_none_or(|at| cx.report.take(&at.spot, whole.at(at)).is_some());
            let answer =
                Answer::new(&part.name, if sound { whole } else { Shape::UNTYPED }, at.map(|at| &at.value));
            check_shaping(cx, &part.shaping, answer.at(&[]).unwrap_or(Shape::UNTYPED), &[]);
            targets.push(target);
            answers.push(answer);
            shapings.push(&part.shaping);
        }
        let lookups: Vec<Option<LookupId>> = screen.joins.iter().map(lookup).collect();
        let mut fields = fields(cx, screen, &answers, &shapings);
        let prunes = prunes(cx, screen, &mut fields);
        let around =
            Surroundings { cx, answers: &answers, shapings: &shapings, named: true, lookups: drafts };
        let points = around.points(&screen.joins, &lookups);
        let params = params(cx, &screen.path, &screen.params);
        let outline = Self { screen, targets, answers, shapings, params, points, lookups, fields, prunes };
        outline.check_prunes(cx, drafts);
        outline
    }

    /// Checks what the compact view leaves out, and notes which look-ups are pruned.
    fn check_prunes(&self, cx: &Context<'_>, drafts: &[LookupDraft<'t>]) {
        for prune in &self.prunes {
            let mut uses = ShapeUse::default();
            let names: Vec<&str>;
            let checked = match through(&self.points, prune.part, &prune.path) {
                Some((_, [])) if prune.at_most.is_some() => {
                    cx.mistake(
                        prune.spot,
                        "is what a join brings, of which there is as much as there are ids",
                    );
                    continue;
                }
                Some((_, [])) => continue,
                Some((point, rest)) => {
                    let draft = &drafts[self.points[point].lookup.index()];
                    draft.is_deep.set(true);
                    shape(&mut uses, &draft.declared.shaping, draft.entity, &[]);
                    names = rest.iter().map(String::as_str).collect();
                    draft.entity
                }
                None => {
                    let answer = &self.answers[prune.part];
                    let inside = answer.at(&[]).unwrap_or(Shape::UNTYPED);
                    shape(&mut uses, self.shapings[prune.part], inside, &[]);
                    names = prune.path.iter().map(String::as_str).collect();
                    inside
                }
            };
            match prune.at_most {
                Some(most) => uses.at_most_ours(&names, most),
                None => uses.without(&names),
            }
            for mistake in uses.mistakes(checked.schemas(), checked.root) {
                cx.mistake(prune.spot, mistake);
            }
        }
    }

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
        key: super::key(&field.name),
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
