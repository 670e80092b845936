//! Outlines of screens: what their parts answer, and where their joins begin. Look-ups depend on the joins of all of them.

use http::Method;

use super::super::{
    contract::ShapeUse,
    read::{Join, Screen, Shaping},
};
use super::{
    call::Target,
    context::{Context, Shape},
    document::{FieldDraft, Prune, fields, prunes, through},
    lookup::{LookupDraft, check_shaping, shape},
    params::params,
    points::{Point, Surroundings},
    scope::Answer,
};
use crate::compose::plan::{LookupId, ParamPlan};

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
}
