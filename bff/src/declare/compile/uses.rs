//! What a screen does with the answers of its parts and with what joins bring, for each view.

use super::super::contract::{Segment, ShapePath, ShapeUse};
use super::{
    context::Shape,
    document::{Prune, SourceDraft, through},
    lookup::{LookupDraft, shape},
    outline::Outline,
    points::Point,
};
use crate::compose::scan::Capture;

impl<'t> Outline<'t> {
    /// What the compact view leaves out of the fields of a group.
    pub(super) fn group_prunes(&self, part: usize, group: usize) -> impl Iterator<Item = &Prune<'t>> {
        let fields = self.groups(part).into_iter().nth(group).unwrap_or_default();
        self.prunes.iter().filter(move |prune| prune.part == part && fields.contains(&prune.field))
    }

    /// Points in a part, or in what a point brings, that a view has.
    pub(super) fn points_in(
        &self,
        part: usize,
        parent: Option<usize>,
        group: usize,
        compact: bool,
    ) -> impl Iterator<Item = (usize, &Point<'t>)> {
        let here = self
            .points
            .iter()
            .enumerate()
            .filter(move |(_, point)| point.part == part && point.parent == parent);
        here.filter(move |(_, point)| {
            !compact || self.group_prunes(part, group).all(|prune| prune.path != point.ours)
        })
    }

    /// What is done with an entity at a point.
    pub(super) fn entity_use(
        &self,
        drafts: &[LookupDraft<'t>],
        at: usize,
        group: usize,
        compact: bool,
    ) -> EntityUse {
        let point = &self.points[at];
        let draft = &drafts[point.lookup.index()];
        let (mut uses, mut is_pruned) = (ShapeUse::default(), false);
        for prune in self.group_prunes(point.part, group).filter(|_| compact) {
            let Some((through, rest)) = through(&self.points, point.part, &prune.path) else { continue };
            if through == at && !rest.is_empty() {
                is_pruned = true;
                leave_out(&mut uses, prune, rest);
            }
        }
        shape(&mut uses, &draft.declared.shaping, draft.entity, &[]);
        let children: Vec<_> = self.points_in(point.part, Some(at), group, compact).collect();
        for (_, child) in &children {
            uses.capture_as(child.ids.clone(), child.capture);
        }
        for (place, child) in &children {
            // The ids have an object around them: that was seen when the point was made.
            let _ = uses.join(child.ids.clone(), self.place(*place, group), child.field);
        }
        EntityUse { uses, children: children.into_iter().map(|(place, _)| place).collect(), is_pruned }
    }

    /// What a view makes of the answer of a part, for one group of its fields.
    pub(super) fn part_use(&self, part: usize, group: usize, members: &[usize], compact: bool) -> ShapeUse {
        let (answer, mut uses) = (&self.answers[part], ShapeUse::default());
        let inside = answer.at(&[]).unwrap_or(Shape::UNTYPED);
        if !answer.prefix.is_empty() {
            uses.demand(ShapePath(answer.prefix.clone()));
        }
        shape(&mut uses, self.shapings[part], inside, &answer.prefix);
        for (number, path) in (0..).zip(answer.captures.borrow().iter()) {
            uses.capture_as(path.clone(), Capture(number));
        }
        for (place, point) in self.points_in(part, None, group, compact) {
            // The ids have an object around them: that was seen when the point was made.
            let _ = uses.join(answer.whole(&point.ids.0), self.place(place, group), point.field);
        }
        for field in members {
            if let SourceDraft::Part { path, export, .. } = &self.fields[*field].source {
                uses.export_as(path.clone(), *export);
            }
        }
        let prefix: Vec<String> = answer.prefix.iter().filter_map(name_of).collect();
        for prune in self.group_prunes(part, group).filter(|_| compact) {
            if through(&self.points, part, &prune.path).is_none() {
                let path: Vec<String> = prefix.iter().chain(&prune.path).cloned().collect();
                leave_out(&mut uses, prune, &path);
            }
        }
        uses
    }

    /// Whether the compact view makes something else of a part than the full one.
    pub(super) fn is_pruned(&self, part: usize) -> bool {
        self.prunes.iter().any(|prune| prune.part == part)
    }
}

/// What a view makes of an entity at a point.
pub(super) struct EntityUse {
    pub(super) uses: ShapeUse,
    /// The points in it.
    pub(super) children: Vec<usize>,
    /// The compact view leaves something of it out.
    pub(super) is_pruned: bool,
}

fn leave_out(uses: &mut ShapeUse, prune: &Prune<'_>, path: &[String]) {
    let names: Vec<&str> = path.iter().map(String::as_str).collect();
    match prune.at_most {
        Some(most) => uses.at_most_ours(&names, most),
        None => uses.without(&names),
    }
}

/// The name of a step; lists have none.
fn name_of(step: &Segment) -> Option<String> {
    if let Segment::Field(name) = step { Some(name.clone()) } else { None }
}
