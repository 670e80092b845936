//! Puts what is done with an answer at the places of its schema.

use super::{
    path::{Segment, ShapePath, shown},
    schema::{SchemaId, Schemas},
    use_tree::UseTree,
    uses::{ShapeUse, UseMistake},
};
use crate::compose::scan::{Capture, Export, Types};

/// How many lists a path without `[]` may pass between two fields, and how long one may be in an answer without a contract.
const MAX_LISTS: usize = 4;

/// What is done, by place, and all paths that lead nowhere or to what cannot be used like that.
pub(super) fn tree(uses: &ShapeUse, schemas: &Schemas, root: Option<SchemaId>) -> (UseTree, Vec<UseMistake>) {
    let mut planner = Planner { schemas, root, tree: UseTree::default(), mistakes: Vec::new() };
    planner.shape(uses);
    planner.places(uses);
    (planner.tree, planner.mistakes)
}

struct Planner<'s> {
    schemas: &'s Schemas,
    root: Option<SchemaId>,
    tree: UseTree,
    mistakes: Vec<UseMistake>,
}

impl Planner<'_> {
    fn known(&mut self, path: &[Segment]) -> bool {
        match self.schemas.at(self.root, path) {
            Ok(_) => true,
            Err(mistake) => {
                self.mistakes.push(mistake.into());
                false
            }
        }
    }

    fn shape(&mut self, uses: &ShapeUse) {
        for path in uses.picks.iter().flat_map(|path| self.begun_in_items(path)).collect::<Vec<_>>() {
            if self.known(&path) {
                self.tree.pick(&path);
            }
        }
        for (path, ours) in &uses.renames {
            for path in self.begun_in_items(path) {
                if !matches!(path.last(), Some(Segment::Field(_))) {
                    self.mistakes.push(UseMistake::NoField { at: shown(&path) });
                } else if self.known(&path) {
                    self.tree.at(&path).renamed = Some(ours.clone());
                }
            }
        }
        let drops: Vec<_> = uses.drops.iter().flat_map(|path| self.begun_in_items(path)).collect();
        for path in drops {
            self.drop_field(&path);
        }
        for ours in &uses.without {
            for path in self.theirs(ours) {
                self.drop_field(&path);
            }
        }
    }

    fn drop_field(&mut self, path: &[Segment]) {
        if !matches!(path.last(), Some(Segment::Field(_))) {
            self.mistakes.push(UseMistake::NoField { at: shown(path) });
        } else if self.known(path) {
            self.tree.at(path).dropped = true;
        }
    }

    fn places(&mut self, uses: &ShapeUse) {
        for (number, path) in &uses.captures {
            let there = self.schemas.at(self.root, &path.0);
            let is_id = |id: Option<SchemaId>| id.is_none_or(|id| self.schemas.get(id).can_be_id());
            match there {
                Ok(id) if is_id(id) => self.tree.at(&path.0).capture = Some(Capture(*number)),
                Ok(_) => self.mistakes.push(UseMistake::NoId { at: path.to_string() }),
                Err(mistake) => self.mistakes.push(mistake.into()),
            }
        }
        for (number, path) in &uses.exports {
            if self.known(&path.0) {
                self.tree.at(&path.0).export = Some(Export(*number));
            }
        }
        for path in &uses.demands {
            if self.known(&path.0) {
                self.tree.demand(&path.0);
            }
        }
        for join in &uses.joins {
            if self.known(&join.object.0) {
                let of = join.of.unwrap_or(Capture::NONE);
                self.tree.at(&join.object.0).joins.push((join.place, join.name.clone(), of));
            }
        }
        let ours = |(path, most): &(Vec<String>, u32)| {
            let paths = self.theirs(path);
            paths.into_iter().map(|path| (path, *most)).collect::<Vec<_>>()
        };
        let mut bounded: Vec<_> = uses.at_most_ours.iter().flat_map(ours).collect();
        bounded.extend(uses.at_most.iter().map(|(path, most)| (path.0.clone(), *most)));
        for (path, most) in bounded {
            let items = [path.as_slice(), &[Segment::Items]].concat();
            if self.known(&items) {
                self.tree.at(&path).at_most = Some(most);
            }
        }
    }

    /// A path that begins at the answer or, where that is a list, at each of its items; where both may be, both.
    fn begun_in_items(&self, path: &ShapePath) -> Vec<Vec<Segment>> {
        let types = self.root.map_or(Types::ANY, |root| self.schemas.get(root).types);
        if matches!(path.0.first(), Some(Segment::Items)) || !types.allow(Types::ARRAY) {
            return vec![path.0.clone()];
        }
        let in_items = [&[Segment::Items], path.0.as_slice()].concat();
        if types.allow(Types::OBJECT) { vec![path.0.clone(), in_items] } else { vec![in_items] }
    }

    /// The upstream's paths for one in our names. One that leads nowhere is told.
    fn theirs(&self, ours: &[String]) -> Vec<Vec<Segment>> {
        let mut found = Vec::new();
        self.search(self.root, &mut Vec::new(), ours, 0, &mut found);
        if found.is_empty() {
            // Told by whoever looks it up as it stands.
            found.push(ours.iter().cloned().map(Segment::Field).collect());
        }
        found
    }

    fn search(
        &self,
        here: Option<SchemaId>,
        prefix: &mut Vec<Segment>,
        ours: &[String],
        lists: usize,
        found: &mut Vec<Vec<Segment>>,
    ) {
        let Some((name, rest)) = ours.split_first() else {
            found.push(prefix.clone());
            return;
        };
        let schema = here.map(|id| self.schemas.get(id));
        let types = schema.map_or(Types::ANY, |schema| schema.types);
        // Without a contract each place may be a list or not: more than a few would be too many ways.
        let may_be_list = schema.is_some() || (lists == 0 && prefix.len() < 2 * MAX_LISTS);
        if types.allow(Types::ARRAY) && lists < MAX_LISTS && may_be_list {
            prefix.push(Segment::Items);
            self.search(schema.and_then(|schema| schema.items), prefix, ours, lists + 1, found);
            prefix.pop();
        }
        if !types.allow(Types::OBJECT) {
            return;
        }
        prefix.push(Segment::Field(self.their_name(prefix, name)));
        if let Ok(child) = self.schemas.at(self.root, prefix) {
            self.search(child, prefix, rest, 0, found);
        }
        prefix.pop();
    }

    fn their_name(&self, object: &[Segment], ours: &str) -> String {
        let node = object.iter().try_fold(0, |here, segment| match segment {
            Segment::Field(name) => self.tree.0[here].fields.get(name).copied(),
            Segment::Items => self.tree.0[here].items,
        });
        let fields = node.map(|node| self.tree.0[node].fields.iter());
        let renamed = fields
            .into_iter()
            .flatten()
            .find(|(_, child)| self.tree.0[**child].renamed.as_deref() == Some(ours));
        renamed.map_or_else(|| ours.to_owned(), |(name, _)| name.clone())
    }
}
