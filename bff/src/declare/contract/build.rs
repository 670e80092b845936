//! Makes the table of schemas out of a document: references are followed, members of `allOf`, `anyOf` and `oneOf` are
//! united, and what a schema refers to becomes an entry of its own once, however often it is referred to.

use std::collections::{BTreeSet, HashMap};

use super::{
    Mistake,
    keywords::{self, Own},
    merge,
    schema::{Schema, SchemaId, Schemas, Source},
    tree::{Json, Tree, percent_decoded},
};

/// How many references and members may lead from a schema to its content.
const MAX_NESTING: usize = 64;
/// How many schemas and fields of schemas are made of one contract, with all that is united written out.
const MAX_WORK: usize = 2_000_000;
/// Mistakes that are told of one contract.
pub(super) const MAX_MISTAKES: usize = 100;

enum State {
    Waiting,
    /// Its members are being looked at: whoever needs it now refers to itself.
    Open,
    Done(Box<Schema>),
}

struct Slot {
    source: Source,
    state: State,
}

/// What is looked at: where it stands, and itself.
#[derive(Clone, Copy)]
pub(super) struct Site<'p, 't> {
    pub(super) pointer: &'p str,
    pub(super) tree: &'t Tree,
}

pub(super) struct Builder<'t> {
    root: &'t Tree,
    by_source: HashMap<Source, SchemaId>,
    slots: Vec<Slot>,
    pub(super) mistakes: Vec<Mistake>,
    work: usize,
}

impl<'t> Builder<'t> {
    pub(super) fn new(root: &'t Tree) -> Self {
        Self { root, by_source: HashMap::new(), slots: Vec::new(), mistakes: Vec::new(), work: 0 }
    }

    /// All schemas that were asked for, and all that they refer to.
    pub(super) fn finish(mut self) -> (Schemas, Vec<Mistake>) {
        let mut next = 0;
        // Looking at one may add others.
        while next < self.slots.len() {
            self.ensure(SchemaId(next as u32), 0);
            next += 1;
        }
        let schema = |slot: Slot| match slot.state {
            State::Done(schema) => *schema,
            State::Waiting | State::Open => Schema::any(slot.source, 0),
        };
        (Schemas(self.slots.into_iter().map(schema).collect()), self.mistakes)
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
        let id = SchemaId(u32::try_from(self.slots.len()).unwrap_or(u32::MAX));
        self.by_source.insert(source.clone(), id);
        self.slots.push(Slot { source, state: State::Waiting });
        id
    }

    /// Follows `$ref`s to something else, wherever one stands. Nothing where one leads nowhere, which is told.
    pub(super) fn follow(&mut self, pointer: String, tree: &'t Tree) -> Option<(String, &'t Tree)> {
        let (mut here, mut at) = (tree, pointer.clone());
        for _ in 0..MAX_NESTING {
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
            match &self.slots[id.0 as usize].source {
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
            match &self.slots[id.0 as usize].source {
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

    /// Works a schema out, unless it is.
    fn ensure(&mut self, id: SchemaId, depth: usize) {
        let slot = &self.slots[id.0 as usize];
        let source = slot.source.clone();
        match slot.state {
            State::Done(_) => return,
            State::Open => return self.told_of(&source, "refers to itself, without any content"),
            State::Waiting if depth > MAX_NESTING => return self.told_of(&source, "is nested too deeply"),
            State::Waiting => {}
        }
        if self.work > MAX_WORK {
            if self.mistakes.iter().all(|mistake| mistake.what != TOO_LARGE) {
                self.mistakes.push(Mistake::at(1, "", TOO_LARGE));
            }
            return;
        }
        self.slots[id.0 as usize].state = State::Open;
        let schema = match &source {
            Source::At(pointer) => self.work_out(pointer, depth),
            Source::All(ids) => ids.iter().fold(Schema::any(source.clone(), 0), |all, id| {
                let one = self.member(*id, depth);
                merge::and(self, all, &one)
            }),
            Source::Any(ids) => {
                let members: Vec<Schema> = ids.iter().map(|id| self.member(*id, depth)).collect();
                merge::or(self, &members).unwrap_or_else(|| Schema::any(source.clone(), 0))
            }
        };
        self.work += schema.properties.len() + schema.required.len();
        self.slots[id.0 as usize].state = State::Done(Box::new(Schema { source, ..schema }));
    }

    fn told_of(&mut self, source: &Source, what: &str) {
        let pointer = if let Source::At(pointer) = source { pointer.as_str() } else { "" };
        let tree = self.root.at(pointer).unwrap_or(self.root);
        self.mistake(Site { pointer, tree }, what);
    }

    /// A copy of a schema that another one is made of.
    fn member(&mut self, id: SchemaId, depth: usize) -> Schema {
        self.ensure(id, depth + 1);
        let slot = &self.slots[id.0 as usize];
        let schema = match &slot.state {
            State::Done(schema) => (**schema).clone(),
            // Told already.
            State::Open | State::Waiting => Schema::any(slot.source.clone(), 0),
        };
        self.work += 1 + schema.properties.len();
        schema
    }

    fn work_out(&mut self, pointer: &str, depth: usize) -> Schema {
        let any = |line| Schema::any(Source::At(pointer.to_owned()), line);
        let Some(tree) = self.root.at(pointer) else { return any(0) };
        let site = Site { pointer, tree };
        let fields = match &tree.value {
            Json::Bool(true) => return any(tree.line),
            Json::Bool(false) => {
                return Schema { types: crate::compose::scan::Types::default(), ..any(tree.line) };
            }
            Json::Object(fields) => fields,
            _ => {
                self.mistake(site, "is no schema");
                return any(tree.line);
            }
        };
        let Own { mut schema, all, unions } = keywords::read(self, site, fields);
        for id in all {
            let member = self.member(id, depth);
            schema = merge::and(self, schema, &member);
        }
        for ids in unions {
            let members: Vec<Schema> = ids.into_iter().map(|id| self.member(id, depth)).collect();
            if let Some(union) = merge::or(self, &members) {
                schema = merge::and(self, schema, &union);
            }
        }
        schema
    }
}

const TOO_LARGE: &str = "is too large with all that its schemas unite written out";
