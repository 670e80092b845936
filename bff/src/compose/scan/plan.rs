//! What is done with an answer: its shape, as a flat table of nodes that refer to each other by number, so that shapes may
//! refer to themselves.

use super::string::is_plain;

/// The JSON types that a value may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Types(u8);

impl Types {
    pub const NULL: Self = Self(1);
    pub const BOOLEAN: Self = Self(2);
    /// A number without a fraction (`1.0` has none: JSON Schema 2020-12 section 6.1.1).
    pub const INTEGER: Self = Self(4);
    /// Any number.
    pub const NUMBER: Self = Self(8 | 4);
    pub const STRING: Self = Self(16);
    pub const ARRAY: Self = Self(32);
    pub const OBJECT: Self = Self(64);
    pub const ANY: Self = Self(127);

    /// Either's.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What both allow.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether a value of the type `one` may stand here.
    #[must_use]
    pub const fn allow(self, one: Self) -> bool {
        self.0 & one.0 == one.0
    }

    /// Whether a number with a fraction may.
    pub(super) const fn allow_fraction(self) -> bool {
        self.0 & 8 != 0
    }
}

/// A node of a [`Plan`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeId(u32);

/// The ids found at one path: the caller's number for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capture(pub u16);

impl Capture {
    /// Of a place that depends on no id: what stands there is asked for with an empty one.
    pub const NONE: Self = Self(u16::MAX);
}

/// A value that stands in the document by itself, apart from what it came in: the caller's number for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Export(pub u16);

/// A place at the end of objects: the caller's number for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place(pub u16);

/// What is put at the end of an object: what becomes of the ids that were found in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinPlace {
    pub place: Place,
    /// The field's name as it is written, with quotes and colon: `"author":`.
    pub key: Box<[u8]>,
    /// The ids in the object that it is made of.
    pub of: Capture,
}

/// A field that the plan knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// As it is known upstream, unescaped.
    pub name: Box<str>,
    pub value: NodeId,
    pub required: bool,
    /// Whether it leaves the gateway. Its ids are found all the same.
    pub kept: bool,
    /// The name under which it leaves, with quotes and colon, where that is another one.
    pub renamed: Option<Box<[u8]>>,
    /// What stands for it where it is absent: name, colon and value.
    pub absent: Option<Box<[u8]>>,
}

/// A value of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub types: Types,
    /// In the order in which they are expected: one that comes in that order is found at once.
    pub fields: Vec<Field>,
    /// Whether fields that are not among these leave the gateway.
    pub keep_others: bool,
    /// What they hold; untyped where nothing is said.
    pub others: Option<NodeId>,
    /// What an array holds; untyped where nothing is said.
    pub items: Option<NodeId>,
    /// So many items leave the gateway; those beyond are checked, and their ids are not found.
    pub at_most: Option<u32>,
    /// A string or number here is an id of that kind.
    pub capture: Option<Capture>,
    pub export: Option<Export>,
    /// What is added at the end of an object, in this order.
    pub joins: Vec<JoinPlace>,
}

impl Node {
    /// A value of these types of which all leaves the gateway.
    #[must_use]
    pub const fn of(types: Types) -> Self {
        Self {
            types,
            fields: Vec::new(),
            keep_others: true,
            others: None,
            items: None,
            at_most: None,
            capture: None,
            export: None,
            joins: Vec::new(),
        }
    }

    pub(super) fn field(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| *field.name == *name)
    }
}

/// Whatever no contract speaks of.
pub(super) static UNTYPED: Compiled =
    Compiled { node: Node::of(Types::ANY), required: 0, fills_in: false, names: Vec::new() };

/// A node, and what is worked out of it once.
#[derive(Debug, Clone)]
pub(super) struct Compiled {
    pub(super) node: Node,
    /// How many of its fields are required.
    pub(super) required: usize,
    /// Whether something may stand for an absent field.
    pub(super) fills_in: bool,
    /// The name of each field as most write it, with quotes and colon: `"id":`. Empty where it is written in another way,
    /// with escapes.
    names: Vec<Box<[u8]>>,
}

impl Compiled {
    fn new(node: Node) -> Self {
        let written = |field: &Field| {
            let name = field.name.as_bytes();
            if is_plain(name) { [b"\"", name, b"\":"].concat().into() } else { Box::default() }
        };
        Self {
            required: node.fields.iter().filter(|field| field.required).count(),
            fills_in: node.fields.iter().any(|field| field.absent.is_some()),
            names: node.fields.iter().map(written).collect(),
            node,
        }
    }

    /// The length of the name of the field `next`, with quotes and colon, where `bytes` begin with that very name.
    #[inline]
    pub(super) fn expected(&self, next: usize, bytes: &[u8]) -> Option<usize> {
        let name = self.names.get(next)?;
        (!name.is_empty() && bytes.starts_with(name)).then_some(name.len())
    }
}

/// A compiled shape.
#[derive(Debug, Clone)]
pub struct Plan {
    nodes: Box<[Compiled]>,
    root: NodeId,
    /// Whether the whole answer leaves the gateway, or its exports alone.
    pub(super) whole: bool,
    /// Whether there are ids to be found in it.
    finds: bool,
    /// Whether it leaves in more than a few pieces.
    parts: bool,
}

impl Plan {
    /// Of an answer that may be anything.
    #[must_use]
    pub fn untyped() -> Self {
        let mut builder = PlanBuilder::default();
        let root = builder.add(Node::of(Types::ANY));
        builder.finish(root, true)
    }

    /// Whether it has a place for a join.
    #[must_use]
    pub fn has_joins(&self) -> bool {
        self.nodes.iter().any(|compiled| !compiled.node.joins.is_empty())
    }

    /// Room for so many pieces and ids spares an answer of so many bytes most of the growing.
    pub(super) fn room(&self, bytes: usize) -> (usize, usize) {
        let about = |per: usize| (bytes / per).clamp(4, 512);
        (if self.parts { about(80) } else { 4 }, if self.finds { about(240) } else { 0 })
    }

    pub(super) fn root(&self) -> NodeId {
        self.root
    }

    pub(super) fn node(&self, id: NodeId) -> &Compiled {
        // Ids come from the builder of the same plan alone, which hands out none beyond its nodes.
        &self.nodes[id.0 as usize]
    }
}

/// Makes a [`Plan`].
#[derive(Debug, Default)]
pub struct PlanBuilder(Vec<Node>);

impl PlanBuilder {
    /// Another node.
    pub fn add(&mut self, node: Node) -> NodeId {
        let id = NodeId(u32::try_from(self.0.len()).unwrap_or(u32::MAX));
        self.0.push(node);
        id
    }

    /// A node that was added, to be changed: how a shape comes to refer to itself.
    pub fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.0[id.0 as usize]
    }

    /// The plan that begins at `root`. Where not the `whole` answer leaves the gateway, its exports do.
    #[must_use]
    pub fn finish(self, root: NodeId, whole: bool) -> Plan {
        let finds = self.0.iter().any(|node| node.capture.is_some());
        let parts = self.0.iter().any(|node| node.export.is_some() || !node.joins.is_empty());
        Plan { nodes: self.0.into_iter().map(Compiled::new).collect(), root, whole, finds, parts }
    }
}
