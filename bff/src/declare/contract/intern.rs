//! Gives each schema of a document its number: references are followed, and a schema has one number however often it is
//! referred to.

use std::collections::{BTreeSet, HashMap};

use super::{
    mistake::Mistake,
    schema::{SchemaId, Source},
    tree::{Tree, percent_decoded},
};

/// How many references may lead from a schema to its content.
const MAX_REFERENCES: usize = 64;
/// Mistakes that are told of one contract.
const MAX_MISTAKES: usize = 100;

/// What is looked at: where it stands, and itself.
#[derive(Clone, Copy)]
pub(super) struct Site<'p, 't> {
    pub(super) pointer: &'p str,
    pub(super) tree: &'t Tree,
}

/// What was asked for, in order.
pub(super) struct Interner<'t> {
    pub(super) root: &'t Tree,
    by_source: HashMap<Source, SchemaId>,
    pub(super) sources: Vec<Source>,
    pub(super) mistakes: Vec<Mistake>,
    /// How many schemas and fields were made so far.
    pub(super) work: usize,
}

impl<'t> Interner<'t> {
    pub(super) fn new(root: &'t Tree) -> Self {
        Self { root, by_source: HashMap::new(), sources: Vec::new(), mistakes: Vec::new(), work: 0 }
    }

    pub(super) fn mistake(&mut self, site: Site<'_, '_>, what: impl Into<String>) {
        if self.mistakes.len() < MAX_MISTAKES {
            self.mistakes.push(Mistake::at(site.tree.line, site.pointer, what));
        }
    }

    /// The schema that stands somewhere, or that it refers to.
    pub(super) fn intern(&mut self, pointer: String, tree: &'t Tree) -> SchemaId {
        let is_reference = tree.as_object().is_some_and(|fields| fields.len() == 1);
        let target = if is_reference { self.follow(pointer, tree) } else { Some((pointer, tree)) };
        match target {
            Some((pointer, _)) => self.add(Source::At(pointer)),
            None => self.untyped(),
        }
    }

    /// What may be anything.
    pub(super) fn untyped(&mut self) -> SchemaId {
        self.add(Source::All(BTreeSet::new()))
    }

    fn add(&mut self, source: Source) -> SchemaId {
        if let Some(id) = self.by_source.get(&source) {
            return *id;
        }
        self.work += 1;
        let id = SchemaId(u32::try_from(self.sources.len()).unwrap_or(u32::MAX));
        self.by_source.insert(source.clone(), id);
        self.sources.push(source);
        id
    }

    /// Follows `$ref`s to something else, wherever one stands. Nothing where one leads nowhere, which is told.
    pub(super) fn follow(&mut self, pointer: String, tree: &'t Tree) -> Option<(String, &'t Tree)> {
        let (mut here, mut at) = (tree, pointer.clone());
        for _ in 0..MAX_REFERENCES {
            let Some(reference) = here.get("$ref") else { return Some((at, here)) };
            let site = Site { pointer: &at, tree: here };
            (at, here) = self.target(site, reference)?;
            if here.as_object().is_some_and(|fields| fields.len() > 1) {
                return Some((at, here));
            }
        }
        self.mistake(Site { pointer: &pointer, tree }, "`$ref`s lead in a circle, without any content");
        None
    }

    /// What one `$ref` names.
    fn target(&mut self, site: Site<'_, 't>, reference: &'t Tree) -> Option<(String, &'t Tree)> {
        let Some(text) = reference.as_text() else {
            self.mistake(site, "`$ref` is no text");
            return None;
        };
        let short: String = text.chars().take(200).collect();
        let local = text.strip_prefix('#').filter(|local| local.is_empty() || local.starts_with('/'));
        let Some(pointer) = local.map(percent_decoded) else {
            self.mistake(site, format!("`$ref: {short}` leaves the document: only `#/…` is read"));
            return None;
        };
        let target = self.root.at(&pointer);
        if target.is_none() {
            self.mistake(site, format!("`$ref: {short}` leads nowhere"));
        }
        target.map(|tree| (pointer, tree))
    }

    /// All of these at once.
    pub(super) fn all(&mut self, ids: impl IntoIterator<Item = SchemaId>) -> SchemaId {
        let mut set = BTreeSet::new();
        for id in ids {
            match &self.sources[id.0 as usize] {
                Source::All(members) => set.extend(members),
                _ => {
                    set.insert(id);
                }
            }
        }
        self.only(set, Source::All)
    }

    /// Any of these.
    pub(super) fn any(&mut self, ids: impl IntoIterator<Item = SchemaId>) -> SchemaId {
        let mut set = BTreeSet::new();
        for id in ids {
            match &self.sources[id.0 as usize] {
                Source::Any(members) => set.extend(members),
                _ => {
                    set.insert(id);
                }
            }
        }
        self.only(set, Source::Any)
    }

    fn only(&mut self, set: BTreeSet<SchemaId>, many: fn(BTreeSet<SchemaId>) -> Source) -> SchemaId {
        match (set.first(), set.len()) {
            (Some(one), 1) => *one,
            _ => self.add(many(set)),
        }
    }
}
