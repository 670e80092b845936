//! From the outline of a route and method to its plan.

use std::time::Duration;

use http::Method;

use super::super::{
    contract::{ShapePath, ShapeUse},
    mistake::{At, quoted},
    text::{TagText, TextPiece},
};
use super::{
    call::{CallCompiler, Target},
    context::Context,
    document::key,
    lookup::{LookupDraft, shape},
    parts::{expectations, remembered},
    route_outline::RouteOutline,
    scope::{Answer, Scope, Use},
};
use crate::compose::{
    plan::{
        Access, Added, Announcement, JoinId, JoinPlan, JoinPoint, JoinSource, LocationPlan, Memory, PartId,
        PerView, Recall, RoutePlan, RouteShape, StreamPlan, TagTemplate, UserField,
    },
    scan::{Capture, Place},
};

/// Statuses that callers may see where the contract lists them.
const PASSED: [u16; 5] = [410, 412, 428, 429, 451];
/// Of a stream, where nothing else is said.
const MAX_BYTES: u64 = 1 << 30;
const IDLE: Duration = Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(600);

impl<'t> RouteOutline<'t> {
    /// The plan of the route.
    pub(super) fn compile(&self, cx: &'t Context<'t>, drafts: &[LookupDraft<'t>]) -> Option<RoutePlan> {
        let route = self.route;
        let mut scope = Scope::new(cx, &self.params, route.open, &self.answers);
        scope.is_route = true;
        let recall = self.recalls(cx, &mut scope);
        let compiler = CallCompiler { scope: &scope, lookup: false, guarded: !route.open, as_numbers: false };
        let call = self
            .target
            .as_ref()
            .and_then(|target| compiler.compile(target, &route.to, self.method.clone(), &route.send));
        let expect = match self.answers.first() {
            Some(answer) => expectations(cx, &scope, answer, &route.expect),
            None => Vec::new(),
        };
        let remember =
            self.answers.first().map(|answer| remembered(cx, answer, &route.remember)).unwrap_or_default();
        let is_read = self.method == Method::GET;
        let drops_mine = self.tags(cx, &scope, &route.drops_mine, true);
        let drops = self.tags(cx, &scope, &route.drops, false);
        let location = self.location(cx, &scope);
        let announce = self.announcement(cx, &scope);
        let add = self.added(cx);
        let body = self.body(cx);
        let files = self.files(cx, is_read);
        self.check(cx, is_read);
        self.check_unused(cx, &scope);
        let shape = match self.answers.first().filter(|_| !route.stream) {
            Some(answer) => Some(self.shape(cx, answer, &add)?),
            None => None,
        };
        let joins: Vec<_> = (0..route.joins.len()).map(|join| self.join(cx, drafts, join)).collect();
        Some(RoutePlan {
            name: schemas::intern(&route.path_text),
            path: route.path_text.as_str().into(),
            method: self.method.clone(),
            access: if route.open { Access::Open } else { Access::SignedIn },
            params: self.params.clone().into(),
            call: call?,
            shape,
            status: self.status,
            location: location.filter(|_| !is_read),
            body: body?,
            files: files.into(),
            joins: if route.stream { Box::default() } else { joins.into_iter().collect::<Option<_>>()? },
            expect: expect.into(),
            add: add.into(),
            drops_mine: drops_mine.into(),
            drops: drops.into(),
            announce: announce.filter(|_| !is_read),
            remember: remember.into_iter().map(|(table, key, value)| Memory { table, key, value }).collect(),
            recall: recall.into(),
            idempotent_key: match &route.idempotent_key {
                Some(declared) => declared.value && !is_read,
                None => self.method == Method::POST && !route.stream,
            },
            profile: route.profile.as_ref().is_some_and(|profile| profile.value),
            if_match: route.if_match.as_ref().is_some_and(|if_match| if_match.value),
            passes: self.passed(),
            stream: self.stream(),
        })
    }

    /// Where what was made can be read.
    fn location(&self, cx: &Context<'_>, scope: &Scope<'_, '_>) -> Option<LocationPlan> {
        let location = self.route.location.as_ref()?;
        let is_path = matches!(location.0.first(), Some(TextPiece::Text(text)) if text.starts_with('/'));
        if !is_path {
            cx.mistake(&location.spot, "is no path of the gateway: it begins with `/`");
        }
        scope.template(location, &location.spot).map(LocationPlan)
    }

    /// What the subscribers of a topic are told of a write.
    fn announcement(&self, cx: &Context<'_>, scope: &Scope<'_, '_>) -> Option<Announcement> {
        let announce = self.route.announce.as_ref()?;
        match &announce.topic.0[..] {
            [TextPiece::Text(kind), TextPiece::Value(_)] if kind.ends_with(':') => {
                cx.check_topic(kind.trim_end_matches(':'), &announce.topic.spot);
            }
            _ => cx.mistake(&announce.topic.spot, "is no topic: write `KIND:{value}`"),
        }
        let topic = scope.template(&announce.topic, &announce.topic.spot)?;
        Some(Announcement { topic, kind: announce.kind.as_str().into() })
    }

    /// Statuses of the upstream that callers see.
    fn passed(&self) -> Box<[u16]> {
        let operation = self.target.as_ref().and_then(Target::operation);
        let named = |status: &u16| operation.is_some_and(|one| one.names_status(*status));
        PASSED.iter().copied().filter(named).collect()
    }

    /// The bounds of a stream, where it is one.
    fn stream(&self) -> Option<StreamPlan> {
        let route = self.route;
        let ms = |ms: &Option<At<u64>>, otherwise| {
            ms.as_ref().map_or(otherwise, |ms| Duration::from_millis(ms.value))
        };
        route.stream.then(|| StreamPlan {
            max_bytes: route.max_bytes.as_ref().map_or(MAX_BYTES, |max| max.value),
            idle: ms(&route.idle_ms, IDLE),
            timeout: ms(&route.timeout_ms, TIMEOUT),
        })
    }

    fn recalls<'a>(&self, cx: &Context<'_>, scope: &mut Scope<'t, 'a>) -> Vec<Recall> {
        let mut recalls = Vec::new();
        for (name, recall) in &self.route.recall {
            let known = cx.memories.borrow().iter().any(|table| *table == recall.table);
            if !known {
                cx.mistake(&recall.spot, format_args!("nothing is remembered in {}", quoted(&recall.table)));
            }
            if self.params.iter().any(|param| *param.name == ***name) {
                cx.mistake(&name.spot, format_args!("{} is the name of a parameter", quoted(name)));
            }
            let key = scope.value(&recall.key, &recall.spot, Use::Elsewhere);
            if let Some(key) = key.filter(|_| known) {
                recalls.push(Recall { table: cx.memory(&recall.table), key });
                scope.recalls.push(name.as_str());
            }
        }
        recalls
    }

