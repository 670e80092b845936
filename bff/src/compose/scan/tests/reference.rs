//! What should leave of a tree by a shape that is a tree as well.

use proptest::{collection::vec, prelude::*, sample::select};

use super::{
    super::{Capture, Field, JoinPlace, Node, NodeId, Place, Plan, PlanBuilder, Types},
    printer::{Json, NAMES},
};

/// A shape, as a tree: what the plan is made of, and what the reference goes by.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    types: Types,
    fields: Vec<ShapeField>,
    keep_others: bool,
    items: Option<Box<Shape>>,
    at_most: Option<u32>,
    capture: bool,
    joins: bool,
}

#[derive(Debug, Clone)]
pub(super) struct ShapeField {
    name: &'static str,
    shape: Shape,
    required: bool,
    kept: bool,
    renamed: bool,
    fills_in: bool,
}

fn leaf(types: Types, capture: bool) -> Shape {
    Shape { types, fields: Vec::new(), keep_others: true, items: None, at_most: None, capture, joins: false }
}

pub(super) fn shape() -> impl Strategy<Value = Shape> {
    let types = || {
        select(vec![
            Types::ANY,
            Types::ANY,
            Types::STRING.or(Types::NULL),
            Types::INTEGER.or(Types::STRING),
            Types::NUMBER,
            Types::OBJECT.or(Types::ARRAY).or(Types::NULL),
        ])
    };
    let one = (types(), any::<bool>()).prop_map(|(types, capture)| leaf(types, capture));
    one.prop_recursive(4, 24, 4, move |inner| {
        let field = (inner.clone(), any::<[bool; 4]>());
        let fields = vec(field, 0..4);
        (types(), fields, inner, any::<[bool; 4]>(), 0..3_u32).prop_map(
            |(types, fields, items, [keep_others, some, bounded, joins], at_most)| Shape {
                types,
                fields: fields
                    .into_iter()
                    .zip(NAMES)
                    .map(|((shape, [required, kept, renamed, fills_in]), name)| ShapeField {
                        name,
                        shape,
                        required: required && kept,
                        kept,
                        renamed,
                        fills_in: fills_in && !required,
                    })
                    .collect(),
                keep_others,
                items: some.then(|| Box::new(items)),
                at_most: bounded.then_some(at_most),
                capture: false,
                joins,
            },
        )
    })
}

/// Numbers its captures in the order of the walk, and its joins by the fields that they are of.
fn compile(shape: &Shape, builder: &mut PlanBuilder, next: &mut u16) -> NodeId {
    let mut node = Node::of(shape.types);
    node.keep_others = shape.keep_others;
    node.at_most = shape.at_most;
    if shape.capture {
        *next += 1;
        node.capture = Some(Capture(*next));
    }
    node.items = shape.items.as_ref().map(|items| compile(items, builder, next));
    for field in &shape.fields {
        let value = compile(&field.shape, builder, next);
        let inside = builder.node_mut(value);
        let of =
            inside.capture.or(inside.items.map(|items| builder.node_mut(items).capture).unwrap_or_default());
        if let Some(of) = of.filter(|_| shape.joins) {
            let key = format!("\"join {}\":", of.0).into_bytes().into();
            node.joins.push(JoinPlace { place: Place(of.0), key, of });
        }
        node.fields.push(Field {
            name: field.name.into(),
            value,
            required: field.required,
            kept: field.kept,
            renamed: field.renamed.then(|| format!("\"our {}\":", node.fields.len()).into_bytes().into()),
            absent: field
                .fills_in
                .then(|| format!("\"absent {}\":[]", node.fields.len()).into_bytes().into()),
        });
    }
    builder.add(node)
}

pub(super) fn plan(shape: &Shape) -> Plan {
    let mut builder = PlanBuilder::default();
    let root = compile(shape, &mut builder, &mut 0);
    builder.finish(root, true)
}

/// The value of a join: some ids are unknown.
pub(super) fn joined(place: u16, id: &str) -> Json {
    if id.len() % 2 == 1 { Json::Text(format!("{place}:{id}")) } else { Json::Null }
}

fn type_of(value: &Json) -> Types {
    match value {
        Json::Null => Types::NULL,
        Json::Bool(_) => Types::BOOLEAN,
        Json::Number("0.25" | "1e999" | "-3.5E+2") => Types::NUMBER,
        Json::Number(_) => Types::INTEGER,
        Json::Text(_) => Types::STRING,
        Json::List(_) => Types::ARRAY,
        Json::Object(_) => Types::OBJECT,
    }
}

/// The reference. Its error is all that is wrong.
pub(super) struct Reference {
    next: u16,
    found: Vec<String>,
}

