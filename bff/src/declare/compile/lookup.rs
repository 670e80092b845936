//! Look-ups by id: of gateway.toml, and of joins that have one of their own.

use std::{cell::Cell, time::Duration};

use super::super::{
    contract::{PathMistake, Segment, ShapePath, ShapeUse},
    mistake::{At, quoted},
    read::{Lookup, Shaping},
    text::Placeholder,
};
use super::{
    call::{CallCompiler, Target},
    context::{Context, Shape},
    scope::Scope,
};
use crate::compose::{
    plan::{CallPlan, LookupPlan, Shared},
    scan::Types,
};

/// How long a shared answer is fresh where nothing is said, in milliseconds.
const FRESH_MS: u64 = 2000;
const MAX_IDS: u16 = 100;
const MAX_CALLS: u16 = 20;

/// A look-up whose call is compiled; what is done with its answers depends on the joins that use it.
pub(super) struct LookupDraft<'t> {
    pub(super) declared: &'t Lookup,
    /// `None`: a mistake was noted.
    call: Option<CallPlan>,
    /// Of the whole answer.
    answer: Shape<'t>,
    /// Where an entity stands in it.
    at: ShapePath,
    /// Of what is looked up.
    pub(super) entity: Shape<'t>,
    many: bool,
    /// Joins look into it, or prune it: each place then shapes it by itself.
    pub(super) is_deep: Cell<bool>,
}

impl<'t> LookupDraft<'t> {
    /// Compiles the call, and finds what its answers are.
    pub(super) fn new(cx: &'t Context<'t>, declared: &'t Lookup) -> Self {
        let request = &declared.request;
        let method = if request.post { http::Method::POST } else { http::Method::GET };
        let target = Target::of(cx, &request.call, &method);
        let answer = target.as_ref().map_or(Shape::UNTYPED, |target| target.answer(cx, &request.call.spot));
        let (many, one) = (takes(declared, "ids"), takes(declared, "id"));
        match (many, one) {
            (true, true) => cx.mistake(&request.call.spot, "takes {ids} or {id}, and not both"),
            (false, false) => {
                cx.mistake(&request.call.spot, "takes no id: write {ids}, or {id} for one call for each")
            }
            _ => {}
        }
        let at = where_entities_are(cx, declared, many);
        let entity = cx.report.take(&declared.request.call.spot, answer.at(&at)).unwrap_or(Shape::UNTYPED);
        if let Some(key) = declared.key.as_ref().filter(|_| many)
            && let Some(there) = cx.report.take(&key.spot, entity.at(key))
            && !there.can_be_id()
        {
            cx.mistake(
                &key.spot,
                format_args!(
                    "{}: by the contract, this is no id (a string or an integer)",
                    quoted(&key.to_string())
                ),
            );
        }
        let as_numbers = declared.key.as_ref().is_some_and(|key| is_number(entity, key));
        let scope = Scope::new(cx, &[], declared.shared, &[]);
        let compiler = CallCompiler { scope: &scope, lookup: true, guarded: !declared.shared, as_numbers };
        let call = target.as_ref().and_then(|target| compiler.request(target, request, &[]));
        let call = call.map(|call| CallPlan { for_nobody: declared.shared, ..call });
        if let Some(tag) = &declared.tag {
            cx.check_kind(tag, &tag.spot);
        }
        if declared.max_calls.is_some() && many {
            cx.mistake(
                &declared
                    .max_calls
                    .as_ref()
                    .map_or_else(|| declared.name.spot.clone(), |max| max.spot.clone()),
                "only a look-up with {id} makes a call for each id",
            );
        }
        if let Some(max) = declared.max_ids.as_ref().filter(|_| !many) {
            cx.mistake(&max.spot, "only a look-up with {ids} takes many ids in a call");
        }
        let draft = Self { declared, call, answer, at, entity, many, is_deep: Cell::new(false) };
        check_shaping(cx, &declared.shaping, entity, &[]);
        draft
    }

    /// The look-up, once it is known who looks into what it finds.
    pub(super) fn finish(self, cx: &Context<'_>) -> Option<LookupPlan> {
        let declared = self.declared;
        let mut uses = ShapeUse::default();
        if let Some(at) = &declared.request.at {
            uses.demand(ShapePath(at.0.clone()));
        }
        // What the contract makes optional may be left out: there is nothing then.
        if self.many && self.list().is_ok_and(|list| list.root.is_none()) {
            uses.demand(self.at.clone());
        }
        if !self.is_deep.get() {
            shape(&mut uses, &declared.shaping, self.entity, &self.at.0);
        }
        uses.export_as(self.at.clone(), LookupPlan::ENTITY);
        if let Some(key) = declared.key.as_ref().filter(|_| self.many) {
            uses.capture_as(ShapePath([self.at.0.as_slice(), key.0.as_slice()].concat()), LookupPlan::KEY);
        }
        let scan = match uses.compile(self.answer.schemas(), self.answer.root, false) {
            Ok(scan) => scan,
            Err(mistakes) => {
                mistakes.iter().for_each(|mistake| cx.mistake(&declared.name.spot, mistake));
                return None;
            }
        };
        let fresh = declared.fresh_ms.as_ref().map_or(FRESH_MS, |fresh| fresh.value);
        let max_ids = declared.max_ids.as_ref().map_or(MAX_IDS, |max| max.value);
        Some(LookupPlan {
            name: schemas::intern(&declared.name),
            call: self.call?,
            max_ids: self.many.then_some(max_ids),
            max_calls: declared.max_calls.as_ref().map_or(MAX_CALLS, |max| max.value),
            scan,
            tag: declared.tag.as_ref().map(|tag| tag.as_str().into()),
            shared: declared.shared.then_some(Shared { fresh: Duration::from_millis(fresh) }),
        })
    }

