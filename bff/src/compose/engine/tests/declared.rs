//! Random declarations, and the plan that they compile to.

use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};

use super::shapes::{Numbers, Random, Shape, ShapeField, compacted, compile, leaf, object};
use crate::compose::{
    plan::{
        Access, CachePlan, CallPlan, Condition, DocumentField, FieldSource, JoinId, JoinPlan, JoinPoint,
        JoinSource, LookupId, LookupPlan, ParamId, PartId, PartPlan, PathPiece, PerView, Piece, ScreenPlan,
        TagTemplate, Template, UpstreamId, UserField, Value as Placed,
    },
    scan::{Capture, Export, Node, Place, PlanBuilder, Types},
};

/// A part.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) full: Shape,
    pub(super) compact: Shape,
    pub(super) further: Option<Shape>,
    pub(super) needs: Option<(usize, u16)>,
    pub(super) required: bool,
    pub(super) subject: bool,
    pub(super) when: bool,
    pub(super) otherwise: Option<Value>,
    pub(super) not_found_is_otherwise: bool,
    pub(super) page: bool,
    pub(super) expects: bool,
    pub(super) tags_of: Option<u16>,
}

/// Where a field of the document comes from.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) source: Option<(usize, u16)>,
    pub(super) only_full: bool,
}

/// A point of a join: where it begins, and what it shows.
#[derive(Debug)]
pub(super) struct Point {
    pub(super) place: u16,
    pub(super) capture: u16,
    pub(super) join: usize,
    pub(super) part: Option<usize>,
    pub(super) from: usize,
    pub(super) shows: Option<(Shape, Shape)>,
}

#[derive(Debug)]
pub(super) struct Declared {
    pub(super) parts: Vec<Part>,
    pub(super) entities: Vec<Shape>,
    pub(super) points: Vec<Point>,
    pub(super) fields: Vec<Field>,
    pub(super) at_least_one: Vec<Vec<usize>>,
    pub(super) singly: Vec<bool>,
    pub(super) lookups: Vec<Arc<LookupPlan>>,
}

fn name(text: String) -> &'static str {
    schemas::intern(&text)
}

/// The parameters: a page's cursor, and what answers are about.
pub(super) const CURSOR: ParamId = ParamId(0);

impl Declared {
    pub(super) fn random(random: &mut Random) -> Self {
        let joins = random.below(4);
        let mut numbers = Numbers::default();
        let (mut points, mut entities) = (Vec::new(), Vec::new());
        let mut sources = Vec::new();
        let mut parts: Vec<Part> = Vec::new();
        let mut fields = Vec::new();
        for place in 0..=random.below(3) {
            let first = numbers.points.len();
            let mut full = object(random, 0, &mut numbers, 0, joins);
            sources.resize(numbers.points.len().max(first), (Some(place), 0));
            if random.once_in(40) {
                full.types = Types::OBJECT.or(Types::ARRAY);
            }
            let expects = random.once_in(5);
            if expects {
                let mut about = leaf(Types::STRING);
                numbers.captures += 1;
                about.capture = Some(numbers.captures);
                full.fields.push(ShapeField {
                    name: "about",
                    shape: about,
                    required: true,
                    kept: random.once_in(2),
                    renamed: None,
                    default: None,
                });
            }
            export(random, place, &mut full, &mut fields);
            let further = random.once_in(4).then(|| {
                let mut shape = compacted(random, &full);
                strip(&mut shape);
                shape.export = Some(50);
                let name = name(format!("further{place}"));
                fields.push(Field { name, source: Some((place, 50)), only_full: random.once_in(3) });
                shape
            });
            let captures = captures(&full);
            let needs = (place > 0 && random.once_in(3)).then(|| {
                let of = random.below(place);
                let known = self::captures(&parts[of].full);
                known.get(random.below(known.len().max(1))).map(|capture| (of, *capture))
            });
            parts.push(Part {
                compact: compacted(random, &full),
                full,
                further,
                needs: needs.flatten(),
                required: random.once_in(4),
                subject: random.once_in(8),
                when: random.once_in(6),
                otherwise: random.once_in(3).then(|| json!({"a": "else"})),
                not_found_is_otherwise: random.once_in(4),
                page: random.once_in(4),
                expects,
                tags_of: captures.first().copied(),
            });
        }
        for join in 0..joins {
            let first = numbers.points.len();
            entities.push(object(random, 1, &mut numbers, join + 1, joins));
            sources.resize(numbers.points.len().max(first), (None, join));
        }
        for ((place, capture, join), (part, from)) in numbers.points.iter().zip(&sources) {
            let shows = !random.once_in(3);
            let shows =
                shows.then(|| (compacted(random, &entities[*join]), compacted(random, &entities[*join])));
            points.push(Point {
                place: *place,
                capture: *capture,
                join: *join,
                part: *part,
                from: *from,
                shows,
            });
        }
        fields.push(Field { name: "user", source: None, only_full: random.once_in(3) });
        let about = |field: &usize| fields[*field].source.is_some();
        let at_least_one =
            if random.once_in(4) { (0..fields.len()).filter(about).collect() } else { Vec::new() };
        let at_least_one = if at_least_one.is_empty() { Vec::new() } else { vec![at_least_one] };
        let singly: Vec<bool> = (0..joins).map(|_| random.once_in(4)).collect();
        let lookups =
            singly.iter().enumerate().map(|(join, singly)| Arc::new(lookup(join, *singly))).collect();
        Self { parts, entities, points, fields, at_least_one, singly, lookups }
    }

