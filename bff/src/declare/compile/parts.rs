//! Parts of screens.

use super::super::{
    mistake::quoted,
    read::{Part, Remember},
    text::ConditionText,
};
use super::{
    call::{CallCompiler, needs},
    context::Context,
    outline::Outline,
    scope::{Answer, Scope, Use},
};
use crate::compose::{
    plan::{Condition, MemoryId, PartId, PartPlan, PerView, Piece, TagTemplate, Template, Value},
    scan::{Capture, Plan},
};

/// Compiles one part.
pub(super) struct PartCompiler<'s, 't> {
    pub(super) cx: &'t Context<'t>,
    pub(super) outline: &'s Outline<'t>,
    pub(super) scope: &'s Scope<'t, 's>,
    pub(super) place: usize,
}

impl<'t> PartCompiler<'_, 't> {
    /// The calls and tags of the part; its scans are compiled by [`PartDraft::finish`], once all captures are known.
    pub(super) fn compile(&self) -> Option<PartDraft<'t>> {
        let (cx, scope) = (self.cx, self.scope);
        let part = &self.outline.screen.parts[self.place];
        let answer = &self.outline.answers[self.place];
        let target = self.outline.targets[self.place].as_ref();
        let when = part.when.as_ref().map(|when| match &when.value {
            ConditionText::SignedIn => Some(Condition::SignedIn),
            ConditionText::UserIs { value, equal } => {
                let value = scope.value(value, &when.spot, Use::Elsewhere)?;
                Some(Condition::UserIs { value, equal: *equal })
            }
        });
        let compiler = CallCompiler { scope, lookup: false, guarded: part.when.is_some(), as_numbers: false };
        let call = target.and_then(|target| compiler.request(target, &part.request, &part.send));
        let page = part.page.as_ref().map(|page| {
            let param = scope.param(page);
            if param.is_none() {
                cx.mistake(&page.spot, format_args!("there is no parameter {}", quoted(page)));
            }
            param
        });
        let expect = expectations(cx, scope, answer, &part.expect);
        let tags = tags(cx, scope, part);
        let tags_of: Vec<_> = part
            .tags_of
            .iter()
            .filter_map(|tag| {
                cx.check_kind(&tag.kind, &tag.spot);
                Some((tag.kind.as_str().into(), answer.capture(cx, &tag.path, &tag.spot)?))
            })
            .collect();
        let remember = remembered(cx, answer, &part.remember);
        let (call, when, page) = (call?, transposed(when)?, transposed(page)?);
        let mut needed = needs(&call);
        if let Some(Condition::UserIs { value: Value::Part(part, _), .. }) = &when {
            needed.push(*part);
        }
        let own = PartId(u16::try_from(self.place).unwrap_or(u16::MAX));
        let others = expect.iter().flat_map(|(_, template)| parts_of(template)).filter(|part| *part != own);
        needed.extend(others);
        needed.sort_unstable();
        needed.dedup();
        Some(PartDraft {
            declared: part,
            plan: PartPlan {
                name: schemas::intern(&part.name),
                call,
                needs: needed.into(),
                required: part.required,
                subject: part.subject,
                share: part.share,
                page,
                when,
                otherwise: part.otherwise.as_ref().map(|json| json.as_str().into()),
                not_found_is_otherwise: part.not_found.is_some(),
                scan: PerView { full: Plan::untyped(), compact: None },
                further: PerView { full: Box::default(), compact: None },
                expect: expect.into(),
                tags: tags.into(),
                tags_of: tags_of.into(),
                remember: remember.into(),
            },
        })
    }
}

/// A part without its scans.
pub(super) struct PartDraft<'t> {
    declared: &'t Part,
    pub(super) plan: PartPlan,
}

