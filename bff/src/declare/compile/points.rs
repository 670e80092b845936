//! Where joins begin and where they go: each path of each join is a point. Points in what other joins bring make a chain,
//! which is read off the paths.

use super::super::{
    contract::{Segment, ShapePath},
    mistake::{At, Spot, quoted},
    read::{Join, Shaping},
};
use super::{
    context::{Context, Shape},
    lookup::LookupDraft,
    scope::Answer,
};
use crate::compose::{plan::LookupId, scan::Capture};

/// Where a join begins.
pub(super) struct Point<'t> {
    /// The join's place in the declaration.
    pub(super) join: usize,
    pub(super) lookup: LookupId,
    pub(super) field: &'t At<String>,
    /// The part whose answer it stands in, in the end.
    pub(super) part: usize,
    /// The point that brings what it stands in; `None`: the part itself.
    pub(super) parent: Option<usize>,
    /// The ids, in the part or in what the parent brings.
    pub(super) ids: ShapePath,
    /// The number of the ids in there.
    pub(super) capture: Capture,
    /// Where it goes, in the names under which fields leave, from the part on and without lists.
    pub(super) ours: Vec<String>,
}

/// A point before it is known what it stands in.
struct Draft<'t> {
    join: usize,
    spot: &'t Spot,
    field: &'t At<String>,
    part: usize,
    /// From the part on, through what other joins bring.
    ids: Vec<Segment>,
    /// Where it goes: the object around the ids, and the field.
    place: Vec<Segment>,
    is_list: bool,
}

/// The most paths of the joins of one screen or route.
const MAX_POINTS: usize = 256;

/// What a set of joins stands in: the parts of a screen, or the answer of a route.
pub(super) struct Surroundings<'t, 'a> {
    pub(super) cx: &'t Context<'t>,
    pub(super) answers: &'a [Answer<'t>],
    /// `pick`, `drop` and `rename` of each answer.
    pub(super) shapings: &'a [&'t Shaping],
    /// Paths begin with the name of a part.
    pub(super) named: bool,
    pub(super) lookups: &'a [LookupDraft<'t>],
}

