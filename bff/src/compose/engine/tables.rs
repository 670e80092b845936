//! What is worked out of a plan once, so that no composition has to.

use crate::compose::{
    plan::{
        BodyPiece, CallPlan, Condition, FieldSource, JoinSource, PartId, PartPlan, PathPiece, Piece,
        QueryValue, ScreenPlan, Template, Value,
    },
    scan::{Capture, Place},
};

/// For one view.
#[derive(Debug)]
pub(super) struct Tables {
    pub(super) compact: bool,
    places: Box<[Option<PlaceOf>]>,
    pub(super) joins: Box<[JoinTable]>,
    pub(super) parts: Box<[PartTable]>,
}

/// Which point of which join a place is.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlaceOf {
    pub(super) join: u16,
    pub(super) point: u16,
    /// Whether what stands there has places of its own.
    pub(super) nested: bool,
}

#[derive(Debug)]
pub(super) struct JoinTable {
    /// Joins whose entities hold ids of this one.
    pub(super) sources: Box<[u16]>,
    /// Parts whose answers do, through other joins as well.
    pub(super) parts: Box<[u16]>,
}

#[derive(Debug)]
pub(super) struct PartTable {
    /// Fields of the document, by place.
    pub(super) fields: Box<[u16]>,
    /// What others need of its answer, beside ids of joins.
    pub(super) captures: Box<[Capture]>,
    /// What its call, its tags and its checks depend on of other parts.
    pub(super) inputs: Box<[(PartId, Capture)]>,
}

impl Tables {
    pub(super) fn new(plan: &ScreenPlan, compact: bool) -> Self {
        let mut places = Vec::new();
        for (join, one) in plan.joins.iter().enumerate() {
            for (point, at) in one.points.iter().enumerate() {
                let place = usize::from(at.place.0);
                if places.len() <= place {
                    places.resize(place + 1, None);
                }
                let nested = at.scan.of(compact).as_ref().is_some_and(|scan| scan.has_joins());
                places[place] = Some(PlaceOf { join: small(join), point: small(point), nested });
            }
        }
        let inputs: Vec<_> = plan.parts.iter().map(inputs_of).collect();
        let of_document = plan.document.iter().filter_map(|field| match &field.source {
            FieldSource::Value(Value::Part(part, capture)) => Some((*part, *capture)),
            _ => None,
        });
        let needed: Vec<_> = inputs.iter().flatten().copied().chain(of_document).collect();
        let parts = plan.parts.iter().zip(&inputs).enumerate().map(|(place, (part, inputs))| {
            let own = |(of, capture): &(PartId, Capture)| (of.index() == place).then_some(*capture);
            let remembered = part.remember.iter().flat_map(|(_, key, value)| [*key, *value]);
            let mut captures: Vec<Capture> = needed.iter().filter_map(own).chain(remembered).collect();
            captures.sort_unstable_by_key(|capture| capture.0);
            captures.dedup();
            let of_it =
                |source: &FieldSource| matches!(source, FieldSource::Part(of, _) if of.index() == place);
            let fields = plan.document.iter().enumerate();
            let fields = fields.filter(|(_, field)| of_it(&field.source) && !(compact && field.only_full));
            PartTable {
                fields: fields.map(|(field, _)| small(field)).collect(),
                captures: captures.into(),
                inputs: inputs.clone().into(),
            }
        });
        let joins = (0..plan.joins.len())
            .map(|join| JoinTable { sources: sources_of(plan, join).collect(), parts: parts_of(plan, join) });
        Self { compact, places: places.into(), joins: joins.collect(), parts: parts.collect() }
    }

    pub(super) fn place(&self, place: Place) -> Option<PlaceOf> {
        self.places.get(usize::from(place.0)).copied().flatten()
    }
}

/// Tables of a plan have at most 65,535 entries: their places are 16 bits wide.
fn small(place: usize) -> u16 {
    u16::try_from(place).unwrap_or(u16::MAX)
}

fn sources_of(plan: &ScreenPlan, join: usize) -> impl Iterator<Item = u16> {
    plan.joins.get(join).into_iter().flat_map(|join| &join.points).filter_map(|point| match point.source {
        JoinSource::Join(join) => Some(join.0),
        JoinSource::Part(_) => None,
    })
}

fn parts_of(plan: &ScreenPlan, join: usize) -> Box<[u16]> {
    let (mut joins, mut parts, mut at) = (vec![small(join)], Vec::new(), 0);
    while let Some(join) = joins.get(at).copied() {
        at += 1;
        for point in plan.joins.get(usize::from(join)).into_iter().flat_map(|join| &join.points) {
            match point.source {
                JoinSource::Part(part) if !parts.contains(&part.0) => parts.push(part.0),
                JoinSource::Join(join) if !joins.contains(&join.0) => joins.push(join.0),
                _ => {}
            }
        }
    }
    parts.into()
}

fn inputs_of(part: &PartPlan) -> Vec<(PartId, Capture)> {
    let mut found = Vec::new();
    let mut note = |value: &Value| {
        if let Value::Part(part, capture) = value
            && !found.contains(&(*part, *capture))
        {
            found.push((*part, *capture));
        }
    };
    of_call(&part.call, &mut note);
    part.expect.iter().for_each(|(_, template)| of_template(template, &mut note));
    part.tags.iter().filter_map(|tag| tag.id.as_ref()).for_each(&mut note);
    if let Some(Condition::UserIs { value, .. }) = &part.when {
        note(value);
    }
    found
}

pub(super) fn of_call(call: &CallPlan, note: &mut impl FnMut(&Value)) {
    for piece in &call.path {
        match piece {
            PathPiece::Id { value, .. } | PathPiece::Rest(value) => note(value),
            PathPiece::Text(_) | PathPiece::LookupId { .. } => {}
        }
    }
    for pair in &call.query {
        if let QueryValue::Template(template) = &pair.value {
            of_template(template, note);
        }
    }
    call.send.iter().for_each(|(_, template)| of_template(template, note));
    for piece in call.body.iter().flatten() {
        if let BodyPiece::Value(value) = piece {
            note(value);
        }
    }
}

pub(super) fn of_template(template: &Template, note: &mut impl FnMut(&Value)) {
    for piece in &template.0 {
        if let Piece::Value(value) = piece {
            note(value);
        }
    }
}