    fn tags(
        &self,
        cx: &Context<'_>,
        scope: &Scope<'_, '_>,
        tags: &[At<TagText>],
        bare: bool,
    ) -> Vec<TagTemplate> {
        let one = |tag: &At<TagText>| {
            cx.check_tag(tag, bare);
            let id = match &tag.id {
                Some(one) => Some(scope.value(one, &tag.spot, Use::Elsewhere)?),
                None => None,
            };
            Some(TagTemplate { kind: tag.kind.as_str().into(), id })
        };
        tags.iter().filter_map(one).collect()
    }

    /// Fields that the gateway adds. Their places follow those of the joins.
    fn added(&self, cx: &Context<'_>) -> Vec<Added> {
        let mut added: Vec<Added> = Vec::new();
        for (name, value) in &self.route.add {
            let path = value.to_string();
            let field = match path.as_str() {
                "{user.id}" => UserField::Id,
                "{user.username}" => UserField::Username,
                "{user.displayName}" => UserField::DisplayName,
                "{user.card}" => UserField::Card,
                _ => {
                    cx.mistake(
                        &value.spot,
                        "there are user.id, user.username, user.displayName and user.card",
                    );
                    continue;
                }
            };
            let Some(answer) = self.answers.first() else {
                cx.mistake(&name.spot, "there is no answer to add anything to");
                continue;
            };
            let joined = self.route.joins.iter().any(|join| join.field.value == name.value);
            if answer.shape.names(name) || joined {
                cx.mistake(
                    &name.spot,
                    format_args!("by the contract, the answer has a field {} already", quoted(name)),
                );
                continue;
            }
            let place = Place(u16::try_from(self.points.len() + added.len()).unwrap_or(u16::MAX));
            added.push(Added { key: key(name), place, value: field });
        }
        added
    }

