//! What is done with an answer, as a tree along the paths.

use indexmap::IndexMap;

use super::path::Segment;
use crate::compose::scan::{Capture, Export, JoinPlace, Place, Types};

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
    /// What a demanded path goes on with from here; nothing: it ends here.
    pub(super) must_be: Option<Types>,
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
    pub(super) fn step(&mut self, from: usize, segment: &Segment) -> usize {
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

    pub(super) fn at(&mut self, path: &[Segment]) -> &mut UseNode {
        let end = path.iter().fold(0, |here, segment| self.step(here, segment));
        &mut self.0[end]
    }

    pub(super) fn pick(&mut self, path: &[Segment]) {
        let mut here = 0;
        for segment in path {
            self.0[here].filtered |= matches!(segment, Segment::Field(_));
            here = self.step(here, segment);
            self.0[here].wanted = true;
        }
        self.0[here].picked = true;
    }

    pub(super) fn demand(&mut self, path: &[Segment]) {
        let mut here = 0;
        for segment in path {
            self.0[here].demanded = true;
            self.0[here].must_be = Some(match segment {
                Segment::Field(_) => Types::OBJECT,
                Segment::Items => Types::ARRAY,
            });
            here = self.step(here, segment);
        }
        // A list may be empty, and hold null.
        self.0[here].demanded |= !matches!(path.last(), Some(Segment::Items));
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