    /// The plan.
    pub(super) fn plan(&self) -> ScreenPlan {
        let text = |text: &str| PathPiece::Text(text.into());
        let parts = self.parts.iter().enumerate().map(|(place, part)| {
            let mut path = vec![text(&format!("/{place}"))];
            if let Some((of, capture)) = part.needs {
                let value = Placed::Part(PartId(of as u16), Capture(capture));
                path.extend([text("/"), PathPiece::Id { value, reserved: ["i7".into()].into() }]);
            }
            let about = part.expects.then(|| {
                let field = part.full.fields.iter().find(|field| field.name == "about").expect("there");
                (Capture(field.shape.capture.expect("captured")), Template([Piece::Text("me".into())].into()))
            });
            let further = |shape: &Option<Shape>| shape.iter().map(|shape| compile(shape, false)).collect();
            PartPlan {
                name: name(format!("part{place}")),
                call: call(place as u16, path),
                needs: part.needs.iter().map(|(of, _)| PartId(*of as u16)).collect(),
                required: part.required,
                subject: part.subject,
                share: None,
                page: part.page.then_some(CURSOR),
                when: part.when.then_some(Condition::SignedIn),
                otherwise: part.otherwise.as_ref().map(|json| json.to_string().into()),
                not_found_is_otherwise: part.not_found_is_otherwise,
                scan: PerView {
                    full: compile(&part.full, false),
                    compact: Some(compile(&part.compact, false)),
                },
                further: PerView { full: further(&part.further), compact: None },
                expect: about.into_iter().collect(),
                tags: [TagTemplate { kind: format!("part:{place}").into(), id: None }].into(),
                tags_of: part.tags_of.iter().map(|capture| ("of".into(), Capture(*capture))).collect(),
                remember: Box::default(),
            }
        });
        let joins = (0..self.entities.len()).map(|join| JoinPlan {
            part: name(format!("join{join}")),
            lookup: LookupId(join as u16),
            points: self
                .points
                .iter()
                .filter(|point| point.join == join)
                .map(|point| JoinPoint {
                    source: point.part.map_or(JoinSource::Join(JoinId(point.from as u16)), |part| {
                        JoinSource::Part(PartId(part as u16))
                    }),
                    ids: Capture(point.capture),
                    place: Place(point.place),
                    scan: PerView {
                        full: point.shows.as_ref().map(|(full, _)| compile(full, true)),
                        compact: point.shows.as_ref().map(|(_, compact)| Some(compile(compact, true))),
                    },
                })
                .collect(),
        });
        let document = self.fields.iter().map(|field| DocumentField {
            name: field.name,
            key: format!("\"{}\":", field.name).into_bytes().into(),
            source: match field.source {
                Some((part, export)) => FieldSource::Part(PartId(part as u16), Export(export)),
                None => FieldSource::Value(Placed::User(UserField::Id)),
            },
            only_full: field.only_full,
        });
        ScreenPlan {
            name: "screen",
            path: "/bff/screen".into(),
            access: Access::Open,
            vary_by_session: false,
            params: Box::default(),
            parts: parts.collect(),
            joins: joins.collect(),
            document: document.collect(),
            at_least_one: self.at_least_one.iter().map(|fields| fields.clone().into()).collect(),
            cache: CachePlan::default(),
        }
    }
}

fn call(upstream: u16, path: Vec<PathPiece>) -> CallPlan {
    CallPlan {
        upstream: UpstreamId(upstream),
        operation: "test",
        method: Method::GET,
        path: path.into(),
        query: Box::default(),
        send: Box::default(),
        body: None,
        for_nobody: false,
    }
}

pub(super) fn lookup(join: usize, singly: bool) -> LookupPlan {
    let mut builder = PlanBuilder::default();
    let id = builder.add(Node { capture: Some(LookupPlan::KEY), ..Node::of(Types::STRING) });
    let key = |name: &str, value| crate::compose::scan::Field {
        name: name.into(),
        value,
        required: true,
        kept: true,
        renamed: None,
        absent: None,
    };
    let one =
        Node { fields: vec![key("id", id)], export: Some(LookupPlan::ENTITY), ..Node::of(Types::OBJECT) };
    let one = builder.add(one);
    let items = builder.add(Node { items: Some(one), ..Node::of(Types::ARRAY) });
    let root = builder.add(Node { fields: vec![key("items", items)], ..Node::of(Types::OBJECT) });
    LookupPlan {
        name: name(format!("lookup{join}")),
        call: call(100, Vec::new()),
        max_ids: (!singly).then_some(100),
        max_calls: 100,
        scan: builder.finish(root, false),
        tag: Some(format!("kind{join}").into()),
        shared: None,
    }
}

/// Says which of a part's values are fields of the document.
fn export(random: &mut Random, part: usize, shape: &mut Shape, fields: &mut Vec<Field>) {
    if random.once_in(2) {
        shape.export = Some(0);
        fields.push(Field {
            name: name(format!("part{part}")),
            source: Some((part, 0)),
            only_full: random.once_in(6),
        });
    }
    for (place, field) in shape.fields.iter_mut().enumerate() {
        if random.once_in(2) {
            let number = place as u16 + 1;
            field.shape.export = Some(number);
            let name = name(format!("part{part}_{number}"));
            fields.push(Field { name, source: Some((part, number)), only_full: random.once_in(6) });
        }
    }
}

fn strip(shape: &mut Shape) {
    shape.export = None;
    shape.joins.clear();
    shape.fields.iter_mut().for_each(|field| strip(&mut field.shape));
    shape.items.iter_mut().for_each(|items| strip(items));
}

fn captures(shape: &Shape) -> Vec<u16> {
    let own = shape.capture.into_iter();
    let fields = shape.fields.iter().flat_map(|field| captures(&field.shape));
    own.chain(fields).chain(shape.items.iter().flat_map(|items| captures(items))).collect()
}