    fn shape(&self, cx: &Context<'_>, answer: &Answer<'_>, add: &[Added]) -> Option<RouteShape> {
        let route = self.route;
        let mut uses = ShapeUse::default();
        shape(&mut uses, self.shapings[0], answer.shape, &[]);
        for (number, path) in (0..).zip(answer.captures.borrow().iter()) {
            uses.capture_as(path.clone(), Capture(number));
        }
        for (place, point) in self.points.iter().enumerate().filter(|(_, point)| point.parent.is_none()) {
            let place = Place(u16::try_from(place).unwrap_or(u16::MAX));
            cx.report.take(&point.field.spot, uses.join(point.ids.clone(), place, point.field))?;
        }
        for ((name, _), added) in route.add.iter().zip(add) {
            uses.add(ShapePath::default(), added.place, name);
        }
        let plain = route.joins.is_empty() && route.add.is_empty() && route.shaping.is_empty();
        match uses.compile(answer.shape.schemas(), answer.shape.root, true) {
            // What a contract does not name must not leave, so that only an answer without one leaves as it came.
            Ok(scan) => Some(RouteShape { scan, verbatim: plain && answer.shape.root.is_none() }),
            Err(mistakes) => {
                mistakes.iter().for_each(|mistake| cx.mistake(&route.to.spot, mistake));
                None
            }
        }
    }

    fn join(&self, cx: &Context<'_>, drafts: &[LookupDraft<'t>], join: usize) -> Option<JoinPlan> {
        let declared = &self.route.joins[join];
        let mut points = Vec::new();
        for (at, point) in self.points.iter().enumerate().filter(|(_, point)| point.join == join) {
            let draft = &drafts[point.lookup.index()];
            let children: Vec<_> =
                self.points.iter().enumerate().filter(|(_, child)| child.parent == Some(at)).collect();
            let shaping = &draft.declared.shaping;
            let full = if children.is_empty() && (shaping.is_empty() || !draft.is_deep.get()) {
                None
            } else {
                let mut uses = ShapeUse::default();
                shape(&mut uses, shaping, draft.entity, &[]);
                for (_, child) in &children {
                    uses.capture_as(child.ids.clone(), child.capture);
                }
                for (place, child) in children {
                    let place = Place(u16::try_from(place).unwrap_or(u16::MAX));
                    cx.report.take(&child.field.spot, uses.join(child.ids.clone(), place, child.field))?;
                }
                let compiled = uses.compile(draft.entity.schemas(), draft.entity.root, true);
                let told = |mistakes: Vec<_>| {
                    mistakes.iter().for_each(|mistake| cx.mistake(&point.field.spot, mistake))
                };
                Some(compiled.map_err(told).ok()?)
            };
            let source = match point.parent {
                None => JoinSource::Part(PartId(0)),
                Some(parent) => {
                    JoinSource::Join(JoinId(u16::try_from(self.points[parent].join).unwrap_or(u16::MAX)))
                }
            };
            let place = Place(u16::try_from(at).unwrap_or(u16::MAX));
            points.push(JoinPoint {
                source,
                ids: point.capture,
                place,
                scan: PerView { full, compact: None },
            });
        }
        Some(JoinPlan {
            part: schemas::intern(declared.part.as_ref().unwrap_or(&declared.name)),
            lookup: self.lookups[join]?,
            points: points.into(),
        })
    }
}
