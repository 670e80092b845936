//! What a declaration does with an answer, path by path: what leaves of it, under which names, where its ids stand, and
//! what is put beside them.

use super::path::{PathMistake, Segment, ShapePath};
use crate::compose::scan::{Capture, Export, Place};

/// What is done with one answer. Paths are in the upstream's names and begin at the answer, unless said otherwise.
#[derive(Debug, Clone, Default)]
pub struct ShapeUse {
    pub(super) picks: Vec<ShapePath>,
    pub(super) drops: Vec<ShapePath>,
    pub(super) renames: Vec<(ShapePath, String)>,
    pub(super) captures: Vec<(u16, ShapePath)>,
    pub(super) exports: Vec<(u16, ShapePath)>,
    pub(super) joins: Vec<Join>,
    pub(super) at_most: Vec<(ShapePath, u32)>,
    pub(super) without: Vec<Vec<String>>,
    pub(super) at_most_ours: Vec<(Vec<String>, u32)>,
    pub(super) demands: Vec<ShapePath>,
}

#[derive(Debug, Clone)]
pub(super) struct Join {
    pub(super) object: ShapePath,
    pub(super) place: Place,
    pub(super) name: String,
    pub(super) of: Option<Capture>,
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

    /// What stands at a path is there and is not null, whatever the contract says; where the path ends with `[]`, the list is.
    pub fn demand(&mut self, path: ShapePath) {
        self.demands.push(path);
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
