//! Schemas as the compiler sees them: what an answer may be, united over `allOf`, `anyOf` and `oneOf`, in a table whose
//! entries refer to each other by number, so that a schema may refer to itself.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use serde_json::Value;

use super::path::{PathMistake, Segment};
use crate::compose::scan::Types;

/// A schema of a [`Schemas`] table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SchemaId(pub(super) u32);

/// Where a schema comes from, for what has to say it in its own words again.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Source {
    /// A JSON pointer into the contract.
    At(String),
    /// All of these at once: a field that several members of an `allOf` describe.
    All(BTreeSet<SchemaId>),
    /// Any of these: a field that several members of an `anyOf` or `oneOf` describe.
    Any(BTreeSet<SchemaId>),
}

/// What becomes of fields that an object's schema does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Others {
    /// The contract says nothing: they are not part of the answer, and refused in a body.
    #[default]
    Unsaid,
    /// `additionalProperties: false`.
    Refused,
    /// `additionalProperties: true`.
    Any,
    /// `additionalProperties` with a schema.
    Of(SchemaId),
}

/// A rule of a string, with the code of the mistake (`x-checks`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub pattern: String,
    pub code: String,
    /// What callers are told; the contract need not say it.
    pub message: Option<String>,
}

/// What is known of one schema.
#[derive(Debug, Clone)]
pub struct Schema {
    /// Of `type`, `const` and `enum`; [`Types::ANY`] where nothing is said.
    pub types: Types,
    /// In the contract's order.
    pub properties: IndexMap<String, SchemaId>,
    /// May name more than `properties` does.
    pub required: BTreeSet<String>,
    pub others: Others,
    /// Of an array; untyped where nothing is said.
    pub items: Option<SchemaId>,
    pub default: Option<Value>,
    pub title: Option<String>,
    pub description: Option<String>,
    pub format: Option<String>,
    /// In answers alone: refused in a body, and not required there.
    pub read_only: bool,
    /// In bodies alone: never part of an answer.
    pub write_only: bool,
    pub checks: Vec<Check>,
    /// Of the contract's file, counted from 1.
    pub line: u32,
    pub(super) source: Source,
}

impl Schema {
    pub(super) fn any(source: Source, line: u32) -> Self {
        Self {
            types: Types::ANY,
            properties: IndexMap::new(),
            required: BTreeSet::new(),
            others: Others::Unsaid,
            items: None,
            default: None,
            title: None,
            description: None,
            format: None,
            read_only: false,
            write_only: false,
            checks: Vec::new(),
            line,
            source,
        }
    }

    /// Whether fields without a name here are part of an object: where the contract says so, or names no field at all (a
    /// free-form object).
    #[must_use]
    pub fn is_open(&self) -> bool {
        match self.others {
            Others::Any | Others::Of(_) => true,
            Others::Refused => false,
            Others::Unsaid => self.properties.is_empty(),
        }
    }

    /// Whether the contract says that null may stand here. Of what it says nothing of, it does not.
    #[must_use]
    pub fn is_nullable(&self) -> bool {
        self.types.allow(Types::NULL) && self.types != Types::ANY
    }

    /// Whether an id may stand here: a string or an integer.
    #[must_use]
    pub fn can_be_id(&self) -> bool {
        self.types.allow(Types::STRING) || self.types.allow(Types::INTEGER)
    }
}

/// All schemas of a contract.
#[derive(Debug, Default)]
pub struct Schemas(pub(super) Vec<Schema>);

impl Schemas {
    /// One of them.
    ///
    /// # Panics
    /// When the id is another contract's.
    #[must_use]
    pub fn get(&self, id: SchemaId) -> &Schema {
        &self.0[id.0 as usize]
    }

    /// What stands at a path; nothing where the contract leaves open what is there.
    ///
    /// # Errors
    /// The step that leads nowhere, and which fields there are instead.
    pub fn at(&self, root: Option<SchemaId>, path: &[Segment]) -> Result<Option<SchemaId>, PathMistake> {
        let mut here = root;
        for (place, segment) in path.iter().enumerate() {
            let Some(schema) = here.map(|id| self.get(id)) else { return Ok(None) };
            let wrong = |mistake: fn(String, Vec<String>) -> PathMistake| {
                let names = schema.properties.keys().cloned().collect();
                mistake(super::path::shown(&path[..=place]), names)
            };
            here = match segment {
                Segment::Items if schema.types.allow(Types::ARRAY) => schema.items,
                Segment::Items => {
                    return Err(wrong(|at, _| PathMistake::NoList { at }));
                }
                Segment::Field(_) if !schema.types.allow(Types::OBJECT) => {
                    let is_list = schema.types.allow(Types::ARRAY);
                    return Err(if is_list {
                        wrong(|at, _| PathMistake::List { at })
                    } else {
                        wrong(|at, _| PathMistake::NoObject { at })
                    });
                }
                Segment::Field(name) => match (schema.properties.get(name), schema.others) {
                    (Some(id), _) => Some(*id),
                    (None, Others::Of(id)) => Some(id),
                    (None, _) if schema.is_open() => None,
                    (None, _) => return Err(wrong(|at, names| PathMistake::NoField { at, names })),
                },
            };
        }
        Ok(here)
    }

    /// The names of the fields that an object may have by its contract.
    pub fn names(&self, id: SchemaId) -> impl Iterator<Item = &str> {
        self.get(id).properties.keys().map(String::as_str)
    }
}