    /// The list in which entities stand.
    fn list(&self) -> Result<Shape<'t>, PathMistake> {
        self.answer.at(&ShapePath(self.at.0[..self.at.0.len().saturating_sub(1)].to_vec()))
    }
}

fn takes(declared: &Lookup, name: &str) -> bool {
    let is = |one: &Placeholder| one.head == name && one.path.0.is_empty();
    let call = &declared.request.call;
    let in_path = call.segments.iter().flat_map(|segment| segment.0.placeholders()).any(is);
    let in_query = call.query.iter().flat_map(|(_, value)| value.placeholders()).any(is);
    let body = declared.request.body.iter().flat_map(|body| &body.0);
    let in_body = body.into_iter().any(|piece| match piece {
        super::super::text::BodyTextPiece::Value(one) => is(one),
        super::super::text::BodyTextPiece::Json(_) => false,
    });
    in_path || in_query || in_body
}

fn where_entities_are(cx: &Context<'_>, declared: &Lookup, many: bool) -> ShapePath {
    let mut at = declared.request.at.as_ref().map(|at| at.0.clone()).unwrap_or_default();
    match (&declared.from, &declared.key, many) {
        (Some(from), _, true) => {
            if from.0.last() != Some(&Segment::Items) {
                cx.mistake(&from.spot, "names no list: write `items[]`");
            }
            at.extend(from.0.iter().cloned());
        }
        (None, _, true) => cx.mistake(&declared.name.spot, "`from` is missing: where are the answers?"),
        (Some(from), _, false) => {
            cx.mistake(&from.spot, "a look-up with {id} has one answer: leave `from` out")
        }
        (None, _, false) => {}
    }
    match (&declared.key, many) {
        (None, true) => cx.mistake(&declared.name.spot, "`key` is missing: by what is an answer known?"),
        (Some(key), false) => cx.mistake(&key.spot, "a look-up with {id} has one answer: leave `key` out"),
        _ => {}
    }
    ShapePath(at)
}

fn is_number(entity: Shape<'_>, key: &ShapePath) -> bool {
    let there = entity.at(key).ok().and_then(|there| Some(there.schemas().get(there.root?).types));
    there.is_some_and(|types| types.allow(Types::INTEGER) && !types.allow(Types::STRING))
}

/// A path of `pick`, `drop` or `rename` as one into the whole answer: it begins at an object, or at each object of a list.
fn placed(prefix: &[Segment], shape: Shape<'_>, path: &ShapePath) -> ShapePath {
    let items = shape.is_list() && path.0.first() != Some(&Segment::Items);
    let items: &[Segment] = if items { &[Segment::Items] } else { &[] };
    ShapePath([prefix, items, path.0.as_slice()].concat())
}

/// Says what leaves of what stands at `prefix`, which is as `shape` says.
pub(super) fn shape(uses: &mut ShapeUse, shaping: &Shaping, shape: Shape<'_>, prefix: &[Segment]) {
    for path in &shaping.pick {
        uses.pick(placed(prefix, shape, path));
    }
    for path in &shaping.drop {
        uses.drop_field(placed(prefix, shape, path));
    }
    for (path, ours) in &shaping.rename {
        uses.rename(placed(prefix, shape, path), ours.as_str());
    }
}

/// Checks `pick`, `drop` and `rename`.
pub(super) fn check_shaping(cx: &Context<'_>, shaping: &Shaping, shape: Shape<'_>, prefix: &[Segment]) {
    let check = |path: &At<ShapePath>| {
        let placed = placed(prefix, shape, path);
        let inside = ShapePath(placed.0[prefix.len()..].to_vec());
        if !matches!(inside.0.last(), Some(Segment::Field(_))) {
            cx.mistake(&path.spot, format_args!("{} is no field", quoted(&path.to_string())));
        } else if let Err(mistake) = shape.at(&inside) {
            cx.mistake(&path.spot, mistake);
        }
        inside
    };
    shaping.pick.iter().chain(&shaping.drop).for_each(|path| drop(check(path)));
    let mut given: Vec<(Vec<Segment>, &str)> = Vec::new();
    for (path, ours) in &shaping.rename {
        let mut object = check(path).0;
        object.pop();
        let around = shape.at(&ShapePath(object.clone())).unwrap_or(Shape::UNTYPED);
        if ours.is_empty() {
            cx.mistake(&ours.spot, "is empty");
        } else if around.names(ours) || given.contains(&(object.clone(), ours.as_str())) {
            cx.mistake(&ours.spot, format_args!("the object has a field {} already", quoted(ours)));
        }
        given.push((object, ours.as_str()));
    }
}