impl<'t> PartDraft<'t> {
    /// The part with what is made of its answers.
    pub(super) fn finish(self, cx: &Context<'_>, outline: &Outline<'t>, place: usize) -> Option<PartPlan> {
        let answer = &outline.answers[place];
        let compiled = |group: usize, members: &[usize], compact: bool| {
            let uses = outline.part_use(place, group, members, compact);
            match uses.compile(answer.shape.schemas(), answer.shape.root, false) {
                Ok(plan) => Some(plan),
                Err(mistakes) => {
                    mistakes.iter().for_each(|mistake| cx.mistake(&self.declared.name.spot, mistake));
                    None
                }
            }
        };
        let groups = outline.groups(place);
        let all: Vec<usize> = groups.iter().flatten().copied().collect();
        let full = compiled(0, &all, false)?;
        let mut compact = None;
        let mut further = None;
        if outline.is_pruned(place) {
            compact = Some(compiled(0, groups.first().map_or(&[], Vec::as_slice), true)?);
            let rest = groups.iter().enumerate().skip(1);
            let rest: Vec<_> = rest.map(|(group, members)| compiled(group, members, true)).collect();
            let rest: Option<Box<[Plan]>> = rest.into_iter().collect();
            further = Some(rest?).filter(|rest| !rest.is_empty());
        }
        let mut plan = self.plan;
        if let Some(otherwise) = &self.declared.otherwise
            && let Err(error) = full.scan(otherwise.as_bytes())
        {
            // A part that is missing is null in the document whatever its contract says, but a required one must be there.
            if otherwise.as_str() == "null" && !plan.required {
                plan.otherwise = None;
            } else {
                cx.mistake(&otherwise.spot, format_args!("does not fit the contract: {error}"));
            }
        }
        Some(PartPlan {
            scan: PerView { full, compact },
            further: PerView { full: Box::default(), compact: further },
            ..plan
        })
    }
}

/// What was not declared is sound; what was declared must be.
#[expect(clippy::option_option, reason = "absent, wrong or there: three things")]
fn transposed<T>(value: Option<Option<T>>) -> Option<Option<T>> {
    match value {
        Some(Some(value)) => Some(Some(value)),
        Some(None) => None,
        None => Some(None),
    }
}

/// What must stand at each path.
pub(super) fn expectations(
    cx: &Context<'_>,
    scope: &Scope<'_, '_>,
    answer: &Answer<'_>,
    declared: &[(
        super::super::mistake::At<super::super::contract::ShapePath>,
        super::super::mistake::At<super::super::text::TemplateText>,
    )],
) -> Vec<(Capture, Template)> {
    let one = |(path, value): &(super::super::mistake::At<_>, super::super::mistake::At<_>)| {
        let capture = answer.capture(cx, path, &path.spot);
        let value = scope.template(value, &value.spot);
        Some((capture?, value?))
    };
    declared.iter().filter_map(one).collect()
}

/// Pairs of an answer that are remembered.
pub(super) fn remembered(
    cx: &Context<'_>,
    answer: &Answer<'_>,
    declared: &[Remember],
) -> Vec<(MemoryId, Capture, Capture)> {
    let one = |remember: &Remember| {
        use super::super::contract::Segment;
        let object = |path: &[Segment]| {
            path.iter().rposition(|step| *step == Segment::Items).map(|at| path[..=at].to_vec())
        };
        let (key, value) = (object(&remember.key.0), object(&remember.value.0));
        if key != value {
            cx.mistake(&remember.table.spot, "the key and the value must stand in the same object of a list");
        }
        if !super::super::text::is_name(&remember.table) {
            cx.mistake(
                &remember.table.spot,
                format_args!("{} is no name of a table", quoted(&remember.table)),
            );
        }
        let key = answer.capture(cx, &remember.key, &remember.key.spot);
        let value = answer.capture(cx, &remember.value, &remember.value.spot);
        Some((cx.memory(&remember.table), key?, value?))
    };
    declared.iter().filter_map(one).collect()
}

fn tags(cx: &Context<'_>, scope: &Scope<'_, '_>, part: &Part) -> Vec<TagTemplate> {
    let one = |tag: &super::super::mistake::At<super::super::text::TagText>| {
        // A document may bear a bare kind: what drops it is one user's write.
        cx.check_tag(tag, true);
        let id = match &tag.id {
            Some(one) => Some(scope.value(one, &tag.spot, Use::Elsewhere)?),
            None => None,
        };
        Some(TagTemplate { kind: tag.kind.as_str().into(), id })
    };
    part.tags.iter().filter_map(one).collect()
}

/// The parts whose values are in a text.
fn parts_of(template: &Template) -> impl Iterator<Item = PartId> {
    template.0.iter().filter_map(|piece| match piece {
        Piece::Value(Value::Part(part, _)) => Some(*part),
        _ => None,
    })
}
