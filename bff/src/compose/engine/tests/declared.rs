//! Random declarations: the plan that they compile to, and what the reference makes of them.

use std::{collections::HashMap, sync::Arc};

use http::Method;
use serde_json::{Map, Value, json};

use super::{
    reference::parsed,
    shapes::{Numbers, Random, Shape, ShapeField, compacted, compile, leaf, object},
    world::{IDS, World},
};
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
    compact: Shape,
    further: Option<Shape>,
    needs: Option<(usize, u16)>,
    required: bool,
    subject: bool,
    when: bool,
    otherwise: Option<Value>,
    not_found_is_otherwise: bool,
    page: bool,
    pub(super) expects: bool,
    tags_of: Option<u16>,
}

/// Where a field of the document comes from.
#[derive(Debug)]
struct Field {
    name: &'static str,
    source: Option<(usize, u16)>,
    only_full: bool,
}

/// A point of a join: where it begins, and what it shows.
#[derive(Debug)]
struct Point {
    place: u16,
    capture: u16,
    join: usize,
    part: Option<usize>,
    from: usize,
    shows: Option<(Shape, Shape)>,
}

#[derive(Debug)]
pub(super) struct Declared {
    pub(super) parts: Vec<Part>,
    pub(super) entities: Vec<Shape>,
    points: Vec<Point>,
    fields: Vec<Field>,
    at_least_one: Vec<Vec<usize>>,
    singly: Vec<bool>,
    pub(super) lookups: Vec<Arc<LookupPlan>>,
}

fn name(text: String) -> &'static str {
    schemas::intern(&text)
}

/// The parameters: a page's cursor, and what answers are about.
const CURSOR: ParamId = ParamId(0);

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

/// What the reference was asked for, and what it knows from before.
pub(super) struct Case<'c> {
    pub(super) world: &'c World,
    pub(super) signed_in: bool,
    pub(super) compact: bool,
    pub(super) cursor: bool,
    pub(super) before: Option<&'c Composed>,
}

/// What the reference made.
#[derive(Debug, Default, Clone)]
pub(super) struct Composed {
    pub(super) document: Map<String, Value>,
    /// Status by part.
    pub(super) degraded: HashMap<String, &'static str>,
    /// Answers by part, with the call that they are of.
    answers: HashMap<usize, (String, Value)>,
    /// What stood at places, by id.
    shown: HashMap<(u16, String), Value>,
    withheld: bool,
}