impl<'t> Surroundings<'t, '_> {
    /// Finds the points of joins. `lookups` are those of the joins, by their places.
    pub(super) fn points(&self, joins: &'t [Join], lookups: &[Option<LookupId>]) -> Vec<Point<'t>> {
        let drafts = self.drafts(joins);
        let parents: Vec<Option<usize>> = drafts.iter().map(|draft| parent(&drafts, draft)).collect();
        let circular = circular(&drafts, &parents);
        let mut points: Vec<Option<Point<'t>>> = drafts.iter().map(|_| None).collect();
        for (place, draft) in drafts.iter().enumerate() {
            if circular[place] {
                let what = format!("{} waits for itself", quoted(&shown(&draft.ids)));
                self.cx.mistake(draft.spot, what);
            }
        }
        // A point is made after the one that it stands in.
        let mut made = usize::MAX;
        while made != points.iter().flatten().count() {
            made = points.iter().flatten().count();
            for (place, draft) in drafts.iter().enumerate() {
                let ready = parents[place].is_none_or(|parent| points[parent].is_some());
                if points[place].is_none() && ready && !circular[place] {
                    let parent = parents[place].map(|parent| (parent, &drafts[parent]));
                    points[place] = self.point(draft, parent, &points, lookups);
                }
            }
        }
        // Points that could not be made were told of; the places of the others move up.
        let mut moved = vec![None; points.len()];
        let mut next = 0;
        for (place, point) in points.iter().enumerate() {
            if point.is_some() {
                moved[place] = Some(next);
                next += 1;
            }
        }
        let mut made: Vec<Point<'t>> = points.into_iter().flatten().collect();
        for point in &mut made {
            point.parent = point.parent.and_then(|parent| moved[parent]);
        }
        made
    }

    fn drafts(&self, joins: &'t [Join]) -> Vec<Draft<'t>> {
        let mut drafts: Vec<Draft<'t>> = Vec::new();
        let mut seen = 0;
        for (join, declared) in joins.iter().enumerate() {
            for of in &declared.of {
                seen += 1;
                if seen > MAX_POINTS {
                    self.cx
                        .mistake(&of.spot, format_args!("is one of more than {MAX_POINTS} paths of joins"));
                    return drafts;
                }
                let Some(draft) = self.draft(join, &declared.field, of) else { continue };
                if drafts.iter().any(|other| other.part == draft.part && other.place == draft.place) {
                    let name = quoted(draft.field);
                    self.cx
                        .mistake(draft.spot, format_args!("the object around it gets a field {name} twice"));
                    continue;
                }
                drafts.push(draft);
            }
        }
        drafts
    }

    fn draft(&self, join: usize, field: &'t At<String>, of: &'t At<ShapePath>) -> Option<Draft<'t>> {
        let spot = &of.spot;
        let (part, ids) = if self.named {
            let Some((Segment::Field(name), rest)) = of.0.split_first() else {
                self.cx.mistake(spot, "begins with the name of a part");
                return None;
            };
            let Some(part) = self.answers.iter().position(|answer| answer.name == name) else {
                let names = self.answers.iter().map(|answer| answer.name);
                let near = super::super::mistake::did_you_mean(name, names.clone());
                let known = super::super::mistake::but(names);
                self.cx.mistake(spot, format_args!("there is no part {}{near}{known}", quoted(name)));
                return None;
            };
            (part, rest.to_vec())
        } else if self.answers.is_empty() {
            self.cx.mistake(spot, "there is no answer to join anything to");
            return None;
        } else {
            (0, of.0.clone())
        };
        let around = ids.iter().rposition(|segment| matches!(segment, Segment::Field(_)));
        let Some(around) = around else {
            self.cx.mistake(spot, "has no object around the ids, which the join could be put into");
            return None;
        };
        if ids.len() - around > 2 {
            self.cx.mistake(spot, "is a list of lists of ids; a join takes a list of ids");
            return None;
        }
        let is_list = ids.len() - around == 2;
        let mut place = ids[..around].to_vec();
        place.push(Segment::Field(field.value.clone()));
        Some(Draft { join, spot, field, part, ids, place, is_list })
    }

    fn point(
        &self,
        draft: &Draft<'t>,
        parent: Option<(usize, &Draft<'t>)>,
        points: &[Option<Point<'t>>],
        lookups: &[Option<LookupId>],
    ) -> Option<Point<'t>> {
        let cx = self.cx;
        let Some((place, above)) = parent else {
            let answer = &self.answers[draft.part];
            let ids = ShapePath(draft.ids.clone());
            let capture = answer.capture(cx, &ids, draft.spot)?;
            let object = answer.at(around(&ids)).unwrap_or(Shape::UNTYPED);
            self.check_name(draft, object)?;
            let lookup = lookups[draft.join]?;
            let ours = ours(self.shapings[draft.part], around(&ids), draft.field);
            let (part, field) = (draft.part, draft.field);
            return Some(Point { join: draft.join, lookup, field, part, parent: None, ids, capture, ours });
        };
        let above_point = points[place].as_ref()?;
        let mut inner = &draft.ids[above.place.len()..];
        match (above.is_list, inner.first() == Some(&Segment::Items)) {
            (true, true) => inner = &inner[1..],
            (true, false) => cx.mistake(
                draft.spot,
                format_args!("{} is a list, whose items are written `[]`", quoted(&shown(&above.place))),
            ),
            (false, true) => {
                cx.mistake(draft.spot, format_args!("{} is no list", quoted(&shown(&above.place))))
            }
            (false, false) => {}
        }
        let ids = ShapePath(inner.to_vec());
        let brought = &self.lookups[above_point.lookup.index()];
        let there = cx.report.take(draft.spot, brought.entity.at(&ids))?;
        if !there.can_be_id() {
            cx.mistake(
                draft.spot,
                format_args!(
                    "{}: by the contract, this is no id (a string or an integer)",
                    quoted(&ids.to_string())
                ),
            );
            return None;
        }
        let object = brought.entity.at(&ShapePath(around(&ids).to_vec())).unwrap_or(Shape::UNTYPED);
        self.check_name(draft, object)?;
        let lookup = lookups[draft.join]?;
        brought.is_deep.set(true);
        let mut path = above_point.ours.clone();
        path.extend(ours(&brought.declared.shaping, around(&ids), draft.field));
        let siblings = points.iter().flatten().filter(|other| {
            other
                .parent
                .is_some_and(|parent| points[parent].as_ref().is_some_and(|parent| parent.join == above.join))
        });
        // One number for each path into what a join brings, whatever its point.
        let mut numbers: Vec<(&ShapePath, Capture)> =
            siblings.map(|other| (&other.ids, other.capture)).collect();
        numbers.dedup_by(|one, other| one.0 == other.0);
        let known = numbers.iter().find(|(path, _)| **path == ids).map(|(_, number)| *number);
        let next = numbers.iter().map(|(_, number)| number.0 + 1).max().unwrap_or_default();
        let capture = known.unwrap_or(Capture(next));
        let (part, field) = (draft.part, draft.field);
        Some(Point { join: draft.join, lookup, field, part, parent: Some(place), ids, capture, ours: path })
    }

    fn check_name(&self, draft: &Draft<'_>, object: Shape<'_>) -> Option<()> {
        if object.names(draft.field) {
            let name = quoted(draft.field);
            self.cx.mistake(
                &draft.field.spot,
                format_args!("by the contract, the object around the ids has a field {name} already"),
            );
            return None;
        }
        Some(())
    }
}

/// The object around ids.
fn around(ids: &ShapePath) -> &[Segment] {
    let end = ids.0.iter().rposition(|segment| matches!(segment, Segment::Field(_)));
    &ids.0[..end.unwrap_or_default()]
}

/// The point that brings what a path leads into: the one with the longest way there.
fn parent(drafts: &[Draft<'_>], draft: &Draft<'_>) -> Option<usize> {
    let leads = |other: &Draft<'_>| {
        other.part == draft.part && draft.ids.len() > other.place.len() && draft.ids.starts_with(&other.place)
    };
    let leading = drafts.iter().enumerate().filter(|(_, other)| leads(other));
    leading.max_by_key(|(_, other)| other.place.len()).map(|(place, _)| place)
}

/// Which drafts wait for themselves: each leads into what another one would bring, in a circle.
fn circular(drafts: &[Draft<'_>], parents: &[Option<usize>]) -> Vec<bool> {
    // What a path leads into beyond what is brought there for certain. The ids themselves are the answer's, also where
    // something brought takes their place.
    let wait = |draft: &Draft<'_>, parent: &Option<usize>| -> Vec<usize> {
        let from = parent.map_or(0, |parent| drafts[parent].place.len());
        let to = draft.place.len().saturating_sub(1);
        let steps = (from..to).filter_map(|at| match &draft.ids[at] {
            Segment::Field(name) => Some((&draft.ids[..at], name)),
            Segment::Items => None,
        });
        let brought = steps.flat_map(|(object, name)| {
            let named = drafts.iter().enumerate().filter(move |(_, other)| other.field.value == *name);
            named.filter(move |(_, other)| other.ids.starts_with(object)).map(|(place, _)| place)
        });
        brought.collect()
    };
    let waits: Vec<Vec<usize>> =
        drafts.iter().zip(parents).map(|(draft, parent)| wait(draft, parent)).collect();
    let leads_back = |from: usize| {
        let (mut seen, mut next) = (vec![false; drafts.len()], waits[from].clone());
        while let Some(here) = next.pop() {
            if here == from {
                return true;
            }
            if !std::mem::replace(&mut seen[here], true) {
                next.extend(&waits[here]);
            }
        }
        false
    };
    (0..drafts.len()).map(leads_back).collect()
}

/// A field in an object, in the names under which fields leave and without lists.
pub(super) fn ours(shaping: &Shaping, object: &[Segment], field: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (place, segment) in object.iter().enumerate() {
        if let Segment::Field(name) = segment {
            let renamed = shaping.rename.iter().find(|(theirs, _)| same(&theirs.0, &object[..=place]));
            names.push(renamed.map_or_else(|| name.clone(), |(_, ours)| ours.value.clone()));
        }
    }
    names.push(field.to_owned());
    names
}

/// Whether two paths lead to the same field: one that begins at a list may leave its first `[]` out.
pub(super) fn same(theirs: &[Segment], path: &[Segment]) -> bool {
    let plain = |path: &[Segment]| match path.split_first() {
        Some((Segment::Items, rest)) => rest.to_vec(),
        _ => path.to_vec(),
    };
    plain(theirs) == plain(path)
}

fn shown(path: &[Segment]) -> String {
    ShapePath(path.to_vec()).to_string()
}
