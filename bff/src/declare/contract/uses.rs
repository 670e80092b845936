//! What a declaration does with an answer, path by path: what leaves of it, under which names, where its ids stand, and
//! what is put beside them.

use indexmap::IndexMap;

use super::{
    path::{PathMistake, Segment, ShapePath, shown},
    schema::{SchemaId, Schemas},
};
use crate::compose::scan::{Capture, Export, JoinPlace, Place, Types};

/// How many lists a path without `[]` may pass between two fields, and how long one may be in an answer without a contract.
const MAX_LISTS: usize = 4;

/// What is done with one answer. Paths are in the upstream's names and begin at the answer, unless said otherwise.
#[derive(Debug, Clone, Default)]
pub struct ShapeUse {
    picks: Vec<ShapePath>,
    drops: Vec<ShapePath>,
    renames: Vec<(ShapePath, String)>,
    captures: Vec<(u16, ShapePath)>,
    exports: Vec<(u16, ShapePath)>,
    joins: Vec<Join>,
    at_most: Vec<(ShapePath, u32)>,
    without: Vec<Vec<String>>,
    at_most_ours: Vec<(Vec<String>, u32)>,
    demands: Vec<ShapePath>,
}

#[derive(Debug, Clone)]
struct Join {
    object: ShapePath,
    place: Place,
    name: String,
    of: Option<Capture>,
}

/// Why an answer cannot be used as declared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UseMistake {
    #[error(transparent)]
    Path(#[from] PathMistake),
    #[error("`{at}`: by the contract, this is no id (a string or an integer)")]
    NoId { at: String },
    #[error("`{at}` has no object around it")]
    NoObject { at: String },
    #[error("`{at}` is no field")]
    NoField { at: String },
    #[error("the object at `{at}` has a field `{name}` already")]
    NameTaken { at: String, name: String },
}

impl ShapeUse {
    /// Only what is picked leaves. A path that begins at an answer that is a list begins at each of its items, here and in
    /// [`ShapeUse::drop_field`] and [`ShapeUse::rename`].
    pub fn pick(&mut self, path: ShapePath) {
        self.picks.push(path);
    }

    /// A field does not leave. It is checked all the same.
    pub fn drop_field(&mut self, path: ShapePath) {
        self.drops.push(path);
    }

    /// A field leaves under another name.
    pub fn rename(&mut self, path: ShapePath, ours: impl Into<String>) {
        self.renames.push((path, ours.into()));
    }

    /// The ids at a path are found, also where they do not leave. The same path has the same number.
    pub fn capture(&mut self, path: ShapePath) -> Capture {
        Capture(numbered(&mut self.captures, path))
    }

    /// [`ShapeUse::capture`] with a number of the caller's own: several uses of one answer, and of what is put into it,
    /// number alike.
    pub fn capture_as(&mut self, path: ShapePath, number: Capture) {
        self.captures.push((number.0, path));
    }

    /// [`ShapeUse::export`] with a number of the caller's own.
    pub fn export_as(&mut self, path: ShapePath, number: Export) {
        self.exports.push((number.0, path));
    }

    /// What is wrong with the paths so far, of answers that are as `root` says.
    #[must_use]
    pub fn mistakes(&self, schemas: &Schemas, root: Option<SchemaId>) -> Vec<UseMistake> {
        self.tree(schemas, root).1
    }

    /// The value at a path can be written by itself. The same path has the same number.
    pub fn export(&mut self, path: ShapePath) -> Export {
        Export(numbered(&mut self.exports, path))
    }

    /// A field is added at the end of the object around each id at a path (`lines[].itemId`, and `lines[].tags[]`, which
    /// makes a list). Joins of an object stand in the order in which they were added.
    ///
    /// # Errors
    /// Where there is no object around the ids.
    pub fn join(&mut self, ids: ShapePath, place: Place, name: &str) -> Result<Capture, UseMistake> {
        let around = ids.0.iter().rposition(|segment| matches!(segment, Segment::Field(_)));
        let Some(around) = around else { return Err(UseMistake::NoObject { at: ids.to_string() }) };
        let object = ShapePath(ids.0[..around].to_vec());
        let of = self.capture(ids);
        self.joins.push(Join { object, place, name: name.to_owned(), of: Some(of) });
        Ok(of)
    }

    /// A field is added at the end of the object at a path that depends on no id: whoever writes the document is asked for
    /// the place with an empty one.
    pub fn add(&mut self, object: ShapePath, place: Place, name: &str) {
        self.joins.push(Join { object, place, name: name.to_owned(), of: None });
    }

    /// Only the first items of a list leave.
    pub fn at_most(&mut self, list: ShapePath, items: u32) {
        self.at_most.push((list, items));
    }

    /// A field does not leave: in the names under which fields leave, and without `[]` for lists.
    pub fn without(&mut self, ours: &[&str]) {
        self.without.push(ours.iter().map(|name| (*name).to_owned()).collect());
    }