impl Reference {
    /// What leaves of `value`, and the ids that are found in it. Nothing where it is not as it should be.
    pub(super) fn of(shape: &Shape, value: &Json) -> Option<(Json, Vec<String>)> {
        let mut reference = Self { next: 0, found: Vec::new() };
        let leaves = reference.leaves(shape, value, true)?;
        Some((leaves, reference.found))
    }

    /// `finds`: outside of what is cut off a list.
    fn leaves(&mut self, shape: &Shape, value: &Json, finds: bool) -> Option<Json> {
        if !shape.types.allow(type_of(value)) {
            return None;
        }
        let capture = shape.capture.then(|| {
            self.next += 1;
            self.next
        });
        let items_at = self.next;
        let untyped = leaf(Types::ANY, false);
        let items = shape.items.as_deref().unwrap_or(&untyped);
        self.next = items_at + captures(items);
        match value {
            Json::Number(id) if capture.is_some() && finds => self.found.push((*id).to_owned()),
            Json::Text(id) if capture.is_some() && finds => self.found.push(id.clone()),
            _ => {}
        }
        let out = match value {
            Json::List(list) => {
                let mut out = Vec::new();
                for (place, item) in list.iter().enumerate() {
                    let after = std::mem::replace(&mut self.next, items_at);
                    let here = shape.at_most.is_none_or(|most| place < most as usize);
                    let item = self.leaves(items, item, finds && here)?;
                    self.next = after;
                    out.extend(here.then_some(item));
                }
                Json::List(out)
            }
            Json::Object(fields) => return self.object(shape, fields, finds),
            plain => plain.clone(),
        };
        self.next += shape.fields.iter().map(|field| captures(&field.shape)).sum::<u16>();
        Some(out)
    }

    fn object(&mut self, shape: &Shape, fields: &[(String, Json)], finds: bool) -> Option<Json> {
        let first = self.next;
        let starts: Vec<u16> = shape
            .fields
            .iter()
            .scan(first, |at, field| {
                let start = *at;
                *at += captures(&field.shape);
                Some(start)
            })
            .collect();
        let mut out = Vec::new();
        for (at, (name, value)) in fields.iter().enumerate() {
            if fields[..at].iter().any(|(other, _)| other == name) {
                return None;
            }
            let known = shape.fields.iter().position(|field| field.name == name);
            let Some(place) = known else {
                strict(value)?;
                if shape.keep_others {
                    out.push((name.clone(), value.clone()));
                }
                continue;
            };
            self.next = starts[place];
            let field = &shape.fields[place];
            let value = self.leaves(&field.shape, value, finds)?;
            let name = if field.renamed { format!("our {place}") } else { name.clone() };
            out.extend(field.kept.then_some((name, value)));
        }
        let has = |field: &ShapeField| fields.iter().any(|(name, _)| name == field.name);
        if shape.fields.iter().any(|field| field.required && !has(field)) {
            return None;
        }
        for (place, field) in shape.fields.iter().enumerate() {
            if field.fills_in && field.kept && !has(field) {
                out.push((format!("absent {place}"), Json::List(Vec::new())));
            }
        }
        for (place, field) in shape.fields.iter().enumerate().filter(|_| shape.joins) {
            let value = fields.iter().find(|(name, _)| name == field.name).map(|(_, value)| value);
            let one = |of: u16, id: &Json| match id {
                Json::Text(id) => Some(joined(of, id)),
                Json::Number(id) => Some(joined(of, id)),
                _ => None,
            };
            let of = starts[place] + 1;
            let inner = &field.shape;
            if inner.capture {
                out.push((format!("join {of}"), value.and_then(|id| one(of, id)).unwrap_or(Json::Null)));
            } else if inner.items.as_ref().is_some_and(|items| items.capture) {
                let list = match value {
                    Some(Json::List(ids)) => {
                        let most = inner.at_most.unwrap_or(u32::MAX) as usize;
                        Json::List(ids.iter().take(most).filter_map(|id| one(of, id)).collect())
                    }
                    _ => Json::Null,
                };
                out.push((format!("join {of}"), list));
            }
        }
        self.next = first + shape.fields.iter().map(|field| captures(&field.shape)).sum::<u16>();
        Some(Json::Object(out))
    }
}

fn captures(shape: &Shape) -> u16 {
    let inside = shape.fields.iter().map(|field| captures(&field.shape)).sum::<u16>();
    u16::from(shape.capture) + shape.items.as_deref().map_or(0, captures) + inside
}

/// Whether no object in it names a field twice.
fn strict(value: &Json) -> Option<()> {
    match value {
        Json::List(items) => items.iter().try_for_each(strict),
        Json::Object(fields) => fields.iter().enumerate().try_for_each(|(at, (name, value))| {
            strict(value).filter(|()| fields[..at].iter().all(|(other, _)| other != name))
        }),
        _ => Some(()),
    }
}
