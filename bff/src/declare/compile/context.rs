//! What all declarations are compiled against: upstreams and their contracts, kinds of tags and topics, tables that are
//! remembered.

use std::cell::RefCell;

use super::super::{
    contract::{Contract, SchemaId, Schemas, ShapePath},
    mistake::{At, Report, Spot, alternatives, did_you_mean, quoted},
    read::Tree,
    text::{CallText, TagText},
};
use crate::compose::plan::{MemoryId, UpstreamId};

/// Shared by everything that is compiled.
pub(super) struct Context<'t> {
    pub(super) tree: &'t Tree,
    /// Of each upstream, by its place.
    pub(super) contracts: &'t [Option<Contract>],
    pub(super) report: &'t Report,
    /// The tables that something is remembered in.
    pub(super) memories: RefCell<Vec<String>>,
}

/// The schemas of an answer that no contract speaks of.
static NO_SCHEMAS: std::sync::LazyLock<Schemas> = std::sync::LazyLock::new(Schemas::default);

impl<'t> Context<'t> {
    pub(super) fn mistake(&self, spot: &Spot, what: impl std::fmt::Display) {
        self.report.add(spot, what);
    }

    /// The upstream that a call names, and its contract.
    pub(super) fn upstream(&self, call: &At<CallText>) -> Option<(UpstreamId, Option<&'t Contract>)> {
        let upstreams = &self.tree.gateway.upstreams;
        let found = upstreams.iter().position(|upstream| *upstream.name == call.upstream);
        let Some(place) = found else {
            let near = did_you_mean(&call.upstream, upstreams.iter().map(|upstream| upstream.name.as_str()));
            self.mistake(&call.spot, format_args!("there is no upstream {}{near}", quoted(&call.upstream)));
            return None;
        };
        let contract = self.contracts.get(place).and_then(Option::as_ref);
        Some((UpstreamId(u16::try_from(place).unwrap_or(u16::MAX)), contract))
    }

    /// Checks that a kind of tags is declared.
    pub(super) fn check_kind(&self, kind: &str, spot: &Spot) {
        let kinds = &self.tree.gateway.tags;
        if kinds.iter().all(|known| **known != kind) {
            let known = alternatives(kinds.iter().map(|kind| kind.as_str()));
            self.mistake(
                spot,
                format_args!("there are no tags of the kind {}; `tags.kinds` names {known}", quoted(kind)),
            );
        }
    }

    /// Checks that a kind of topics is declared.
    pub(super) fn check_topic(&self, kind: &str, spot: &Spot) {
        let gateway = &self.tree.gateway;
        let mut kinds = gateway.open_topics.iter().chain(&gateway.own_topics);
        if !kinds.any(|known| **known == kind) {
            self.mistake(
                spot,
                format_args!("there are no topics of the kind {}; `topics` names none", quoted(kind)),
            );
        }
    }

    /// Checks a tag; a bare kind may stand only where one user's documents are meant.
    pub(super) fn check_tag(&self, tag: &At<TagText>, bare: bool) {
        self.check_kind(&tag.kind, &tag.spot);
        if tag.id.is_none() && !bare {
            self.mistake(&tag.spot, "a bare kind would drop documents of all users: write `KIND:{value}`");
        }
    }

    /// The place of a table that something is remembered in.
    pub(super) fn memory(&self, table: &str) -> MemoryId {
        let mut memories = self.memories.borrow_mut();
        let place = memories.iter().position(|known| known == table).unwrap_or_else(|| {
            memories.push(table.to_owned());
            memories.len() - 1
        });
        MemoryId(u16::try_from(place).unwrap_or(u16::MAX))
    }
}

/// What is known of an answer, or of what a look-up found.
#[derive(Clone, Copy)]
pub(super) struct Shape<'t> {
    pub(super) contract: Option<&'t Contract>,
    /// `None`: it may be anything.
    pub(super) root: Option<SchemaId>,
}

impl<'t> Shape<'t> {
    pub(super) const UNTYPED: Self = Self { contract: None, root: None };

    pub(super) fn schemas(self) -> &'t Schemas {
        self.contract.map_or(&NO_SCHEMAS, Contract::schemas)
    }

    /// What stands at a path in it.
    pub(super) fn at(self, path: &ShapePath) -> Result<Self, super::super::contract::PathMistake> {
        let root = self.schemas().at(self.root, &path.0)?;
        Ok(Self { root, ..self })
    }

    /// Whether it is a list by its contract, and nothing else.
    pub(super) fn is_list(self) -> bool {
        use crate::compose::scan::Types;
        let types = self.root.map_or(Types::ANY, |root| self.schemas().get(root).types);
        types.allow(Types::ARRAY) && !types.allow(Types::OBJECT)
    }

    /// Whether an id may stand here.
    pub(super) fn can_be_id(self) -> bool {
        self.root.is_none_or(|root| self.schemas().get(root).can_be_id())
    }

    /// Whether its contract names a field of it.
    pub(super) fn names(self, field: &str) -> bool {
        self.root.is_some_and(|root| self.schemas().get(root).properties.contains_key(field))
    }
}
