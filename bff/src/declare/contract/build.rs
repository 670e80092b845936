//! Makes the table of schemas: members of `allOf`, `anyOf` and `oneOf` are united.

use super::{
    intern::{Interner, Site},
    keywords::{self, Own},
    merge,
    mistake::Mistake,
    schema::{Schema, SchemaId, Schemas, Source},
    tree::Json,
};
use crate::compose::scan::Types;

/// How many members may lead from a schema to its content.
const MAX_NESTING: usize = 64;
/// How many schemas and fields of schemas are made of one contract, with all that is united written out.
const MAX_WORK: usize = 2_000_000;
const TOO_LARGE: &str = "is too large with all that its schemas unite written out";

enum State {
    Waiting,
    /// Its members are being looked at: whatever needs it now refers to itself.
    Open,
    Done(Box<Schema>),
}

struct Builder<'t> {
    interner: Interner<'t>,
    /// By number; those that were asked for since are waiting.
    states: Vec<State>,
}

/// All schemas that were asked for and all that they refer to, and what is wrong with the document.
pub(super) fn all(interner: Interner<'_>) -> (Schemas, Vec<Mistake>) {
    let (mut builder, mut next) = (Builder { interner, states: Vec::new() }, 0);
    // Looking at one may ask for others.
    while (next as usize) < builder.interner.sources.len() {
        builder.ensure(SchemaId(next), 0);
        next += 1;
    }
    let Builder { interner, states } = builder;
    let schema = |(source, state)| match state {
        State::Done(schema) => *schema,
        State::Waiting | State::Open => Schema::any(source, 0),
    };
    (Schemas(interner.sources.into_iter().zip(states).map(schema).collect()), interner.mistakes)
}

impl Builder<'_> {
    fn state(&mut self, id: SchemaId) -> &mut State {
        let place = id.0 as usize;
        if self.states.len() <= place {
            self.states.resize_with(place + 1, || State::Waiting);
        }
        &mut self.states[place]
    }

    /// Works a schema out, unless it is.
    fn ensure(&mut self, id: SchemaId, depth: usize) {
        let source = self.interner.sources[id.0 as usize].clone();
        match self.state(id) {
            State::Done(_) => return,
            State::Open => return self.told_of(&source, "refers to itself, without any content"),
            State::Waiting if depth > MAX_NESTING => return self.told_of(&source, "is nested too deeply"),
            State::Waiting => {}
        }
        if self.interner.work > MAX_WORK {
            let mistakes = &mut self.interner.mistakes;
            if mistakes.iter().all(|mistake| mistake.what != TOO_LARGE) {
                mistakes.push(Mistake::at(1, "", TOO_LARGE));
            }
            return;
        }
        *self.state(id) = State::Open;
        let schema = match &source {
            Source::At(pointer) => self.work_out(pointer, depth),
            Source::All(ids) => ids.iter().fold(Schema::any(source.clone(), 0), |all, id| {
                let one = self.member(*id, depth);
                merge::and(&mut self.interner, all, &one)
            }),
            Source::Any(ids) => {
                let members: Vec<Schema> = ids.iter().map(|id| self.member(*id, depth)).collect();
                merge::or(&mut self.interner, &members).unwrap_or_else(|| Schema::any(source.clone(), 0))
            }
        };
        self.interner.work += schema.properties.len() + schema.required.len();
        *self.state(id) = State::Done(Box::new(Schema { source, ..schema }));
    }

    fn told_of(&mut self, source: &Source, what: &str) {
        let pointer = if let Source::At(pointer) = source { pointer.as_str() } else { "" };
        let root = self.interner.root;
        let tree = root.at(pointer).unwrap_or(root);
        self.interner.mistake(Site { pointer, tree }, what);
    }

    /// A copy of a schema that another one is made of.
    fn member(&mut self, id: SchemaId, depth: usize) -> Schema {
        self.ensure(id, depth + 1);
        let source = self.interner.sources[id.0 as usize].clone();
        let schema = match self.state(id) {
            State::Done(schema) => (**schema).clone(),
            // Told already.
            State::Open | State::Waiting => Schema::any(source, 0),
        };
        self.interner.work += 1 + schema.properties.len();
        schema
    }

    fn work_out(&mut self, pointer: &str, depth: usize) -> Schema {
        let any = |line| Schema::any(Source::At(pointer.to_owned()), line);
        let Some(tree) = self.interner.root.at(pointer) else { return any(0) };
        let site = Site { pointer, tree };
        let fields = match &tree.value {
            Json::Bool(true) => return any(tree.line),
            Json::Bool(false) => {
                return Schema { types: Types::default(), ..any(tree.line) };
            }
            Json::Object(fields) => fields,
            _ => {
                self.interner.mistake(site, "is no schema");
                return any(tree.line);
            }
        };
        let Own { mut schema, all, unions } = keywords::read(&mut self.interner, site, fields);
        for id in all {
            let member = self.member(id, depth);
            schema = merge::and(&mut self.interner, schema, &member);
        }
        for ids in unions {
            let members: Vec<Schema> = ids.into_iter().map(|id| self.member(id, depth)).collect();
            if let Some(union) = merge::or(&mut self.interner, &members) {
                schema = merge::and(&mut self.interner, schema, &union);
            }
        }
        schema
    }
}
