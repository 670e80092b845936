//! Shapes as trees: what plans are made of, and what the reference goes by.

use serde_json::{Map, Value, json};

use crate::compose::scan::{
    Capture, Export, Field, JoinPlace, Node, NodeId, Place, Plan, PlanBuilder, Types,
};

/// Numbers out of a seed (SplitMix64): a case is known by its seed.
#[derive(Debug, Clone)]
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, many: usize) -> usize {
        (self.next() % many as u64) as usize
    }

    /// Once in so many times.
    pub(super) fn once_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }
}

#[derive(Debug, Clone)]
pub(super) struct Shape {
    pub(super) types: Types,
    pub(super) fields: Vec<ShapeField>,
    pub(super) keep_others: bool,
    pub(super) items: Option<Box<Shape>>,
    pub(super) at_most: Option<u32>,
    pub(super) capture: Option<u16>,
    pub(super) export: Option<u16>,
    /// Place and capture.
    pub(super) joins: Vec<(u16, u16)>,
}

#[derive(Debug, Clone)]
pub(super) struct ShapeField {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) required: bool,
    pub(super) kept: bool,
    pub(super) renamed: Option<&'static str>,
    pub(super) default: Option<Value>,
}

const NAMES: [&str; 5] = ["a", "b", "q\"é", "text", "n"];

/// What the shapes of one plan number together.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    pub(super) captures: u16,
    pub(super) places: u16,
    /// Place, capture, and which join.
    pub(super) points: Vec<(u16, u16, usize)>,
}

pub(super) fn leaf(types: Types) -> Shape {
    Shape {
        types,
        fields: Vec::new(),
        keep_others: true,
        items: None,
        at_most: None,
        capture: None,
        export: None,
        joins: Vec::new(),
    }
}

/// An object with ids in it, of joins from `first` to before `joins`.
pub(super) fn object(
    random: &mut Random,
    depth: usize,
    numbers: &mut Numbers,
    first: usize,
    joins: usize,
) -> Shape {
    let mut shape = leaf(Types::OBJECT);
    shape.keep_others = random.once_in(2);
    for name in NAMES {
        if random.once_in(2) {
            continue;
        }
        let child = match random.below(if depth > 2 { 3 } else { 6 }) {
            0 => leaf(Types::STRING.or(Types::NULL)),
            1 => leaf(Types::INTEGER),
            2 => leaf(Types::ANY),
            3 => object(random, depth + 1, numbers, first, joins),
            _ => {
                let mut list = leaf(Types::ARRAY);
                list.items = Some(Box::new(object(random, depth + 1, numbers, first, joins)));
                list.at_most = random.once_in(4).then(|| random.below(3) as u32);
                list
            }
        };
        shape.fields.push(field(random, name, child));
    }
    if first < joins && !random.once_in(3) {
        let list = random.once_in(3);
        numbers.captures += 1;
        let capture = numbers.captures;
        let mut id = leaf(Types::STRING.or(Types::NULL).or(Types::INTEGER));
        id.capture = Some(capture);
        if list {
            let mut ids = leaf(Types::ARRAY);
            ids.items = Some(Box::new(id));
            shape.fields.push(field(random, "refs", ids));
        } else {
            shape.fields.push(field(random, "ref", id));
        }
        for _ in 0..=usize::from(random.once_in(4)) {
            let place = numbers.places;
            numbers.places += 1;
            numbers.points.push((place, capture, first + random.below(joins - first)));
            shape.joins.push((place, capture));
        }
    }
    shape
}

fn field(random: &mut Random, name: &'static str, shape: Shape) -> ShapeField {
    let required = random.once_in(3);
    let kept = !random.once_in(4);
    let renamed = random.once_in(6).then_some(match name {
        "a" => "ours_a",
        "ref" => "ours_ref",
        _ => "ours",
    });
    // Two of the same name would be a mistake of the declaration.
    let renamed = renamed.filter(|ours| *ours != "ours" || name == "text");
    let default =
        (!required && random.once_in(5)).then(|| [Value::Null, json!("d")][random.below(2)].clone());
    ShapeField { name, shape, required, kept, renamed, default }
}

/// The same for a small screen: less of it.
pub(super) fn compacted(random: &mut Random, shape: &Shape) -> Shape {
    let mut shape = shape.clone();
    for field in &mut shape.fields {
        field.kept &= !random.once_in(4);
        field.shape = compacted(random, &field.shape);
    }
    if let Some(items) = &mut shape.items {
        **items = compacted(random, items);
        if random.once_in(4) {
            shape.at_most = Some(1);
        }
    }
    shape
}

/// An answer of the shape, most of the time. `ids`: what ids may be.
pub(super) fn answer(random: &mut Random, shape: &Shape, ids: &[&str]) -> Value {
    if random.once_in(400) {
        return json!([3, {"x": null}]);
    }
    if shape.capture.is_some() {
        return match random.below(12) {
            0 => Value::Null,
            1 => json!(random.below(4)),
            2 => json!("not an id/"),
            _ => json!(ids[random.below(ids.len())]),
        };
    }
    if let Some(items) = &shape.items {
        return Value::Array((0..random.below(4)).map(|_| answer(random, items, ids)).collect());
    }
    if shape.types == Types::OBJECT {
        let mut object = Map::new();
        for field in &shape.fields {
            if (field.required && !random.once_in(300)) || !random.once_in(4) {
                object.insert(field.name.into(), answer(random, &field.shape, ids));
            }
        }
        if random.once_in(3) {
            object.insert("unknown".into(), json!({"deep": [1, "x"]}));
        }
        return Value::Object(object);
    }
    match random.below(4) {
        0 if shape.types.allow(Types::NULL) => Value::Null,
        _ if shape.types.allow(Types::STRING) => json!(["", "plain", "한\n\"글\\"][random.below(3)]),
        _ => json!(random.below(1000)),
    }
}

/// Compiles a shape. `whole`: all of it leaves.
pub(super) fn compile(shape: &Shape, whole: bool) -> Plan {
    let mut builder = PlanBuilder::default();
    let root = add(shape, &mut builder);
    builder.finish(root, whole)
}

fn key(name: &str) -> Box<[u8]> {
    format!("{}:", json!(name)).into_bytes().into()
}

pub(super) fn join_name(place: u16) -> String {
    format!("as{place}")
}

fn add(shape: &Shape, builder: &mut PlanBuilder) -> NodeId {
    let fields = shape.fields.iter().map(|field| Field {
        name: field.name.into(),
        value: add(&field.shape, builder),
        required: field.required,
        kept: field.kept,
        renamed: field.renamed.map(key),
        absent: field.default.as_ref().map(|default| {
            format!("{}:{default}", json!(field.renamed.unwrap_or(field.name))).into_bytes().into()
        }),
    });
    let fields: Vec<Field> = fields.collect();
    let items = shape.items.as_ref().map(|items| add(items, builder));
    let joins = shape.joins.iter().map(|(place, capture)| JoinPlace {
        place: Place(*place),
        key: key(&join_name(*place)),
        of: Capture(*capture),
    });
    builder.add(Node {
        types: shape.types,
        fields,
        keep_others: shape.keep_others,
        others: None,
        items,
        at_most: shape.at_most,
        capture: shape.capture.map(Capture),
        export: shape.export.map(Export),
        joins: joins.collect(),
    })
}