    /// [`ShapeUse::at_most`] in the names of [`ShapeUse::without`].
    pub fn at_most_ours(&mut self, ours: &[&str], items: u32) {
        self.at_most_ours.push((ours.iter().map(|name| (*name).to_owned()).collect(), items));
    }

    /// What stands at a path is there and is not null, whatever the contract says.
    pub fn demand(&mut self, path: ShapePath) {
        self.demands.push(path);
    }

    /// As a tree along the paths.
    pub(super) fn tree(&self, schemas: &Schemas, root: Option<SchemaId>) -> (UseTree, Vec<UseMistake>) {
        let (tree, mistakes) = (UseTree::default(), Vec::new());
        let mut planner = Planner { schemas, root, tree, mistakes };
        planner.shape(self);
        planner.places(self);
        (planner.tree, planner.mistakes)
    }
}

fn numbered(paths: &mut Vec<(u16, ShapePath)>, path: ShapePath) -> u16 {
    if let Some((known, _)) = paths.iter().find(|(_, known)| *known == path) {
        return *known;
    }
    let next = paths.iter().map(|(number, _)| number.saturating_add(1)).max().unwrap_or_default();
    paths.push((next, path));
    next
}

/// What is done at one place.
#[derive(Debug, Default)]
pub(super) struct UseNode {
    pub(super) fields: IndexMap<String, usize>,
    pub(super) items: Option<usize>,
    /// Of its fields only those leave that are `wanted`.
    pub(super) filtered: bool,
    /// It is picked, or something in it is.
    pub(super) wanted: bool,
    /// All of it is picked.
    pub(super) picked: bool,
    pub(super) dropped: bool,
    pub(super) demanded: bool,
    pub(super) renamed: Option<String>,
    pub(super) capture: Option<Capture>,
    pub(super) export: Option<Export>,
    pub(super) at_most: Option<u32>,
    pub(super) joins: Vec<(Place, String, Capture)>,
}

impl UseNode {
    pub(super) fn join_places(&self) -> Vec<JoinPlace> {
        let place = |(place, name, of): &(Place, String, Capture)| JoinPlace {
            place: *place,
            key: key(name),
            of: *of,
        };
        self.joins.iter().map(place).collect()
    }
}

/// A field's name as it is written, with quotes and colon.
pub(super) fn key(name: &str) -> Box<[u8]> {
    format!("{}:", serde_json::Value::from(name)).into_bytes().into()
}

/// All that is done; the first node is the answer itself.
#[derive(Debug)]
pub(super) struct UseTree(pub(super) Vec<UseNode>);

impl Default for UseTree {
    fn default() -> Self {
        Self(vec![UseNode::default()])
    }
}

impl UseTree {
    fn step(&mut self, from: usize, segment: &Segment) -> usize {
        let next = self.0.len();
        let known = match segment {
            Segment::Field(name) => *self.0[from].fields.entry(name.clone()).or_insert(next),
            Segment::Items => *self.0[from].items.get_or_insert(next),
        };
        if known == next {
            self.0.push(UseNode::default());
        }
        known
    }

    fn at(&mut self, path: &[Segment]) -> &mut UseNode {
        let end = path.iter().fold(0, |here, segment| self.step(here, segment));
        &mut self.0[end]
    }

    fn pick(&mut self, path: &[Segment]) {
        let mut here = 0;
        for segment in path {
            self.0[here].filtered |= matches!(segment, Segment::Field(_));
            here = self.step(here, segment);
            self.0[here].wanted = true;
        }
        self.0[here].picked = true;
    }

    fn demand(&mut self, path: &[Segment]) {
        let mut here = 0;
        for segment in path {
            here = self.step(here, segment);
            self.0[here].demanded = true;
        }
        self.0[here].demanded = true;
    }

    /// Whether anything in here changes what leaves.
    pub(super) fn shapes(&self, at: usize) -> bool {
        let node = &self.0[at];
        node.filtered
            || node.dropped
            || node.renamed.is_some()
            || !node.joins.is_empty()
            || node.fields.values().chain(&node.items).any(|child| self.shapes(*child))
    }
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
        for path in uses.picks.iter().flat_map(|path| self.from_items(path)).collect::<Vec<_>>() {
            if self.known(&path) {
                self.tree.pick(&path);
            }
        }
        for (path, ours) in &uses.renames {
            for path in self.from_items(path) {
                if !matches!(path.last(), Some(Segment::Field(_))) {
                    self.mistakes.push(UseMistake::NoField { at: shown(&path) });
                } else if self.known(&path) {
                    self.tree.at(&path).renamed = Some(ours.clone());
                }
            }
        }
        let drops: Vec<_> = uses.drops.iter().flat_map(|path| self.from_items(path)).collect();
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
    fn from_items(&self, path: &ShapePath) -> Vec<Vec<Segment>> {
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