impl Declared {
    /// Composes by trees: the document, or all the errors of which one is to be told.
    pub(super) fn compose(&self, case: &Case<'_>) -> Result<Composed, Vec<&'static str>> {
        let (mut all, mut errors) = (Composed::default(), Vec::new());
        // What became of each part; `Err(true)`: it failed.
        let mut came: Vec<Result<Value, bool>> = Vec::new();
        for place in 0..self.parts.len() {
            let one = self.part(place, case, &came, &mut all, &mut errors);
            came.push(one);
        }
        for fields in &self.at_least_one {
            if fields
                .iter()
                .all(|field| self.fields[*field].source.is_some_and(|(part, _)| came[part].is_err()))
            {
                errors.push("nothing left");
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        for field in self.fields.iter().filter(|field| !(case.compact && field.only_full)) {
            let value = match field.source {
                None if case.signed_in => json!("me"),
                None => Value::Null,
                Some((place, export)) => match &came[place] {
                    Ok(answer) => {
                        let part = &self.parts[place];
                        let plans = [Some(self.shape(place, case)), part.further.as_ref()];
                        let found = plans.iter().flatten().find_map(|shape| shape.exported(answer, export));
                        found.map_or(Value::Null, |(shape, value)| {
                            shape.leaving(value, &mut |place, id| self.joined(place, id, case, &mut all))
                        })
                    }
                    Err(_) => Value::Null,
                },
            };
            all.document.insert(field.name.into(), value);
        }
        Ok(all)
    }

    fn shape(&self, place: usize, case: &Case<'_>) -> &Shape {
        if case.compact { &self.parts[place].compact } else { &self.parts[place].full }
    }

    fn part(
        &self,
        place: usize,
        case: &Case<'_>,
        came: &[Result<Value, bool>],
        all: &mut Composed,
        errors: &mut Vec<&'static str>,
    ) -> Result<Value, bool> {
        let part = &self.parts[place];
        let shape = self.shape(place, case);
        let fits =
            |value: &Value| shape.allows(value) && part.further.iter().all(|further| further.allows(value));
        let left_out = |errors: &mut Vec<&'static str>| {
            if part.required {
                errors.push("required");
            }
            Err(false)
        };
        let otherwise = |errors: &mut Vec<&'static str>| match &part.otherwise {
            Some(json) if fits(json) => Ok(json.clone()),
            _ => left_out(errors),
        };
        if part.when && !case.signed_in {
            return otherwise(errors);
        }
        let mut target = format!("/{place}");
        let mut failure = None;
        if let Some((of, capture)) = part.needs {
            match &came[of] {
                Ok(answer) => match self.shape(of, case).ids(answer, capture).first() {
                    Some(id) if schemas::Id::new(id).is_err() || id == "i7" => {
                        failure = Some(("required", false))
                    }
                    Some(id) => target = format!("{target}/{id}"),
                    None => return left_out(errors),
                },
                Err(true) => failure = Some(("required", false)),
                Err(false) => return left_out(errors),
            }
        }
        if failure.is_none() {
            match case.world.part(self, place, &target) {
                Ok(bytes) => match parsed(&bytes).filter(fits) {
                    // What is no object speaks of nothing else.
                    Some(answer) if !part.expects || !answer.is_object() || answer["about"] == "me" => {
                        all.answers.insert(place, (target, answer.clone()));
                        return Ok(answer);
                    }
                    _ => failure = Some(("required", false)),
                },
                Err(404) if part.not_found_is_otherwise => {
                    let otherwise = otherwise(errors);
                    if let Ok(json) = &otherwise {
                        all.answers.insert(place, (target, json.clone()));
                    }
                    return otherwise;
                }
                Err(404) if part.subject => failure = Some(("refused", false)),
                Err(404) => failure = Some(("required", false)),
                Err(403) => failure = Some(("refused", true)),
                Err(code) => {
                    if code == 400 && part.page && case.cursor && !part.required {
                        errors.push("cursor");
                    }
                    failure = Some(("required", false));
                }
            }
        }
        let (kind, withheld) = failure.expect("failed");
        // What is asked of a part that failed is not known.
        if part.required || (kind == "refused" && !withheld) {
            errors.push(kind);
            return Err(true);
        }
        all.withheld |= withheld;
        let before = case.before.and_then(|before| before.answers.get(&place));
        match before.filter(|(before, _)| !withheld && *before == target) {
            Some(before) => {
                all.degraded.insert(format!("part{place}"), "stale");
                all.answers.insert(place, before.clone());
                Ok(before.1.clone())
            }
            None => {
                all.degraded.insert(format!("part{place}"), "missing");
                Err(true)
            }
        }
    }

    fn joined(&self, place: u16, id: &str, case: &Case<'_>, all: &mut Composed) -> Value {
        let point = self.points.iter().find(|point| point.place == place).expect("a point");
        if schemas::Id::new(id).is_err() {
            return Value::Null;
        }
        let failing = case.world.lookups_failing.get(&point.join);
        let entity = if failing.is_some_and(|code| *code != 404 || !self.singly[point.join])
            && !case.world.is_shared(point.join, id)
        {
            let withheld = matches!(failing, Some(403));
            all.withheld |= withheld;
            let before = case.before.and_then(|before| before.shown.get(&(place, id.to_owned())));
            let name = format!("join{}", point.join);
            match before.filter(|_| !withheld) {
                Some(entity) => {
                    all.degraded.entry(name).or_insert("stale");
                    entity.clone()
                }
                None => {
                    all.degraded.insert(name, "missing");
                    return Value::Null;
                }
            }
        } else if failing == Some(&404) && !case.world.is_shared(point.join, id) {
            Value::Null
        } else {
            case.world.entity(self, point.join, id).unwrap_or_default()
        };
        all.shown.insert((place, id.to_owned()), entity.clone());
        let shape = point.shows.as_ref().map(|(full, compact)| if case.compact { compact } else { full });
        match shape {
            _ if entity.is_null() => Value::Null,
            None => entity,
            Some(shape) if !shape.allows(&entity) => Value::Null,
            Some(shape) => shape.leaving(&entity, &mut |place, id| self.joined(place, id, case, all)),
        }
    }

    /// All tags that something may bear: of parts, and of what joins look up.
    pub(super) fn tags(&self) -> Vec<String> {
        let parts = (0..self.parts.len()).map(|part| format!("part:{part}"));
        let all = IDS.into_iter().chain(["0", "1", "2", "3"]);
        let ids =
            (0..self.entities.len()).flat_map(|join| all.clone().map(move |id| format!("kind{join}:{id}")));
        parts.chain(ids).collect()
    }
}
